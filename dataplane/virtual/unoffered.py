"""Requests in versions that are not offered, from clients that take no notice of what is (ADR 23).

Some never ask, or ask and send what they were configured for: sarama with a pinned version, and
what is built on it.
"""

from contract.records import Face
from dataplane.virtual.apis import Api
from dataplane.virtual.refusals import unknown_topics
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.primitives import Buffer


def unoffered_answer(api: Api, version: int, frame: Buffer, face: Face | None) -> bytes | None:
    """The answer to a request of an API that is rewritten; None if it goes on as it is.

    It goes on if every cluster has the version: a client that got along with it on one would lose
    its connection on another.

    Raises:
        MalformedFrameError: there is no answer to give; the connection ends, as a broker would end
            it.
    """
    if api.serves(version):
        if api.is_everywhere(version, face):
            return None
        raise MalformedFrameError(f"{api.name} version {version} is not there on every cluster")
    if version in api.by_id and (answer := unknown_topics(frame)) is not None:
        return answer
    raise MalformedFrameError(f"{api.name} version {version} is not offered")
