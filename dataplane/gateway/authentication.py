"""Who a client is: the SASL exchange at the start of a connection, and again when it is due.

As Kafka does it: ApiVersions may come first, then SaslHandshake names the mechanism, then its
messages come in SaslAuthenticate (handshake version 1) or bare (version 0). A session lasts as long
as what was proved; before its end the client goes through the exchange again (KIP-368). Where
clients show certificates in place of that, the certificate is the proof.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from functools import partial

from contract.issuer_tokens import UnknownKeyError
from contract.records import Face, VirtualCluster
from dataplane.gateway.frames import Frame
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.relay.exchange import Request
from dataplane.sasl import certificate
from dataplane.sasl.mechanism import AuthenticationError, Challenge, Mechanism
from dataplane.sasl.proof import Proof
from dataplane.virtual import answers
from dataplane.virtual.apis import APIS, Treatment, offered_versions
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek, peek

FOR_EVER = float("inf")

RENEWAL = frozenset({answers.SASL_HANDSHAKE, answers.SASL_AUTHENTICATE})
"""What a client may still ask when its session is over."""


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

    def __init__(self, services: Services, answered_late: Callable[[], None]) -> None:
        """Begin with nothing known; `answered_late` is called when an answer had to wait."""
        self._services = services
        self._answered_late = answered_late
        self._stage = Stage.HANDSHAKE
        self._mechanism: Mechanism | None = None
        self._refusal: str | None = None
        """Why the client's proof was refused, while it has still to end the exchange."""
        self.tenant: Tenant | None = None
        """Who the client is, once that is settled."""
        self.failure: str | None = None
        """Why it is not who it says it is; the connection ends once that was answered."""
        self.software = answers.UNNAMED
        """What the client says it is."""
        self.session_ends = FOR_EVER
        """Monotonic second after which the client has to have authenticated again."""

    def take(self, frame: Frame, now: float) -> Request:
        """Take a frame of a client that is not authenticated yet, and answer it.

        Raises:
            MalformedFrameError: the frame is not what may come now; the connection ends.
            AuthenticationOver: it has failed, and there is no answer that could say so.
        """
        if self._stage is Stage.BARE_TOKEN:
            return self._take_bare_message(frame, now)
        header = peek(frame)
        api = APIS.get(header.api_key)
        if api is None or api.treatment is not Treatment.ANSWER:
            name = api.name if api else f"API key {header.api_key}"
            reason = self._refusal or "check security.protocol, the gateway wants a log-in"
            raise MalformedFrameError(f"{name} before authentication: {reason}")
        request = Request(api, header, frame, now)
        request.answer = self.answer(request)
        return request

    def take_certificate(self, encoded: bytes | None, now: float) -> None:
        """Take the client's verified certificate, in DER, in place of an exchange."""
        try:
            self._admit(certificate.prove(encoded, self._services.logins.account_named), now)
        except AuthenticationError as failed:
            self._note_failure(failed)

    def answer(self, request: Request) -> list[Frame] | None:
        """Answer a request that the gateway answers itself; None if the answer comes later."""
        match request.api.key:
            case answers.API_VERSIONS:
                self.software = answers.software_of(request.header, request.frame)
                return [answers.api_versions(request.header, offered_versions(self._face()))]
            case answers.SASL_HANDSHAKE:
                return [self._shake_hands(request)]
            case answers.SASL_AUTHENTICATE:
                return self._authenticate(request)
            case _:
                raise MalformedFrameError(f"{request.api.name} has no answer")

    def _face(self) -> Face:
        face = self._services.control.get("face")
        if not isinstance(face, Face):
            raise MalformedFrameError("the clusters have not all been described yet")
        return face

    def _shake_hands(self, request: Request) -> bytes:
        mechanisms = self._services.mechanisms
        again = self._stage is Stage.DONE and self.tenant is not None
        if self._stage is not Stage.HANDSHAKE and not again:
            raise MalformedFrameError(f"SaslHandshake came instead of {self._stage.value}")
        wanted = answers.wanted_mechanism(request.frame)
        self._mechanism = mechanisms.begin(wanted)
        if self._mechanism is not None:
            with_header = request.header.version > 0
            if again and not with_header:
                raise MalformedFrameError("authentication again needs SaslHandshake version 1")
            self._stage = Stage.AUTHENTICATE if with_header else Stage.BARE_TOKEN
        return answers.sasl_handshake(
            request.header, mechanisms.names, accepted=self._mechanism is not None
        )

    def _authenticate(self, request: Request) -> list[Frame] | None:
        if self._stage is not Stage.AUTHENTICATE:
            raise MalformedFrameError(f"SaslAuthenticate came instead of {self._stage.value}")
        message = answers.authenticate_token(request.frame)
        try:
            return [self._respond(request, message)]
        except UnknownKeyError:
            again = partial(self._respond_late, request, message)
            if self._services.issuer_keys.wait_for_newer(again):
                return None
            return [self._fail(request.header, _unknown_key())]

    def _respond_late(self, request: Request, message: bytes) -> None:
        """The issuer's keys are as new as they can be: what is not known now, never will be."""
        try:
            request.answer = [self._respond(request, message)]
        except UnknownKeyError:
            request.answer = [self._fail(request.header, _unknown_key())]
        self._answered_late()

    def _respond(self, request: Request, message: bytes) -> bytes:
        try:
            told, lifetime = self._step(message, request.received_at)
        except AuthenticationError as failed:
            return self._fail(request.header, failed)
        return answers.sasl_authenticated(request.header, told, lifetime)

    def _step(self, message: bytes, now: float) -> tuple[bytes, timedelta]:
        """What the client is told next, and how long its session lasts; zero while that is open.

        Raises:
            AuthenticationError: the exchange has failed.
            UnknownKeyError: a token's key is not known.
        """
        assert self._mechanism is not None  # noqa: S101 - the stages see to it
        outcome = self._mechanism.respond(message)
        if isinstance(outcome, Challenge):
            if outcome.refusal is not None:
                self._refusal = outcome.refusal
                self._services.counters.authentications_failed += 1
            return outcome.message, timedelta(0)
        lifetime = self._admit(outcome.proof, now)
        self._mechanism = None
        return outcome.message, lifetime

    def _fail(self, header: Peek, failed: AuthenticationError) -> bytes:
        self._note_failure(failed)
        return answers.sasl_failed(header, str(failed))

    def _take_bare_message(self, frame: Frame, now: float) -> Request:
        """Handshake version 0: the messages have no header, and so have the answers."""
        header = Peek(answers.SASL_AUTHENTICATE, 0, 0)
        request = Request(APIS[answers.SASL_AUTHENTICATE], header, frame, now)
        try:
            request.answer = [self._step(bytes(frame), now)[0]]
        except UnknownKeyError:
            raise AuthenticationOver(f"authentication failed: {_unknown_key()}") from None
        except AuthenticationError as failed:
            self._note_failure(failed)
            raise AuthenticationOver(str(self.failure)) from failed
        return request

    def _note_failure(self, failed: AuthenticationError) -> None:
        if self._refusal is None:
            self._services.counters.authentications_failed += 1
        self.failure = f"authentication failed: {failed}"

    def _admit(self, proof: Proof, now: float) -> timedelta:
        """Settle who the client is, and how long its session lasts; zero means for ever.

        Raises:
            AuthenticationError: the proof is of nobody here; the message may be shown.
        """
        vcluster = self._services.control.get(f"vcluster/{proof.vcluster}")
        if not isinstance(vcluster, VirtualCluster):
            raise AuthenticationError(f"virtual cluster {proof.vcluster} does not exist here")
        record = self._services.logins.account_of(proof.vcluster, proof.user)
        if (objection := proof.objection(record)) is not None:
            raise AuthenticationError(objection)
        lifetime = self._lifetime(proof)
        if self.tenant is None:
            self.tenant = self._new_tenant(vcluster, proof)
        elif (vcluster.name, proof.user) != (self.tenant.vcluster.name, self.tenant.user):
            raise AuthenticationError("a connection cannot change its user")
        else:
            self.tenant.proof = proof
        self._stage = Stage.DONE
        self.session_ends = now + lifetime.total_seconds() if lifetime else FOR_EVER
        return lifetime

    def _new_tenant(self, vcluster: VirtualCluster, proof: Proof) -> Tenant:
        account = self._services.accounts.of(proof.vcluster, proof.user)
        if account.is_full:
            raise AuthenticationError(
                f"account {account.name} has {account.connections} connections to this node and"
                " may have no more: close some, or have its limit raised"
            )
        scope = self._services.scope(vcluster.scope)
        tally = self._services.tallies.of(vcluster.name)
        return Tenant(vcluster, proof, scope, self._services.views, account=account, tally=tally)

    def _lifetime(self, proof: Proof) -> timedelta:
        limits = []
        if self._services.longest_session > timedelta(0):
            limits.append(self._services.longest_session)
        if proof.expires_at is not None:
            left = proof.expires_at - time.time()  # noqa: TID251 - when a token expires is wall-clock time
            # Zero would mean for ever.
            limits.append(timedelta(milliseconds=max(1, int(left * 1000))))
        return min(limits, default=timedelta(0))


def _unknown_key() -> AuthenticationError:
    return AuthenticationError("the token is signed with a key that its issuer does not publish")
