"""The practice venue's own process: `python -m tstream.run.practice_venue ARGUMENTS`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from adapters.simulator import server
from adapters.simulator.server import RecordedMarket, TapeChoice


def main(argv: Sequence[str]) -> int:
    """Run the venue until it is told to end; gives the exit code."""
    return server.main(argv, _open_tape)


def _open_tape(choice: TapeChoice) -> RecordedMarket:
    from adapters.tapes.tape import open_tape

    return open_tape(choice.path, choice.contract, month=choice.month, stamp=choice.stamp)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
