"""`make upgrade BEFORE=COMMIT`: a rolling upgrade from that commit under load, and back."""

import argparse
import subprocess
import sys
from pathlib import Path

from reliability.telling import teller
from reliability.upgrade.course import go
from reliability.upgrade.page import page
from reliability.upgrade.releases import ORDERS, Release
from sandbox.commits import HERE, tree_of

_PAGE = HERE / "docs" / "upgrades.md"


def main() -> int:
    """0 if every switch completed and no client noticed anything."""
    parser = argparse.ArgumentParser(prog="make upgrade")
    parser.add_argument("before", help="the commit to come from, and to go back to")
    parser.add_argument("--page", type=Path, default=_PAGE)
    wanted = parser.parse_args()
    say = teller()
    with tree_of(wanted.before) as tree:
        before, now = Release("before", tree), Release("now", HERE)
        courses = [go(stages, before, now, say) for stages in ORDERS]
    wanted.page.write_text(page(courses, _short(wanted.before), _short("HEAD")))
    say(f"wrote {wanted.page.name}")
    return 0 if all(course.is_clean for course in courses) else 1


def _short(commit: str) -> str:
    found = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "--short", commit],
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
