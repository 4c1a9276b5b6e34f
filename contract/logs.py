"""Log lines, the same from both planes: JSON for machines, or aligned and coloured for people."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict

from contract.shown import on_one_line


def values_on_one_line(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Write control characters out, in a line for people: tenants choose their names.

    The renderer quotes what has spaces in it; JSON has its own way with all of this.
    """
    return {k: on_one_line(v) if isinstance(v, str) else v for k, v in line.items()}


def configure_logs(form: Literal["json", "console"]) -> None:
    """Set up structlog, and send what libraries log through the same form, warnings and worse."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        last: structlog.typing.Processor = structlog.processors.JSONRenderer()
        # Without the values of local variables: there are secrets among them.
        trace = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(trace))
    else:
        shared.append(values_on_one_line)
        plain = structlog.dev.plain_traceback
        last = structlog.dev.ConsoleRenderer(exception_formatter=plain)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # aiokafka reports every failed attempt; what it amounts to is logged where it is handled.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
