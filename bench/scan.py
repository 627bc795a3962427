"""The scanner under the clock: from a candle's close, and from its being there, to Telegram's sink."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import ms, quantile, table
from engine.books.bots import Bot
from engine.market.bars import BarsClosed
from engine.model.bots import BotConfig, BotMode
from engine.model.commands import Shutdown
from engine.model.market import NANOS, Timeframe
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said
from tests.notify.sinks import TOKEN, TelegramSink
from tests.support.analyses import an_edge, write_analysis
from tstream import paths
from tstream.clock import RunClock
from tstream.options import RunOptions
from tstream.run.claim import Claim
from tstream.run.scanning import scanning
from tstream.run.startup import open_logs, prepare
from tstream.run.wiring import Run

SPEED = 10.0
"""A minute of the market takes six seconds; the grace of a second stays one."""
SECONDS = 240
SETTINGS = """
contracts = ["MNQ", "MES", "MGC"]
[scan]
timeframes = ["1m", "2m"]
[notify]
telegram_chats = [111]
telegram_url = "{url}"
telegram_events = ["signal"]
"""
PATTERNS = ("level_held", "gap_created", "block_created")


class Stamps:
    """Asked like a bot: notes when bars were there, and how long ago they had closed, real seconds."""

    name = "stamps"
    timeframes = frozenset((Timeframe.M1,))

    def __init__(self, clock: RunClock) -> None:
        self._clock = clock
        self.emitted: list[tuple[float, float]] = []
        """Monotonic time, and the age of the close."""

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        self.emitted.append((time.monotonic(), (self._clock() - closed.ts) / NANOS / SPEED))
        return ()


class Sink:
    """Telegram's, in a thread and a loop of its own; stamps what comes."""

    def __init__(self) -> None:
        self.url = ""
        self.came: list[float] = []
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    async def _work(self) -> None:
        class Stamped(TelegramSink):
            def welcome(own, got: object) -> object:  # type: ignore[override]
                self.came.append(time.monotonic())
                return super().welcome(got)  # type: ignore[arg-type]

        async with Stamped() as sink:
            self.url = sink.url
            self._ready.set()
            await asyncio.to_thread(self._stop.wait)


async def _scan(run: Run) -> None:
    async with run.engine() as engine:
        loop = asyncio.get_running_loop()
        loop.call_later(SECONDS, lambda: engine.ask(Shutdown(id="end", source="bench")))
        loop.add_signal_handler(signal.SIGINT, lambda: engine.ask(Shutdown(id="end", source="bench")))
        await engine.main()


def measured(home: Path, sink: Sink) -> tuple[list[float], list[float]]:
    """Seconds of each message: from the newest candle's being there, and from its close."""
    (home / "tstream.toml").write_text(SETTINGS.format(url=sink.url), encoding="utf-8")
    (home / ".env").write_text(f"TSTREAM_NOTIFY_TELEGRAM_TOKEN={TOKEN}\n", encoding="utf-8")
    (home / ".env").chmod(0o600)
    places = paths.find({paths.HOME_VARIABLE: str(home)})
    contracts = ("MNQ", "MES", "MGC")
    for contract in contracts:
        edges = [
            an_edge(one, frame, instrument=contract)
            for one in PATTERNS
            for frame in (Timeframe.M1, Timeframe.M2)
        ]
        write_analysis(places.data / "analysis", edges, f"edge_analysis_{contract}.json")
    options = RunOptions(speed=SPEED, seed=7)
    ready = prepare(None, options)
    settings = scanning(ready.settings, dry_run=False)
    clock = RunClock()
    stamps = Stamps(clock)
    watcher = Bot(
        BotConfig("stamps", "stamps", mode=BotMode.SIGNALS, timeframes=(Timeframe.M1,), configured=False),
        stamps,
    )
    with open_logs(settings, ready.paths, clock), Claim(settings, options, ready.paths) as claim:
        asyncio.run(_scan(Run(claim, settings, options, ready.paths, clock, watchers=(watcher,))))
    there, closed = [], []
    for came in sink.came:
        emitted, age = max((one for one in stamps.emitted if one[0] <= came), default=(came, 0.0))
        there.append(came - emitted)
        closed.append(came - emitted + age)
    return there, closed


def run() -> None:
    """Measure and print."""
    import os

    home = Path(tempfile.mkdtemp(prefix="tstream-bench-"))
    os.environ[paths.HOME_VARIABLE] = str(home)
    sink = Sink()
    sink.start()
    try:
        there, closed = measured(home, sink)
    finally:
        sink.end()
        del os.environ[paths.HOME_VARIABLE]
        shutil.rmtree(home, ignore_errors=True)
    table(
        f"scanner: {len(there)} signals to Telegram's sink, in {SECONDS} s at {SPEED:g} times the real pace",
        ("", "p50", "p99", "worst"),
        [
            (name, *(ms(quantile(times, share)) for share in (0.5, 0.99, 1.0)))
            for name, times in (
                ("from the candle's being there", there),
                ("from its close, the grace of 1 s included", closed),
            )
        ],
    )
