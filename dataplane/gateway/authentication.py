"""The first exchange of a connection: which versions there are, and who the client is.

SASL as Kafka does it: ApiVersions may come first, then SaslHandshake names the mechanism, then the
credentials come in SaslAuthenticate (handshake version 1) or as a bare token (version 0).
"""

import time
from datetime import timedelta
from enum import Enum

from contract.records import Face, ServiceAccount, VirtualCluster
from contract.tokens import Claims
from dataplane.gateway.exchange import Request
from dataplane.gateway.frames import Frame
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.virtual import answers, plain
from dataplane.virtual.apis import APIS, Treatment, offered_versions
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek, peek

NEVER_AGAIN = timedelta(0)
"""Clients are not asked to authenticate again on a connection that they have (KIP-368)."""


class AuthenticationOver(Exception):  # noqa: N818 - the end of a connection, told as what it is
    """The connection ends after its last answer has left."""

    def __init__(self, reason: str) -> None:
        """Say why, for the log."""
        super().__init__(reason)
        self.reason = reason


class Stage(Enum):
    """What the client may send next."""

    HANDSHAKE = "SaslHandshake"
    AUTHENTICATE = "SaslAuthenticate"
    BARE_TOKEN = "a bare SASL token"  # noqa: S105 - the name of a stage
    DONE = "a request of an authenticated client"


class Authentication:
    """The authentication of one connection."""

    def __init__(self, services: Services) -> None:
        """Begin with nothing known."""
        self._services = services
        self._stage = Stage.HANDSHAKE
        self.tenant: Tenant | None = None
        """Who the client is, once that is settled."""
        self.failure: str | None = None
        """Why it is not who it says it is; the connection ends once that was answered."""

    def take(self, frame: Frame, now: float) -> Request:
        """Take a frame of a client that is not authenticated yet, and answer it.

        Raises:
            MalformedFrameError: the frame is not what may come now; the connection ends.
        """
        if self._stage is Stage.BARE_TOKEN:
            return self._take_bare_token(frame, now)
        header = peek(frame)
        api = APIS.get(header.api_key)
        if api is None or api.treatment is not Treatment.ANSWER:
            name = api.name if api else f"API key {header.api_key}"
            raise MalformedFrameError(f"{name} before authentication; use SASL_PLAINTEXT")
        request = Request(api, header, frame, now)
        request.answer = self.answer(request)
        return request

    def answer(self, request: Request) -> list[Frame]:
        """Answer a request that the gateway answers itself."""
        match request.api.key:
            case answers.API_VERSIONS:
                return [answers.api_versions(request.header, offered_versions(self._face()))]
            case answers.SASL_HANDSHAKE:
                return [self._shake_hands(request)]
            case answers.SASL_AUTHENTICATE:
                return [self._authenticate(request)]
            case _:
                raise MalformedFrameError(f"{request.api.name} has no answer")

    def _face(self) -> Face:
        face = self._services.control.get("face")
        if not isinstance(face, Face):
            raise MalformedFrameError("the clusters have not all been described yet")
        return face

    def _shake_hands(self, request: Request) -> bytes:
        if self._stage is not Stage.HANDSHAKE:
            raise MalformedFrameError(f"SaslHandshake came instead of {self._stage.value}")
        accepted = answers.asks_for_plain(request.frame)
        if accepted:
            with_header = request.header.version > 0
            self._stage = Stage.AUTHENTICATE if with_header else Stage.BARE_TOKEN
        return answers.sasl_handshake(request.header, accepted=accepted)

    def _authenticate(self, request: Request) -> bytes:
        if self._stage is not Stage.AUTHENTICATE:
            raise MalformedFrameError(f"SaslAuthenticate came instead of {self._stage.value}")
        try:
            self._admit(answers.authenticate_token(request.frame))
        except plain.AuthenticationError as failed:
            self._note_failure(failed)
            return answers.sasl_failed(request.header, str(failed))
        self._stage = Stage.DONE
        return answers.sasl_authenticated(request.header, NEVER_AGAIN)

    def _take_bare_token(self, frame: Frame, now: float) -> Request:
        """Handshake version 0: the token has no header, and its answer is an empty frame."""
        try:
            self._admit(bytes(frame))
        except plain.AuthenticationError as failed:
            self._note_failure(failed)
            raise AuthenticationOver(str(self.failure)) from failed
        self._stage = Stage.DONE
        request = Request(
            APIS[answers.SASL_AUTHENTICATE], Peek(answers.SASL_AUTHENTICATE, 0, 0), frame, now
        )
        request.answer = [b""]
        return request

    def _note_failure(self, failed: plain.AuthenticationError) -> None:
        self._services.counters.authentications_failed += 1
        self.failure = f"authentication failed: {failed}"

    def _admit(self, token: bytes) -> None:
        """Settle who the client is.

        Raises:
            AuthenticationFailedError: the credentials are not good; the message may be shown.
        """
        credentials = plain.parse(token)
        now = int(time.time())  # noqa: TID251 - a token's expiry is a wall-clock time
        claims = plain.verify(
            credentials.token, credentials.username, self._services.signing_key, now
        )
        vcluster = self._services.control.get(f"vcluster/{claims.vcluster}")
        if not isinstance(vcluster, VirtualCluster):
            raise plain.AuthenticationError(
                f"virtual cluster {claims.vcluster} does not exist here"
            )
        self._refuse_revoked(claims)
        scope = self._services.scope(vcluster.scope)
        account = self._services.accounts.of(claims.vcluster, claims.username)
        if account.is_full:
            raise plain.AuthenticationError(
                f"account {account.name} has {account.connections} connections to this node and"
                " may have no more: close some, or have its limit raised"
            )
        self.tenant = Tenant(vcluster, claims, scope, self._services.views, account)

    def _refuse_revoked(self, claims: Claims) -> None:
        account = self._services.control.get(f"account/{claims.vcluster}/{claims.username}")
        if isinstance(account, ServiceAccount) and is_revoked(account, claims.iat):
            raise plain.AuthenticationError(
                f"the tokens of {claims.username} were revoked; ask for a new one"
            )


def is_revoked(account: ServiceAccount, issued_at: int | None) -> bool:
    """Whether a token of the account is refused, by when it was issued (epoch seconds)."""
    if account.revoked_at is None:
        return False
    return issued_at is None or issued_at <= account.revoked_at
