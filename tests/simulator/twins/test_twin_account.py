"""One account of a twin, in engine terms: what it takes, and what it has afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.market.scripted import ManualClock, ScriptedMarket
from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.config import TwinConfig, TwinLogin
from adapters.simulator.twins.exchange import TwinExchange, TwinListener
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError, Why
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.orders import OrderSpec, OrderType, VenueStatus
from tests.support.instruments import PERPETUAL, SPOT

D = Decimal
START = 1_796_000_400_000_000_000
BTC, ETH = PERPETUAL.symbol, SPOT.symbol
PRICE = {BTC: 960_000, ETH: 360_000}


class Floor(TwinListener):
    """An exchange that is driven by hand, and what its one account has told."""

    def __init__(self, **login: Any) -> None:
        self.clock = ManualClock(START)
        self.told: list[tuple[str, VenueStatus | int]] = []
        instruments = (PERPETUAL, SPOT)
        config = TwinConfig(instruments, logins=(TwinLogin(**login),))
        self.exchange = TwinExchange(config, ScriptedMarket(instruments, START), self.clock)
        self.exchange.connect(self)
        for symbol in PRICE:
            self.quote(symbol, PRICE[symbol])

    @property
    def account(self) -> TwinAccount:
        return self.exchange.account

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        self.told.append((order.order.client_id or "", order.order.status))

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        order = account.orders[int(fill.fill.venue_order_id)]
        self.told.append((order.order.client_id or "", fill.fill.qty * 10 + order.order.filled_qty))

    def quote(self, symbol: str, bid: int) -> None:
        now = self.clock()
        self.exchange.push(
            Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=bid + 2, last=bid)
        )

    def trade(self, symbol: str, price: int, size: int = 100) -> None:
        now = self.clock()
        self.exchange.push(
            Print(
                ts_recv=now,
                ts_venue=now,
                instrument=symbol,
                price=price,
                size=size,
                aggressor=Side.SELL,
                seq=1,
            )
        )

    def place(self, side: Side, qty: int, symbol: str = BTC, **more: Any) -> TwinOrder:
        """At market, or with a limit or stop; then it has arrived."""
        kind = OrderType.LIMIT if "limit" in more else OrderType.STOP if "stop" in more else OrderType.MARKET
        names = {"tag": "client_id", "post_only": "post_only", "now_or_never": "now_or_never"}
        how = {names[key]: more.pop(key) for key in tuple(more) if key in names}
        order = self.account.place(symbol, OrderSpec(side, kind, qty, **more), **how)
        self.wait(0.1)
        return order

    def wait(self, seconds: float) -> None:
        self.clock.advance(round(seconds * NANOS))
        self.exchange.catch_up()


@pytest.fixture
def floor() -> Floor:
    return Floor()


REFUSED: dict[Why, tuple[Side, int, dict[str, Any]]] = {
    Why.SYMBOL: (Side.BUY, 4, {"symbol": "DOGE"}),
    Why.INVALID: (Side.BUY, 0, {}),
    Why.NOTIONAL: (Side.BUY, 1, {"symbol": ETH, "limit": 100}),
    Why.FUNDS: (Side.BUY, 200_000, {}),
    Why.REDUCE: (Side.SELL, 4, {"reduces": True}),
    Why.POST_ONLY: (Side.BUY, 4, {"limit": PRICE[BTC] + 2, "post_only": True}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_taken_leaves_no_order(floor: Floor, why: Why) -> None:
    side, qty, more = REFUSED[why]
    with pytest.raises(TwinRefusedError) as raised:
        floor.place(side, qty, **more)
    assert raised.value.why is why
    assert not floor.account.orders


def test_more_coins_than_there_are_can_not_be_sold_nor_bought() -> None:
    floor = Floor(money=D(100), coins={"ETH": D("0.5")})
    for side in Side:
        with pytest.raises(TwinRefusedError, match="insufficient"):
            floor.place(side, 5_001, ETH)
    floor.place(Side.SELL, 5_000, ETH)
    assert {one.currency: one.total for one in floor.account.holdings.balances}["ETH"] == 0
    assert floor.account.holdings.money > 1_800


def test_a_stop_that_the_market_is_through_is_refused(floor: Floor) -> None:
    with pytest.raises(TwinRefusedError, match="through this stop"):
        floor.place(Side.BUY, 4, stop=PRICE[BTC] - 10)


def test_a_client_id_is_used_once(floor: Floor) -> None:
    floor.place(Side.BUY, 4, tag="one")
    with pytest.raises(TwinRefusedError) as raised:
        floor.place(Side.BUY, 4, tag="one")
    assert raised.value.why is Why.DUPLICATE
    assert floor.account.find(client_id="one").order.status is VenueStatus.FILLED


def test_who_hears_of_a_fill_finds_the_order_after_it(floor: Floor) -> None:
    floor.place(Side.BUY, 4, tag="one", limit=PRICE[BTC] - 50)
    floor.trade(BTC, PRICE[BTC] - 51, size=3)
    floor.trade(BTC, PRICE[BTC] - 51, size=3)
    assert floor.told == [
        ("one", VenueStatus.WORKING),
        *(("one", 33), ("one", VenueStatus.WORKING)),
        *(("one", 14), ("one", VenueStatus.FILLED)),
    ]
    assert all(one.maker for one in floor.account.fills)


def test_what_is_now_or_never_ends_where_it_does_not_trade(floor: Floor) -> None:
    order = floor.place(Side.BUY, 4, tag="one", limit=PRICE[BTC] - 50, now_or_never=True)
    assert order.order.status is VenueStatus.CANCELED
    taken = floor.place(Side.BUY, 4, limit=PRICE[BTC] + 2, now_or_never=True)
    assert taken.order.status is VenueStatus.FILLED


def test_the_first_of_linked_orders_ends_the_others(floor: Floor) -> None:
    floor.place(Side.BUY, 4)
    stop = floor.place(Side.SELL, 4, stop=PRICE[BTC] - 100, reduces=True)
    target = floor.place(Side.SELL, 4, limit=PRICE[BTC] + 100, reduces=True)
    floor.account.link(stop.id, target.id)
    floor.trade(BTC, PRICE[BTC] + 101)
    assert target.order.status is VenueStatus.FILLED
    assert stop.order.status is VenueStatus.CANCELED
    assert not floor.account.holdings.positions


def test_what_reduces_a_position_ends_with_it(floor: Floor) -> None:
    floor.place(Side.SELL, 4)
    stop = floor.place(Side.BUY, 9, stop=PRICE[BTC] + 100, reduces=True)
    floor.trade(BTC, PRICE[BTC] + 101)
    floor.quote(BTC, PRICE[BTC] + 101)
    floor.wait(0.1)
    assert floor.account.held(BTC) == 0
    assert stop.order.filled_qty == 4
    assert not stop.order.status.live


def test_a_position_is_closed_whole_and_one_that_is_not_there_is_none(floor: Floor) -> None:
    floor.place(Side.SELL, 4)
    closing = floor.account.close(BTC, "out")
    floor.wait(0.1)
    assert closing is not None
    assert closing.order.status is VenueStatus.FILLED
    assert floor.account.close(BTC) is None


def test_orders_are_changed_and_cancelled_by_id(floor: Floor) -> None:
    order = floor.place(Side.BUY, 4, limit=PRICE[BTC] - 50)
    floor.account.modify(order.id, qty=6, limit=PRICE[BTC] - 60)
    floor.wait(0.1)
    assert (order.order.qty, order.order.limit) == (6, PRICE[BTC] - 60)
    floor.place(Side.BUY, 100, ETH, limit=PRICE[ETH] - 50)
    assert [one.id for one in floor.account.cancel_all(BTC)] == [order.id]
    floor.wait(0.1)
    with pytest.raises(TwinRefusedError) as raised:
        floor.account.cancel(order.id)
    assert raised.value.why is Why.OVER
    with pytest.raises(TwinRefusedError) as raised:
        floor.account.modify(12, qty=1)
    assert raised.value.why is Why.NOT_FOUND


trades = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 40), st.integers(-400, 400)), min_size=1, max_size=12
)


@given(trades)
def test_money_is_what_the_fills_say(orders: list[tuple[Side, int, int]]) -> None:
    floor = Floor(money=D(1_000_000))
    for side, qty, move in orders:
        floor.quote(BTC, PRICE[BTC] + move)
        floor.place(side, qty)
    floor.trade(BTC, PRICE[BTC])
    fills = [one.fill for one in floor.account.fills]
    paid = sum((PERPETUAL.usd(f.price) * f.qty * f.side.sign + f.cost_usd for f in fills), D(0))
    held = sum(f.qty * f.side.sign for f in fills)
    assert floor.account.held(BTC) == held
    equity = D(1_000_000) - paid + PERPETUAL.usd(PRICE[BTC]) * held
    assert abs(floor.account.holdings.equity - equity) < D("0.000001")


def test_margin_is_tied_up_by_what_is_held(floor: Floor) -> None:
    floor.place(Side.BUY, 100)
    holdings = floor.account.holdings
    assert holdings.margin_used == PERPETUAL.notional(PRICE[BTC], 100) / 10
    assert holdings.available == holdings.equity - holdings.margin_used


def minutes(instrument: Instrument) -> Iterator[Bar]:
    for i in range(90):
        price = PRICE[instrument.symbol] + i
        yield Bar(
            instrument.symbol, Timeframe.M1, START + (i - 90) * MINUTE, price, price + 9, price - 9, price, 2
        )


def test_longer_bars_are_made_of_minutes() -> None:
    source = ScriptedMarket((PERPETUAL,), START, bars={BTC: list(minutes(PERPETUAL))})
    exchange = TwinExchange(TwinConfig((PERPETUAL,)), source, ManualClock(START))
    first, second = exchange.bars(BTC, START - 60 * MINUTE, START, Timeframe.M30)
    assert (first.open_ts, first.volume) == (START - 60 * MINUTE, 60)
    assert (first.open, first.high, first.low, first.close) == tuple(
        PRICE[BTC] + n for n in (30, 59 + 9, 30 - 9, 59)
    )
    assert second.close == PRICE[BTC] + 89
    assert len(exchange.bars(BTC, 0, START)) == 90


def test_a_book_is_made_of_the_touch_and_moves_with_it(floor: Floor) -> None:
    bids, asks = floor.exchange.depth(BTC, 5)
    assert [one.price for one in bids] == [PRICE[BTC] - n for n in range(5)]
    assert asks[0].price == PRICE[BTC] + 2
    floor.quote(BTC, PRICE[BTC] - 1)
    assert [one.price for one in floor.exchange.depth(BTC, 4)[0]] == [one.price for one in bids[1:]]
