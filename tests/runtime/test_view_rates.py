"""Rates of currencies in the View, and the day's change where a feed tells none."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from engine.core import Core
from engine.model.config import EngineConfig
from engine.model.events import HistoryLoaded, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.rates import StatedRate
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from engine.runtime.view_rates import stated_rates
from engine.state.state import State
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.instruments import PERPETUAL, SPOT

BTC = replace(SPOT, symbol="BTCUSDT", root="BTCUSDT", base="BTC")
DOLLARS = replace(BTC, symbol="BTCUSD", root="BTC-USD", currency="USD")
TETHER = replace(
    SPOT, symbol="USDTUSD", root="USDT-USD", base="USDT", currency="USD", tick_size=Decimal("0.0001")
)
SWAP = replace(PERPETUAL, currency="USD")


def core_of(*instruments: Instrument, rates: Mapping[str, Decimal] | None = None) -> Core:
    config = EngineConfig(instruments, "test", "install", 1, rates=rates or {})
    core = Core(config, ScriptedStrategy([]), State())
    core.start(T0)
    return core


def quote(core: Core, one: Instrument, price: str, at: int = T0) -> None:
    ticks = one.ticks(price)
    core.step(Quote(ts_recv=at, ts_venue=at, instrument=one.symbol, bid=ticks - 1, ask=ticks + 1))


def test_dollars_alone_need_none() -> None:
    assert stated_rates(core_of(CME_FUTURES["MNQ"], DOLLARS), T0) == ()


def test_one_coin_for_both_says_the_rate_and_how_old_it_is() -> None:
    core = core_of(BTC, DOLLARS)
    assert stated_rates(core, T0) == (), "without prices nobody knows one"
    quote(core, BTC, "60000")
    quote(core, DOLLARS, "59940", T0 + 2 * NANOS)
    now = T0 + 5 * NANOS
    assert stated_rates(core, now) == (StatedRate("USDT", Decimal("0.999"), "BTCUSD / BTCUSDT", 5 * NANOS),)
    assert picture(core, 1, HealthView(ok=True)).rates[0].currency == "USDT"


def test_a_persons_rate_comes_first_and_the_currency_itself_before_a_cross() -> None:
    core = core_of(BTC, DOLLARS, TETHER)
    quote(core, BTC, "60000")
    quote(core, DOLLARS, "59940")
    quote(core, TETHER, "0.9991")
    [rate] = stated_rates(core, T0)
    assert (rate.usd, rate.source) == (Decimal("0.9991"), "USDTUSD")
    stated = core_of(BTC, DOLLARS, rates={"USDT": Decimal("0.5"), "EUR": Decimal(2)})
    assert stated_rates(stated, T0) == (StatedRate("USDT", Decimal("0.5")),), "of EUR there is nothing"


def test_old_prices_are_taken_where_there_are_no_others_and_say_so() -> None:
    core = core_of(BTC, DOLLARS, SWAP)
    quote(core, BTC, "60000")
    quote(core, DOLLARS, "59940")
    later = T0 + 10 * MINUTE
    [rate] = stated_rates(core, later)
    assert rate.stale
    assert rate.age_ns == 10 * MINUTE
    quote(core, BTC, "60000", later)
    quote(core, SWAP, "59970", later)
    [rate] = stated_rates(core, later)
    assert (rate.source, rate.stale) == ("BTCUSDT.P / BTCUSDT", False)


def test_a_feed_that_tells_no_change_has_it_from_the_last_price_of_the_day_before() -> None:
    core = core_of(BTC)
    midnight = T0 - T0 % (24 * 60 * MINUTE)
    quote(core, BTC, "60000")

    def change() -> Decimal | None:
        [shown] = picture(core, 1, HealthView(ok=True)).contracts
        return shown.change

    assert change() is None, "nobody knows where the day began"
    closes = {midnight - 2 * MINUTE: 5_990_000, midnight - MINUTE: 5_995_000, midnight: 5_999_000}
    bars = tuple(
        Bar("BTCUSDT", Timeframe.M1, ts, close, close, close, close, 1, backfilled=True)
        for ts, close in closes.items()
    )
    core.step(HistoryLoaded(ts_recv=T0, instrument="BTCUSDT", bars=bars))
    core.step(
        Quote(ts_recv=T0, ts_venue=T0, instrument="BTCUSDT", bid=5_999_999, ask=6_000_001, last=6_000_000)
    )
    assert change() == Decimal("50.00")
