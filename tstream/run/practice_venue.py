"""A practice venue's own process: `python -m tstream.run.practice_venue`, told on its stdin what to do."""

from __future__ import annotations

import sys

import msgspec

from adapters.simulator.process import VenueStart
from tstream.venues import known


def main() -> int:
    """Run the venue until it is told to end; gives the exit code."""
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=VenueStart)
    practice = known.kind(start.kind).practice
    assert practice is not None, f"{start.kind} has no practice venue"
    return practice.main(start)


if __name__ == "__main__":
    sys.exit(main())
