from __future__ import annotations

import statistics
from collections import Counter
from datetime import date
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import pytest
from msgspec import structs

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.generated import HISTORY_DAYS, GeneratedMarket, Past
from adapters.simulator.market.hours import chicago, practice_open, session, trade_date
from adapters.simulator.opening import open_market
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, Bar
from engine.ports import MarketSource
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.run.virtual import _source
from tstream.settings.model import Settings

START = practice_open(date(2026, 11, 20))
ALL_SIX = ("MNQ", "NQ", "MES", "ES", "MGC", "GC")


@cache
def market(seed: int = 1) -> GeneratedMarket:
    return GeneratedMarket(seed, START)


def of_contracts(*symbols: str) -> MarketSource:
    """What a run in virtual time plays where the settings name these."""
    return _source(Settings().model_copy(update={"contracts": symbols}), RunOptions(seed=60))


def played(source: MarketSource, minutes: float) -> list[Quote | Print]:
    end = source.start_ts + int(minutes * MINUTE)
    found: list[Quote | Print] = []
    for event in source.events():
        if event.ts_venue >= end:
            return found
        found.append(event)
    raise AssertionError("the market ended")


@cache
def first_minutes(seed: int = 1) -> tuple[Quote | Print, ...]:
    return tuple(played(GeneratedMarket(seed, START), 12))


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    one, same, other = (GeneratedMarket(seed, START) for seed in (7, 7, 8))
    assert one.history("ES") == same.history("ES") != other.history("ES")
    first = list(islice(one.events(), 3000))
    assert first == list(islice(same.events(), 3000))
    assert first != list(islice(other.events(), 3000))


def test_every_practice_day_of_a_seed_has_the_same_prices() -> None:
    monday = GeneratedMarket(1, practice_open(date(2026, 11, 23)))
    friday = market()
    assert [b.close for b in monday.history("NQ")] == [b.close for b in friday.history("NQ")]
    ahead = monday.start_ts - friday.start_ts
    for there, here in zip(islice(monday.events(), 500), first_minutes(), strict=False):
        assert (there.ts_venue - ahead, there.instrument) == (here.ts_venue, here.instrument)


def test_history_covers_whole_days_with_their_breaks_and_no_weekends() -> None:
    bars = market().history("MNQ")
    assert bars[-1].close_ts == START
    days = Counter(trade_date(bar.open_ts) for bar in bars)
    assert list(days.values()) == [23 * 60] * HISTORY_DAYS + [15 * 60 + 25]
    assert all(day.weekday() < 5 for day in days)
    assert all(
        session(trade_date(b.open_ts)).open <= b.open_ts < session(trade_date(b.open_ts)).close for b in bars
    )
    assert all(later.open_ts > earlier.open_ts for earlier, later in pairwise(bars))


@pytest.mark.parametrize("symbol", ["MNQ", "NQ", "MES", "ES", "MGC", "GC"])
def test_bars_are_sound(symbol: str) -> None:
    for bar in market().history(symbol):
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0


def test_play_goes_on_where_history_ends() -> None:
    for symbol in ("NQ", "ES", "GC"):
        last = market().history(symbol)[-1].close
        first = next(e for e in first_minutes() if isinstance(e, Print) and e.instrument == symbol)
        typical = statistics.median(b.high - b.low for b in market().history(symbol)[-60:])
        assert abs(first.price - last) <= typical


def test_prices_are_those_of_late_2026() -> None:
    opened = {symbol: market().history(symbol)[0].open for symbol in ("MNQ", "ES", "GC")}
    assert opened == pytest.approx({"MNQ": 118_000, "ES": 30_800, "GC": 41_000}, rel=0.01)


def returns(bars: list[Bar]) -> list[int]:
    return [b.close - a.close for a, b in pairwise(bars) if b.open_ts - a.open_ts == MINUTE]


def test_indices_go_together_and_gold_goes_its_own_way() -> None:
    nasdaq, sp, gold = (returns(list(market().history(symbol))) for symbol in ("NQ", "ES", "GC"))
    assert 0.85 < statistics.correlation(nasdaq, sp) < 0.95
    assert abs(statistics.correlation(nasdaq, gold)) < 0.3


def test_volatility_comes_in_clusters_and_tails_are_fat() -> None:
    moves = returns([b for b in market().history("ES") if 9 <= chicago(b.open_ts).hour < 14])
    size = [abs(m) for m in moves]
    assert statistics.correlation(size[:-5], size[5:]) > 0.1
    deviation = statistics.pstdev(moves)
    assert statistics.fmean(m**4 for m in moves) / deviation**4 > 4


def test_the_day_has_a_shape() -> None:
    volume: Counter[int] = Counter()
    for bar in market().history("ES"):
        volume[chicago(bar.open_ts).hour * 60 + chicago(bar.open_ts).minute] += bar.volume

    def around(hour: int, minute: int) -> int:
        return sum(volume[hour * 60 + minute + i] for i in range(10))

    assert around(8, 30) > 2 * around(8, 15)
    assert around(8, 30) > 2 * around(12, 30)
    assert around(14, 50) > 1.5 * around(12, 30)
    assert around(12, 30) > 2 * around(23, 0)


def test_events_come_in_order_on_the_grid_of_milliseconds() -> None:
    events = first_minutes()
    assert all(a.ts_venue <= b.ts_venue for a, b in pairwise(events))
    assert all(e.ts_recv == e.ts_venue and e.ts_venue % 1_000_000 == 0 for e in events)
    seqs = [e.seq for e in events if isinstance(e, Print)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_quotes_are_narrow_and_prints_happen_at_them() -> None:
    quote: dict[str, tuple[int, int]] = {}
    spreads: Counter[int] = Counter()
    beside = total = 0
    for event in first_minutes():
        if isinstance(event, Quote):
            assert event.bid is not None
            assert event.ask is not None
            assert event.bid < event.ask
            spreads[event.ask - event.bid] += 1
            quote[event.instrument] = (event.bid, event.ask)
        elif event.instrument == "ES":
            total += 1
            beside += event.price not in quote[event.instrument]
    assert spreads[1] > 0.8 * spreads.total()
    assert set(spreads) == {1, 2}
    assert 0 < beside < 0.2 * total, "a sweep goes beyond the quote, most prints do not"


def test_micros_follow_their_minis() -> None:
    last: dict[str, int] = {}
    apart = []
    for event in first_minutes():
        if isinstance(event, Print):
            last[event.instrument] = event.price
            if event.instrument == "MES" and "ES" in last:
                apart.append(abs(last["MES"] - last["ES"]))
    assert statistics.fmean(apart) < 2


def test_rates_are_those_of_the_captured_market() -> None:
    """Twelve minutes around the opening; mid-morning has 42 quotes and 20 trade messages a second."""
    quotes: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    seen: dict[str, int] = {}
    for event in first_minutes():
        if isinstance(event, Quote):
            quotes[event.instrument] += 1
        elif seen.get(event.instrument) != event.ts_venue:
            seen[event.instrument] = event.ts_venue
            messages[event.instrument] += 1
    per_second = {symbol: count / 720 for symbol, count in quotes.items()}
    assert 25 < per_second["MNQ"] < 80
    assert 2 < per_second["GC"] < 9
    assert messages["MNQ"] / quotes["MNQ"] == pytest.approx(20 / 42, abs=0.05)
    assert per_second["MNQ"] > per_second["NQ"]


def test_the_rate_multiplies_events() -> None:
    slow, fast = (len(played(GeneratedMarket(1, START, rate), 2)) for rate in (1.0, 3.0))
    assert fast / slow == pytest.approx(3, rel=0.2)
    with pytest.raises(ValueError, match="rate"):
        GeneratedMarket(1, START, 0)


def test_the_market_rests_from_16_to_17() -> None:
    close = session(date(2026, 11, 19)).close
    source = GeneratedMarket(1, close - 5 * NANOS)
    before = after = 0
    prices = set()
    for event in source.events():
        if event.ts_venue >= close:
            assert event.ts_venue >= close + 60 * MINUTE
            after += 1
            if isinstance(event, Print) and event.instrument == "NQ":
                prices.add(event.price)
        else:
            before += 1
        if after > 400:
            break
    assert before > 0
    assert max(prices) - min(prices) < 40, "the gap is not traded through"


def test_a_later_run_goes_on_from_where_an_earlier_one_stopped() -> None:
    first = market()
    bars = {i.symbol: first.history(i.symbol)[-100:] for i in first.instruments}
    prices = {symbol: closed[-1].close + 3 for symbol, closed in bars.items()}
    start = START + 30 * NANOS + 123_457
    second = GeneratedMarket(1, start, past=Past(bars, prices))
    assert list(second.history("ES")) == list(bars["ES"])
    seen = prices["ES"]
    for event in played(second, 0.5):
        assert event.ts_venue >= start
        assert event.ts_venue % 1_000_000 == 0
        if isinstance(event, Quote) and event.instrument == "ES":
            assert event.bid is not None
            assert abs(event.bid - seen) <= 5, "there is no jump, at the start or later"
            seen = event.bid


def test_a_night_between_two_runs_is_filled_with_bars() -> None:
    first = market()
    bars = {i.symbol: first.history(i.symbol)[-100:] for i in first.instruments}
    prices = {symbol: closed[-1].close for symbol, closed in bars.items()}
    start = practice_open(date(2026, 11, 23))
    second = GeneratedMarket(1, start, past=Past(bars, prices))
    grown = second.history("ES")
    assert list(grown[:100]) == list(bars["ES"])
    assert grown[100].open_ts == START
    assert grown[-1].close_ts == start
    rest_of_friday, monday = 7 * 60 + 35, 15 * 60 + 25
    assert len(grown) == 100 + rest_of_friday + monday


def test_a_run_in_virtual_time_has_the_contracts_of_the_settings_and_no_others() -> None:
    """What they are told is what they are told among all six."""
    everything = played(of_contracts(*ALL_SIX), 0.2)
    for contracts in (("MNQ",), ("ES", "MGC", "BTCUSDT.P")):
        source = of_contracts(*contracts)
        assert [one.symbol for one in source.instruments] == [one for one in contracts if one in ALL_SIX]
        assert played(source, 0.2) == [e for e in everything if e.instrument in contracts] != []
    with pytest.raises(UsageError, match=r"has no BTCUSDT\.P: it has"):
        of_contracts("BTCUSDT.P")


@pytest.mark.parametrize("day", [date(2026, 11, 16), date(2026, 11, 20)])
def test_a_seed_is_one_market_whoever_plays_it(day: date, tmp_path: Path) -> None:
    """The cockpit's venue, `simulate` and `--speed max`, on whatever day each of them begins."""
    noon = practice_open(day) + 4 * 60 * MINUTE
    opened = [
        open_market(config, noon).source
        for config in (SimulatorConfig(seed=60), SimulatorConfig(seed=60, hold_s=30, state=tmp_path / "x"))
    ]
    virtual = of_contracts(*ALL_SIX)
    told = [
        [
            (e.ts_venue - source.start_ts, structs.replace(e, ts_recv=0, ts_venue=0))
            for e in played(source, 0.2)
        ]
        for source in (*opened, virtual)
    ]
    assert told[0] == told[1] == told[2] != []
