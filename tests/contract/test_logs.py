"""Log lines, as they reach a terminal or a collector."""

import re
import subprocess
import sys

import pytest

NASTY = "a\n2026 [error] all is lost\r\x1b[2J\u202egnp.exe\x85"
COLOUR = re.compile(r"\x1b\[\d+m")
PROGRAM = """
import logging, sys, structlog
from contract.logs import configure_logs
configure_logs(sys.argv[1])
structlog.get_logger().warning("refused", group=sys.argv[2], topic="orders")
logging.getLogger("a library").warning("says %s", sys.argv[2])
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_name_of_a_tenant_stays_within_its_line(form):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form, NASTY], capture_output=True, check=True
    )
    ours, librarys = COLOUR.sub("", done.stderr.decode()).splitlines()
    assert ours.isprintable()
    assert librarys.isprintable()
    assert "orders" in ours
    assert "all is lost" in ours
