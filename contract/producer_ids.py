"""The layout of the producer ids that the gateway gives out: see `dataplane.virtual.producer_ids`.

bits 62 to 56   index of the cluster that handed it out, plus one
bits 55 to 40   generation: epoch of the scope, modulo 65536
bits 39 to 0    the cluster's own number
"""

from typing import Final

NUMBER_BITS: Final = 40
GENERATION_BITS: Final = 16
GENERATION: Final = ((1 << GENERATION_BITS) - 1) << NUMBER_BITS
"""The bits that hold the generation."""
FIRST_UNIQUE: Final = 1 << (NUMBER_BITS + GENERATION_BITS)
"""Ids below are a cluster's own, or -1 for none."""


def producer_id_offset(cluster_index: int, epoch: int) -> int:
    """What is added to the ids that a cluster hands out while it serves a scope in an epoch."""
    generation = (epoch << NUMBER_BITS) & GENERATION
    return ((cluster_index + 1) << (NUMBER_BITS + GENERATION_BITS)) | generation


def lineage(producer_id: int) -> int:
    """What stays of a producer's id over all generations."""
    return producer_id & ~GENERATION


def generation(producer_id: int) -> int:
    """The generation that an id stands in."""
    return (producer_id & GENERATION) >> NUMBER_BITS
