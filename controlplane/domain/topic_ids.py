"""Which topic of the old cluster is which on the new one: the ids that clients go on knowing."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from contract.records import TopicIds
from contract.topic_ids import packed, unpacked

MOST_TOPICS: Final = 20_000
"""In one record, of 43 bytes each, where brokers take 1 MiB. Clients take all beyond for topics
that were made anew."""

IdsOfTopics = Mapping[str, UUID]
"""By physical name; topics of a cluster that gives out none are left out."""


def ids_after(
    scope: str,
    epoch: int,
    source: IdsOfTopics,
    target: IdsOfTopics,
    known: TopicIds | None,
) -> TopicIds | None:
    """The record of the epoch that a switch makes; None if every topic has its born id there.

    A topic that is not on both clusters keeps none: where it is made later, it is another one.

    Args:
        scope: the scope.
        epoch: the one to come.
        source: ids on the cluster that is left, of the scope's topics.
        target: those on the one that is to serve.
        known: the record of the epoch that ends; None if there is none.
    """
    born = {here: first for first, here in unpacked(known.pairs)} if known is not None else {}
    pairs = []
    for topic in sorted(source.keys() & target.keys()):
        first = born.get(source[topic].bytes, source[topic].bytes)
        if target[topic].bytes != first:
            pairs.append((first, target[topic].bytes))
    if not pairs:
        return None
    return TopicIds(scope=scope, epoch=epoch, pairs=packed(pairs[:MOST_TOPICS]))
