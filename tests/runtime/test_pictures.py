"""The core picture and the charts of a running engine, asked for from this and from other threads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from engine.market.bars import MinuteBars
from engine.model import events as ev
from engine.model.market import MINUTE, Bar, Timeframe
from engine.runtime import pictures as pictures_module
from engine.runtime.inbox import Inbox
from engine.runtime.pictures import Pictures
from tests.market.feed import T0
from tests.support.engine_fakes import FakedEngine, adopted, resolved
from tests.support.patience import patient
from tests.support.waits import turns, until

M5 = Timeframe.M5


def history(minutes: int = 60) -> ev.HistoryLoaded:
    first = T0 - T0 % MINUTE - minutes * MINUTE
    bars = tuple(
        Bar("MNQ", Timeframe.M1, first + n * MINUTE, 80_000, 80_004, 79_996, 80_000 + n % 3, 10)
        for n in range(minutes)
    )
    return ev.HistoryLoaded(ts_recv=T0, instrument="MNQ", bars=bars)


def traded(price: int, at: int = T0) -> ev.Print:
    return ev.Print(ts_recv=at, ts_venue=at, instrument="MNQ", price=price, size=1)


def drawn(faked: FakedEngine) -> Pictures:
    """What would be seen of a house whose core has history and a forming bar."""
    faked.core.start(T0)
    for event in (resolved(), history(), adopted(), traded(80_010)):
        faked.core.step(event)
    return Pictures(faked.core, faked.engine._health)


async def test_a_chart_has_closed_bars_and_the_forming_one() -> None:
    faked = FakedEngine()
    chart = drawn(faked).draw("MNQ", M5)
    assert (chart.instrument, chart.timeframe) == ("MNQ", M5)
    assert chart.bars == faked.core.market.bars.bars("MNQ", M5)
    assert len(chart.bars) >= 10
    assert chart.forming is not None
    assert chart.forming.close == 80_010


async def test_zones_are_worked_out_again_only_when_a_bar_has_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    faked = FakedEngine()
    pictures = drawn(faked)
    asked: list[Timeframe] = []
    zones = faked.core.market.board.zones

    def counted(symbol: str, frame: Timeframe) -> Any:
        asked.append(frame)
        return zones(symbol, frame)

    monkeypatch.setattr(faked.core.market.board, "zones", counted)
    first, again = pictures.draw("MNQ", M5), pictures.draw("MNQ", M5)
    assert again.zones is first.zones
    assert asked == [M5]
    faked.core.step(traded(80_020, T0 + 6 * MINUTE))
    faked.core.step(ev.TimeAdvanced(ts_recv=T0 + 20 * MINUTE))
    assert pictures.draw("MNQ", M5).bars[-1] != first.bars[-1]
    assert asked == [M5, M5]


async def test_a_chart_has_the_curves_of_its_closed_bars_and_a_book_its_days() -> None:
    faked = FakedEngine()
    pictures = drawn(faked)
    chart = pictures.draw("MNQ", M5)
    assert all(len(curve.values) == len(chart.bars) for curve in chart.curves)
    assert pictures.draw("MNQ", M5).curves is chart.curves, "worked out once for the same bars"
    pictures._loop, pictures._thread = asyncio.get_running_loop(), threading.get_ident()
    (book,) = faked.core.books
    told = pictures.equity(book)
    assert told is not None
    assert [day.net_usd for day in told.days] == [0]
    assert told.days[-1].ends_ts == faked.core.turn.wall
    assert pictures.equity("another") is None


async def test_the_picture_has_the_newest_closes_of_minutes() -> None:
    faked = FakedEngine()
    pictures = drawn(faked)
    pictures.renew()
    (contract,) = pictures.view().contracts
    closed = [bar.close for bar in faked.core.market.bars.bars("MNQ", Timeframe.M1)]
    assert contract.closes == (*closed[-7:], 80_010)


async def test_charts_are_drawn_for_any_thread_but_by_the_engine_s() -> None:
    faked = FakedEngine()
    assert faked.engine.chart("MNQ", M5) is None, "nothing runs yet"
    async with faked.running():
        await turns()
        assert faked.engine.chart("MNQ", M5) is not None
        elsewhere = await asyncio.to_thread(faked.engine.chart, "MNQ", M5)
        assert elsewhere is not None
        assert await asyncio.to_thread(faked.engine.chart, "XYZ", M5) is None


async def test_who_asks_for_a_chart_does_not_wait_for_a_busy_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "CHART_S", 0.01)
    faked = FakedEngine()
    answered = threading.Event()
    found: list[object] = []

    def ask() -> None:
        found.extend(faked.engine.chart("MNQ", frame) for frame in (M5, Timeframe.H1))
        answered.set()

    async with faked.running():
        await turns()
        drawn = faked.engine.chart("MNQ", M5)
        asking = threading.Thread(target=ask)
        asking.start()
        assert answered.wait(patient(10)), "this is the engine's thread, and it does nothing else"
        asking.join()
        assert drawn is not None
        assert found == [drawn, None], "as it was drawn last, and none that was never drawn"


async def test_a_chart_that_cant_be_drawn_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug")

    faked = FakedEngine()
    async with faked.running():
        await turns()
        monkeypatch.setattr(MinuteBars, "forming", broken)
        assert faked.engine.chart("MNQ", M5) is None
        assert await asyncio.to_thread(faked.engine.chart, "MNQ", M5) is None
        await until(lambda: "can't be built" in faked.engine.view().health.detail)
        monkeypatch.undo()
        await until(lambda: faked.engine.view().health.ok)


async def test_the_view_is_built_only_when_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "PERIOD_S", 0)
    faked = FakedEngine()
    async with faked.running():
        first = faked.engine.view().version
        await until(lambda: faked.engine.view().version > first + 2)
        await turns()
        unseen = faked.engine._pictures._version
        await turns()
        assert faked.engine._pictures._version == unseen


async def test_events_that_are_there_are_taken_before_a_picture_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures_module, "PERIOD_S", 0)
    waiting: list[int] = []
    renew = Pictures.renew

    def counted(pictures: Pictures) -> None:
        waiting.append(0 if inbox is None else len(inbox))
        renew(pictures)

    faked = FakedEngine()
    inbox: Inbox | None = None
    monkeypatch.setattr(Pictures, "renew", counted)
    async with faked.running():
        await until(lambda: faked.engine._inbox is not None)
        inbox = faked.engine._inbox
        for number in range(60):
            faked.engine.view()
            for _ in range(number % 4):
                faked.engine.hear(traded(80_010))
            await turns(1 + number % 3)
        await until(lambda: inbox is not None and not len(inbox))
    assert len(waiting) > 10
    assert not any(waiting), "a picture was drawn while events waited"
