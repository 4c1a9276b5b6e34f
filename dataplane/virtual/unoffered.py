"""Requests in versions that are not offered, from clients that take no notice of what is (ADR 23).

Some never ask, or ask and send what they were configured for: sarama with a pinned version, and
what is built on it.
"""

from contract.records import Face
from dataplane.virtual.apis import Api
from dataplane.wire.errors import MalformedFrameError


def check_unoffered(api: Api, version: int, face: Face | None) -> None:
    """See that a request goes on, which it does if every cluster has its version.

    A client that got along with it on one would lose its connection on another.

    Raises:
        MalformedFrameError: it does not; the connection ends, as a broker would end it.
    """
    if not api.serves(version):
        raise MalformedFrameError(f"{api.name} version {version} is not offered")
    if not api.is_everywhere(version, face):
        raise MalformedFrameError(f"{api.name} version {version} is not there on every cluster")
