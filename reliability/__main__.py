"""`make switch-soak`: switch again and again under load, and write down what clients noticed."""

import argparse
import sys
import time
from pathlib import Path

from reliability.page import page
from reliability.site import open_site
from reliability.soak import Soak, run

_PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"


def main() -> int:
    """0 if every switch completed and no client noticed any."""
    parser = argparse.ArgumentParser(prog="make switch-soak")
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--no-transactions", action="store_true")
    parser.add_argument("--page", type=Path, default=_PAGE)
    wanted = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    with open_site(say) as site:
        soak = run(site, wanted.switches, say, transactions=not wanted.no_transactions)
    wanted.page.write_text(page(soak))
    say(f"wrote {wanted.page.name}")
    return 0 if _unnoticed(soak) else 1


def _unnoticed(soak: Soak) -> bool:
    completed = all(one.completed for one in soak.rounds)
    return completed and not (soak.findings or soak.errors or soak.connections_closed)


if __name__ == "__main__":
    sys.exit(main())
