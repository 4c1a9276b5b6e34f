"""Who is told of switch events, as it is configured (`INTERLOCK_WEBHOOKS`)."""

import base64
import binascii
from typing import Final

import httpx
import msgspec

from controlplane.domain.log import kinds_of

MILESTONES: Final = (
    "switch.requested",
    "switch.rejected",
    "switch.fence_ordered",
    "switch.bypass_detected",
    "switch.loss_recorded",
    "switch.committed",
    "switch.completed",
    "switch.abort_requested",
    "switch.aborted",
)
"""What a hook is told of unless it says otherwise."""

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what stands before secrets, and none itself
_SECRET_BYTES: Final = 24
_FORM: Final = "is not a list as [{name: pager, url: https://..., secret: whsec_...}]"


class WebHook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is told of switch events by HTTP."""

    name: str
    """What the log, and the position in it, are kept under: a new name begins anew."""
    url: str
    """May hold a secret, as those of chats do: it is never shown."""
    secret: str
    """Signs deliveries: `whsec_` and base64 of at least 192 bits, as Standard Webhooks has it."""
    events: tuple[str, ...] = MILESTONES
    """Whole kinds of switch events."""

    def __post_init__(self) -> None:
        """Raises ValueError, without a secret in it, for what cannot be used."""
        if not self.name:
            raise ValueError("a web hook has an empty name")
        if not _can_be_called(self.url):
            raise ValueError(f"the url of web hook {self.name} is not https://... or http://...")
        if len(self.key) < _SECRET_BYTES:
            raise ValueError(
                f"the secret of web hook {self.name} is not whsec_ and base64 of at least"
                f" {_SECRET_BYTES} bytes; make one with: echo whsec_$(openssl rand -base64 32)"
            )
        if unknown := set(self.events) - set(kinds_of("switch")):
            raise ValueError(
                f"web hook {self.name} asks for {min(unknown)}, which is no kind of switch event;"
                f" these are {', '.join(kinds_of('switch'))}"
            )

    @property
    def key(self) -> bytes:
        """What signs; empty if the secret is not of its form."""
        if not self.secret.startswith(_SECRET_PREFIX):
            return b""
        try:
            return base64.b64decode(self.secret.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            return b""


def read_web_hooks(written: str) -> tuple[WebHook, ...]:
    """Web hooks as they are written in the configuration, in YAML or JSON.

    Raises:
        ValueError: they are not described as they have to be; holds no secret.
    """
    try:
        hooks = msgspec.yaml.decode(written, type=tuple[WebHook, ...])
    except msgspec.ValidationError as error:
        raise ValueError(f"{_FORM}: {error}") from error
    except msgspec.MsgspecError as error:
        raise ValueError(_FORM) from error
    names = [hook.name for hook in hooks]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two web hooks are called {name}: each needs a name of its own")
    return hooks


def _can_be_called(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
