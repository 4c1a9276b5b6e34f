"""Which role each call of the API takes, asked of the application itself; writes docs/roles.md.

`PYTHONPATH=. python -m tests.controlplane.api.roles_page`
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from controlplane.api.access import needed_role, require_role
from controlplane.api.app import create_app
from controlplane.console.visitors import FOR_ALL, require_visitor
from controlplane.plane import ControlPlane
from controlplane.users import Role

PAGE = Path(__file__).parents[3] / "docs" / "roles.md"
INTRODUCTION = """\
# Roles

Made by `python -m tests.controlplane.api.roles_page`; do not edit it.
Each row is tried with each role by `tests/controlplane/api/test_roles.py`.

Users are configured (`GATEWAY_ADMIN_API_USERS`).
A **viewer** looks at everything and changes nothing.
An **operator** may also switch, abort, turn the mirror round and let nodes go: what the person on
call needs. An **admin** may do everything.
What is not named here (health, metrics) needs no user; nodes show tokens of their own.

"""


class Call(NamedTuple):
    """One operation."""

    path: str
    method: str
    needs: Role

    @property
    def concrete(self) -> str:
        """A path that fits."""
        return self.path.replace("{", "").replace(":str}", "").replace(":int}", "")


def application(users: tuple[object, ...] = ()) -> Litestar:
    """Of a control plane that has users and nothing else: no database, no cluster."""
    plane = ControlPlane.__new__(ControlPlane)
    by_password = {"admin_users": users, "token_key": bytes(32), "issuer": None}
    plane.settings = SimpleNamespace(**by_password, signs_on_at=None)  # type: ignore[assignment]
    return create_app(plane)


def calls(app: Litestar) -> Iterator[Call]:
    """All that users may be let through to, or not."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            guards = handler.resolve_guards()
            if FOR_ALL in handler.opt or not {require_role, require_visitor}.intersection(guards):
                continue
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                yield Call(route.path, method, _needed(handler, method))


def _needed(handler: HTTPRouteHandler, method: str) -> Role:
    connection = SimpleNamespace(scope={"method": method})
    return needed_role(connection, handler)  # type: ignore[arg-type]


def page() -> str:
    """The table."""
    rows = sorted(calls(application()))
    lines = ["| call | " + " | ".join(Role) + " |", "|---|" + "---|" * len(Role)]
    for call in rows:
        marks = ["yes" if role.covers(call.needs) else "" for role in Role]
        lines.append(f"| `{call.method} {call.path}` | " + " | ".join(marks) + " |")
    return INTRODUCTION + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
