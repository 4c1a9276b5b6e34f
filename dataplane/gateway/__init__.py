"""The sockets of a node: clients on one side, brokers on the other.

The way of a Produce frame: `client_connection` accepts the client, cuts its bytes into frames
(`frames`) and queues each as a request; while the scope is open (`scope`), the `relay` has the
request's program rewrite it and sends it over `upstream_connection`; the answer comes back
the same way, is rewritten and leaves in the order in which the client asked.
"""
