"""A server and a client that were made once follow their certificates with each new connection."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from contract.cluster_security import TlsProperties
from contract.renewed_context import RenewedContext
from sandbox.certificates import CertificateAuthority
from upstream.tls import make_context


@pytest.fixture
def authorities(tmp_path: Path) -> list[CertificateAuthority]:
    return [CertificateAuthority(tmp_path, name) for name in ("first", "second")]


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    return make_context(TlsProperties(truststore_file=str(authority.file)))


def shown_by(authority: CertificateAuthority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server"))
    return context


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def test_new_connections_have_the_certificates_of_now_on_both_sides(authorities):
    shown, trusted = [shown_by(authorities[0])], [trusting(authorities[0])]
    serving = RenewedContext.over(lambda: shown[-1], is_server=True)
    asking = RenewedContext.over(lambda: trusted[-1], is_server=False)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=serving)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(verify=asking) as client:
        assert (await client.get(url)).is_success
        shown.append(shown_by(authorities[1]))
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(url)
        trusted.append(trusting(authorities[1]))
        assert (await client.get(url)).is_success
