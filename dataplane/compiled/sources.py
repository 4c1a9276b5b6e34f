"""What is compiled, of which sources, and where it is kept."""

import hashlib
import os
import sysconfig
from pathlib import Path
from typing import Final

MODULES: Final = (
    "dataplane.gateway.accounts",
    "dataplane.gateway.client_connection",
    "dataplane.gateway.frames",
    "dataplane.gateway.gates",
    "dataplane.gateway.outgoing",
    "dataplane.gateway.refusing",
    "dataplane.gateway.relay",
    "dataplane.gateway.rewriting",
    "dataplane.gateway.tallies",
    "dataplane.gateway.tenant",
    "dataplane.gateway.token_bucket",
    "dataplane.gateway.upstream_connection",
    "dataplane.relay.exchange",
    "dataplane.relay.machine",
    "dataplane.virtual.producer_ids",
    "dataplane.wire.header",
    "dataplane.wire.names",
    "dataplane.wire.primitives",
)
"""What a request comes through on its way, and its answer."""

ROOT: Final = Path(__file__).parents[2]
"""Where the packages are."""

PLACE: Final = "INTERLOCK_COMPILED_IN"
"""Names another folder, for whoever runs two trees with one Python."""

FOLDER: Final = Path(
    os.environ.get(PLACE) or Path(sysconfig.get_path("platlib")) / "interlock_compiled"
)
"""Beside the packages that are installed for this Python, and never between the sources: a file
that lay there would go before a source that is newer."""

DIGEST_FILE: Final = FOLDER / "sources.sha256"
"""The digest of the sources at the time when they were compiled."""

LOOKED_AT: Final = ("contract", "dataplane", "upstream")
"""The packages that modules which are compiled import from: types and constants of theirs are built
into the code, so what was compiled is good for none but these very sources."""


def digest() -> str:
    """Of all sources that go into what is compiled, as they are now."""
    total = hashlib.sha256()
    for package in LOOKED_AT:
        for file in sorted((ROOT / package).rglob("*.py")):
            total.update(f"{file.relative_to(ROOT)}\n".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
