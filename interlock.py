"""The `interlock` command: hands over to the plane that a command belongs to.

The planes do not know each other, so what they share on the command line lives outside of both.
"""

import sys


def main() -> None:
    """Run the command line."""
    sys.exit("interlock: no command yet")


if __name__ == "__main__":
    main()
