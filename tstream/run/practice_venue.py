"""The practice venue's own process: `python -m tstream.run.practice_venue`, told on its stdin what to do."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.simulator import server
from adapters.simulator.process import TapeChoice
from adapters.simulator.server import RecordedMarket


def main() -> int:
    """Run the venue until it is told to end; gives the exit code."""
    return server.main(_open_tape)


def _open_tape(choice: TapeChoice) -> RecordedMarket:
    from adapters.tapes.tape import open_tape

    return open_tape(
        Path(choice.path), choice.contract, choice.month, choice.stamp, symbol=choice.symbol, zone=choice.zone
    )


if __name__ == "__main__":
    sys.exit(main())
