"""The administration API over TLS: who is trusted, who has to show a certificate, and renewal."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from dataplane.node.control_planes import ControlPlanes
from sandbox.certificates import CertificateAuthority
from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.fake_node import NODE_TOKEN
from upstream.tls import tls_with_control_planes

pytestmark = pytest.mark.environment


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def https(authority: CertificateAuthority) -> dict[str, str]:
    return {"GATEWAY_HTTPS_KEY_STORE_PATH": str(authority.issue("controlplane"))}


def wanting(authority: CertificateAuthority) -> dict[str, str]:
    """Whoever calls has to show a certificate."""
    return {
        "GATEWAY_HTTPS_TRUST_STORE_PATH": str(authority.file),
        "GATEWAY_HTTPS_CLIENT_AUTH": "REQUIRE",
    }


def met(authority: CertificateAuthority, shown: Path | None = None) -> ssl.SSLContext:
    return tls_with_control_planes(authority.file, shown, "").current()


@pytest.fixture
async def plane(variables, authority) -> AsyncIterator[Running]:
    async with in_process(variables | https(authority), tls=met(authority)) as running:
        yield running


@pytest.fixture
async def strict_plane(variables, authority) -> AsyncIterator[Running]:
    shown = met(authority, authority.issue("caller"))
    given = variables | https(authority) | wanting(authority)
    async with in_process(given, tls=shown) as running:
        yield running


async def interlock(plane: Running, **environment: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "interlock", "vcluster", "list", "-o", "json"),
        env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": "conduktor", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_the_command_line_trusts_whom_it_is_told_to(plane: Running, authority):
    code, output, errors = await interlock(plane, INTERLOCK_TRUST_STORE_PATH=str(authority.file))
    assert (code, errors) == (0, "")
    assert '"items"' in output
    code, output, errors = await interlock(plane)
    assert (code, output) == (5, "")
    assert errors.startswith(
        f"interlock: no TLS with the control plane at {plane.url}: its certificate is not trusted"
    )
    assert errors.endswith("INTERLOCK_TRUST_STORE_PATH or --trust-store\n")
    code, output, errors = await interlock(plane, INTERLOCK_TRUST_STORE_PATH="/nowhere.pem")
    assert (code, output) == (2, "")
    assert errors == (
        "interlock: INTERLOCK_TRUST_STORE_PATH: cannot read /nowhere.pem:"
        " No such file or directory\n"
    )


async def test_who_shows_no_certificate_is_refused_where_one_is_wanted(
    strict_plane: Running, authority, tmp_path
):
    trusted = {"INTERLOCK_TRUST_STORE_PATH": str(authority.file)}
    own = str(authority.issue("caller"))
    assert (await interlock(strict_plane, **trusted, INTERLOCK_KEY_STORE_PATH=own))[0] == 0
    stranger = CertificateAuthority(tmp_path, "stranger").issue("strange")
    for shown in ({}, {"INTERLOCK_KEY_STORE_PATH": str(stranger)}):
        code, output, errors = await interlock(strict_plane, **trusted, **shown)
        assert (code, output) == (5, "")
        assert f"no TLS with the control plane at {strict_plane.url}: it ends" in errors
        assert errors.endswith("INTERLOCK_KEY_STORE_PATH or --key-store\n")


async def test_a_certificate_is_no_log_in(strict_plane: Running, authority):
    shown = met(authority, authority.issue("caller"))
    async with httpx.AsyncClient(base_url=strict_plane.url, verify=shown) as stranger:
        answer = await stranger.get("/api/v1/switches")
    assert answer.status_code == HTTPStatus.UNAUTHORIZED


async def test_nodes_come_by_tls_and_follow_new_certificates_of_both(
    strict_plane: Running, authority, tmp_path
):
    own = authority.issue("node")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(authority.file.read_text())
    tls = tls_with_control_planes(trusted, own, "")
    async with ControlPlanes((strict_plane.url,), NODE_TOKEN, tls) as planes:
        await planes.register("node", "incarnation")
    # From now on the control plane shows what another authority signed.
    other = CertificateAuthority(tmp_path / "other", "other")
    (tmp_path / "controlplane.pem").write_bytes(other.issue("controlplane").read_bytes())

    async def is_not_trusted() -> bool:
        try:
            async with ControlPlanes((strict_plane.url,), NODE_TOKEN, tls) as planes:
                await planes.register("node", "incarnation")
        except httpx.ConnectError:
            return True
        return False

    await eventually(is_not_trusted)
    async with ControlPlanes((strict_plane.url,), NODE_TOKEN, tls) as planes:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await planes.register("node", "incarnation")
        trusted.write_text(other.file.read_text())
        await planes.register("node", "incarnation")


async def test_what_the_console_keeps_is_sent_by_tls_alone(plane: Running):
    answer = await plane.client.get("/console/log-in")
    kept = answer.headers.get_list("set-cookie")
    assert kept
    assert all("; secure" in cookie.lower() for cookie in kept)


async def test_when_the_certificate_ends_is_told(plane: Running):
    told = (await plane.client.get("/metrics")).text
    assert "interlock_api_certificate_not_after_timestamp_seconds 1." in told


async def test_plain_http_gets_nothing_from_it(plane: Running):
    async with httpx.AsyncClient(base_url=plane.url.replace("https", "http")) as client:
        with pytest.raises(httpx.TransportError):
            await client.get("/health/live")
