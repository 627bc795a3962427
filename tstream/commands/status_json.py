"""tstream status --json: the running engine's picture as it wrote it. Imports next to nothing."""

from __future__ import annotations

import sys

from adapters.control.line import look
from tstream import paths


def status_json(charts: bool) -> int:
    """Write the View, with all charts if told so; gives the exit code. Raises PortError."""
    told = look(paths.find().control_socket, charts)
    sys.stdout.buffer.write(told + b"\n")
    sys.stdout.buffer.flush()
    return 0
