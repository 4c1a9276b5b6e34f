"""What to do next about a switch: decided from the whole view, so a restart needs no memory."""

from controlplane.domain.switch import events
from controlplane.domain.switch.after_the_commit import resuming
from controlplane.domain.switch.before_the_fence import preparing, quiescing, requested
from controlplane.domain.switch.behind_the_fence import catching_up, fencing, verifying
from controlplane.domain.switch.causes import holdup
from controlplane.domain.switch.rules import ALL, Rules, is_overdue
from controlplane.domain.switch.step import Step, abort, append
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import View


def next_steps(  # noqa: C901, PLR0911 - one line for each phase
    view: View, now: float, rules: Rules = ALL
) -> tuple[Step, ...]:
    """What to do about the switch at this moment; nothing if it waits for somebody else.

    Args:
        view: everything that is known.
        now: monotonic seconds, on the clock of the view.
        rules: which safety rules hold.
    """
    if is_overdue(view, now, rules):
        cause = f"not committed within {view.switch.budget_s:g} s{holdup(view, rules)}"
        return (abort(view, cause),)
    match view.switch.phase:
        case Phase.REQUESTED:
            return requested(view)
        case Phase.PREPARING:
            return preparing(view, now)
        case Phase.QUIESCING:
            return quiescing(view, now)
        case Phase.FENCING:
            return fencing(view, now, rules)
        case Phase.VERIFYING:
            return verifying(view, now, rules)
        case Phase.CATCHING_UP:
            return catching_up(view, now, rules)
        case Phase.COMMITTED | Phase.RESUMING:
            return resuming(view, now)
        case Phase.ABORTING:
            cause = view.switch.cause or "no cause was given"
            return (append(events.SwitchAborted(switch_id=view.switch.switch_id, cause=cause)),)
        case Phase.COMPLETED | Phase.ABORTED:
            return ()
