"""Random order flow on a living market: the money and the positions must add up."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.requests import Bracket, ModifyRequest, PlaceRequest
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.scripted import ManualClock, ScriptedMarket
from adapters.simulator.opening import listed
from adapters.simulator.wire.projectx.hubs import Hubs
from adapters.simulator.wire.projectx.json_rows import HubEvent, hub_event
from adapters.simulator.wire.projectx.market_stream import MarketPublisher
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from tests.simulator.practice_venue import ACCOUNT, START

SYMBOLS = ("MNQ", "ES", "MGC")

places = st.tuples(
    st.just("place"),
    st.sampled_from(SYMBOLS),
    st.sampled_from([1, 2, 2, 4]),
    st.integers(0, 1),
    st.integers(1, 3),
    st.integers(-12, 12),
    st.none() | st.integers(4, 12),
    st.none() | st.integers(4, 12),
)
others = st.tuples(
    st.sampled_from(["cancel", "modify", "close", "partial"]),
    st.sampled_from(SYMBOLS),
    st.integers(0, 12),
    st.integers(1, 3),
    st.integers(-12, 12),
)


@cache
def market() -> tuple[tuple[Instrument, ...], tuple[Quote | Print, ...]]:
    """Its instruments and its first minutes."""
    generated = GeneratedMarket(3, START)
    return tuple(generated.instruments), tuple(islice(generated.events(), 12_000))


flows = st.lists(st.tuples(st.integers(1, 3000), st.one_of(places, places, others)), min_size=3, max_size=25)


def act(exchange: Exchange, step: tuple[object, ...]) -> None:
    account, now = exchange.accounts[ACCOUNT], exchange.now()
    match step:
        case ("place", str(symbol), int(kind), int(side), int(size), int(away), loss, profit):
            sign = -1 if side else 1
            last = exchange.tickers[symbol].figures.last or 0
            price = float(exchange.listing.front[symbol].instrument.price(last + away))
            order = PlaceRequest(
                account_id=ACCOUNT,
                contract_id=exchange.listing.front[symbol].id,
                type=kind,
                side=side,
                size=size,
                limit_price=price,
                stop_price=price,
                stop_loss_bracket=Bracket(-sign * loss, 4) if isinstance(loss, int) else None,
                take_profit_bracket=Bracket(sign * profit, 1) if isinstance(profit, int) else None,
            )
            account.place(order, now)
        case ("cancel", str(), int(which), int(), int()):
            account.cancel(3_430_000_000 + which, now)
        case ("modify", str(symbol), int(which), int(size), int(away)):
            last = exchange.tickers[symbol].figures.last or 0
            price = float(exchange.listing.front[symbol].instrument.price(last + away))
            change = ModifyRequest(
                account_id=ACCOUNT,
                order_id=3_430_000_000 + which,
                size=size,
                limit_price=price,
                stop_price=price,
            )
            account.modify(change, now)
        case ("close", str(symbol), int(), int(), int()):
            account.close(exchange.listing.front[symbol].id, now)
        case ("partial", str(symbol), int(), int(size), int()):
            account.partial_close(exchange.listing.front[symbol].id, size, now)
        case _:
            raise AssertionError(step)


@settings(max_examples=40)
@given(flows)
def test_the_balance_is_start_plus_what_the_half_turns_say(
    flow: list[tuple[int, tuple[object, ...]]],
) -> None:
    instruments, events = market()
    source = ScriptedMarket(instruments, START, events)
    clock = ManualClock(START)
    told: list[HubEvent] = []
    exchange = Exchange(SimulatorConfig().exchange(), source, clock, listed(source))
    publisher = MarketPublisher(Hubs(HubTiming()).market, clock)
    exchange.connect(publisher, lambda event: told.append(hub_event(event)))
    for wait, step in flow:
        clock.advance(wait * 1_000_000)
        exchange.catch_up()
        act(exchange, step)
    clock.advance(2_000_000_000)
    exchange.catch_up()
    account = exchange.accounts[ACCOUNT]
    trades = account.rows.trades
    change = sum(((t.pnl or Decimal(0)) - t.fees - t.commissions for t in trades), Decimal(0))
    assert account.holdings.balance_usd == Decimal(50_000) + change
    for symbol in SYMBOLS:
        net = sum(t.size if t.side == 0 else -t.size for t in trades if t.symbol == symbol)
        position = account.holdings.positions.get(symbol)
        assert net == (0 if position is None else position.qty)
    for row in account.rows.orders.values():
        own = [t for t in trades if t.order_id == row.id]
        assert row.filled == sum(t.size for t in own) <= row.size
        assert row.fill_value == sum(t.price * t.size for t in own)
    streamed = [event.data["id"] for event in told if event.target == "GatewayUserTrade"]
    assert streamed == [t.id for t in trades]
    balances = [event.data["balance"] for event in told if event.target == "GatewayUserAccount"]
    assert len(balances) == len(trades)
    if balances:
        assert balances[-1] == float(account.holdings.balance_usd)
