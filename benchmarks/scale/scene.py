"""One environment at one size, and what is asked of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.scale.size import Size
from reliability.site import VCLUSTER, Site
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import PAIR, reserved_ports
from sandbox.process import wait_until

_PATIENCE_S = 600.0
_AT_ONCE = 100
_MAPPINGS = "_topicMappings"
_VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "120", "INTERLOCK_MIRROR_REVERSAL": "after_switch"}


class Scene:
    """Topics, and the way to everything that is measured."""

    def __init__(self, environment: Environment, size: Size) -> None:
        self.environment = environment
        self.size = size
        self.site = Site(environment)
        self._admin = AdminClient({**self.site.client(0), "log_level": 0})

    # --- topics ----------------------------------------------------------------------------------

    def create_topics(self) -> None:
        names, each = self.size.names, self.size.partitions_each
        for start in range(0, len(names), _AT_ONCE):
            new = [NewTopic(name, each, 1) for name in names[start : start + _AT_ONCE]]
            for made in self._admin.create_topics(new, request_timeout=120).values():
                made.result(120)

    def wait_until_known(self) -> None:
        def known() -> bool:
            items = self.site.call("GET", f"/api/v1/virtual-clusters/{VCLUSTER}/topics")["items"]
            return len(items) >= self.size.topics

        wait_until(known, "the log knows all topics", _PATIENCE_S)

    def wait_until_mirrored(self) -> None:
        standby = self.site.cluster(self.site.standby)
        admin = AdminClient({"bootstrap.servers": standby.bootstrap_servers})
        physical = {VCLUSTER + name for name in self.size.names}
        wait_until(
            lambda: physical <= set(admin.list_topics(timeout=30).topics),
            "the mirror has made all topics",
            _PATIENCE_S,
        )

    def metadata_ms(self) -> tuple[float, float]:
        """From a cluster, and from a gateway: the second of two each."""
        serving = self.site.cluster(self.site.serving)
        direct = AdminClient({"bootstrap.servers": serving.bootstrap_servers})
        return _second_ms(direct), _second_ms(self._admin)

    def mappings_bytes(self) -> int:
        """The largest record of `_topicMappings`."""
        servers = self.site.cluster(self.site.serving).bootstrap_servers
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "scale"})
        try:
            _, end = consumer.get_watermark_offsets(TopicPartition(_MAPPINGS, 0), timeout=10)
            consumer.assign([TopicPartition(_MAPPINGS, 0, 0)])
            largest, position, give_up_at = 0, 0, time.monotonic() + 30
            while position < end and time.monotonic() < give_up_at:
                for message in consumer.consume(1000, timeout=1):
                    position = max(position, (message.offset() or 0) + 1)
                    largest = max(largest, len(message.value() or b""))
            return largest
        finally:
            consumer.close()

    # --- control planes --------------------------------------------------------------------------

    def planned(self) -> tuple[float, bool]:
        """Seconds that `plan` took, and whether it would pass."""
        began = time.monotonic()
        plan = self.site.call("POST", "/api/v1/switch-plans", {"toCluster": self.site.standby})
        return time.monotonic() - began, bool(plan["passed"])

    def leader(self) -> int:
        """Which control plane leads."""
        return next((i for i in PAIR if "interlock_leading 1.0" in self._metrics(i)), 0)

    def watch_age_s(self) -> float:
        lines = self._metrics(0).splitlines()
        ages = [line for line in lines if line.startswith("interlock_watch_age_seconds{")]
        return max(float(line.split()[-1]) for line in ages)

    def newest_event(self) -> int:
        """The number of the newest event of the log."""
        lines = self._metrics(0).splitlines()
        return int(next(float(x.split()[-1]) for x in lines if x.startswith("interlock_log_seq ")))

    def events_of_switch(self, after: int) -> list[int]:
        """The size of each event of a switch since that one, in bytes of JSON."""
        sizes: list[int] = []
        while items := self.site.call("GET", f"/api/v1/events?after={after}")["items"]:
            after = items[-1]["seq"]
            switched = [event for event in items if event["kind"].startswith("switch.")]
            sizes += [len(msgspec.json.encode(event)) for event in switched]
        return sizes

    def records_bytes(self) -> int:
        """All control records, as a node gets them."""
        headers = {"authorization": f"Bearer {self.environment.secrets.node_token}"}
        path = f"{self._url(0)}/internal/v1/control/records?after=0&wait=0"
        return len(httpx.get(path, headers=headers, timeout=_PATIENCE_S).content)

    def _metrics(self, plane: int) -> str:
        return httpx.get(f"{self._url(plane)}/metrics", timeout=_PATIENCE_S).text

    def _url(self, plane: int) -> str:
        return f"http://localhost:{self.environment.plan.ports.admin_api(plane)}"


def _second_ms(admin: AdminClient) -> float:
    admin.list_topics(timeout=60)
    began = time.monotonic()
    admin.list_topics(timeout=60)
    return (time.monotonic() - began) * 1000


@contextmanager
def open_scene(size: Size, say: Callable[[str], None]) -> Iterator[Scene]:
    """Two clusters of one broker, MirrorMaker 2, two control planes and two gateways."""
    with TemporaryDirectory(prefix="interlock-scale-") as folder, reserved_ports() as ports:
        plan = Plan(
            folder=Path(folder),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.MIRROR, Component.GATEWAYS}),
            control_plane_variables=_VARIABLES,
        )
        say("starting two clusters, a mirror, two control planes and two gateways")
        with Environment(plan) as environment:
            yield Scene(environment, size)
