"""`make attack`: one tenant against all, for a while; writes `docs/attack.md`."""

import argparse
import sys
from pathlib import Path

from reliability.attack.page import held, page
from reliability.attack.trial import run
from reliability.site import open_site
from reliability.telling import teller

_PAGE = Path(__file__).parents[2] / "docs" / "attack.md"


def main() -> int:
    """0 if nobody but the attacker noticed."""
    parser = argparse.ArgumentParser(prog="make attack")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--page", type=Path, default=_PAGE)
    wanted = parser.parse_args()
    say = teller()
    with open_site(say) as site:
        trial = run(site, wanted.seconds, say)
    wanted.page.write_text(page(trial))
    say(f"wrote {wanted.page.name}")
    return 0 if held(trial) else 1


if __name__ == "__main__":
    sys.exit(main())
