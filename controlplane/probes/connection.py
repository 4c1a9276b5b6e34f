"""Connection properties of physical clusters: how to use them, and what of them may be shown."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from contract.clusters_file import ClusterProperties
from upstream.access import access_to
from upstream.closing import close
from upstream.decompressing import install

install()  # every aiokafka client of a control plane gets its options here

_SECRET = re.compile(r"password|secret|jaas|token|credential|private|\.key$", re.IGNORECASE)


def without_secrets(properties: dict[str, str]) -> dict[str, str]:
    """Connection properties that may be shown."""
    return {
        key: "***" if _SECRET.search(key) else value for key, value in sorted(properties.items())
    }


def client_options(cluster: ClusterProperties) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes."""
    return access_to(cluster).client_options()


@asynccontextmanager
async def admin_client(cluster: ClusterProperties) -> AsyncIterator[Any]:
    """Aiokafka's client for administration, started.

    Raises:
        KafkaError: the cluster does not answer.
    """
    admin: Any = AIOKafkaAdminClient(**client_options(cluster))
    try:
        await admin.start()
        yield admin
    finally:
        await close(admin.close())
