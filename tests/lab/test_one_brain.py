"""One tick tape through a paper book, a replay and a backtest: with the same latency, the same trades."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from msgspec.structs import astuple, replace

from engine.books.opening import PAPER
from engine.core import Core
from engine.lab.backtest import BacktestTerms, run_backtest
from engine.lab.replay import BOOK, Replay
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar
from engine.state.position import Trade
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES
from tests.lab.test_backtest import RISK, scripted
from tests.market.feed import T0
from tests.support.books import MES

MINUTES = 90
STEP = NANOS // 2


class Ticks:
    """A quote and a print twice a second, of a random walk."""

    instruments: Sequence[Instrument] = (MES,)
    start_ts = T0

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def history(self, instrument: str) -> Sequence[Bar]:
        return ()

    def events(self) -> Iterator[Quote | Print]:
        chance, price = Random(self._seed), 20_000
        for n in range(MINUTES * 120):
            ts = T0 + n * STEP
            price += chance.choice((-1, 0, 0, 1))
            yield Quote(ts_recv=ts, ts_venue=ts, instrument="MES", bid=price, ask=price + 1, last=price)
            traded = price + chance.randint(0, 1)
            yield Print(ts_recv=ts, ts_venue=ts, instrument="MES", price=traded, size=chance.randint(1, 9))


def told(trades: Sequence[Trade]) -> list[tuple[Any, ...]]:
    """Whatever of them does not name the book's plans."""
    return [astuple(replace(trade, plan_id="")) for trade in trades]


@pytest.mark.parametrize("latency_ms", [50, 400])
def test_paper_replay_and_backtest_trade_alike(latency_ms: int) -> None:
    model = FillModel(latency_ns=latency_ms * NANOS // 1000)
    end = T0 + MINUTES * 120 * STEP
    tested = run_backtest(Ticks(1), scripted(MINUTES), BacktestTerms(risk=RISK, model=model), end)
    books = (BookConfig(PAPER, risk=RISK, paper=PaperConfig(latency_ns=model.latency_ns)),)
    config = EngineConfig(
        (MES,),
        "replay",
        "brain",
        1,
        TradingSwitch.LIVE,
        practice_time=True,
        bar_grace_ns=0,
        books=books,
        templates=(BookConfig(risk=RISK, capabilities=CAPABILITIES),),
    )
    core = Core(config, scripted(MINUTES))
    played = Replay(core, {"MES": MES}, model, lambda records: None)
    market = Ticks(1)
    played.run(T0, market.history, market.events(), end)
    found = told(tested.trades)
    assert len(found) > 5
    assert found == told(core.state.book(BOOK).trades) == told(core.state.book(PAPER).trades)
