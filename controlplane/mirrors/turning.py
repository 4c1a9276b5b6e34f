"""What a reversal needs to know of the clusters: where to begin, and whether it goes well."""

from contextlib import AsyncExitStack
from typing import Self

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.common_ground import held_the_same
from controlplane.domain.mirror.divergence import Divergence
from controlplane.domain.mirror.made_anew import made_anew_since
from controlplane.domain.mirror.positions import grown_too_much, positions_at, split
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.mirror.steps import MirrorVerdict, Seeding
from controlplane.domain.mirror.together import scopes_of_the_mirror, switches_behind
from controlplane.domain.switch.events import Ends
from controlplane.mirrors.flow import Flow, open_flow
from controlplane.probes.divergence import find_divergence
from controlplane.probes.mirror import named
from controlplane.probes.reader import EndReader, end_reader


class Turning:
    """Both clusters of a direction, kept open. Enter it before use.

    Raises:
        UnreachableError: in each call; a cluster does not answer.
    """

    def __init__(self, clusters: tuple[ClusterProperties, ...], direction: Direction) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._direction = direction
        self._open = AsyncExitStack()
        self._flow: Flow | None = None

    async def __aenter__(self) -> Self:
        try:
            self._source = await self._reader(self._direction.source)
            self._target = await self._reader(self._direction.target)
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _reader(self, name: str) -> EndReader:
        return await self._open.enter_async_context(end_reader(self._clusters[name]))

    async def seeding(self, facts: Facts, reversal: Reversal) -> Seeding:
        """Where the new direction has to begin, with the old one stopped.

        What an earlier reversal after the same switch has set stays as it is: since then records
        may have been copied.
        """
        earlier = (
            r
            for r in facts.reversals.values()
            if r.switch_id == reversal.switch_id and r.positions and r is not reversal
        )
        if reversal.resumes and (first := next(earlier, None)) is not None:
            return Seeding(positions=first.positions, target_ends=first.target_ends)
        cut, gaps = reversal.cut, tuple[str, ...]()
        if cut is None:
            cut, gaps = await self._found_cut(facts, reversal.scope)
        on_target = {p.topic for p in await self._target.all_partitions()}
        positions = positions_at(
            cut,
            await _ends(self._source),
            facts.topics_in(*scopes_of_the_mirror(facts, reversal.scope)),
            on_target,
            reversal.filled_again | self._made_anew(facts, reversal),
        )
        gaps = tuple(gap for gap in gaps if split(gap)[0] not in reversal.filled_again)
        return Seeding(positions=positions, target_ends=await _ends(self._target), gaps=gaps)

    @staticmethod
    def _made_anew(facts: Facts, reversal: Reversal) -> frozenset[str]:
        """Topics that tenants have deleted and made again since their scope's cut was taken."""
        found = set[str]()
        for switch in switches_behind(facts, reversal.scope):
            ours = facts.topics_in(switch.scope)
            anew = made_anew_since(facts, switch.commit_seq or 0)
            found |= {topic for topic in anew if topic in ours}
        return frozenset(found)

    async def divergence(self, facts: Facts, first: str) -> list[Divergence]:
        """What only one of the two has, of every partition that the mirror copies.

        Args:
            facts: what the log says.
            first: the scope that the mirror is turned for.
        """
        found: list[Divergence] = []
        for scope in scopes_of_the_mirror(facts, first):
            topics, equal_at = facts.topics_in(scope), held_the_same(facts, scope, self._direction)
            found += await find_divergence(self._source, self._target, topics, equal_at)
        return found

    async def _found_cut(self, facts: Facts, first: str) -> tuple[Ends, tuple[str, ...]]:
        """After the last record that both have; and partitions in which that leaves some out.

        It may do so where a partition cannot be read.
        """
        found = await self.divergence(facts, first)
        equal_at: dict[str, int] = {}
        for scope in scopes_of_the_mirror(facts, first):
            equal_at |= held_the_same(facts, scope, self._direction)[0]
        ends = ((d.partition, d.common_end or equal_at.get(d.partition, 0)) for d in found)
        return tuple(ends), tuple(d.partition for d in found if d.within or d.unreadable)

    async def verdict(self, reversal: Reversal) -> MirrorVerdict:
        """Whether the new direction copies what is new, and nothing else."""
        target_now = await _ends(self._target)
        copied_back = grown_too_much(
            reversal.positions, reversal.target_ends, target_now, await _ends(self._source)
        )
        if copied_back:
            return MirrorVerdict(copied_back=copied_back)
        if self._flow is None:
            source = self._clusters[self._direction.source]
            target = self._clusters[self._direction.target]
            self._flow = await self._open.enter_async_context(open_flow(source, target))
            await self._flow.write()
        seen = await self._flow.look()
        if self._flow.came_back:
            return MirrorVerdict(copied_back=("records of the mirror's own topic",))
        if seen.delay_s is None:
            return MirrorVerdict(
                awaited=f"a record that was written to {self._direction.source}"
                f" {seen.waiting_s:.0f} s ago has not arrived on {self._direction.target}"
            )
        return MirrorVerdict()


async def _ends(reader: EndReader) -> Ends:
    return named(await reader.ends(await reader.all_partitions()))
