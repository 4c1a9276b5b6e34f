"""What the control plane reads in log-ins, of nodes, of the control topic and of the mirror.

The control topic can be written by who has its cluster, and a node's report has whatever its
tenants call their groups. Answers of brokers are no target: kio takes memory for as many elements
as a message announces before it reads them, and ends the process where there is not so much
(`docs/security.md`). The gateway checks what it reads before kio does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from contract.cluster_security import Password
from contract.codec import UnknownRecordError, decode, encode
from contract.fold import ControlState
from contract.json_errors import UNREADABLE
from contract.records import Beacon, Record, Routing, VirtualCluster, key_of
from contract.session import (
    NodeReport,
    ScopeReport,
    TopicChange,
    TopicChanges,
    TopicCreated,
    Unrest,
)
from controlplane.copies import copy_of
from controlplane.domain.facts import Facts
from controlplane.domain.topics import note_topics
from controlplane.mirrors.worker_status import failure_in
from controlplane.store.jsonb import from_jsonb, to_jsonb
from controlplane.store.sessions import Session
from controlplane.topic_changes import commands_of
from fuzz.feeding import Target
from upstream.login import Login
from upstream.sasl.mechanism import LoginRefusedError
from upstream.sasl.oauthbearer import OAuthBearerClient
from upstream.sasl.plain import PlainClient
from upstream.sasl.scram import PasswordKeys, ScramClient

_USER: Final = "user"
_MESSAGE: Final = b"r=nonce1,s=YWJj,i=4096"
_CHALLENGE: Final = b"\0\0\xff\xff" + len(_MESSAGE).to_bytes(4) + _MESSAGE + bytes(8)
"""SaslAuthenticate's answer: no error and no text, the server's first message, no end."""


def written_seeds() -> dict[str, list[bytes]]:
    """Inputs to begin with for what is no message of Kafka's, by target."""
    scope = ScopeReport(phase="serving", epoch=1, term=2, in_flight=3, held=4, unrest=Unrest())
    report = NodeReport(incarnation="i", applied_seq=1, digest="d", scopes={"main": scope})
    created = TopicCreated(
        vcluster="teamA", logical="orders", partitions=1, replication_factor=1, configs={"a": "b"}
    )
    states = (
        Beacon(seq=7, digest="d", layout="l"),
        VirtualCluster(name="teamA", scope="main", cluster_id="x"),
        Routing(scope="main", cluster="main", epoch=0, term=0, state="serving"),
    )
    return {
        "control record": [
            encode(Record(log="log", seq=7, key=key_of(state), state=state)) for state in states
        ],
        "node's report": [msgspec.json.encode(report)],
        "topic changes": [
            msgspec.json.encode(TopicChanges(changes=(TopicChange.of(created, 1.5),)))
        ],
        "state of the mirror's worker": [
            b'status-task-MirrorSourceConnector-0\n{"state":"FAILED","trace":"a\\nCaused by: b"}'
        ],
        "log-in by SCRAM-SHA-256": [_sized(b"\0" * 6, _CHALLENGE)],
    }


def _sized(*messages: bytes) -> bytes:
    return b"".join(bytes((len(message),)) + message for message in messages)


def control_targets() -> list[Target]:
    """Log-ins, control records, what nodes send and the mirror notes."""
    return [*_logins(), *_RECORDS]


def _logins() -> Iterator[Target]:
    for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"):
        yield Target(f"log-in by {name}", _LogIn(name), (LoginRefusedError,))


class _LogIn:
    """Takes a broker's answers in a log-in, each as long as its first byte says."""

    def __init__(self, mechanism: Any) -> None:
        self._mechanism = mechanism

    def __call__(self, data: bytes) -> object:
        login = Login(self._begin())
        request: bytes | None = login.begin()
        at = 0
        while request is not None and at < len(data):
            size = data[at]
            number = request[4:8]  # api key, version, correlation id
            request = login.answered(number + data[at + 1 : at + 1 + size])
            at += 1 + size
        return login.lifetime

    def _begin(self) -> Any:
        if self._mechanism == "OAUTHBEARER":
            return OAuthBearerClient("token")
        password = Password(mechanism=self._mechanism, username=_USER, password=_USER)
        if self._mechanism == "PLAIN":
            return PlainClient(password)
        return ScramClient(password, PasswordKeys(password), "nonce")


def _control_record(value: bytes) -> None:
    record = decode(value)
    state = ControlState()
    state.apply(record)
    state.digest()
    if decode(encode(record)) != record:
        raise AssertionError("a record is not what it was when it is written again")


def _node_report(body: bytes) -> None:
    report = msgspec.json.decode(body, type=NodeReport)
    written = msgspec.json.encode(report).decode()
    if from_jsonb(to_jsonb(written)) != written:
        raise AssertionError("a report is not what it was once it was in the database")
    copy_of(Session(node_id="n", report=report, granted=True, age=timedelta()))


def _topic_changes(body: bytes) -> None:
    told = msgspec.json.decode(body, type=TopicChanges)
    note_topics(Facts("log"), commands_of(told, datetime.now(UTC)))


def _worker_status(data: bytes) -> object:
    key, _, value = data.partition(b"\n")
    return failure_in(key, value)


_RECORDS: Final = (
    Target("control record", _control_record, (UnknownRecordError,)),
    Target("node's report", _node_report, UNREADABLE),
    Target("topic changes", _topic_changes, UNREADABLE),
    Target("state of the mirror's worker", _worker_status, ()),
)
