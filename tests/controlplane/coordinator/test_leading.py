"""Standing for leader while the database comes and goes."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import asyncpg
import pytest
from pydantic import SecretStr

from controlplane.coordinator import leading


class StoodAgainError(Exception):
    """The second attempt: the test has seen enough."""


@pytest.mark.parametrize(
    "lost",
    [
        ConnectionRefusedError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("connection is closed"),
        # Postgres ended between two messages of one question.
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_who_stands_for_leader_stands_again_when_the_database_is_lost(monkeypatch, lost):
    attempts = iter([lost, StoodAgainError()])

    @asynccontextmanager
    async def candidate(_):
        yield None

    async def try_to_lead(_):
        raise next(attempts)

    monkeypatch.setattr(leading, "candidate", candidate)
    monkeypatch.setattr(leading, "try_to_lead", try_to_lead)
    monkeypatch.setattr(leading, "_CANDIDATE_EVERY_S", 0)
    plane = SimpleNamespace(settings=SimpleNamespace(database_url=SecretStr("postgresql://x")))
    with pytest.raises(StoodAgainError):
        await leading.lead_when_possible(plane)
