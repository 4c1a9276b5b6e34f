"""The alias topics of each virtual cluster, by what the control records say."""

from collections import defaultdict

from contract.fold import ControlState
from contract.records import Record, TopicAlias
from dataplane.virtual.view import Alias


class Aliases:
    """Collected once for all virtual clusters, and anew after one has changed."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self._control = control
        self._known: dict[str, tuple[Alias, ...]] | None = None

    def of(self, vcluster: str) -> tuple[Alias, ...]:
        """A virtual cluster's, none for most."""
        if self._known is None:
            self._known = self._collected()
        return self._known.get(vcluster, ())

    def changed(self, record: Record) -> str | None:
        """The virtual cluster whose aliases a record changes; None if it changes none."""
        kind, _, rest = record.key.partition("/")
        if kind != "alias":
            return None
        self._known = None
        return rest.partition("/")[0]

    def _collected(self) -> dict[str, tuple[Alias, ...]]:
        found: dict[str, list[Alias]] = defaultdict(list)
        for alias in self._control.of(TopicAlias):
            found[alias.vcluster].append(Alias(alias.logical, alias.physical, alias.read_only))
        return {vcluster: tuple(aliases) for vcluster, aliases in found.items()}
