"""How often Python looks for garbage in a process that serves others.

What nobody refers to is given back at once; only for what refers to itself in a circle Python stops
everything else, and looks. By default it does so after seven hundred new objects, and through all
that the process has ever made after some ten thousands: half a tenth of a second on a core of its
own, and several times that on one that is shared, with nobody served.
"""

import gc
from typing import Final

_OBJECTS: Final = 10_000
"""Made and not given back, before the youngest are looked through: a millisecond."""
_LOOKS: Final = 10
"""Of the youngest, before those are looked through that were left; and of these, before all are."""


def look_seldom() -> None:
    """Look less often than by default.

    For a process that begins: what it loads stays, and to look through it again and again meanwhile
    takes a tenth of the time.
    """
    gc.set_threshold(_OBJECTS, _LOOKS, _LOOKS)


def set_aside_what_stays() -> None:
    """Never look again through what the process has made until now, and less often at the rest.

    For a process that is about to serve: modules, schemas and compiled programs stay as long as it
    does.
    """
    gc.collect()
    gc.freeze()
    look_seldom()
