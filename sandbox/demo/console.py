"""How the demo looks on a terminal."""

import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.demo.account import Cost
from sandbox.demo.shell import Outcome
from sandbox.progress import Progress

OUTPUT_LINES = 14
"""Lines of a command's output that are shown."""

console = Console(highlight=False, soft_wrap=True)


def show_progress(progress: Progress) -> None:
    """One line for each part that has started."""
    if progress.state == "done":
        console.print(f"  [green]✓[/] {progress.step} [dim]{progress.seconds:.1f} s[/]")
    elif progress.state == "failed":
        console.print(f"  [red]✗[/] {progress.step}")


def show_title(number: int, title: str) -> None:
    """The heading of a step."""
    console.print()
    console.print(Text(f"{number:>2}. {title}", style="bold"))


def show_command(command: str) -> None:
    """A command, as typed."""
    console.print(Text(textwrap.indent(f"$ {command}", "    "), style="cyan"))


def show_outcome(outcome: Outcome, complaint: str | None) -> None:
    """What came of it."""
    said = outcome.stdout.rstrip() or "(no output)"
    if complaint is not None:
        said += "\n" + outcome.stderr.rstrip()
    lines = said.splitlines()
    if len(lines) > OUTPUT_LINES:
        lines = [*lines[:OUTPUT_LINES], f"... {len(lines) - OUTPUT_LINES} more lines"]
    console.print(Text(textwrap.indent("\n".join(lines), "    ")))
    if complaint is None:
        console.print("    [green]✓[/]")
    else:
        console.print(Text(f"    ✗ {complaint}", style="red"))


def show_note(text: str) -> None:
    """A remark between the steps."""
    console.print(Text(f"    {text}", style="dim"))


def show_cost(cost: Cost, switch: dict[str, str], errors: list[str]) -> None:
    """The bill."""
    table = Table(title="What the switch cost", title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, value in switch.items():
        table.add_row(name, value)
    table.add_row("records acknowledged", str(cost.acknowledged))
    table.add_row("records lost", str(cost.lost))
    table.add_row("records written twice", str(cost.written_twice))
    table.add_row("records read by the group", str(cost.read))
    table.add_row("records read twice", str(cost.read_twice))
    table.add_row("records not read", str(cost.unread))
    table.add_row("errors that reached an application", str(len(errors)))
    console.print()
    console.print(table)
    for error in errors:
        console.print(Text(f"  {error}", style="red"))
