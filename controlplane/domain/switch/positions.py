"""What a switch says of the groups' positions, and of producers: what clients go on from."""

from hashlib import sha256

import msgspec

from controlplane.domain.switch.events import PositionsTranslated, ProducersRecorded, SwitchEvent
from controlplane.domain.switch.transactions import identities_recorded
from controlplane.domain.switch.view import View


def what_was_brought(view: View) -> tuple[SwitchEvent, ...]:
    """Everything that clients find on the target; nothing if that is what was recorded last."""
    positions, switch_id = view.positions, view.switch.switch_id
    if positions is None:
        return ()
    brought = (positions.digest, view.producers, view.identities, view.parity)
    digest = sha256(msgspec.json.encode(brought)).hexdigest()
    if digest == view.switch.positions_digest:
        return ()
    producers = (
        ProducersRecorded(
            switch_id=switch_id,
            scope=known.scope,
            physical=known.physical,
            recorded_at=known.recorded_at,
            writers=known.writers,
        )
        for known in view.producers
    )
    translated = PositionsTranslated(
        switch_id=switch_id,
        groups=positions.groups,
        positions=positions.positions,
        by_method=dict(positions.by_method),
        remarks=positions.remarks,
        remarks_left_out=positions.remarks_left_out,
        digest=digest,
        duration_ms=positions.duration_ms,
        parity=view.parity,
    )
    return (*producers, *identities_recorded(view.identities, switch_id), translated)


def positions_cause(view: View) -> str:
    """Why a switch did not get on that was about to bring them over."""
    return (
        f"the positions of the groups were not brought to {view.switch.to_cluster} in time:"
        f" {view.unfinished}"
    )
