"""How events are shown: as they stand in the log, but for what a password could be guessed by."""

from uuid import UUID

import msgspec
import pytest

from contract.records import Record, ServiceAccount
from contract.scram import ScramVerifier
from controlplane.api.own.schemas import event_view, without_verifiers
from controlplane.domain import events
from controlplane.domain.event import Event, Recorded
from controlplane.domain.switch.events import CutRecorded, FenceOrdered
from tests.controlplane.histories import START, described, mapped

VERIFIERS = {
    "SCRAM-SHA-256": ScramVerifier(
        salt=b"salt", iterations=4096, stored_key=b"stored", server_key=b"server"
    )
}
ACCOUNT = ServiceAccount(vcluster="teamA", name="sa", scram=VERIFIERS, sealed_scram=b"sealed")
WITH_VERIFIERS = [
    events.ScramVerifiersSet(vcluster="teamA", name="sa", verifiers=VERIFIERS),
    events.ScramVerifiersSealed(vcluster="teamA", name="sa", sealed_scram=b"sealed"),
    events.LogReconciled(
        log="x",
        lost_from=1,
        through_seq=2,
        digest="d",
        records=(Record(log="x", seq=1, key="account/teamA/sa", state=ACCOUNT),),
    ),
]
OTHERS = [
    described("main", 1, 2),
    mapped("teamA", 'a "stored_key" of nobody'),
    FenceOrdered(switch_id="s", participants=(("n1", "i1"),)),
    CutRecorded(switch_id="s", source_ends=(("a-0", 1),), target_ends=()),
]


def shown(event: Event) -> dict[str, object]:
    recorded = Recorded(
        seq=1,
        event_id=UUID(int=0),
        version=1,
        event=event,
        actor="user:test",
        reason=None,
        recorded_at=START,
    )
    return event_view(recorded).data


@pytest.mark.parametrize("event", [*WITH_VERIFIERS, *OTHERS], ids=lambda event: event.kind)
def test_an_event_is_shown_with_all_its_fields_but_for_verifiers(event: Event):
    whole = msgspec.to_builtins(msgspec.structs.asdict(event), str_keys=True)
    assert msgspec.json.encode(shown(event)) == msgspec.json.encode(without_verifiers(whole))


@pytest.mark.parametrize("event", WITH_VERIFIERS, ids=lambda event: event.kind)
def test_no_verifier_is_shown(event: Event):
    text = msgspec.json.encode(shown(event)).decode()
    for secret in ("salt", "stored_key", "server_key", "sealed_scram"):
        assert secret not in text
