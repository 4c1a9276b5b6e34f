"""Whether a request may be made by who makes it: rights and rules, on decoded requests.

Only rare requests come here (`Rights.judged`), and all requests of accounts that may not make them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from dataplane.virtual.census import Census
from dataplane.virtual.division import Ruling, divided, refused
from dataplane.virtual.effects import (
    ADD_PARTITIONS_TO_TXN,
    ALTER_CONFIGS,
    CLUSTER_AUTHORIZATION_FAILED,
    CREATE_PARTITIONS,
    CREATE_TOPICS,
    DELETE_RECORDS,
    DELETE_TOPICS,
    GROUP_AUTHORIZATION_FAILED,
    INCREMENTAL_ALTER_CONFIGS,
    INIT_PRODUCER_ID,
    METADATA,
    PRODUCE,
    TOPIC_AUTHORIZATION_FAILED,
    WRITES,
)
from dataplane.virtual.messages import DecodedRequest, decode_request
from dataplane.virtual.quiet_metadata import quiet
from dataplane.virtual.refusals import Refusal
from dataplane.virtual.rights import Rights
from dataplane.virtual.topic_rules import (
    adjusted_configs,
    altered_configs,
    grown_topic,
    new_topic,
    not_owned,
)
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.primitives import Buffer

_TOPIC: Final = 2
"""The type of a config resource that is a topic."""

_OPERATION_NOT_ATTEMPTED: Final = 55

MOST_MADE: Final = 5_000
"""Topics in one CreateTopics: a controller of Kafka's makes no more either, as it writes at most
10,000 records for one request (`QuorumController.MAX_RECORDS_PER_USER_OP`)."""


_GROUP: Final = 32

Judge: TypeAlias = Callable[[Buffer, DecodedRequest, Rights, Census], Ruling | None]


def judge(frame: Buffer, rights: Rights, census: Census) -> Ruling | None:
    """What becomes of a request of an account; None if it goes on as it is.

    Topics that may be created are expected in the census from then on.

    Raises:
        MalformedFrameError: the frame is no request.
    """
    request = decode_request(frame)
    key = request.header.api_key
    if rights.read_only and key in WRITES:
        return _denied(frame, request, rights)
    found = _JUDGES[key](frame, request, rights, census) if key in _JUDGES else None
    if getattr(request.body, "validate_only", False):
        census.expected.clear()
    return found


def _denied(frame: Buffer, request: DecodedRequest, rights: Rights) -> Ruling | None:
    """Refuse a write of a read-only account, with the error that Kafka has for it."""
    key, body = request
    text = f"account {rights.account} is read-only"
    code = WRITES[key.api_key]
    if key.api_key in {ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS}:
        return divided(frame, request, lambda r: Refusal(_code_for(r.resource_type), text))
    if key.api_key == INIT_PRODUCER_ID and body.transactional_id is None:
        code = CLUSTER_AUTHORIZATION_FAILED
    return refused(frame, code, text)


def _code_for(resource_type: int) -> int:
    codes = {_TOPIC: TOPIC_AUTHORIZATION_FAILED, _GROUP: GROUP_AUTHORIZATION_FAILED}
    return codes.get(resource_type, CLUSTER_AUTHORIZATION_FAILED)


def _created(
    frame: Buffer, request: DecodedRequest, rights: Rights, census: Census
) -> Ruling | None:
    if (count := len(request.body.topics)) > MOST_MADE:
        raise MalformedFrameError(f"too many topics: {count}, and at most {MOST_MADE} in one go")
    return divided(frame, request, lambda topic: new_topic(topic, rights, census))


def _grown(frame: Buffer, request: DecodedRequest, rights: Rights, census: Census) -> Ruling | None:
    return divided(frame, request, lambda topic: grown_topic(topic, rights, census))


def _configured(frame: Buffer, request: DecodedRequest, rights: Rights, _: Census) -> Ruling | None:
    whole = request.header.api_key == ALTER_CONFIGS
    against_rules = altered_configs if whole else adjusted_configs

    def treat(resource: Any) -> Any | Refusal:
        if resource.resource_type != _TOPIC:
            return resource
        if resource.resource_name in rights.aliases:
            return not_owned(resource.resource_name)
        return against_rules(resource, rights.rules)

    return divided(frame, request, treat)


def _deleted(frame: Buffer, request: DecodedRequest, rights: Rights, _: Census) -> Ruling | None:
    def treat(topic: Any) -> Any | Refusal:
        name = getattr(topic, "name", topic)  # from version 6 on with an id beside it
        return not_owned(name) if name in rights.aliases else topic

    return divided(frame, request, treat)


def _emptied(frame: Buffer, request: DecodedRequest, rights: Rights, _: Census) -> Ruling | None:
    def treat(topic: Any) -> Any | Refusal:
        return not_owned(topic.name) if topic.name in rights.aliases else topic

    return divided(frame, request, treat)


def _written(frame: Buffer, request: DecodedRequest, rights: Rights, _: Census) -> Ruling | None:
    def treat(topic: Any) -> Any | Refusal:
        # One that is named by its id is no such alias: it was found out whose it is.
        name = getattr(topic, "name", None)
        if name not in rights.read_only_aliases:
            return topic
        return Refusal(TOPIC_AUTHORIZATION_FAILED, f"topic {name} is an alias for reading only")

    key = request.header.api_key
    if not request.expects_answer:
        # There is no answer that could tell of a part, so all of it ends the connection.
        return (
            Ruling()
            if any(isinstance(treat(t), Refusal) for t in request.body.topic_data)
            else None
        )
    untried = _OPERATION_NOT_ATTEMPTED if key == ADD_PARTITIONS_TO_TXN else None
    return divided(frame, request, treat, untried)


def _described(frame: Buffer, request: DecodedRequest, _rights: Rights, _: Census) -> Ruling | None:
    return quiet(frame, request)


_JUDGES: Final[dict[int, Judge]] = {
    PRODUCE: _written,
    METADATA: _described,
    CREATE_TOPICS: _created,
    DELETE_TOPICS: _deleted,
    DELETE_RECORDS: _emptied,
    ADD_PARTITIONS_TO_TXN: _written,
    ALTER_CONFIGS: _configured,
    CREATE_PARTITIONS: _grown,
    INCREMENTAL_ALTER_CONFIGS: _configured,
}
