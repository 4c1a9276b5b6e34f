"""The eleven steps of the scenario: command and expectation, in the users' own words.

Three more lead back: the mirror is turned round, and main serves again, with each record once.

In a secure environment two steps come on top: a second virtual cluster, whose client has a password
in place of a token. The first one's steps are the same but for how clients and tools get in.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.demo.shell import Outcome
from sandbox.ports import Ports
from sandbox.security import Security

Check: TypeAlias = Callable[[Outcome], str | None]
"""What is wrong with an outcome; None if nothing is."""

TOM = (
    '{"name":"tom","username":"tom@conduktor.io","password":"motorhead",'
    '"visa":"#abc123","address":"Chancery lane, London"}'
)
LAURA = (
    '{"name":"laura","username":"laura@conduktor.io","password":"kitesurf",'
    '"visa":"#888999XZ","address":"Dubai, UAE"}'
)
ALICE = (
    '{"name":"alice","username":"alice@conduktor.io","password":"youpi",'
    '"visa":"#812SSS","address":"Les ifs"}'
)

BOB = '{"name":"bob","username":"bob@conduktor.io"}'

CLIENT = "teamA-sa.properties"
SECOND_CLIENT = "teamB-sb.properties"

MAIN = "localhost:19092,localhost:19093,localhost:19094"
FAILOVER = "localhost:29092,localhost:29093,localhost:29094"

MAPPING = {
    "clusterId": "main",
    "name": "teamAusers",
    "isConcentrated": False,
    "compactedName": "teamAusers",
    "isCompacted": False,
    "compactedAndDeletedName": "teamAusers",
    "isCompactedAndDeleted": False,
    "isDeleted": False,
    "configuration": {"numPartitions": 1, "replicationFactor": 1, "properties": {}},
    "isVirtual": False,
}
"""What the incumbent's mapping record says of `users`, but for the time of its creation."""


@dataclass(frozen=True)
class Step:
    """One step: what it is for, what is typed, what must come of it."""

    number: int
    title: str
    commands: tuple[tuple[str, Check], ...]


def shifted(command: str, ports: Ports) -> str:
    """The command for an environment on other ports."""
    return re.sub(r"localhost:(\d+)", lambda m: f"localhost:{int(m[1]) + ports.offset}", command)


def prints(*wanted: str, never: tuple[str, ...] = ()) -> Check:
    """Every one of `wanted` stands in the output, and none of `never`."""

    def check(outcome: Outcome) -> str | None:
        missing = [text for text in wanted if text not in outcome.stdout]
        surplus = [text for text in never if text in outcome.stdout]
        if missing:
            return f"expected {', '.join(missing)} in the output"
        if surplus:
            return f"did not expect {', '.join(surplus)} in the output"
        return None

    return check


def prints_once(*wanted: str) -> Check:
    """Every one of `wanted` stands in the output, once."""

    def check(outcome: Outcome) -> str | None:
        wrong = [text for text in wanted if outcome.stdout.count(text) != 1]
        return f"expected {', '.join(wrong)} once in the output" if wrong else None

    return check


def succeeds(outcome: Outcome) -> str | None:
    """The command ends with exit code 0."""
    return None if outcome.code == 0 else f"exit code {outcome.code}"


def is_mapping(outcome: Outcome) -> str | None:
    """The first record is the incumbent's mapping of `users`; tools may warn above it."""
    lines = outcome.stdout.splitlines()
    try:
        record = json.loads(next(line for line in lines if line.startswith("{")))["users"]
    except (StopIteration, KeyError, ValueError):
        return "expected one JSON object with the key users"
    created = record.pop("createdAt", None)
    if record != MAPPING:
        return f"expected {json.dumps(MAPPING)}"
    if not isinstance(created, list) or [type(part) for part in created] != [int] * 7:
        return "expected createdAt as seven numbers, year to millisecond"
    return None


def is_switched(outcome: Outcome) -> str | None:
    """The incumbent's answer to a switch."""
    try:
        answer = json.loads(outcome.stdout)
    except ValueError:
        return "expected a JSON answer"
    return None if answer == {"message": "Cluster switched"} else "expected Cluster switched"


CREATE_ACCOUNT = """\
token=$(curl --request POST "http://localhost:8888/admin/vclusters/v1/vcluster/teamA/username/sa" \\
  --header 'Content-Type: application/json' --user 'admin:conduktor' --silent \\
  --data-raw '{{"lifeTimeSeconds": 7776000}}' | jq -r ".token")
cat > teamA-sa.properties <<EOF
bootstrap.servers=localhost:6969
{protocol}
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username='sa' password='$token';
EOF
sed "s/password='[^.]*\\..*'/password='...'/" teamA-sa.properties"""

CREATE_TOPIC = """\
kafka-topics --bootstrap-server localhost:6969 --command-config teamA-sa.properties \\
  --replication-factor 1 --partitions 1 --create --if-not-exists --topic {topic}"""


CREATE_SECOND_ACCOUNT = """\
curl --request POST "http://localhost:8888/api/v1/virtual-clusters" --silent \\
  --header 'Content-Type: application/json' --user 'admin:conduktor' --data-raw '{{"name":"teamB"}}'
password=$(curl --request POST --header 'Content-Type: application/json' --silent \\
  "http://localhost:8888/api/v1/virtual-clusters/teamB/accounts/sb/password" \\
  --user 'admin:conduktor' --data-raw '{{}}' | jq -r ".password")
cat > teamB-sb.properties <<EOF
{protocol}
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username='sb@teamB' password='$password';
EOF
kafka-topics --bootstrap-server localhost:7969 --command-config teamB-sb.properties \\
  --replication-factor 1 --partitions 1 --create --topic users"""

CLUSTER_PROPERTIES = "cluster.properties"
"""In a secure environment: how the tools get in to the physical clusters."""


def _produce(client: str, *records: str, server: str = "localhost:6969") -> str:
    echoes = "; ".join(f"echo '{record}'" for record in records)
    return (
        f"{{ {echoes}; }} | kafka-console-producer --bootstrap-server {server} \\\n"
        f"  --producer.config {client} --topic users"
    )


def _consume(servers: str, topic: str, count: int, limit_ms: int, config: str | None) -> str:
    config_option = f"--consumer.config {config} " if config else ""
    return (
        f"kafka-console-consumer --bootstrap-server {servers} {config_option}\\\n"
        f"  --topic {topic} --from-beginning --max-messages {count} --timeout-ms {limit_ms}"
    )


def _switch(port: int, to: str = "failover") -> str:
    return (
        "curl --request POST"
        f" 'http://localhost:{port}/admin/pclusters/v1/pcluster/main/switch?to={to}' \\\n"
        "  --user 'admin:conduktor' --silent | jq"
    )


@dataclass(frozen=True)
class Scenario:
    """All steps, by when they are taken."""

    before_the_mirror: tuple[Step, ...]
    on_failover: tuple[Step, ...]
    switch: Step
    after_the_switch: tuple[Step, ...]
    reverse: Step
    switch_back: tuple[Step, ...]


def scenario(security: Security | None) -> Scenario:
    """The steps in an environment."""
    lines = "security.protocol=SASL_PLAINTEXT"
    if security is not None:
        lines = "security.protocol=SASL_SSL\nssl.truststore.type=PEM\n"
        lines += f"ssl.truststore.location={security.authority}"
    direct = CLUSTER_PROPERTIES if security is not None else None
    second = security is not None
    number = SECOND_GOES_ON.number + 1 if second else 12
    return Scenario(
        before_the_mirror=_before_the_mirror(lines, direct) + (_second_begins(lines),) * second,
        on_failover=_on_failover(direct),
        switch=SWITCH,
        after_the_switch=_after_the_switch(direct) + (SECOND_GOES_ON,) * second,
        reverse=_reverse(number),
        switch_back=_switch_back(number + 1, direct),
    )


def _list_topics(servers: str, direct: str | None) -> str:
    config = f" --command-config {direct}" if direct else ""
    return f"kafka-topics --bootstrap-server {servers}{config} --list"


SWITCH = Step(
    7,
    "Switch: one call moves every node, the second changes nothing",
    ((_switch(8888), is_switched), (_switch(8889), is_switched)),
)

SECOND_GOES_ON = Step(
    13,
    "The second virtual cluster has its own record, and no other",
    (
        (
            _consume("localhost:7969", "users", 3, 5000, SECOND_CLIENT),
            prints(BOB, never=(TOM, LAURA, ALICE)),
        ),
    ),
)


def _before_the_mirror(lines: str, direct: str | None) -> tuple[Step, ...]:
    return (
        Step(
            1,
            "Create a virtual cluster and a service account",
            (
                (
                    CREATE_ACCOUNT.format(protocol=lines),
                    prints("bootstrap.servers=", "password='...'"),
                ),
            ),
        ),
        Step(
            2,
            "Create the topic users in teamA",
            ((CREATE_TOPIC.format(topic="users"), prints("Created topic users.")),),
        ),
        Step(3, "Produce tom and laura", ((_produce(CLIENT, TOM, LAURA), succeeds),)),
        Step(
            4,
            "On main: teamA's topic and the gateway's own",
            (
                (
                    _list_topics(MAIN, direct),
                    prints("teamAusers", "_topicMappings"),
                ),
            ),
        ),
    )


def _second_begins(lines: str) -> Step:
    create = CREATE_SECOND_ACCOUNT.format(protocol=lines)
    return Step(
        12,
        "A second virtual cluster, whose client has a password (SCRAM)",
        (
            (create, prints("Created topic users.")),
            (_produce(SECOND_CLIENT, BOB, server="localhost:7969"), succeeds),
        ),
    )


def _on_failover(direct: str | None) -> tuple[Step, ...]:
    return (
        Step(
            5,
            "On failover: the gateway's mapping has been mirrored",
            ((_consume(FAILOVER, "_topicMappings", 1, 15000, direct), is_mapping),),
        ),
        Step(
            6,
            "On failover: the data has been mirrored",
            (
                (_consume(FAILOVER, "teamAusers", 1, 10000, direct), prints(TOM)),
                (_list_topics(FAILOVER, direct), prints("teamAusers")),
            ),
        ),
    )


def _reverse(number: int) -> Step:
    command = (
        "curl --request POST 'http://localhost:8888/api/v1/mirror/reverse' --silent \\\n"
        "  --header 'Content-Type: application/json' --user 'admin:conduktor' \\\n"
        "  --data-raw '{\"reason\": \"failback\"}' | jq '{source, target, phase}'"
    )
    return Step(number, "Turn the mirror round", ((command, prints("failover", "main")),))


def _switch_back(number: int, direct: str | None) -> tuple[Step, ...]:
    consume = _consume(MAIN, "teamAusers", 4, 10000, direct)
    return (
        Step(number, "Switch back", ((_switch(8889, "main"), is_switched),)),
        Step(
            number + 1,
            "In main: all three, each once",
            ((consume, prints_once(TOM, LAURA, ALICE)),),
        ),
    )


def _after_the_switch(direct: str | None) -> tuple[Step, ...]:
    return (
        Step(8, "Produce alice", ((_produce(CLIENT, ALICE), succeeds),)),
        Step(
            9,
            "Consume through the gateway: all three",
            (
                (
                    _consume(
                        "localhost:6969",
                        "users",
                        3,
                        10000,
                        CLIENT,
                    ),
                    prints(TOM, LAURA, ALICE),
                ),
            ),
        ),
        Step(
            10,
            "Alice is not in main",
            ((_consume(MAIN, "teamAusers", 3, 10000, direct), prints(TOM, LAURA, never=(ALICE,))),),
        ),
        Step(
            11,
            "Alice is in failover",
            ((_consume(FAILOVER, "teamAusers", 3, 10000, direct), prints(TOM, LAURA, ALICE)),),
        ),
    )
