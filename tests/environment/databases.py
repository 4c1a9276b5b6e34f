"""Databases that tests have for themselves, on a Postgres server that they share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


@asynccontextmanager
async def own_database(
    postgres_url: str, name: str, template: str = "template1"
) -> AsyncIterator[str]:
    """The URL of a database that is gone afterwards, at first what its template is."""
    server = await asyncpg.connect(postgres_url)
    try:
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()
