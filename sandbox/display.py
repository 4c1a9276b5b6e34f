"""The sandbox on the terminal: progress of a start, and a table of what runs."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sandbox.progress import Progress
from sandbox.state import Health, Service

_COLOURS: dict[Health, str] = {
    "ready": "green",
    "not answering": "yellow",
    "paused": "yellow",
    "dead": "red",
}


class StartDisplay:
    """A line for each step: a spinner while it lasts, then how long it took.

    Where there is no terminal, one line is printed when a step ends.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[str, Spinner] = {}
        self._live = Live(console=console, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Take in that a step began or ended."""
        if progress.state == "began":
            self._running[progress.step] = Spinner("dots", progress.step)
        else:
            self._running.pop(progress.step, None)
            mark = Text("✔ ", "green") if progress.state == "done" else Text("✘ ", "red")
            took = Text(f"  {progress.seconds:.1f} s", "dim")
            self._console.print(Text.assemble(mark, progress.step, took))
        table = Table.grid()
        for spinner in self._running.values():
            table.add_row(spinner)
        self._live.update(table)


def status_table(services: Iterable[Service]) -> Table:
    """Who runs, where, and how it does right now."""
    table = Table("service", "address", "pid", "MiB", "health", box=None, pad_edge=False)
    for service in services:
        health = service.health()
        table.add_row(
            service.name,
            service.address,
            str(service.pid),
            str(service.memory_mb()),
            Text(health, _COLOURS[health]),
        )
    return table
