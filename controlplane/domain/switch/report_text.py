"""A switch's report for people to read, as Markdown."""

from collections.abc import Sequence
from datetime import datetime

from contract.session import Unrest
from contract.shown import listed, quoted
from controlplane.domain.positions import EXACT
from controlplane.domain.switch.events import LossRecorded, PositionsTranslated
from controlplane.domain.switch.markdown import Markdown, bullets, section, table, text
from controlplane.domain.switch.parity import told
from controlplane.domain.switch.proved import MOST_NAMED, Proved
from controlplane.domain.switch.report import (
    Alike,
    Groups,
    MirrorStory,
    NodeStory,
    NumbersStory,
    Proof,
    Report,
    Stage,
)
from controlplane.domain.switch.transitions import Phase

_OUTCOMES = {
    Phase.COMPLETED: "completed: every node that is alive serves {to}",
    Phase.ABORTED: "undone: {old} serves as before",
}
_RUNNERS = {
    "process": Markdown("by `interlock mirrormaker`"),
    "connect": Markdown("by Kafka Connect"),
    "manual": Markdown("by hand"),
}
_NO = Markdown("**no**")
_NOTHING = Markdown("-")
_EVIDENCE = {
    "report": "said that it had stopped",
    "lease_expired": "silent; its lease had run out",
    "none": "none",
}


def as_markdown(report: Report) -> str:
    """The whole story on a page."""
    sections = [
        [_title(report)],
        _summary(report),
        section("Timeline", _timeline(report.stages)),
        section("Checks before the fence", _checks(report)),
        section("Gateway nodes", _nodes(report.nodes)),
        section("Proof", _proof(report.proof)),
        section("Beyond records", _parity(report.parity)),
        section("Consumer groups", _groups(report.groups)),
        section("Producers", _producers(report)),
        section("Offsets", _numbers(report.numbers)),
        section("Mirror", _mirror(report.mirror)),
        section("What was given up", _loss(report.loss, report.from_cluster)),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _title(report: Report) -> Markdown:
    title = Markdown("# Switch of {scope}: {old} to {to}")
    return title.filled(scope=report.scope, old=report.from_cluster, to=report.to_cluster)


def _summary(report: Report) -> list[Markdown]:
    outcome = _OUTCOMES.get(report.outcome, "under way: {phase}").format(
        to=report.to_cluster, old=report.from_cluster, phase=report.outcome.value
    )
    rows = {
        "Switch": Markdown("`{id}`").filled(id=report.switch_id),
        "Outcome": outcome,
        "Cause": report.cause,
        "Mode": report.mode,
        "Asked for by": report.requested_by,
        "Reason": report.reason,
        "Requested": _time(report.requested_at),
        "Ended": _time(report.ended_at) if report.ended_at else None,
        "Clients waited": _waited(report),
    }
    return [
        Markdown(f"- {name}: {text(value)}") for name, value in rows.items() if value is not None
    ]


def _waited(report: Report) -> str | None:
    if report.fenced_ms is None:
        return None
    mirror = f", {_ms(report.mirror_ms)} of it for the mirror" if report.mirror_ms else ""
    return _ms(report.fenced_ms) + mirror


def _timeline(stages: Sequence[Stage]) -> list[Markdown]:
    return table(
        ("Phase", "Began (UTC)", "Took"),
        ((stage.phase.value, _time(stage.began_at), _ms(stage.took_ms)) for stage in stages),
    )


def _checks(report: Report) -> list[Markdown]:
    rows = ((c.name, "yes" if c.passed else _NO, c.detail) for c in report.checks)
    return table(("Check", "Passed", "Found"), rows)


def _nodes(nodes: Sequence[NodeStory]) -> list[Markdown]:
    return table(
        ("Node", "Evidence", "Stopped after", "Held", "Cut", "Served again after", "First write"),
        (
            (
                node.node_id,
                _EVIDENCE[node.evidence],
                _ms(node.stopped_after_ms),
                _count(node.held),
                _count(node.cut),
                _ms(node.resumed_after_ms),
                _ms(node.first_ack_ms),
            )
            for node in nodes
        ),
    )


def _proof(proof: Proof | None) -> list[Markdown]:
    if proof is None:
        return []
    proved = Markdown(
        "The old cluster stood still for {still}; the target then held the last records of"
        " {partitions}. Those of partitions that had moved since both clusters were"
        " looked at before were found there one by one. Digest of the old cluster's end offsets:"
        " `{digest}`."
    ).filled(
        still=_ms(proof.stood_still_ms), partitions=_proved(proof), digest=proof.offsets_digest
    )
    means = _means(proof.by_means)
    accepted = Markdown("accepted as lost: {hole}")
    missing = bullets(accepted.filled(hole=hole) for hole in proof.holes)
    left = Markdown("nothing is proved of {name}, as was asked for")
    missing += bullets(left.filled(name=quoted(name)) for name in proof.waived)
    head = ("Partition", "End on the old cluster", "End on the target", "Records found")
    shown, more = proof.ends[:MOST_NAMED], len(proof.ends) - MOST_NAMED
    rows = ((name, old, new, _count(proof.compared.get(name))) for name, old, new in shown)
    left_out = Markdown("{more} further partitions stand in the report's JSON.").filled(more=more)
    rest = [Markdown(), left_out] if more > 0 else []
    return [proved, *means, *missing, Markdown(), *table(head, rows), *rest]


def _means(proved: Proved | None) -> list[Markdown]:
    if proved is None:
        return []
    told = Markdown(
        "By every record since the last look, {records} in all: {every_record} partitions. By their"
        " number and the last records: {counted_and_tail}. Not seen to move since a look at both:"
        " {not_seen_since}."
    ).filled(
        records=proved.records,
        every_record=proved.every_record,
        counted_and_tail=proved.counted_and_tail,
        not_seen_since=proved.not_seen_since,
    )
    named = Markdown("Counted: {names}.").filled(names=listed(proved.counted))
    lines = [Markdown(), told, *([Markdown(), named] if proved.counted else [])]
    if proved.counted_alone:
        alone = Markdown(
            "By their number alone, as what is in them could not be read within our budget:"
            " {counted} ({names}). The target holds as many records of these partitions, and of the"
            " same times wherever batches end alike on both; what the records say was not compared."
        ).filled(counted=proved.counted_alone, names=listed(proved.alone))
        lines += [Markdown(), alone]
    return lines


def _proved(proof: Proof) -> str:
    if not proof.waived:
        return f"all {proof.partitions} partitions"
    return f"{proof.partitions - len(set(proof.waived))} of {proof.partitions} partitions"


def _parity(parity: Alike | None) -> list[Markdown]:
    if parity is None:
        return []
    keys = sum(parity.tombstones.values())
    made = Markdown("- the target was made like the old cluster: {told}")
    lines = [made.filled(told=told(parity.done))]
    if keys:
        again = Markdown("- {keys} keys that compaction had cleaned away were deleted once more")
        lines.append(again.filled(keys=keys))
    names = [d.name for d in parity.done.left]
    stays = Markdown("- {name} stays different")
    asked = Markdown("- {name} stays different, as was asked for")
    lines += [asked.filled(name=quoted(name)) for name in names if name in parity.waived]
    lines += [stays.filled(name=quoted(name)) for name in names if name not in parity.waived]
    return lines


def _groups(groups: Groups | None) -> list[Markdown]:
    if groups is None:
        return []
    interrupted = Markdown("- interrupted by the fence on {node}: {unrest}")
    lines = [
        interrupted.filled(node=quoted(r.node_id), unrest=_unrest(r.unrest))
        for r in groups.restless
    ]
    if not lines and groups.positions:
        lines = [Markdown("- nothing had to be interrupted")]
    if groups.ghosts_removed:
        removed = Markdown("- {ghosts} members of before were removed on the target")
        lines.append(removed.filled(ghosts=groups.ghosts_removed))
    return lines + _positions(groups.positions)


def _unrest(unrest: Unrest | None) -> str:
    if unrest is None:
        return "it did not say in time what was going on"
    named = listed((*unrest.member_names, *unrest.transaction_names))
    changes = f", {unrest.topics} changes of topics" if unrest.topics else ""
    return f"{unrest.members} members, {unrest.transactions} transactions ({named}){changes}"


def _positions(moved: PositionsTranslated | None) -> list[Markdown]:
    if moved is None:
        nothing = "- no position was brought to the target: groups go on where a mirror put them"
        return [Markdown(nothing)]
    brought = Markdown(
        "- {positions} positions of {groups} groups were brought to the target in {took}, {exact}"
        " of them exactly"
    ).filled(
        positions=moved.positions,
        groups=moved.groups,
        took=_ms(moved.duration_ms),
        exact=sum(count for method, count in moved.by_method.items() if method in EXACT),
    )
    rows: list[Sequence[object]] = [
        (quoted(r.group), f"{r.topic}-{r.partition}", r.committed, _count(r.translated), r.detail)
        for r in moved.remarks
    ]
    if moved.remarks_left_out:
        rows.append((f"and {moved.remarks_left_out} more", "", "", "", ""))
    remarks = table(("Group", "Partition", "On the old cluster", "On the target", "Why"), rows)
    return [brought, Markdown(), *remarks] if remarks else [brought]


def _producers(report: Report) -> list[Markdown]:
    lines = []
    if report.producers is not None:
        known = Markdown(
            "- the last writes of {producers} idempotent producers are known: repeated, they are"
            " not written again"
        )
        lines.append(known.filled(producers=report.producers))
    # Each on a line of its own: commas between them could be those of a name.
    aborted = Markdown("- a transaction that was still open was aborted: {transaction}")
    lines += [aborted.filled(transaction=told) for told in report.transactions_aborted]
    return lines


def _numbers(numbers: NumbersStory | None) -> list[Markdown]:
    if numbers is None:
        return []
    kept = Markdown("Clients see the offsets of {kept} of {partitions} partitions as before.")
    renumbered = numbers.renumbered
    lines = [kept.filled(kept=numbers.partitions - len(renumbered), partitions=numbers.partitions)]
    if renumbered:
        others = "Of the others the two logs differ; what clients hold is led on."
        columns = ("Partition", "Numbered from", "Known stretches of older numbers")
        rows = ((r.partition, r.floor, r.stretches) for r in renumbered)
        lines += [Markdown(others), Markdown(), *table(columns, rows)]
    return lines


def _mirror(mirror: MirrorStory | None) -> list[Markdown]:
    if mirror is None:
        return []
    turned = Markdown("To be turned to {direction}, {how}, since {began} UTC: {phase}{took}{why}.")
    return [
        turned.filled(
            direction=mirror.direction,
            how=_RUNNERS[mirror.runner],
            began=_time(mirror.began_at),
            phase=mirror.phase.value,
            took=Markdown(f" in {_ms(mirror.took_ms)}" if mirror.took_ms is not None else ""),
            why=Markdown(": {cause}").filled(cause=mirror.cause) if mirror.cause else "",
        )
    ]


def _loss(loss: LossRecorded | None, old: str) -> list[Markdown]:
    if loss is None:
        return []
    if loss.seen_at is None:
        never = "{old} never answered while anybody watched: what is lost is not known."
        return [Markdown(never).filled(old=old)]
    seen = Markdown("{old} last answered at {at} UTC.").filled(old=old, at=_time(loss.seen_at))
    if not loss.losses:
        return [Markdown(f"{seen} The target held everything that it held then.")]
    lacking = Markdown(
        "{seen} Of {partitions} partitions these lack records, or may: what came in after that time"
        " cannot be counted."
    ).filled(seen=seen, partitions=loss.partitions)
    rows = ((x.partition, x.first, x.seen_end, x.known) for x in loss.losses)
    columns = ("Partition", "Missing from offset", "Ended at", "Known to be missing")
    left_out = Markdown("left out by the mirror before that: {hole}")
    holes = bullets(left_out.filled(hole=x.hole) for x in loss.losses if x.hole)
    return [lacking, Markdown(), *table(columns, rows), *holes]


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _ms(milliseconds: float | None) -> str:
    if milliseconds is None:
        return _NOTHING
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def _count(number: int | None) -> str:
    return _NOTHING if number is None else str(number)
