"""`interlock user`: people who may use the administration API, as its configuration names them."""

import secrets
import sys
from getpass import getpass

from cyclopts import App

from controlplane.cli.client import Exit, fail
from controlplane.cli.display import say
from controlplane.users import SALT_BYTES, hash_of

user = App(name="user", help="Users of the administration API.")


@user.command(name="hash")
def hash_password(*, stdin: bool = False) -> None:
    """Print what is kept of a password: a `passwordHash` for GATEWAY_ADMIN_API_USERS.

    Asks no server.

    Args:
        stdin: take the password from standard input; without it, it is asked for.
    """
    password = sys.stdin.readline().rstrip("\n") if stdin else getpass()
    if not password:
        fail("the password is empty", Exit.USAGE)
    say(hash_of(password.encode(), secrets.token_bytes(SALT_BYTES)))
