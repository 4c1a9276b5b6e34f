"""The product's commands against a real control plane: what they print and how they end."""

import asyncio
import json
import sys

import pytest

from tests.controlplane.conftest import in_process
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment


@pytest.fixture
async def interlock(variables):
    """Runs a command; its exit code, output and errors."""
    async with in_process(variables) as plane, serving_nodes(plane):

        async def command(*words: str, password: str = "conduktor"):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "interlock",
                *words,
                env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": password},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            output, errors = await process.communicate()
            return process.returncode, output.decode(), errors.decode()

        yield command


async def test_from_a_virtual_cluster_to_the_audit(interlock):
    assert (await interlock("vcluster", "create", "acme"))[0] == 0
    code, output, _ = await interlock("vcluster", "list", "-o", "json")
    assert [item["name"] for item in json.loads(output)["items"]] == ["acme"]
    code, output, _ = await interlock("token", "issue", "acme", "sa")
    assert code == 0
    assert output.count(".") == 2
    assert (await interlock("switch", "plan", "failover"))[0] == 0
    code, output, _ = await interlock("switch", "start", "failover", "--reason", "drill")
    assert code == 0
    assert "switch.committed" in output
    code, output, _ = await interlock("switch", "show", "-o", "json")
    shown = json.loads(output)
    assert shown["switch"]["reason"] == "drill"
    assert [node["evidence"] for node in shown["switch"]["nodes"]] == ["report"]
    code, output, _ = await interlock("switch", "report")
    assert code == 0
    assert "- Outcome: completed: every node that is alive serves failover" in output
    code, output, _ = await interlock("switch", "report", "--format", "json")
    assert json.loads(output)["nodes"][0]["evidence"] == "report"
    code, output, _ = await interlock("switch", "report", "--format", "html")
    assert "<h1>Switch of main: main to failover</h1>" in output
    code, output, _ = await interlock("audit", "log", "--kind", "switch.committed", "-o", "json")
    assert len(json.loads(output)["items"]) == 1
    code, output, _ = await interlock("audit", "verify")
    assert code == 0
    assert "as they were written" in output
    code, output, _ = await interlock("control", "rebuild-topic", "-o", "json")
    rebuilt = json.loads(output)["digest"]
    code, output, _ = await interlock("control", "digest", "-o", "json")
    assert json.loads(output)["digest"] == rebuilt


async def test_each_failure_has_its_own_end(interlock):
    code, _, errors = await interlock("switch", "start", "nope")
    assert (code, "not configured" in errors) == (1, True)
    code, _, errors = await interlock("switch", "plan", "main")
    assert code == 1
    code, _, errors = await interlock("switch", "begin")
    assert code == 2
    code, _, errors = await interlock("nodes", "list", password="wrong")
    assert (code, "INTERLOCK_PASSWORD" in errors) == (1, True)
    code, _, errors = await interlock("nodes", "list", "--url", "http://localhost:1")
    assert (code, "no control plane answers" in errors) == (5, True)
    code, _, errors = await interlock("nodes", "forget", "n0")
    assert (code, "stop it first" in errors) == (1, True)
