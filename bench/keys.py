"""How long a key takes, to its handler and to the change on the terminal, beside the same of a bare app."""

from __future__ import annotations

import os
import random
import select
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from bench.channels import KEYS
from bench.figures import ms, quantile, ratio, table
from bench.terminal import Terminal
from engine.model.market import NANOS, Timeframe

_FRAMES = [frame.value for frame in Timeframe]


class Keys:
    """A program in its terminal, the pipe on which it tells when its handler ran, and its waits."""

    def __init__(self, terminal: Terminal, pipe: int) -> None:
        self._terminal, self._pipe = terminal, pipe
        self.handler: list[float] = []
        """Seconds from the key to the begin of its handler."""
        self.painted: list[float] = []
        """Seconds from the key to the change on the terminal."""

    def press(self, expected: str) -> None:
        """Press `t` and wait until the handler has run and the terminal shows `expected`."""
        pressed = time.monotonic_ns()
        self._terminal.press("t")
        shown = self._terminal.until(expected, 10)
        if not select.select([self._pipe], [], [], 5)[0]:
            raise TimeoutError("the key's handler did not run")
        handled = int.from_bytes(os.read(self._pipe, 8), "little")
        self.handler.append((handled - pressed) / NANOS)
        self.painted.append(shown - pressed / NANOS)


def press_all(
    presses: int, terminals: Sequence[Terminal], turns: Sequence[tuple[Keys, Iterator[str]]]
) -> None:
    """Press the programs' keys in turn, at uneven times, while all of them are read."""
    chance = random.Random(1)
    for _ in range(presses):
        for keys, expected in turns:
            end = time.monotonic() + chance.uniform(0.08, 0.22)
            while (left := end - time.monotonic()) > 0:
                select.select([terminal.master for terminal in terminals], [], [], left)
                for terminal in terminals:
                    terminal.read(0)
            keys.press(next(expected))


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


@contextmanager
def bare() -> Iterator[tuple[Terminal, Keys, Iterator[str]]]:
    """The peer, painted and waiting for keys."""
    with pipe() as (reading, writing):
        command = [sys.executable, "-m", "bench.bare"]
        with Terminal(command, {KEYS: str(writing)}, fds=[writing]) as terminal:
            terminal.until("BARE")
            terminal.watch(1.0)
            yield terminal, Keys(terminal, reading), (f"BARE {n}" for n in range(1, 1_000_000))


def timeframes() -> Iterator[str]:
    """What the chart's title shows after each press."""
    at = _FRAMES.index(Timeframe.M5.value)
    while True:
        at = (at + 1) % len(_FRAMES)
        yield f"[{_FRAMES[at]}]"


def report(cockpit: Keys, beside: Keys, alone: Keys) -> None:
    """Print the cockpit's waits beside the bare app's: under the same load, and with nothing else running."""
    rows = []
    for what, of in (("key to handler", "handler"), ("key to the change on the terminal", "painted")):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            ours, near, far = (quantile(getattr(keys, of), share) for keys in (cockpit, beside, alone))
            rows.append((f"{what}, {name}", ms(ours), ms(near), ratio(ours, near), ms(far), ratio(ours, far)))
    table(
        f"keys: {len(cockpit.handler)} each, in turn",
        ("", "cockpit", "bare app beside it", "ratio", "bare app alone", "ratio"),
        rows,
    )
