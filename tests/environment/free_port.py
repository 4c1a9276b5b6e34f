"""A port for one process of a test, where no `Ports` are reserved for it."""

import contextlib
import os
import socket


def free_port() -> int:
    """A port that nobody listens on, out of the reach of outgoing connections.

    Other processes that look for one at the same moment begin elsewhere.
    """
    for port in range(31000 + os.getpid() % 800, 31900):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")
