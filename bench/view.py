"""What people look at: bytes and time of the core picture and of one chart, as the engine builds them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bench.engine import generated, replay, take, timed
from bench.figures import table
from engine.model.market import NANOS, Timeframe
from engine.model.view import HealthView
from engine.runtime.pictures import Pictures
from engine.runtime.view_builder import picture

MINUTES = 20
LOOKS = 400
PER_S = 20
"""Core pictures a second at most."""


def each_us(work: Callable[[], object]) -> float:
    """Microseconds that one call takes."""
    work()
    return 1e6 * timed(lambda: [work() for _ in range(LOOKS)]) / LOOKS


def run() -> None:
    """Measure and print."""
    source = generated()
    _, core = replay(source, take(source, source.start_ts + MINUTES * 60 * NANOS))
    pictures, health = Pictures(core, lambda: HealthView(ok=True)), HealthView(ok=True)
    view = pictures.view()
    symbol = core.config.instruments[0].symbol
    chart = pictures.draw(symbol, Timeframe.M5)
    every = [pictures.draw(i.symbol, frame) for i in core.config.instruments for frame in Timeframe]
    rows = [
        ("core picture", view, pictures.renew, f"{PER_S} a second at most, when looked at"),
        ("  with nothing kept", view, lambda: picture(core, 1, health), "the first one"),
        (f"chart {symbol} 5m", chart, lambda: pictures.draw(symbol, Timeframe.M5), "when asked for"),
        (f"all {len(every)} charts", every, None, "never built together"),
    ]
    table(
        f"view: {len(core.config.instruments)} contracts, {MINUTES} minutes after five days of history",
        ("", "JSON", "msgpack", "to build", "as JSON", "when"),
        [
            (
                name,
                f"{len(msgspec.json.encode(what)):,} B",
                f"{len(msgspec.msgpack.encode(what)):,} B",
                "" if build is None else f"{each_us(build):.0f} µs",
                f"{each_us(lambda what=what: msgspec.json.encode(what)):.0f} µs",  # type: ignore[misc]
                when,
            )
            for name, what, build, when in rows
        ],
    )
