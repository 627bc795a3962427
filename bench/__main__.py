"""`python -m bench` runs all benches, `python -m bench NAME ...` those named."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from bench.figures import machine

BENCHES = {
    "paint": "from the start of the process to the first picture, beside a bare Textual app",
    "cockpit": "the whole program at 1,000 updates a second: frames, keys, CPU, memory, waits, prints",
    "ladder": "ladder and tape beside the plain screen, at 1,000 and 10,000 updates a second; --old CLONE",
    "memory": "memory at 1,000 updates a second, and after 10,000 (42 minutes; --minutes; only when named)",
    "attach": "clients attached to an engine: bytes a second, and event waits with and without them",
    "engine": "the brain in virtual time: events a second, and what one costs",
    "backtest": "a cross of averages on bars through the core that trades, beside backtesting.py, backtrader",
    "binance": "records of Binance's streams decoded typed, and to events of the engine",
    "view": "what people look at: bytes and time of the core picture and a chart; CPU of tstream status",
    "orders": "from an event to the order on the wire, journal commit between; flatten of six positions",
    "frames": "a frame of the cockpit with four and ten books beside one book",
    "books": "one idea to ten books: the last order beside the first; a tick with ten books beside one",
    "alerts": "from an alert at Discord to its order on the wire, beside a bare client; texts read a second",
    "fills": "what stops fill at, against the touch of the moment in which they are in the market",
    "scan": "from a candle's close to the signal at Telegram's sink (4 minutes; only when named)",
    "signals": "the same market at two speeds and under load: what differs (13 minutes; only when named)",
    "smc": "a bar through all Smart Money detectors, flat in history; beside smartmoneyconcepts",
    "history": "journal to SQL: how far behind, SQLite and PostgreSQL; records and rows a second",
    "mood": "headlines read right, beside VADER as it comes; what a text costs",
    "kraken": "a recorded session of Kraken Futures: typed messages a second, beside cryptofeed",
    "training": "a model's training beside HistGradientBoosting, and what an engine feels of it",
    "opinion": "a question to the model, beside HistGradientBoosting; event wait with workers that fail",
    "api": "event wait with 1,000 clients at the API, and elsewhere (4 minutes; only when named)",
    "wire": "quote records decoded; an order's way to the venue and back, beside a bare POST",
}

LONG = ("memory", "scan", "signals", "api")
"""Only when named."""
OPTIONS = {"memory": ("minutes",), "ladder": ("old",)}
"""What can be said to a bench."""


def main(arguments: Sequence[str]) -> int:
    said = argparse.ArgumentParser(prog="python -m bench", description="Measure tstream.")
    said.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    said.add_argument(
        "--minutes", type=float, default=30.0, help="memory: how long at 1,000 updates a second"
    )
    said.add_argument("--old", metavar="CLONE", help="ladder: a clone of an older build, with its own .venv")
    given = said.parse_args(arguments)
    names: list[str] = given.names
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        known = "\n".join(f"  {name:8} {what}" for name, what in BENCHES.items())
        sys.stderr.write(f"no such bench: {', '.join(unknown)}; known are\n{known}\n")
        return 2
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    # Programs that may keep no bytecode compile themselves at every start: nobody runs them like that.
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.dont_write_bytecode = False
        print("PYTHONDONTWRITEBYTECODE was set and is dropped")
    print(machine())
    for name in names or (name for name in BENCHES if name not in LONG):
        import_module(f"bench.{name}").run(**{key: getattr(given, key) for key in OPTIONS.get(name, ())})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
