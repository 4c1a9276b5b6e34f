"""What a client changed about the topics of its virtual cluster, for the control plane."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from kio.schema.errors import ErrorCode

from contract.records import TopicMapping
from contract.session import TopicCreated, TopicDeleted
from dataplane.virtual.messages import decode_request, decode_response
from dataplane.wire.primitives import Buffer

CREATE_TOPICS: Final = 19
DELETE_TOPICS: Final = 20
CREATE_PARTITIONS: Final = 37

TopicFact: TypeAlias = TopicCreated | TopicDeleted

Known: TypeAlias = Callable[[str], TopicMapping | None]
"""The mapping of a logical topic, as far as the control plane has one."""

_ANSWER_HAS_PARTITIONS_SINCE: Final = 5


def topic_facts(vcluster: str, request: Buffer, response: Buffer, known: Known) -> list[TopicFact]:
    """Facts from a request as the client sent it and the answer as the client gets it.

    Topics that failed give none, and neither do requests that only validate. A topic that grew is
    told like a new one, with the rest as it was known.

    Raises:
        MalformedFrameError: a frame cannot be read.
    """
    header, asked = decode_request(request)
    reader = _READERS.get(header.api_key)
    if reader is None or getattr(asked, "validate_only", False):
        return []
    answered = decode_response(header.api_key, header.version, response)
    return list(reader(vcluster, asked, answered, known))


def asked_topics(request: Buffer) -> set[str]:
    """The topics that a request asks to create or to grow. Raises MalformedFrameError."""
    header, asked = decode_request(request)
    if header.api_key not in {CREATE_TOPICS, CREATE_PARTITIONS}:
        return set()
    return {topic.name for topic in asked.topics}


def _created(vcluster: str, asked: Any, answered: Any, _known: Known) -> Iterator[TopicFact]:
    topics = {topic.name: topic for topic in asked.topics}
    for answer in answered.topics:
        topic = topics.get(answer.name)
        if answer.error_code is not ErrorCode.none or topic is None:
            continue
        # With -1 the cluster decides, and says so from version 5 on.
        counts = answer if answered.__version__ >= _ANSWER_HAS_PARTITIONS_SINCE else topic
        assigned = topic.assignments
        partitions = len(assigned) or topic.num_partitions
        replicas = len(assigned[0].broker_ids) if assigned else topic.replication_factor
        yield TopicCreated(
            vcluster=vcluster,
            logical=topic.name,
            partitions=partitions if partitions > 0 else counts.num_partitions,
            replication_factor=replicas if replicas > 0 else counts.replication_factor,
            configs={config.name: config.value or "" for config in topic.configs},
        )


def _deleted(vcluster: str, _asked: Any, answered: Any, _known: Known) -> Iterator[TopicFact]:
    for answer in answered.responses:
        if answer.error_code is ErrorCode.none:
            yield TopicDeleted(vcluster=vcluster, logical=answer.name)


def _grown(vcluster: str, asked: Any, answered: Any, known: Known) -> Iterator[TopicFact]:
    counts = {topic.name: topic.count for topic in asked.topics}
    for answer in answered.results:
        before = known(answer.name)
        if answer.error_code is ErrorCode.none and before is not None and answer.name in counts:
            yield TopicCreated(
                vcluster=vcluster,
                logical=answer.name,
                partitions=counts[answer.name],
                replication_factor=before.replication_factor,
                configs=before.configs,
            )


_READERS: Final = {CREATE_TOPICS: _created, DELETE_TOPICS: _deleted, CREATE_PARTITIONS: _grown}
CHANGE_TOPICS: Final = frozenset(_READERS)
"""API keys of the requests that can have facts."""
