"""How an account is logged in to without a token: with a password, or as somebody elsewhere."""

import asyncio
import secrets
from typing import Annotated, Any

from litestar import Controller, Request, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from contract.names import login_name
from contract.scram import (
    ITERATIONS,
    SALT_BYTES,
    SCRAM_MECHANISMS,
    ScramMechanism,
    ScramVerifier,
    make_verifier,
)
from controlplane.api.access import attribution, require_role
from controlplane.api.own.schemas import Answer, Question
from controlplane.api.sealing import seal_all, set_verifiers
from controlplane.domain.commands import SetExternalNames
from controlplane.domain.refusal import Invalid
from controlplane.plane import ControlPlane

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024

VclusterName = Annotated[str, PathParameter(name="vcluster")]
AccountName = Annotated[str, PathParameter(name="account")]


class NewPassword(Question, frozen=True, kw_only=True, rename="camel"):
    """A password to set; none to have one made."""

    password: str | None = None

    def __repr__(self) -> str:
        return "NewPassword()"


class PasswordView(Answer, frozen=True, kw_only=True, rename="camel"):
    """How to log in. A password that was made here is shown once and kept nowhere."""

    username: str
    password: str | None
    """None if it was the caller who chose it."""
    mechanisms: tuple[str, ...]

    def __repr__(self) -> str:
        return f"PasswordView({self.username!r})"


class ExternalNames(Question, frozen=True, kw_only=True, rename="camel"):
    """Who an account is elsewhere."""

    external_names: tuple[str, ...]


class ExternalNamesView(Answer, frozen=True, kw_only=True, rename="camel"):
    """Who an account is elsewhere."""

    vcluster: str
    name: str
    external_names: tuple[str, ...]


class CredentialController(Controller):
    """Credentials of accounts."""

    path = "/api/v1/virtual-clusters/{vcluster:str}/accounts/{account:str}"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Virtual clusters"]  # noqa: RUF012

    @post("/password", status_code=200)
    async def set_password(
        self,
        vcluster: VclusterName,
        account: AccountName,
        data: JSONBody[NewPassword],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> PasswordView:
        """A password for SCRAM, in place of the one before; connections made with that are cut."""
        password = data.password or secrets.token_urlsafe(32)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise Invalid(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        verifiers = await asyncio.to_thread(_verifiers, password)
        await set_verifiers(plane, vcluster, account, verifiers, attribution(request))
        return PasswordView(
            username=login_name(vcluster, account),
            password=password if data.password is None else None,
            mechanisms=tuple(verifiers),
        )

    @put("/external-names")
    async def set_external_names(
        self,
        vcluster: VclusterName,
        account: AccountName,
        data: JSONBody[ExternalNames],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> ExternalNamesView:
        """The account's external names, in place of those before.

        409 if somebody else has one of them.
        """
        names = data.external_names
        command = SetExternalNames(vcluster=vcluster, name=account, external_names=names)
        await plane.ledger.carry_out(command, attribution(request))
        return ExternalNamesView(vcluster=vcluster, name=account, external_names=names)


class SealedView(Answer, frozen=True, kw_only=True, rename="camel"):
    """What sealing has done."""

    sealed: int
    """Accounts whose verifiers were not sealed with the first key, and are now."""


@post("/api/v1/accounts/seal", status_code=200, guards=[require_role], tags=["Virtual clusters"])
async def seal_accounts(
    plane: NamedDependency[ControlPlane], request: Request[Any, Any, Any]
) -> SealedView:
    """Seal what is kept of all passwords with the first key; they stay what they are.

    409 if there is no key, or a node or another control plane could not read what is sealed.
    """
    return SealedView(sealed=await seal_all(plane, attribution(request)))


def _verifiers(password: str) -> dict[ScramMechanism, ScramVerifier]:
    """One for each mechanism, each with a salt of its own. Takes milliseconds."""
    return {
        name: make_verifier(name, password, secrets.token_bytes(SALT_BYTES), ITERATIONS)
        for name in SCRAM_MECHANISMS
    }
