"""Candles of two minutes, which no venue keeps, are those of the trades themselves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.tapes.tape import open_tape
from engine.market.bars import MinuteBars
from engine.market.calendars.known import ALWAYS
from engine.model.events import Print
from engine.model.market import MINUTE, USUAL, Bar, Timeframe
from tests.market.feed import T0, at, emitted, traded
from tests.support.recordings import DATA, needs_recordings

M2 = Timeframe.M2.nanos


class Folded(NamedTuple):
    open_ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int


def by_hand(prints: Sequence[Print]) -> list[Folded]:
    """Two minutes of the wall's clock at a time, those with trades."""
    found: dict[int, list[Print]] = {}
    for one in prints:
        found.setdefault(one.ts_venue - one.ts_venue % M2, []).append(one)
    return [
        Folded(
            open_ts,
            inside[0].price,
            max(one.price for one in inside),
            min(one.price for one in inside),
            inside[-1].price,
            sum(one.size for one in inside),
        )
        for open_ts, inside in sorted(found.items())
    ]


def by_engine(prints: Sequence[Print]) -> list[Folded]:
    """As a scanner hears of them, until five minutes after the last."""
    symbol = prints[0].instrument
    bars = MinuteBars(timeframes=(Timeframe.M2,), calendars={symbol: ALWAYS})
    first = prints[0].ts_venue
    bars.feed_up(first - first % M2)  # of what is half seen nothing is told
    closed = [one for traded in prints for one in bars.on_print(traded)]
    closed += bars.on_time(prints[-1].ts_recv + 5 * MINUTE)
    return [
        Folded(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in emitted(closed, Timeframe.M2)
    ]


@given(
    st.lists(
        st.tuples(st.floats(0.001, 90), st.integers(-40, 40), st.integers(1, 9)), min_size=1, max_size=60
    )
)
def test_they_are_folded_from_whatever_is_traded(steps: list[tuple[float, int, int]]) -> None:
    seconds, price, prints = 0.0, 1_000, []
    for number, (passed, moved, size) in enumerate(steps):
        seconds, price = seconds + passed, price + moved
        prints.append(traded(seconds, price, size, seq=number))
    assert by_engine(prints) == by_hand(prints)


@given(
    st.lists(
        st.tuples(st.floats(0.001, 90), st.integers(-40, 40), st.integers(1, 9)), min_size=2, max_size=60
    ),
    st.data(),
)
def test_folded_from_later_on_they_are_as_if_they_had_been_from_the_start(
    steps: list[tuple[float, int, int]], data: st.DataObject
) -> None:
    since = data.draw(st.integers(0, len(steps) - 1))
    lengths = Timeframe.M2, Timeframe.M3, Timeframe.M10
    first, later = MinuteBars(timeframes=(*USUAL, *lengths)), MinuteBars()
    seconds, price = 0.0, 1_000
    told: dict[MinuteBars, list[Bar]] = {first: [], later: []}
    for bars in told:
        bars.feed_up(T0)
    for number, (passed, moved, size) in enumerate(steps):
        seconds, price = seconds + passed, price + moved
        if number == since:
            assert all(map(later.fold, lengths))
            assert not any(map(later.fold, (*USUAL, *lengths)))
            told = {bars: [] for bars in told}
        for bars, heard in told.items():
            heard += [bar for one in bars.on_print(traded(seconds, price, size)) for bar in one.bars]
    for bars, heard in told.items():
        heard += [bar for one in bars.on_time(at(seconds) + 15 * MINUTE) for bar in one.bars]
    assert later.timeframes == first.timeframes
    assert told[later] == told[first], "what closes from then on"
    for timeframe in lengths:
        known = [replace(bar, backfilled=False) for bar in later.bars("ES", timeframe)]
        assert known == list(first.bars("ES", timeframe)), "and what had closed before"
    assert later.next_deadline() == first.next_deadline()


def _kraken() -> dict[str, list[Print]]:
    """The trades that the recording tells, by product, oldest first."""
    found: dict[str, dict[int, Print]] = {}
    with gzip.open(DATA / "kraken_futures" / "KRAKEN_FUTURES.ws.1.0.gz", "rt", encoding="utf-8") as file:
        for line in file:
            said = line.partition(": ")[2]
            if '"feed":"trade' not in said or '"event"' in said:
                continue
            message = json.loads(said)
            for one in message.get("trades", [message]):
                ts = one["time"] * 1_000_000
                found.setdefault(one["product_id"], {})[one["seq"]] = Print(
                    ts_recv=ts,
                    ts_venue=ts,
                    instrument=one["product_id"],
                    price=round(one["price"] * 10_000),
                    size=round(one["qty"]),
                    seq=one["seq"],
                )
    return {product: [prints[seq] for seq in sorted(prints)] for product, prints in found.items()}


@needs_recordings
def test_those_of_krakens_recorded_trades() -> None:
    products = _kraken()
    assert len(products) == 10
    count = 0
    for prints in products.values():
        assert len(prints) >= 100
        folded = by_hand(prints)
        assert by_engine(prints) == folded
        count += len(folded)
    assert count > 200


@needs_recordings
def test_those_of_a_recorded_day_of_gold() -> None:
    prints = list(open_tape(DATA / "gc_ticks" / "20131007_trade.zip", "GC").prints())
    folded = by_hand(prints)
    assert len(folded) > 300
    assert by_engine(prints) == folded
    assert all(one.open_ts % M2 == 0 for one in folded)
