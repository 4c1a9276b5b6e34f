"""What a real broker with an authorizer says that a user may do."""

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from controlplane.domain.switch.rights import names_of
from controlplane.probes.rights import rights_on
from tests.environment.secure import SecureBroker

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

USER, PASSWORD = "gateway-of-another-team", "s3cret"


def allow(broker: SecureBroker, topic: str, operation: AclOperation) -> None:
    binding = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )
    for future in broker.admin.create_acls([binding]).values():
        future.result(20)


async def test_a_user_may_do_what_acls_allow_and_nothing_else(secure):
    topics = ["orders", "users", "hidden"]
    for future in secure.admin.create_topics([NewTopic(t, 1, 1) for t in topics]).values():
        future.result(20)
    secure.add_user(USER, PASSWORD)
    allow(secure, "orders", AclOperation.READ)
    allow(secure, "orders", AclOperation.WRITE)
    allow(secure, "users", AclOperation.READ)
    limited = secure.described(
        sasl_mechanism="SCRAM-SHA-256",
        sasl_jaas_config=secure.security.jaas.replace(
            f'username="{secure.security.username}" password="{secure.security.password}"',
            f'username="{USER}" password="{PASSWORD}"',
        ),
    )
    everything = await rights_on(secure.described(), topics)
    found = await rights_on(limited, topics)
    assert all(
        {"READ", "WRITE", "ALTER"} <= set(names_of(bits)) for bits in everything.topics.values()
    )
    assert {topic: set(names_of(bits)) for topic, bits in found.topics.items()} == {
        "orders": {"READ", "WRITE", "DESCRIBE"},  # Kafka lets readers and writers describe.
        "users": {"READ", "DESCRIBE"},
        "hidden": set(),
    }
    assert {"CREATE", "IDEMPOTENT_WRITE"} <= set(names_of(everything.cluster & ~found.cluster))
