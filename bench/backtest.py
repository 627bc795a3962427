"""A simple strategy on bars through the core that trades, beside programs made for backtests alone.

The peers are no dependencies of tstream: `TSTREAM_PEERS` names a Python that has them (pip install
backtesting backtrader). Whoever is absent is told as left out.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from bench.figures import ratio, table
from engine.books.bots import Bot
from engine.lab.backtest import Backtest, BacktestTerms, BarMarket, run_backtest
from engine.market.bars import BarsClosed, MinuteBars
from engine.market.calendars.known import calendar_of
from engine.model.bots import BotConfig
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.plans import Exit, Idea
from engine.model.sizing import ByGrade
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said
from engine.venue.fill_model import FillModel
from engine.venue.venue import Venue

BARS = int(os.environ.get("TSTREAM_BENCH_BARS", "100000"))
FAST, SLOW = 10, 30
SYMBOL = "BENCH"
BENCH = replace(CME_FUTURES["ES"], symbol=SYMBOL, calendar="always")
BEGIN = 1_704_067_200 * NANOS
HELD = 3_000
"""Bars over which one trade is held: later the walk would meet its stop or its target."""
FAR = 900
"""Ticks to stop and target, which are never met: the peers have none."""
PYTHON = os.environ.get("TSTREAM_PEERS", sys.executable)
MODEL = FillModel(slippage_ticks=0).on_whole_bars()
RISK = RiskLimits(
    risk_per_trade_usd=Decimal(1_000_000),
    daily_loss_usd=Decimal(0),
    max_trades=0,
    reward_to_risk_min=0.1,
    min_score_tenths=0,
    must_be_flat=False,
    max_contracts=1,
    stale_ns=600 * NANOS,
)


def series(count: int) -> list[Bar]:
    """Minutes of a random walk without end."""
    chance, price, bars = random.Random(1), 40_000, list[Bar]()
    for n in range(count):
        path = [price]
        for _ in range(3):
            path.append(path[-1] + chance.randint(-4, 4))
        price = path[-1]
        bars.append(
            Bar(
                SYMBOL,
                Timeframe.M1,
                BEGIN + n * MINUTE,
                path[0],
                max(path),
                min(path),
                price,
                chance.randint(1, 99),
            )
        )
    return bars


class Cross:
    """Long from the first close on which the fast average is above the slow one, until it is not."""

    name = "cross"
    timeframes = (Timeframe.M1,)

    def __init__(self, entries: int = 1 << 62) -> None:
        """It has so many ideas at most."""
        self._closes: deque[int] = deque(maxlen=SLOW + 1)
        self._fast = self._slow = 0
        self._above: bool | None = None
        self._entries = entries

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        close, closes = closed.bars[0].close, self._closes
        closes.append(close)
        self._fast += close
        self._slow += close
        if len(closes) > FAST:
            self._fast -= closes[-FAST - 1]
        if len(closes) > SLOW:
            self._slow -= closes[0]
        if len(closes) < SLOW:
            return ()
        above = self._fast * (SLOW // FAST) > self._slow
        was, self._above = self._above, above
        if was is None or was is above:
            return ()
        if not above:
            return (Exit(self.name, SYMBOL, Side.BUY, "cross", closed.ts),) if self._entries > 1 else ()
        if not self._entries:
            return ()
        self._entries -= 1
        return (
            Idea(self.name, SYMBOL, Side.BUY, close, close - FAR, (close + FAR,), 100, ("cross",), closed.ts),
        )


def play(bars: Sequence[Bar], strategy: Cross) -> tuple[float, Backtest]:
    """CPU seconds and the result."""
    terms = BacktestTerms(risk=RISK, sizing=ByGrade(1, 1, 1), model=MODEL, balance_usd=Decimal(100_000_000))
    bot = Bot(BotConfig("cross", "cross", configured=False), strategy)
    market = BarMarket(BENCH, bars)
    began = time.process_time()
    found = run_backtest(market, (bot,), terms, bars[-1].close_ts)
    return time.process_time() - began, found


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def of_peer(name: str, file: Path) -> dict[str, object] | str:
    """What a peer came to, or why it is left out."""
    script = Path(__file__).with_name("peers.py")
    done = subprocess.run([PYTHON, str(script), name, str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    found: dict[str, object] = json.loads(done.stdout)
    return found


def parts(bars: Sequence[Bar]) -> None:
    """Where the time of a bar goes."""
    count = len(bars)
    strategy, kept = Cross(), MinuteBars(grace_ns=0, timeframes=(), calendars={SYMBOL: calendar_of("always")})
    board: SignalBoard = None  # type: ignore[assignment]  # it asks nothing
    venue = Venue({SYMBOL: BENCH}, MODEL)
    rows = [
        ("the events of the tape", timed(lambda: sum(1 for _ in BarMarket(BENCH, bars).events()))),
        ("the strategy", timed(lambda: [strategy.on_bars(BarsClosed(0, (bar,)), board) for bar in bars])),
        ("the bars that are kept", timed(lambda: [kept.on_bar(bar, bar.close_ts) for bar in bars])),
        ("a venue without orders", timed(lambda: [venue.passes(bar) for bar in bars])),
    ]
    idle, nothing = play(bars, Cross(0))
    few = bars[:HELD]
    held, one = play(few, Cross(1))
    traded, all_ = play(bars, Cross())
    trades = len(all_.trades)
    assert not nothing.trades
    assert one.summary.open_positions
    table(
        f"backtest: where the time goes, {count:,} bars, {trades:,} trades (CPU)",
        ("", "a bar", "a trade"),
        [
            *((what, f"{1e6 * seconds / count:.2f} µs", "") for what, seconds in rows),
            ("all of it, nothing is traded", f"{1e6 * idle / count:.1f} µs", ""),
            ("all of it, one trade is held to the end", f"{1e6 * held / len(few):.1f} µs", ""),
            (
                "all of it",
                f"{1e6 * traded / count:.1f} µs",
                f"{1e6 * (traded - idle) / max(1, trades):,.0f} µs",
            ),
        ],
    )


def run() -> None:
    """Measure and print."""
    bars = series(BARS)
    seconds, found = play(bars, Cross())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ours = [
        (
            (trade.opened_ts - BEGIN) // MINUTE,
            float(trade.entry_sum),
            (trade.closed_ts - BEGIN) // MINUTE,
            float(trade.exit_sum),
        )
        for trade in found.trades
    ]
    rows = [
        ("tstream", f"{seconds:.2f} s", f"{BARS / seconds:,.0f}", f"{memory:.0f} MB", f"{len(ours):,}", "")
    ]
    left_out = []
    with tempfile.TemporaryDirectory(prefix="tstream-bench-") as folder:
        file = Path(folder) / "bars.csv"
        file.write_text(
            "".join(f"{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}\n" for bar in bars),
            encoding="utf-8",
        )
        for name in ("backtesting", "backtrader"):
            peer = of_peer(name, file)
            if isinstance(peer, str):
                left_out.append(f"{name}: {peer}")
                continue
            took = float(str(peer["seconds"]))
            theirs = [tuple(one) for one in peer["trades"]]  # type: ignore[attr-defined]
            same = "the same" if theirs[: len(ours)] == ours else _differs(ours, theirs)
            rows.append(
                (
                    name,
                    f"{took:.2f} s",
                    f"{BARS / took:,.0f}",
                    f"{float(str(peer['megabytes'])):.0f} MB",
                    f"{len(theirs):,}",
                    f"{same}; tstream has {ratio(took, seconds)} of its bars/s",
                )
            )
    table(
        f"backtest: cross of averages {FAST}/{SLOW}, at market on the next open, {BARS:,} minutes (CPU time)",
        ("", "time", "bars/s", "memory", "trades", "its trades"),
        rows,
    )
    for line in left_out:
        print(f"\nbacktest: LEFT OUT: {line}; TSTREAM_PEERS=PYTHON names one that has it")
    parts(bars)


def _differs(ours: Sequence[tuple[float, ...]], theirs: Sequence[tuple[float, ...]]) -> str:
    for n, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return f"NOT the same: trade {n} is {other}, ours {one}"
    return f"NOT the same: {len(theirs)} of {len(ours)}"
