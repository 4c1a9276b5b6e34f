"""The eleven steps of the scenario: command and expectation, in the users' own words."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.demo.shell import Outcome
from sandbox.ports import Ports

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


def succeeds(outcome: Outcome) -> str | None:
    """The command ends with exit code 0."""
    return None if outcome.code == 0 else f"exit code {outcome.code}"


def is_mapping(outcome: Outcome) -> str | None:
    """The first line is the incumbent's mapping record of `users`."""
    try:
        record = json.loads(outcome.stdout.splitlines()[0])["users"]
    except (IndexError, KeyError, ValueError):
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
  --data-raw '{"lifeTimeSeconds": 7776000}' | jq -r ".token")
cat > teamA-sa.properties <<EOF
bootstrap.servers=localhost:6969
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username='sa' password='$token';
EOF
sed "s/password='[^.]*\\..*'/password='...'/" teamA-sa.properties"""

CREATE_TOPIC = """\
kafka-topics --bootstrap-server localhost:6969 --command-config teamA-sa.properties \\
  --replication-factor 1 --partitions 1 --create --if-not-exists --topic {topic}"""


def _produce(*records: str) -> str:
    echoes = "; ".join(f"echo '{record}'" for record in records)
    return (
        f"{{ {echoes}; }} | kafka-console-producer --bootstrap-server localhost:6969 \\\n"
        "  --producer.config teamA-sa.properties --topic users"
    )


def _consume(servers: str, topic: str, count: int, limit_ms: int, config: str = "") -> str:
    return (
        f"kafka-console-consumer --bootstrap-server {servers} {config}\\\n"
        f"  --topic {topic} --from-beginning --max-messages {count} --timeout-ms {limit_ms}"
    )


def _switch(port: int) -> str:
    return (
        "curl --request POST"
        f" 'http://localhost:{port}/admin/pclusters/v1/pcluster/main/switch?to=failover' \\\n"
        "  --user 'admin:conduktor' --silent | jq"
    )


BEFORE_THE_MIRROR = (
    Step(
        1,
        "Create a virtual cluster and a service account",
        ((CREATE_ACCOUNT, prints("bootstrap.servers=", "password='...'")),),
    ),
    Step(
        2,
        "Create the topic users in teamA",
        ((CREATE_TOPIC.format(topic="users"), prints("Created topic users.")),),
    ),
    Step(3, "Produce tom and laura", ((_produce(TOM, LAURA), succeeds),)),
    Step(
        4,
        "On main: teamA's topic and the gateway's own",
        (
            (
                f"kafka-topics --bootstrap-server {MAIN} --list",
                prints("teamAusers", "_topicMappings"),
            ),
        ),
    ),
)

ON_FAILOVER = (
    Step(
        5,
        "On failover: the gateway's mapping has been mirrored",
        ((_consume(FAILOVER, "_topicMappings", 1, 15000), is_mapping),),
    ),
    Step(
        6,
        "On failover: the data has been mirrored",
        (
            (_consume(FAILOVER, "teamAusers", 1, 10000), prints(TOM)),
            (f"kafka-topics --bootstrap-server {FAILOVER} --list", prints("teamAusers")),
        ),
    ),
)

SWITCH = Step(
    7,
    "Switch: one call moves every node, the second changes nothing",
    ((_switch(8888), is_switched), (_switch(8889), is_switched)),
)

AFTER_THE_SWITCH = (
    Step(8, "Produce alice", ((_produce(ALICE), succeeds),)),
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
                    "--consumer.config teamA-sa.properties ",
                ),
                prints(TOM, LAURA, ALICE),
            ),
        ),
    ),
    Step(
        10,
        "Alice is not in main",
        ((_consume(MAIN, "teamAusers", 3, 10000), prints(TOM, LAURA, never=(ALICE,))),),
    ),
    Step(
        11,
        "Alice is in failover",
        ((_consume(FAILOVER, "teamAusers", 3, 10000), prints(TOM, LAURA, ALICE)),),
    ),
)
