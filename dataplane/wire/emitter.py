"""Python source in the making: lines, the read position, and the pieces put out so far.

In generated code `pos` is a position in the frame and `last` the position up to which the frame has
been put out. Fields of known size do not move `pos` at once: the emitter counts them in `ahead`, so
that a run of them costs one addition, made when something of unknown size follows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Emitter:
    """Collects the body of one program."""

    def __init__(self, most_elements: int | None = None, *, counts_skipped: bool = False) -> None:
        """Begin with nothing; where elements are counted, `left` is how many may still come."""
        self.most_elements = most_elements
        self.counts_skipped = counts_skipped
        """Whether that goes for elements, too, that are passed over in one step."""
        self.lines: list[str] = []
        self.bound: dict[str, Any] = {}
        """Objects that the generated code names."""
        self.view_attributes: list[str] = []
        """Attributes of the view to be loaded into locals of the same name."""
        self.ahead = 0
        self.loops = 0
        self._depth = 2

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Add `opening` and indent what follows."""
        self.line(opening)
        self._depth += 1
        yield
        self._depth -= 1

    def at(self, more: int = 0) -> str:
        """The expression for the current position plus `more` bytes."""
        distance = self.ahead + more
        return f"pos + {distance}" if distance else "pos"

    def settle(self) -> None:
        """Bring `pos` up to date: needed before loops and where branches meet."""
        if self.ahead:
            self.line(f"pos += {self.ahead}")
            self.ahead = 0

    def splice(self, new: str, start: str, after: str) -> None:
        """Put out the frame up to `start`, then `new`; the frame goes on at `after`."""
        self.line(f"pieces.append(mv[last:{start}])")
        self.line(f"pieces.append({new})")
        self.line(f"last = {after}")

    def bind(self, name: str, value: Any) -> str:
        """A name in the generated code for an object."""
        unique, number = name, 1
        while unique in self.bound and self.bound[unique] is not value:
            number += 1
            unique = f"{name}_{number}"
        self.bound[unique] = value
        return unique

    def view(self, attribute: str) -> str:
        """A local that holds an attribute of the view."""
        if attribute not in self.view_attributes:
            self.view_attributes.append(attribute)
        return attribute
