"""tstream simulate: a practice venue alone, for other clients to be pointed at."""

from __future__ import annotations

import sys

import msgspec

from adapters.simulator.process import Ready
from tstream.errors import UsageError
from tstream.venues import known
from tstream.venues.kind import Practice, SimulateAsked


def practice_of(kind: str) -> Practice:
    """The practice venue of a kind. Raises UsageError."""
    have = known.with_practice()
    practice = known.kind(kind).practice if kind in have else None
    if practice is None:
        raise UsageError(f"{kind} has no practice venue; those with one are {', '.join(have)}")
    return practice


def list_faults(kind: str) -> int:
    """Print what faults there are; gives the exit code."""
    sys.stdout.write(practice_of(kind).list_faults())
    return 0


def neighbour(line: str | None) -> Ready | None:
    """The ready line of another practice venue on this machine. Raises UsageError."""
    try:
        return None if line is None else msgspec.json.decode(line, type=Ready)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"--beside takes the line that another tstream simulate has written to stdout: {error}"
        ) from None


def simulate(kind: str, asked: SimulateAsked) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code. Raises CommandError, PortError."""
    if asked.run.speed == "max":
        raise UsageError("--speed max is for tstream run --headless; over sockets 20 is the most")
    return practice_of(kind).simulate(asked)
