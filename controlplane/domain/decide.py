"""Commands to events: who handles which command."""

from collections.abc import Callable

from controlplane.domain import (
    adoption,
    aliases,
    commands,
    credentials,
    events,
    node_tokens,
    nodes,
    physical,
    policies,
    tenants,
    topics,
)
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict


def _rebuild(facts: Facts, _command: commands.RebuildControlTopic) -> list[Event]:
    if (running := next(facts.open_switches(), None)) is not None:
        # Between deletion and creation a cut-off node would find nothing on the topic, fence
        # included, and take itself to be up to date.
        raise Conflict(
            f"switch {running.switch_id} is under way: rebuild the control topic after its end"
        )
    return [events.RebuildRequested()]


_HANDLERS: dict[type[commands.Command], Callable[..., list[Event]]] = {
    commands.CreateVirtualCluster: tenants.create_virtual_cluster,
    commands.DeleteVirtualCluster: tenants.delete_virtual_cluster,
    commands.IssueToken: tenants.issue_token,
    commands.RevokeAccount: tenants.revoke_account,
    commands.SetPolicy: policies.set_policy,
    commands.RestrictAccount: policies.restrict_account,
    commands.SetScramVerifiers: credentials.set_scram_verifiers,
    commands.SetExternalNames: credentials.set_external_names,
    commands.DescribeCluster: physical.describe_cluster,
    commands.DecideFace: physical.decide_face,
    commands.MapTopic: topics.note_topic,
    commands.UnmapTopic: topics.note_topic,
    commands.UnmapAllTopics: topics.unmap_all_topics,
    commands.AdoptTopics: adoption.adopt_topics,
    commands.NoteGoneTopics: adoption.note_gone_topics,
    commands.AliasTopic: aliases.alias_topic,
    commands.UnaliasTopic: aliases.unalias_topic,
    commands.GrantTopic: aliases.grant_topic,
    commands.RevokeGrant: aliases.revoke_grant,
    commands.RegisterNode: nodes.register_node,
    commands.DeregisterNode: nodes.deregister_node,
    commands.IssueNodeToken: node_tokens.issue_node_token,
    commands.RevokeNodeTokens: node_tokens.revoke_node_tokens,
    commands.RebuildControlTopic: _rebuild,
}


def decide(facts: Facts, command: commands.Command) -> list[Event]:
    """What happens if a command is carried out now; empty if everything is so already.

    Raises:
        Refusal: the command is not carried out, and why.
    """
    return _HANDLERS[type(command)](facts, command)
