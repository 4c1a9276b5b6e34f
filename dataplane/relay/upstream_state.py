"""What becomes of one client's broker connection: a table of states and events.

    absent ──needed──► dialling ──opened──► connected ──fenced, expired──► draining
      ▲                   │                  │   ▲                            │
      ├──in vain, failed──┘                  │   └──────────served────────────┤
      ├──────────dropped, lost───────────────┘                                │
      └──────────drained, dropped, lost───────────────────────────────────────┘

Only what changes the connection is in here; a frame on its way asks for the state and changes none.
Whatever the client ends with, it ends in `over`.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias


class UpstreamState(Enum):
    """Of the broker connection of one client."""

    ABSENT = "absent"
    """There is none."""
    DIALLING = "dialling"
    """One is being made."""
    CONNECTED = "connected"
    """Requests go out on it."""
    DRAINING = "draining"
    """Nothing goes out any more; the writes that the broker has are to be answered."""
    OVER = "over"
    """The client is gone, and asks for none."""


class UpstreamEvent(Enum):
    """What happens to it."""

    NEEDED = "a request waits, and may be sent"
    OPENED = "a broker is connected"
    OPENED_IN_VAIN = "a broker is connected, and is of no use any more"
    ABANDONED = "the scope was closed while a broker was dialled"
    FAILED = "no broker can be reached"
    SERVED = "the scope is open"
    FENCED = "the scope is closed"
    EXPIRED = "the session with the broker ends"
    DRAINED = "no write is in flight"
    LATE = "an answer came when the lease was over"
    DROPPED = "the scope has no right to its brokers any more"
    LOST = "the broker has closed the connection"
    ENDED = "the client is gone"
    LEFT = "the client is gone, and the broker has not answered what it asked to do to topics"


class RelayOrder(Enum):
    """What is to be done, by whoever has the sockets."""

    DIAL = "connect to a broker"
    SEND = "send what waits"
    RELAY = "hand the broker's answers on"
    ANSWER = "send the answers whose turn it is, and read on if what was read can go on"
    PACE = "let the broker wait, or no more"
    LET_GO = "close the broker connection once its last byte was sent"
    ABORT = "close the broker connection now"
    HAND_OVER = "keep the broker connection until it has said what it did to topics"
    PUT_OFF = "tell the client that nobody knows what became of its writes"
    TELL_LAPSE = "say that the lease is over"
    CUT_OFF = "have the scope drop this connection: nobody gets the answers that came"
    CLOSE = "end the client connection"
    HANG_UP = "end the client connection at once: nobody waits on it"


Transitions: TypeAlias = Mapping[
    tuple[UpstreamState, UpstreamEvent], tuple[UpstreamState, tuple[RelayOrder, ...]]
]
_S, _E, _O = UpstreamState, UpstreamEvent, RelayOrder

TRANSITIONS: Final[Transitions] = MappingProxyType(
    {
        (_S.ABSENT, _E.NEEDED): (_S.DIALLING, (_O.DIAL,)),
        (_S.ABSENT, _E.SERVED): (_S.ABSENT, ()),
        (_S.ABSENT, _E.FENCED): (_S.ABSENT, ()),
        (_S.ABSENT, _E.DROPPED): (_S.ABSENT, ()),
        (_S.ABSENT, _E.ENDED): (_S.OVER, ()),
        (_S.DIALLING, _E.OPENED): (_S.CONNECTED, (_O.PACE,)),
        (_S.DIALLING, _E.OPENED_IN_VAIN): (_S.ABSENT, (_O.ABORT,)),
        (_S.DIALLING, _E.ABANDONED): (_S.ABSENT, ()),
        (_S.DIALLING, _E.FAILED): (_S.ABSENT, (_O.CLOSE,)),
        (_S.DIALLING, _E.SERVED): (_S.DIALLING, ()),
        (_S.DIALLING, _E.FENCED): (_S.DIALLING, ()),
        (_S.DIALLING, _E.DROPPED): (_S.DIALLING, ()),
        (_S.DIALLING, _E.ENDED): (_S.OVER, ()),
        (_S.CONNECTED, _E.SERVED): (_S.CONNECTED, (_O.PACE,)),
        (_S.CONNECTED, _E.FENCED): (_S.DRAINING, (_O.PACE,)),
        (_S.CONNECTED, _E.EXPIRED): (_S.DRAINING, (_O.PACE,)),
        (_S.CONNECTED, _E.LATE): (_S.CONNECTED, (_O.TELL_LAPSE, _O.CUT_OFF)),
        (_S.CONNECTED, _E.DROPPED): (_S.ABSENT, (_O.ABORT, _O.PUT_OFF)),
        (_S.CONNECTED, _E.LOST): (_S.ABSENT, (_O.CLOSE,)),
        (_S.CONNECTED, _E.ENDED): (_S.OVER, (_O.LET_GO,)),
        (_S.CONNECTED, _E.LEFT): (_S.OVER, (_O.HAND_OVER,)),
        (_S.DRAINING, _E.SERVED): (_S.CONNECTED, (_O.PACE,)),
        (_S.DRAINING, _E.FENCED): (_S.DRAINING, ()),
        (_S.DRAINING, _E.EXPIRED): (_S.DRAINING, ()),
        (_S.DRAINING, _E.DRAINED): (_S.ABSENT, (_O.LET_GO,)),
        (_S.DRAINING, _E.LATE): (_S.DRAINING, (_O.TELL_LAPSE, _O.CUT_OFF)),
        (_S.DRAINING, _E.DROPPED): (_S.ABSENT, (_O.ABORT, _O.PUT_OFF)),
        (_S.DRAINING, _E.LOST): (_S.ABSENT, (_O.CLOSE,)),
        (_S.DRAINING, _E.ENDED): (_S.OVER, (_O.LET_GO,)),
        (_S.DRAINING, _E.LEFT): (_S.OVER, (_O.HAND_OVER,)),
        (_S.OVER, _E.OPENED_IN_VAIN): (_S.OVER, (_O.ABORT,)),
        (_S.OVER, _E.ABANDONED): (_S.OVER, ()),
        (_S.OVER, _E.FAILED): (_S.OVER, ()),
    }
)
"""What is not listed cannot happen: see `after`."""

HOLDS_ONE: Final = frozenset({UpstreamState.CONNECTED, UpstreamState.DRAINING})
"""The states in which there is a broker connection."""


class UnexpectedEventError(RuntimeError):
    """An event that the table does not know in that state: a fault of this program."""


def after(
    state: UpstreamState, event: UpstreamEvent, transitions: Transitions = TRANSITIONS
) -> tuple[UpstreamState, tuple[RelayOrder, ...]]:
    """The next state, and what is to be done.

    Raises:
        UnexpectedEventError: the table has no such line.
    """
    try:
        return transitions[state, event]
    except KeyError:
        raise UnexpectedEventError(
            f"a relay whose broker connection is {state.value} cannot hear that {event.value}"
        ) from None
