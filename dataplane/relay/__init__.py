"""What decides between one client and its broker. Pure: time, sockets and tasks are elsewhere.

`exchange` has the client's requests in their order, `upstream_state` the table of what becomes of
the broker connection, `machine` puts both together: what happens goes in, orders come out, and
`dataplane/gateway/relay.py` carries them out.
"""
