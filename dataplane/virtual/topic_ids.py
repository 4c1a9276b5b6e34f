"""The ids under which the clients of one virtual cluster know topics.

A topic of their own has the id that it was born with, on whatever cluster that was: only those that
have moved stand in the records. An alias has an id of its own, which follows from its name and from
the topic behind it; so it is known once the cluster has said what that topic's id is.
"""

from collections.abc import Container, Iterable
from hashlib import sha256
from typing import Final

from contract.topic_ids import ID_SIZE, NO_ID, unpacked
from dataplane.virtual.own_topics import OwnTopics


class MovedIds:
    """Ids of the topics that are not on the cluster where they were born; of a whole scope."""

    def __init__(self, pairs: bytes = b"") -> None:
        """Read a record's pairs of a born id and one on the cluster (`contract.topic_ids`)."""
        self.here = dict(unpacked(pairs))
        """The cluster's id by the born one."""
        self.born = {here: born for born, here in self.here.items()}
        """The other way round."""


NOTHING_MOVED: Final = MovedIds()


class TopicIds:
    """On the cluster that serves at present."""

    def __init__(
        self,
        vcluster: str,
        moved: MovedIds,
        aliases: Iterable[tuple[bytes, bytes]],
        own: OwnTopics,
        read_only: Container[bytes] = (),
    ) -> None:
        """Know the topics that have moved, and of aliases only their names and who is behind.

        Some of these are for reading only.
        """
        self._vcluster = vcluster.encode()
        self._moved = moved
        self._shown: dict[bytes, bytes] = {}
        """The id of an alias by that of the topic behind it on the cluster."""
        self._here: dict[bytes, bytes] = {}
        """The other way round."""
        self.own = own.names
        """Physical names of the tenant's topics that it has named by id, by the id it knows."""
        self.aliased: dict[bytes, bytes] = {}
        """The same of the topics behind aliases, whose ids the cluster has told."""
        self.writable: dict[bytes, bytes] = {}
        """Those of them that are not for reading only."""
        self._read_only = read_only
        self._behind = dict(aliases)
        self._told: dict[bytes, bytes] = {}
        """By alias: the cluster's id of the topic behind it, `NO_ID` if there is none."""

    def __bool__(self) -> bool:
        """Whether any id may be another one than the cluster's."""
        return bool(self._moved.here or self._behind)

    @property
    def untold(self) -> frozenset[bytes]:
        """Physical names of the topics behind aliases whose ids are not known yet."""
        return frozenset(name for alias, name in self._behind.items() if alias not in self._told)

    def learn(self, physical: bytes, here: bytes) -> None:
        """The cluster has told the id of a topic; `NO_ID`: there is none of that name."""
        for alias, behind in self._behind.items():
            if behind == physical:
                self.shown_as(alias, here)

    def shown_as(self, alias: bytes, here: bytes) -> bytes:
        """The id that clients know an alias by, of a topic with this id on the cluster."""
        own = self._own_id(alias, here)
        if self._told.get(alias) != here:
            self._told[alias] = here
            if here != NO_ID:
                self._shown[here] = own
                self._here[own] = here
                self.aliased[own] = self._behind[alias]
                if alias not in self._read_only:
                    self.writable[own] = self._behind[alias]
        return own

    def named(self, shown: bytes) -> bytes | None:
        """The physical name of a topic that its tenant has named by id; None if that is not known.

        It is then somebody else's, or nobody has asked yet.
        """
        return self.own.get(shown) or self.aliased.get(shown)

    def may_be_written(self, shown: bytes) -> bool:
        """Whether that is known, and it is no alias for reading only."""
        return shown in self.own or shown in self.writable

    def shown(self, here: bytes) -> bytes:
        """The id that clients know a topic by whose name is not told beside it."""
        return self._shown.get(here) or self._moved.born.get(here, here)

    def here(self, shown: bytes) -> bytes:
        """The cluster's id for one that clients know; the same, if nothing is known of it."""
        return self._here.get(shown) or self._moved.here.get(shown, shown)

    def _own_id(self, alias: bytes, here: bytes) -> bytes:
        if here == NO_ID:
            return NO_ID
        # Not the id of whoever owns the topic, which its clients may know as well.
        owned = b"\0".join((self._vcluster, alias, self._moved.born.get(here, here)))
        return sha256(owned).digest()[:ID_SIZE]
