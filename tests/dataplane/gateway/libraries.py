"""The client libraries that tests of the gateway run: those that need no more than the tests do.

With INTERLOCK_ALL_CLIENTS, as `make clients` sets it, all of the matrix.
"""

import os

from clients.catalogue import CLIENTS

_TELLING = ("java-2.8", "java-4.3", "confluent-kafka", "aiokafka")

LIBRARIES = [c for c in CLIENTS if c.name in _TELLING or "INTERLOCK_ALL_CLIENTS" in os.environ]
