"""`make switch-soak`: switch again and again under load, and write down what clients noticed."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from reliability.forced import run_forced
from reliability.forced_page import forced_page
from reliability.page import page
from reliability.site import open_site
from reliability.soak import Soak, run
from reliability.telling import teller

_DOCS = Path(__file__).parents[1] / "docs"
_PAGE = _DOCS / "reliability.md"
_FORCED_PAGE = _DOCS / "forced.md"


def main() -> int:
    """0 if every switch completed and no client noticed any."""
    parser = argparse.ArgumentParser(prog="make switch-soak")
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--no-transactions", action="store_true")
    parser.add_argument("--forced", action="store_true", help="kill the active cluster each time")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--page", type=Path)
    wanted = parser.parse_args()
    # Rebalances, which this is about, are warnings to it.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    say = teller()
    if wanted.forced:
        return _forced(wanted.switches, wanted.seed, wanted.page or _FORCED_PAGE, say)
    with open_site(say) as site:
        soak = run(site, wanted.switches, say, transactions=not wanted.no_transactions)
    target = wanted.page or _PAGE
    target.write_text(page(soak))
    say(f"wrote {target.name}")
    return 0 if _unnoticed(soak) else 1


def _forced(switches: int, seed: int, target: Path, say: Callable[[str], None]) -> int:
    with open_site(say) as site:
        rounds = run_forced(site, switches, seed, say)
    target.write_text(forced_page(rounds, seed))
    say(f"wrote {target.name}")
    return 1 if any(one.untold for one in rounds) else 0


def _unnoticed(soak: Soak) -> bool:
    completed = all(one.completed for one in soak.rounds)
    noticed = soak.findings or soak.churned.noticed or soak.errors or soak.connections_closed
    return completed and not noticed


if __name__ == "__main__":
    sys.exit(main())
