"""A switch's report for people to read, as Markdown."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from contract.session import Unrest
from controlplane.domain.positions import EXACT
from controlplane.domain.switch.events import LossRecorded, PositionsTranslated
from controlplane.domain.switch.parity import told
from controlplane.domain.switch.report import (
    Alike,
    Groups,
    MirrorStory,
    NodeStory,
    Numbers,
    Proof,
    Report,
    Stage,
)
from controlplane.domain.switch.state import Phase

_OUTCOMES = {
    Phase.COMPLETED: "completed: every node that is alive serves {to}",
    Phase.ABORTED: "undone: {old} serves as before",
}
_RUNNERS = {
    "process": "by `interlock mirrormaker`",
    "connect": "by Kafka Connect",
    "manual": "by hand",
}
_EVIDENCE = {
    "report": "said that it had stopped",
    "lease_expired": "silent; its lease had run out",
    "none": "none",
}


def as_markdown(report: Report) -> str:
    """The whole story on a page."""
    sections = [
        [f"# Switch of {report.scope}: {report.from_cluster} to {report.to_cluster}"],
        _summary(report),
        _section("Timeline", _timeline(report.stages)),
        _section("Checks before the fence", _checks(report)),
        _section("Gateway nodes", _nodes(report.nodes)),
        _section("Proof", _proof(report.proof)),
        _section("Beyond records", _parity(report.parity)),
        _section("Consumer groups", _groups(report.groups)),
        _section("Producers", _producers(report)),
        _section("Offsets", _numbers(report.numbers)),
        _section("Mirror", _mirror(report.mirror)),
        _section("What was given up", _loss(report.loss, report.from_cluster)),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _summary(report: Report) -> list[str]:
    outcome = _OUTCOMES.get(report.outcome, "under way: {phase}").format(
        to=report.to_cluster, old=report.from_cluster, phase=report.outcome.value
    )
    rows = {
        "Switch": f"`{report.switch_id}`",
        "Outcome": outcome,
        "Cause": report.cause,
        "Mode": report.mode,
        "Asked for by": report.requested_by,
        "Reason": report.reason,
        "Requested": _time(report.requested_at),
        "Ended": _time(report.ended_at) if report.ended_at else None,
        "Clients waited": _waited(report),
    }
    return [f"- {name}: {_inline(value)}" for name, value in rows.items() if value is not None]


def _waited(report: Report) -> str | None:
    if report.fenced_ms is None:
        return None
    mirror = f", {_ms(report.mirror_ms)} of it for the mirror" if report.mirror_ms else ""
    return _ms(report.fenced_ms) + mirror


def _timeline(stages: Sequence[Stage]) -> list[str]:
    return _table(
        ("Phase", "Began (UTC)", "Took"),
        ((stage.phase.value, _time(stage.began_at), _ms(stage.took_ms)) for stage in stages),
    )


def _checks(report: Report) -> list[str]:
    rows = ((c.name, "yes" if c.passed else "**no**", c.detail) for c in report.checks)
    return _table(("Check", "Passed", "Found"), rows)


def _nodes(nodes: Sequence[NodeStory]) -> list[str]:
    return _table(
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


def _proof(proof: Proof | None) -> list[str]:
    if proof is None:
        return []
    proved = (
        f"The old cluster stood still for {_ms(proof.stood_still_ms)}; the target then held the"
        f" last records of all {proof.partitions} partitions. Those of partitions that had moved"
        " since both clusters were looked at before were found there one by one. Digest of the old"
        f" cluster's end offsets: `{proof.offsets_digest}`."
    )
    missing = _list(f"accepted as lost: {hole}" for hole in proof.holes)
    head = ("Partition", "End on the old cluster", "End on the target", "Records found")
    rows = (
        (name, str(old), str(new), _count(proof.compared.get(name)))
        for name, old, new in proof.ends
    )
    return [proved, *missing, "", *_table(head, rows)]


def _parity(parity: Alike | None) -> list[str]:
    if parity is None:
        return []
    keys = sum(parity.tombstones.values())
    lines = [f"- the target was made like the old cluster: {told(parity.done)}"]
    if keys:
        lines.append(f"- {keys} keys that compaction had cleaned away were deleted once more")
    names = [d.name for d in parity.done.left]
    lines += [
        f"- {name} stays different, as was asked for" for name in names if name in parity.waived
    ]
    lines += [f"- {name} stays different" for name in names if name not in parity.waived]
    return [_inline(line) for line in lines]


def _groups(groups: Groups | None) -> list[str]:
    if groups is None:
        return []
    interrupted = [_restless(r.node_id, r.unrest) for r in groups.restless]
    lines = [f"- interrupted by the fence on {line}" for line in interrupted]
    if not lines:
        lines = ["- nothing had to be interrupted"] if groups.positions else []
    if groups.ghosts_removed:
        lines.append(f"- {groups.ghosts_removed} members of before were removed on the target")
    return lines + _positions(groups.positions)


def _restless(node: str, unrest: Unrest | None) -> str:
    if unrest is None:
        return f"{node}: it did not say in time what was going on"
    named = ", ".join((*unrest.member_names, *unrest.transaction_names))
    return f"{node}: {unrest.members} members, {unrest.transactions} transactions ({named})"


def _positions(moved: PositionsTranslated | None) -> list[str]:
    if moved is None:
        return ["- no position was brought to the target: groups go on where a mirror put them"]
    exact = sum(count for method, count in moved.by_method.items() if method in EXACT)
    told = (
        f"- {moved.positions} positions of {moved.groups} groups were brought to the target in"
        f" {_ms(moved.duration_ms)}, {exact} of them exactly"
    )
    rows = [
        (r.group, f"{r.topic}-{r.partition}", str(r.committed), _count(r.translated), r.detail)
        for r in moved.remarks
    ]
    if moved.remarks_left_out:
        rows.append((f"and {moved.remarks_left_out} more", "", "", "", ""))
    table = _table(("Group", "Partition", "On the old cluster", "On the target", "Why"), rows)
    return [told, "", *table] if table else [told]


def _producers(report: Report) -> list[str]:
    lines = []
    if report.producers is not None:
        told = f"- the last writes of {report.producers} idempotent producers are known"
        lines.append(f"{told}: repeated, they are not written again")
    if report.transactions_aborted:
        named = ", ".join(report.transactions_aborted)
        lines.append(f"- transactions that were still open were aborted: {named}")
    return lines


def _numbers(numbers: Numbers | None) -> list[str]:
    if numbers is None:
        return []
    told = f"{numbers.partitions - len(numbers.renumbered)} of {numbers.partitions} partitions"
    lines = [f"Clients see the offsets of {told} as before."]
    if numbers.renumbered:
        rows = ((r.partition, str(r.floor), str(r.stretches)) for r in numbers.renumbered)
        table = _table(("Partition", "Numbered from", "Known stretches of older numbers"), rows)
        lines += ["Of the others the two logs differ; what clients hold is led on.", "", *table]
    return lines


def _mirror(mirror: MirrorStory | None) -> list[str]:
    if mirror is None:
        return []
    how = _RUNNERS[mirror.runner]
    took = f" in {_ms(mirror.took_ms)}" if mirror.took_ms is not None else ""
    cause = f": {mirror.cause}" if mirror.cause else ""
    told = f"To be turned to {mirror.direction}, {how}, since {_time(mirror.began_at)} UTC"
    return [f"{told}: {mirror.phase.value}{took}{_inline(cause)}."]


def _loss(loss: LossRecorded | None, old: str) -> list[str]:
    if loss is None:
        return []
    if loss.seen_at is None:
        return [f"{old} never answered while anybody watched: what is lost is not known."]
    seen = f"{old} last answered at {_time(loss.seen_at)} UTC."
    if not loss.losses:
        return [f"{seen} The target held everything that it held then."]
    rows = ((x.partition, str(x.first), str(x.seen_end), str(x.known)) for x in loss.losses)
    columns = ("Partition", "Missing from offset", "Ended at", "Known to be missing")
    told = f"{seen} Of {loss.partitions} partitions these lack records, or may: what came in after"
    holes = _list(f"left out by the mirror before that: {x.hole}" for x in loss.losses if x.hole)
    return [f"{told} that time cannot be counted.", "", *_table(columns, rows), *holes]


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines] if lines else []


def _list(items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return ["", *lines] if lines else []


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(_inline(value) for value in row) + " |" for row in rows]
    if not lines:
        return []
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *lines]


def _inline(text: str) -> str:
    """Text that ends no table cell and no line."""
    return text.replace("|", "\\|").replace("\n", " ")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _ms(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
