"""What the gateway answers in a broker's place has the shape of a broker's own refusals.

Two references: Kafka's classes, with which a broker refuses what it cannot handle, and a real
broker that refuses a stranger. A null where a broker sends nothing, or the other way round, breaks
clients: librdkafka and sarama take null records for a broken answer.
"""

import asyncio
import contextlib
import dataclasses
import struct
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from kio.schema.errors import ErrorCode

from dataplane.virtual import field_classes as fc
from dataplane.virtual.apis import APIS, Api, Treatment
from dataplane.virtual.messages import decode_response
from dataplane.virtual.refusals import busy, denial, refusal
from dataplane.wire.schema import Field, Struct, api_name, message
from sandbox.kafka_release import class_path, kafka_release
from tests.dataplane.equivalence.bodies import BodyGenerator, a_batch
from tests.dataplane.equivalence.worlds import changed, comparable, errors_in
from tests.dataplane.gateway.scripted import AUTHENTICATE, HANDSHAKE, RawClient, framed, request
from tests.dataplane.virtual.instances import request_frame
from tests.environment.secure import SecureBroker

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

SAMPLES = 5
FETCH = 1
FETCH_SESSIONS_SINCE = 7
FETCH_TOLD_WHOLE_SINCE = 13
ROWS = [r for r in APIS.values() if r.treatment in {Treatment.REWRITE, Treatment.DENY}]
WORDS = {"error_message", "batch_index_error_message"}
KNOWN = {
    "resource_type": 2,
    "resource_type_filter": 2,
    "resource_pattern_type": 3,
    "pattern_type_filter": 3,
    "operation": 3,
    "permission_type": 3,
}
"""What Kafka refuses to read another number in."""

NOT_GIVEN: dict[str, Any] = {
    "renewers": (),
    "owner_principal_type": None,
    "owner_principal_name": None,
    "cursor": None,
}
"""What brokers look at before they refuse, or leave topics out for."""

PLAIN = {fc.FETCH_SESSION: 0, fc.FETCH_SESSION_EPOCH: -1, fc.RECORDS: a_batch(1)}
GIVEN = defaultdict(
    set,
    metadata={"name"},
    describe_user_scram_credentials={"users"},
    fetch={"topic_id"},
    produce={"topic_id"},
)
"""By API: what is never null, as brokers themselves fail over that, or over some that are."""


class RefusedGenerator(BodyGenerator):
    """Requests with something to refuse in every list, and of clients, which have no tagged fields
    for brokers alone."""

    def entity(self, struct: Struct, path: str = "") -> Any:
        return super().entity(dataclasses.replace(struct, tagged=()), path)

    def value(self, field: Field, path: str) -> Any:
        if field.name in NOT_GIVEN:
            return NOT_GIVEN[field.name]
        made = super().value(field, path)
        while (field.array and made == ()) or (made is None and field.name in GIVEN[self.api]):
            made = super().value(field, path)
        return made

    def special(self, class_: fc.FieldClass | None) -> Any:
        return PLAIN[class_] if class_ in PLAIN else super().special(class_)

    def plain(self, field: Field) -> Any:
        if field.name in KNOWN:
            return KNOWN[field.name]
        if field.name == "name" and self.api == "alter_user_scram_credentials":
            return "-".join(self._path.split("[]."))  # one user has one answer, also if named twice
        return super().plain(field)


def requests(row: Api) -> Iterator[tuple[int, bytes]]:
    """Versions and frames."""
    api = api_name(row.key)
    for version in row.served:
        for number in range(SAMPLES):
            body = RefusedGenerator(api, version, number).entity(
                message(row.key, version, "request")
            )
            yield version, request_frame(row.key, version, body)


def shape(answer: Any, without: Collection[str]) -> Any:
    """An answer to compare, but for fields of these names."""
    return comparable(changed(answer, lambda f, v: None if f.name in without else v), WORDS)


# --- Kafka's classes -----------------------------------------------------------------------------

PROGRAM = Path(__file__).parent / "KafkasRefusals.java"
NOT_SO = {38: "of an error that it has no answer of its own for, Kafka says times before 1970"}
"""Denied APIs of which a broker's own answer is another one; they are compared with it below."""


@pytest.fixture(scope="module")
def kafkas() -> dict[int, list[tuple[int, bytes, bytes]]]:
    """By API key: versions, requests and how Kafka refuses them, with our error."""
    asked = [(row, *one) for row in ROWS for one in requests(row)]
    given = b"".join(
        struct.pack(">ih", len(frame), _code_of(row)) + frame for row, _, frame in asked
    )
    kafka = kafka_release()
    java = [kafka.java.path, *kafka.java.options(192), "-cp", class_path(kafka.jars)]
    done = subprocess.run([*java, str(PROGRAM)], input=given, capture_output=True, check=True)
    found, at = defaultdict(list), 0
    for row, version, frame in asked:
        (size,) = struct.unpack_from(">i", done.stdout, at)
        at += 4
        found[row.key].append((version, frame, done.stdout[at : at + max(size, 0)]))
        at += max(size, 0)
    assert at == len(done.stdout)
    return found


def _code_of(row: Api) -> int:
    return row.denied_with if row.treatment is Treatment.DENY else row.busy_error


@pytest.mark.parametrize("row", [r for r in ROWS if r.key not in NOT_SO], ids=lambda row: row.name)
def test_a_refusal_is_what_kafka_makes_of_the_request(kafkas, row):
    compared = 0
    for version, frame, theirs in kafkas[row.key]:
        ours = denial(frame) if row.treatment is Treatment.DENY else busy(frame)
        assert (ours is None) == (theirs == b"")
        if ours is None:
            continue
        mine, kafka = (decode_response(row.key, version, answer) for answer in (ours, theirs))
        if row.key == FETCH and version >= FETCH_SESSIONS_SINCE:
            # Of the whole answer clients take the error for one of their session: there is none.
            kafka = dataclasses.replace(kafka, error_code=ErrorCode.none, session_id=0)
        if row.key == FETCH and version >= FETCH_TOLD_WHOLE_SINCE:
            # That error is then all that Kafka says. Here each partition says it.
            mine = dataclasses.replace(mine, responses=())
        # Brokers give no reason with what we deny.
        words = WORDS if row.treatment is Treatment.DENY else ()
        assert shape(mine, words) == shape(kafka, words), f"version {version}"
        compared += 1
    assert compared


# --- A real broker -------------------------------------------------------------------------------

ALLOWED = {16, 60, 66}
"""ListGroups, DescribeCluster, ListTransactions: a stranger is told, if not much."""
TOLD_MORE = {3: "a broker names itself and the others, and the gateway none that cannot be asked"}
OWN_NAMES = {
    f"{of}principal_{part}" for of in ("", "token_requester_") for part in ("type", "name")
}


class Stranger:
    """Somebody who may do nothing. The broker ends its sessions after some seconds."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connected: RawClient | None = None

    async def ask(self, frame: bytes) -> tuple[int, bytes]:
        """What the broker answers; in another session if the one that there was has ended."""
        if self._connected is not None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                return await self._asked(self._connected, frame)
            self.leave()
        self._connected = await self._logged_in()
        return await self._asked(self._connected, frame)

    def leave(self) -> None:
        """End the session."""
        if self._connected is not None:
            self._connected.writer.transport.abort()
            self._connected = None

    async def _asked(self, client: RawClient, frame: bytes) -> tuple[int, bytes]:
        client.send(framed(frame))
        return await client.receive()

    async def _logged_in(self) -> RawClient:
        expiry = datetime.now(UTC) + timedelta(minutes=10)
        token = jwt.encode({"sub": "stranger", "iat": 0, "exp": expiry}, None, "none").encode()
        said = b"n,,\1auth=Bearer " + token + b"\1\1"
        client = await RawClient.connect(self._address)
        client.send(request(HANDSHAKE, 1, 1, struct.pack(">h11s", 11, b"OAUTHBEARER")))
        assert (await client.receive())[1][:2] == b"\0\0"
        client.send(request(AUTHENTICATE, 0, 2, struct.pack(">i", len(said)) + said))
        assert (await client.receive())[1][:2] == b"\0\0"
        return client


@pytest.fixture
async def stranger(secure: SecureBroker) -> AsyncIterator[Stranger]:
    one = Stranger(secure.plain_text)
    yield one
    one.leave()


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r.key not in {*ALLOWED, *TOLD_MORE}], ids=lambda row: row.name
)
async def test_a_refusal_is_what_a_broker_answers_a_stranger(stranger, row):
    compared = 0
    for version, frame in requests(row):
        correlation_id, rest = await stranger.ask(frame)
        theirs = decode_response(row.key, version, correlation_id.to_bytes(4) + rest)
        codes = errors_in(theirs)
        if len(codes) != 1:
            continue  # some parts are refused for one reason, some for another
        ours = refusal(frame, codes.pop(), "a reason")
        assert ours is not None
        mine = decode_response(row.key, version, ours)
        without = WORDS | OWN_NAMES
        assert shape(mine, without) == shape(theirs, without), f"version {version}"
        compared += 1
    assert compared
