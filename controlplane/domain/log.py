"""The union of all events: what the log can hold, and how an event becomes JSON and back."""

from typing import get_args

import msgspec

from controlplane.domain import events as plain
from controlplane.domain.event import Event
from controlplane.domain.mirror import events as mirror
from controlplane.domain.switch import events as switch

AnyEvent = (
    plain.VirtualClusterCreated
    | plain.VirtualClusterDeleted
    | plain.PolicySet
    | plain.ServiceAccountCreated
    | plain.TokenIssued
    | plain.ServiceAccountRevoked
    | plain.ServiceAccountRestricted
    | plain.ScramVerifiersSet
    | plain.ScramVerifiersSealed
    | plain.ExternalNamesSet
    | plain.ClusterDescribed
    | plain.FaceDecided
    | plain.ScopeOpened
    | plain.ScopeAdded
    | plain.TopicMapped
    | plain.TopicUnmapped
    | plain.TopicAliased
    | plain.TopicUnaliased
    | plain.TopicGranted
    | plain.TopicGrantRevoked
    | plain.NodeRegistered
    | plain.NodeDeregistered
    | plain.NodeTokenIssued
    | plain.NodeTokenRevoked
    | plain.LoginSucceeded
    | plain.LoginFailed
    | plain.AccessDenied
    | plain.AccessesUncounted
    | plain.RebuildRequested
    | plain.LogReconciled
    | switch.SwitchRequested
    | switch.PreflightPassed
    | switch.SwitchRejected
    | switch.MirrorAwaited
    | switch.QuiesceOrdered
    | switch.TransactionsHeld
    | switch.FenceOrdered
    | switch.NodeFenced
    | switch.NodeDrained
    | switch.BarrierReached
    | switch.SourceFrozen
    | switch.BypassDetected
    | switch.CaughtUp
    | switch.LossRecorded
    | switch.LagWaived
    | switch.CutRecorded
    | switch.TransactionsAborted
    | switch.IdentitiesRecorded
    | switch.ProducersRecorded
    | switch.OffsetsNumbered
    | switch.TopicIdsRecorded
    | switch.NumberingDecided
    | switch.PositionsTranslated
    | switch.SwitchCommitted
    | switch.NodeResumed
    | switch.MembersReturned
    | switch.SwitchCompleted
    | switch.AbortRequested
    | switch.SwitchAborted
    | mirror.ReversalRequested
    | mirror.MirrorStopped
    | mirror.TailsSettled
    | mirror.TargetEmptied
    | mirror.PositionsSeeded
    | mirror.MirrorStarted
    | mirror.MirrorReversed
    | mirror.ReversalFailed
    | mirror.CircleDetected
    | mirror.CircleEnded
)

_decoder = msgspec.json.Decoder(AnyEvent)

_KINDS = tuple(str(one.__struct_config__.tag) for one in get_args(AnyEvent))


class UnknownEventError(ValueError):
    """The log holds an event that this release cannot read."""


def data_of(event: Event) -> str:
    """An event's fields as a JSON object, without its name."""
    return msgspec.json.encode(msgspec.structs.asdict(event)).decode()


def event_of(kind: str, data: str) -> Event:
    """The event that a row of the log holds.

    Raises:
        UnknownEventError: the kind is not known, or its fields are not those of this release.
    """
    tag = msgspec.json.encode(kind).decode()
    rest = data.strip()[1:]
    separator = "" if rest.lstrip().startswith("}") else ","
    try:
        decoded: Event = _decoder.decode(f'{{"type":{tag}{separator}{rest}')
    except msgspec.MsgspecError as error:
        raise UnknownEventError(
            f"the log holds an event {kind!r} that this release cannot read ({error}):"
            " run the release that wrote it, or a newer one"
        ) from error
    return decoded


def kinds_of(kind: str) -> list[str]:
    """A kind of event, or all kinds that begin with a word and a dot."""
    return [kind] if "." in kind else [one for one in _KINDS if one.split(".")[0] == kind]
