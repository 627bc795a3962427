"""tstream itself, with two hooks: when a key's handler runs, and a venue that counts what it sends.

`python -m bench.hooked ARGUMENTS` takes the arguments of tstream.
"""

from __future__ import annotations

import os
import sys
import time

from bench.channels import KEYS, channel


def count_at_the_venue() -> None:
    """Let the practice venue be the one of bench.venue."""
    from tstream.run import practice

    practice.VENUE_MODULE = "bench.venue"


def note_keys() -> None:
    """Write the time at which the handler of an action begins."""
    pipe = channel(KEYS)
    if pipe is None:
        return
    from tui.app import TStreamApp

    act = TStreamApp.action_act

    def noted(self: TStreamApp, action_id: str) -> None:
        os.write(pipe, time.monotonic_ns().to_bytes(8, "little"))
        act(self, action_id)

    TStreamApp.action_act = noted  # type: ignore[method-assign]


if __name__ == "__main__":
    from tstream.cli import main

    count_at_the_venue()
    note_keys()
    sys.argv[0] = "tstream"
    main()
