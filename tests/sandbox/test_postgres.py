import os

import asyncpg
import pytest

from sandbox import postgres
from sandbox.ports import reserved_ports


def test_a_folder_that_only_its_owner_can_enter_closes_all_below(tmp_path):
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not postgres.can_enter(inner)


@pytest.mark.environment
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
async def test_root_can_run_it_where_nobody_else_can_read(monkeypatch, tmp_path):
    installed = postgres.wheel_binaries()
    can_enter = postgres.can_enter
    monkeypatch.setattr(
        postgres, "can_enter", lambda folder: folder != installed and can_enter(folder)
    )
    with reserved_ports() as ports:
        server = postgres.Postgres(ports.postgres, tmp_path)
        try:
            server.initialise()
            server.process.start()
            server.process.wait_ready()
            connection = await asyncpg.connect(server.url)
            try:
                assert await connection.fetchval("SELECT 1") == 1
            finally:
                await connection.close()
        finally:
            server.process.stop()
            postgres.remove_data(tmp_path)
