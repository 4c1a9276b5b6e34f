"""Which figures there are, in the order of the page, and what they are called there."""

from typing import NamedTuple


class Figure(NamedTuple):
    """One of them."""

    name: str
    title: str
    unit: str
    digits: int = 0
    grows: bool = True
    """Whether a law is fitted to it."""


SECTIONS: dict[str, tuple[Figure, ...]] = {
    "Topics": (
        Figure("create_ms", "creation through the gateway, in batches, of each topic", "ms", 1),
        Figure("known_s", "from the last creation until the log knows all", "s", 1),
        Figure("mirrored_s", "from then until the mirror has made all", "s", 1),
        Figure("metadata_direct_ms", "Metadata of all topics, from a cluster", "ms"),
        Figure("metadata_ms", "Metadata of all topics, from a gateway", "ms"),
        Figure("mappings_kib", "`_topicMappings` of the virtual cluster", "KiB", 1),
    ),
    "A switch": (
        Figure("plan_s", "`plan`, median", "s", 2),
        Figure("fenced_s", "planned: fence to commit, median", "s", 2),
        Figure("fenced_max_s", "planned: fence to commit, longest", "s", 2),
        Figure("total_s", "planned: call to completion, median", "s", 2),
        Figure("completed", "planned: completed", "", 0, grows=False),
        Figure("wait_s", "planned: longest wait of a writer", "s", 2),
        Figure("wait_before_s", "the same, before and between the switches", "s", 2),
        Figure("turned_s", "planned: from then until the way back would pass, median", "s", 1),
        Figure("forced_fenced_s", "forced: fence to commit", "s", 2),
        Figure("forced_total_s", "forced: call to completion", "s", 2),
    ),
    "What the log takes": (
        Figure("event_kib", "largest event of a switch", "KiB", 1),
        Figure("events_kib", "all events of a switch", "KiB", 1),
        Figure("records_kib", "all control records", "KiB", 1),
    ),
    "The watch": (
        Figure("watch_age_s", "oldest look while partitions are written", "s", 1),
        Figure("read_main_kib_s", "read from the cluster that serves, by control planes", "KiB/s"),
        Figure("read_failover_kib_s", "read from the other one, by control planes", "KiB/s"),
    ),
    "A node": (
        Figure("node_start_s", "from its start until it serves", "s", 1),
        Figure("node_start_cpu_s", "the same, processor time", "s", 1),
    ),
}
"""Further ones have a process's name in theirs: see PROCESSES."""

STATES = {"rest": "at rest", "use": "while partitions are written"}
PROCESSES = {
    "leader": "control plane that leads",
    "other": "the other one",
    "gateway1": "gateway 1",
    "gateway2": "gateway 2",
    "kafka1": "broker of the cluster that serves",
    "failover-kafka1": "broker of the other one",
    "mirror-maker": "MirrorMaker 2",
    "postgres": "Postgres",
}


def process_figures() -> tuple[Figure, ...]:
    """Processor time and memory, of each process in each state."""
    return tuple(
        figure
        for process, called in PROCESSES.items()
        for figure in (
            *(
                Figure(f"cpu_{state}_{process}", f"{called}, {told}", "% of a core", 1)
                for state, told in STATES.items()
            ),
            Figure(f"mib_{process}", f"{called}, resident", "MiB"),
        )
    )
