"""The sockets of a node: clients on one side, brokers on the other.

The way of a Produce frame: `listener` accepts the client; `client_connection` cuts its bytes into
frames (`frames`) and queues each as a request (`exchange`); while the scope is open (`scope`), the
request's program rewrites it and `upstream_connection` sends it; the answer comes back the same
way, is rewritten and leaves in the order in which the client asked.
"""
