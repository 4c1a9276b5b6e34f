"""Nodes' heartbeats and the leases that they earn: soft state, judged by the database's clock."""

from datetime import timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contract.session import NodeReport
from controlplane.domain.projection import ROUTING_KINDS
from controlplane.domain.switch.view import Timing
from controlplane.store.jsonb import from_jsonb, to_jsonb

CHANNEL = "interlock_session"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the log said about a node at the moment of its report."""

    granted: bool
    incarnation: str | None
    """Of the newest registration; None if the node is not registered."""
    fence_seq: int
    head_seq: int
    knows_more: bool = False
    """Whether the node is ahead of the log, or follows another."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A node's newest report."""

    node_id: str
    report: NodeReport
    granted: bool
    age: timedelta
    """Since the report came in."""

    def may_serve(self, lease_s: float) -> bool:
        """Whether a lease that the report earned may still be valid."""
        return self.age.total_seconds() <= Timing(lease_s=lease_s).expiry_s


# One statement, so that the grant and the log it is judged by are of one moment (rule C2). The
# fence is read from the log itself, never from a process's memory: all control planes agree on it.
# A report that knows more than the log is kept whoever made it, as it speaks against the log: no
# lease is granted on such a log, as its newest fence may be what was lost.
# The newest of each kind is looked up where the index by kinds has it. Asked otherwise, Postgres
# looks for it from the log's end backwards, through all of it if nothing was switched for long.
_REPORT = sa.text("""
    WITH known AS (
      SELECT (SELECT max(newest.seq)
                FROM unnest(CAST(:routing AS text[])) AS kind
               CROSS JOIN LATERAL (SELECT type, seq FROM interlock.event
                                    WHERE (type, seq) <= (kind, 9223372036854775807)
                                    ORDER BY type DESC, seq DESC LIMIT 1) AS newest
               WHERE newest.type = kind) AS fence_seq,
             (SELECT seq FROM interlock.event_head) AS head_seq,
             (SELECT CAST(log_id AS text) FROM interlock.event_head) AS log_id,
             (SELECT CASE WHEN type = 'node.registered' THEN data ->> 'incarnation' END
                FROM interlock.event WHERE stream = 'node/' || :node_id
               ORDER BY version DESC LIMIT 1) AS incarnation
    ), judged AS (
      SELECT coalesce(fence_seq, 0) AS fence_seq, head_seq, incarnation,
             :applied_seq > head_seq OR coalesce(CAST(:log AS text) <> log_id, false)
               AS knows_more,
             coalesce(incarnation = :incarnation AND :applied_seq >= fence_seq AND :willing, false)
               AS may_serve
        FROM known
    ), kept AS (
      INSERT INTO interlock.node_session AS s (node_id, report, granted, reported_at)
      SELECT :node_id, CAST(:report AS jsonb), may_serve AND NOT knows_more, clock_timestamp()
        FROM judged
       WHERE incarnation = :incarnation OR knows_more
      ON CONFLICT (node_id) DO UPDATE
        SET report = excluded.report, granted = excluded.granted, reported_at = excluded.reported_at
    )
    SELECT may_serve AND NOT knows_more AS granted, knows_more, incarnation, fence_seq, head_seq
      FROM judged
""").bindparams(sa.bindparam("routing", value=list(ROUTING_KINDS)))

_NEWEST = sa.text(
    "SELECT node_id, CAST(report AS text) AS report, granted,"
    " clock_timestamp() - reported_at AS age"
    " FROM interlock.node_session ORDER BY node_id"
)


class Sessions:
    """The table of heartbeats."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def report(self, node_id: str, report: NodeReport, *, willing: bool = True) -> Grant:
        """Keep a node's report and judge whether it earns a lease.

        Args:
            node_id: whose report.
            report: what it says.
            willing: whether a lease may be granted at all.
        """
        values = {
            "node_id": node_id,
            "incarnation": report.incarnation,
            "applied_seq": report.applied_seq,
            "log": report.log,
            "willing": willing and not report.leaving and report.unreadable is None,
            "report": to_jsonb(msgspec.json.encode(report).decode()),
        }
        async with self._engine.begin() as connection:
            row = (await connection.execute(_REPORT, values)).one()
            return Grant(
                granted=row.granted,
                incarnation=row.incarnation,
                fence_seq=row.fence_seq,
                head_seq=row.head_seq,
                knows_more=row.knows_more,
            )

    async def wake_coordinator(self) -> None:
        """Tell the leading control plane that a report came in which it may be waiting for."""
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL}
            )

    async def forget_all(self, connection: AsyncConnection) -> None:
        """Take what nodes say from here on, in the transaction at hand."""
        await connection.execute(sa.text("DELETE FROM interlock.node_session"))

    async def newest(self) -> dict[str, Session]:
        """Every node's newest report, by node id."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_NEWEST)
            return {
                row.node_id: Session(
                    node_id=row.node_id,
                    report=msgspec.json.decode(from_jsonb(row.report), type=NodeReport),
                    granted=row.granted,
                    age=row.age,
                )
                for row in rows
            }
