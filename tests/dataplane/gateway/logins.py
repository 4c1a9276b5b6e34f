"""Ways to log in to a gateway, as settings of real clients."""

import asyncio
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.asymmetric import ec

from contract.records import ServiceAccount
from contract.scram import SCRAM_MECHANISMS, make_verifier
from dataplane.gateway.topology import ask_brokers
from tests.dataplane.gateway.conftest import Stage, cluster_at, running_stage
from tests.environment.backends import Clusters

PASSWORD = "correct horse battery staple"
ISSUER = "https://idp.example"


class Issuer:
    """An OAuth issuer that is nothing but a key and a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.rotate("first")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "GATEWAY_OAUTH_JWKS_URL": self.file.as_uri(),
            "GATEWAY_OAUTH_EXPECTED_ISSUER": ISSUER,
            "GATEWAY_OAUTH_EXPECTED_AUDIENCES": "kafka",
        }

    def rotate(self, key_id: str) -> None:
        """Publish one more key."""
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1())
        algorithm = jwt.algorithms.ECAlgorithm
        published = [
            {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name}
            for name, key in self.keys.items()
        ]
        self.file.write_bytes(msgspec.json.encode({"keys": published}))

    def token(self, subject: str = "app-1", lifetime_s: float = 600, **claims: Any) -> str:
        key_id, key = list(self.keys.items())[-1]
        now = int(time.time())  # noqa: TID251 - a token's times are of the wall clock
        body = {"iss": ISSUER, "aud": "kafka", "sub": subject, "exp": now + lifetime_s} | claims
        return jwt.encode(body, key, "ES256", headers={"kid": key_id})


class Provider(AbstractTokenProvider):
    """One token, for aiokafka."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token


@asynccontextmanager
async def stage_on(
    clusters: Clusters, name: str, port: int, folder: Path, **variables: Any
) -> AsyncIterator[Stage]:
    """A gateway on real clusters, configured as the test wants it."""
    bootstraps = {"main": clusters.main, "failover": clusters.failover}
    brokers = {c: tuple(await ask_brokers(cluster_at(c, s))) for c, s in bootstraps.items()}
    async with running_stage(name, port, folder, bootstraps, brokers, **variables) as running:
        yield running


def account(stage: Stage, *external_names: str, password: str | None = None) -> ServiceAccount:
    """An account `sa` with a password, or with names elsewhere."""
    scram = {
        name: make_verifier(name, password, secrets.token_bytes(24), 8192)
        for name in (SCRAM_MECHANISMS if password is not None else ())
    }
    return ServiceAccount(
        vcluster=stage.vcluster, name="sa", external_names=external_names, scram=scram
    )


async def librdkafka_sees(stage: Stage, **settings: Any) -> set[str]:
    """The topics that librdkafka is shown; raises if it is not let in."""
    bearer = settings.pop("token", None)
    if bearer is not None:
        settings["oauth_cb"] = lambda _: (bearer, time.time() + 600)  # noqa: TID251 - wall clock

    def ask() -> set[str]:
        admin = AdminClient({"bootstrap.servers": stage.bootstrap, "log_level": 0, **settings})
        if bearer is not None:
            admin.poll(0)  # has it ask for the token
        return set(admin.list_topics(timeout=5).topics)

    return await asyncio.to_thread(ask)


async def aiokafka_sees(stage: Stage, **settings: Any) -> set[str]:
    """The topics that aiokafka is shown; raises if it is not let in."""
    if (bearer := settings.pop("token", None)) is not None:
        settings["sasl_oauth_token_provider"] = Provider(bearer)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.bootstrap, **settings)
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()


def trusting(authority: Path, key: Path | None = None) -> ssl.SSLContext:
    """A client's TLS context."""
    context = ssl.create_default_context(cafile=str(authority))
    if key is not None:
        context.load_cert_chain(key)
    return context
