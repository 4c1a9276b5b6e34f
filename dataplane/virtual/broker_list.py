"""What stands in for a cluster's description of itself: the slots, the virtual cluster's id."""

from typing import Any

from dataplane.virtual.view import View
from dataplane.wire.primitives import INT32, encode_count, encode_string
from dataplane.wire.schema import Struct


def broker_list(view: View, struct: Struct, compact: bool) -> bytes:  # noqa: FBT001 - called by generated code
    """The array of brokers of a Metadata or DescribeCluster answer: the slots."""
    made = view.made.get(struct.entity)
    if made is None:
        slots = b"".join(_broker(view, slot, struct) for slot in range(len(view.listeners)))
        made = view.made[struct.entity] = encode_count(len(view.listeners), compact=compact) + slots
    return made


def _broker(view: View, slot: int, struct: Struct) -> bytes:
    node = INT32.pack(slot)
    host, port = view.endpoint(node)
    values = {
        "node_id": node,
        "broker_id": node,
        "host": encode_string(host, compact=struct.flexible),
        "port": port,
        "rack": encode_string(None, compact=struct.flexible),
        "is_fenced": b"\0",
    }
    return b"".join(values[f.name] for f in struct.fields) + b"\0" * struct.flexible


def cluster_id(view: View, _struct: Any, compact: bool) -> bytes:  # noqa: FBT001 - called by generated code
    """The cluster id that the virtual cluster shows."""
    return encode_string(view.cluster_id.encode(), compact=compact)


def no_rack(_view: View, _struct: Any, compact: bool) -> bytes:  # noqa: FBT001 - called by generated code
    """An empty rack id."""
    return encode_string(b"", compact=compact)
