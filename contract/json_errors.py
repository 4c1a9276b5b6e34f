"""What reading somebody else's JSON may raise."""

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""It is no JSON or another thing; bytes of it are no UTF-8; it is nested too deeply. msgspec says
the second in its own way nearly everywhere, but not where a struct's tag is no UTF-8."""
