"""Becomes another program that dies with the process that started it (Linux: PR_SET_PDEATHSIG).

Run as a script: `python -I -S leash.py PARENT_PID UID:GID|- COMMAND...`. A script of its own,
because code between fork and exec of a program with threads can hang, and because the wish to die
with the parent is forgotten when the user changes: so the user changes first, here.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, account: str, command: list[str]) -> None:
    """Change to the account, tie this process to its parent, and turn into the command."""
    if account != "-":
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the process that wanted this one is gone")
    os.execvp(command[0], command)  # noqa: S606 - to become the program is the purpose


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
