"""What a switch says of the groups' positions."""

from controlplane.domain.switch.events import PositionsTranslated
from controlplane.domain.switch.view import Positions, View


def positions_translated(switch_id: str, positions: Positions) -> PositionsTranslated:
    """The event that they are on the target."""
    return PositionsTranslated(
        switch_id=switch_id,
        groups=positions.groups,
        positions=positions.positions,
        by_method=dict(positions.by_method),
        remarks=positions.remarks,
        remarks_left_out=positions.remarks_left_out,
        digest=positions.digest,
        duration_ms=positions.duration_ms,
    )


def positions_cause(view: View) -> str:
    """Why a switch did not get on that was about to bring them over."""
    return (
        f"the positions of the groups were not brought to {view.switch.to_cluster} in time:"
        f" {view.probe_error or 'there was too much to read'}"
    )
