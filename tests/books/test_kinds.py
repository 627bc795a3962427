"""A perpetual, a coin, a coin that pays its own fees, and a share through the whole core and the sans-I/O
venue: orders, fills and P&L to the last digit (docs/semantics.md#spot, docs/semantics.md#profit-and-loss).
"""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.config import BookConfig, EngineConfig, PaperConfig
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import Capabilities, Fill, OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.view import HealthView
from engine.portfolio.money import equity_usd
from engine.runtime.view_builder import picture
from tests.market.feed import T0
from tests.support.instruments import SHARE
from tests.support.kinds import COIN, COIN_FEES, KINDS, LIMITS, SWAP, Kinds, idea

HOUR_NS = 60 * MINUTE
ETHER, SOL, BTC = COIN.symbol, COIN_FEES.symbol, SWAP.symbol

LIVES = [
    # Taker 0.05 % in, 0.02 % of the maker out: 0.0068 x 60000.2 x 0.0005 = 0.20400068, told as 0.20401.
    (
        idea(BTC, -1000, 2000, 3000),
        [600_000, 602_003, 603_004],
        [
            ("buy", "0.0068", "60000.2", "0.20401"),
            ("buy", "0.0069", "60000.2", "0.20701"),
            ("sell", "0.0068", "60200.2", "0.08188"),
            ("sell", "0.0069", "60300.2", "0.08322"),
        ],
        # 0.0068 x 200 + 0.0069 x 300
        ("3.43", "0.57612", "2.85388", "T2"),
    ),
    (
        idea(BTC, 1000, -2000, -3000, side=Side.SELL),
        [600_000, 601_002],
        [
            ("sell", "0.0068", "59999.9", "0.204"),
            ("sell", "0.0069", "59999.9", "0.207"),
            ("buy", "0.0068", "60100.4", "0.20435"),
            ("buy", "0.0069", "60100.4", "0.20735"),
        ],
        # -0.0137 x 100.5
        ("-1.37685", "0.8227", "-2.19955", "stop"),
    ),
    (
        idea(ETHER, -2000, 4000, 8000),
        [300_000, 304_002, 308_004],
        [
            ("buy", "0.0068", "3000.02", "0.020401"),
            ("buy", "0.0069", "3000.02", "0.020701"),
            ("sell", "0.0068", "3040.02", "0.020673"),
            ("sell", "0.0069", "3080.02", "0.021253"),
        ],
        ("0.824", "0.083028", "0.740972", "T2"),
    ),
    # 0.1 % of the coins themselves: 0.0000068 and 0.0000069 SOL, so 0.0067 and 0.0068 can be sold. The costs
    # are both begun lots at 2000.02, and what the sales are charged.
    (
        idea(SOL, -2000, 4000, 8000),
        [200_000, 204_002, 208_004],
        [
            ("buy", "0.0068", "2000.02", "0"),
            ("buy", "0.0069", "2000.02", "0"),
            ("sell", "0.0067", "2040.02", "0.013669"),
            ("sell", "0.0068", "2080.02", "0.014145"),
        ],
        ("0.812", "0.427818", "0.384182", "T2"),
    ),
    (
        idea(SHARE.symbol, -50, 100, 200),
        [10_000, 10_102, 10_203],
        [
            ("buy", "68", "100.02", "0.24"),
            ("buy", "69", "100.02", "0.25"),
            ("sell", "68", "101.02", "0.24"),
            ("sell", "69", "102.02", "0.25"),
        ],
        ("206", "0.98", "205.02", "T2"),
    ),
]


@pytest.mark.parametrize(
    ("wanted", "prices", "fills", "money"), LIVES, ids=[f"{one[0].instrument}-{one[0].side}" for one in LIVES]
)
def test_a_trade_of_each_kind_to_the_last_digit(
    wanted: Idea, prices: list[int], fills: list[tuple[str, str, str, str]], money: tuple[str, ...]
) -> None:
    symbol = wanted.instrument
    run = Kinds((60, wanted))
    for price in (prices[0], *prices, prices[-1]):
        run.minute((symbol, price))
    assert run.fills(symbol) == fills
    [trade] = run.book.trades
    assert (trade.gross_usd, trade.costs_usd, trade.net_usd) == tuple(map(D, money[:3]))
    assert (trade.reason, run.position(symbol).qty, run.book.plans) == (money[3], 0, {})
    assert run.account.balance_usd == 50_000 + trade.net_usd  # which the venue counts by itself
    assert run.book.day.gross_usd - run.book.day.costs_usd == trade.net_usd


def test_coins_are_bought_with_money_and_not_with_a_margin() -> None:
    run = Kinds((60, idea(ETHER, -2000, 8000)))
    run.minute((ETHER, 300_000))
    run.wait(2)
    assert run.position(ETHER).qty == 137
    assert run.wallet.money == D(50_000) - D("0.0137") * D("3000.02") - D("0.041101")
    assert {one.currency: one.total for one in run.wallet.balances()} == {"ETH": D("0.0137"), "SOL": 0}


def test_no_purchase_beyond_the_money_and_no_sale_of_what_is_not_owned() -> None:
    run = Kinds((60, idea(ETHER, -2000, 8000)), (120, idea(ETHER, 2000, -8000, side=Side.SELL)))
    run.wallet.money = D(41)
    run.minute((ETHER, 300_000))
    run.minute((ETHER, 300_000))
    assert run.written(r.FillApplied) == []
    [denied] = [one for one in run.written(r.OrderMoved) if one.reason]
    assert denied.reason == "insufficient balance: 41.141375 USD needed, 41 are free"
    [refused] = run.written(r.IdeaRefused)
    assert [one.value for one in refused.refusals] == ["no_shorts"]


def _held(symbol: str = ETHER, had: str = "0", **options: object) -> Kinds:
    """Coins are bought beside what the account has already: 0.0137 less the fee of SOL."""
    run = Kinds((60, idea(symbol, -9000, 18_000)), **options)  # type: ignore[arg-type]
    run.wallet.deposit(KINDS[symbol].base, D(had))
    run.minute((symbol, 300_000))
    run.wait(3)
    assert run.position(symbol).qty == {ETHER: 137, SOL: 136}[symbol]
    return run


@pytest.mark.parametrize("symbol", [ETHER, SOL])
@pytest.mark.parametrize("brackets", [True, False])
def test_a_flatten_sells_what_was_bought_and_nothing_of_the_rest(symbol: str, brackets: bool) -> None:
    run = _held(symbol, "1.5", brackets=brackets)
    base = KINDS[symbol].base
    bought = {one.currency: one.total for one in run.wallet.balances()}[base] - D("1.5")
    run.wait(200)  # looks at the venue find more than was bought, and nothing wrong
    assert run.book.flattening == {}
    run.say(Flatten(id="end", book=BOOK, instrument=symbol))
    run.wait(5)
    assert (run.position(symbol).qty, run.book.flattening, run.book.live_orders()) == (0, {}, [])
    left = {one.currency: one.total for one in run.wallet.balances()}[base]
    assert left == D("1.5") + bought % KINDS[symbol].lot_size
    assert run.written(r.PositionAdjusted) == []
    [close] = run.written(r.CloseRequested)
    assert run.book.orders[close.client_id].filled_qty == close.qty


def test_others_orders_and_fills_of_a_coin_are_not_ours() -> None:
    run = _held(had="1.5")
    order = VenueOrder("9001", None, ETHER, Side.SELL, OrderType.LIMIT, 15_000, VenueStatus.WORKING, 400_000)
    run.tell(ev.OrderReported(ts_recv=run.now, book=BOOK, order=order))
    sold = Fill("f9", "9001", ETHER, Side.SELL, 300_000, 15_000, D(1), run.now)
    run.tell(ev.FillReported(ts_recv=run.now, book=BOOK, fill=sold))
    run.wallet.deposit("ETH", D("-1.5"))
    run.wait(200)
    assert run.position(ETHER).qty == 137
    assert run.book.orders.keys() == {o.client_id for o in run.book.orders.values() if o.plan_id}
    assert run.core.state.restrictions == {}


def test_fewer_coins_than_were_bought_are_a_mismatch() -> None:
    run = _held(had="0.01")
    run.wallet.deposit("ETH", D("-0.02"))
    run.minute((ETHER, 301_000))
    run.wait(120)
    [adjusted] = run.written(r.PositionAdjusted)
    assert (adjusted.delta, run.position(ETHER).qty) == (-100, 37)
    [stop] = [order for order in run.book.live_orders(ETHER) if order.stop is not None]
    assert stop.open_qty == 37
    [paused] = run.core.state.restrictions.values()
    assert paused.state is TradingState.REDUCING


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_left_and_too_little_to_be_sold_is_dust(by_hand: bool) -> None:
    """Coins worth 41 dollars, of which all but 3 dollars' worth are gone: less than the five that are taken.
    The stop of what is left could still sell it. Once it is gone none can stand there any more.
    """
    run = _held()
    run.wallet.deposit("ETH", D("-0.0127"))
    run.minute((ETHER, 301_000))
    run.wait(120)
    assert (run.position(ETHER).qty, run.written(r.DustLeft)) == (10, [])
    if by_hand:
        run.say(Flatten(id="end", book=BOOK, instrument=ETHER))
    else:
        for order in run.book.live_orders():
            run._report(run.venue.withdraw(order.venue_id or "", run.now))
    run.wait(10)
    [dust] = run.written(r.DustLeft)
    assert (dust.qty, dust.price) == (10, 301_000)
    assert run.book.dust[ETHER].worth_usd == D("3.01")
    assert (run.position(ETHER).qty, run.book.plans, run.book.live_orders()) == (0, {}, [])
    [trade] = run.book.trades
    assert trade.reason == "dust"
    [view] = picture(run.core, 1, HealthView(ok=True)).books
    assert view.dust == (f"0.0010 {ETHER}, 3.01 USD",)
    run.restart()
    assert run.wallet.lots(ETHER) == 10
    assert (run.book.flattening, run.position(ETHER).qty) == ({}, 0)


def _no_fills(event: ev.AnyEvent) -> ev.AnyEvent | None:
    if isinstance(event, ev.SnapshotTaken):
        return replace(event, fills=())
    return None if isinstance(event, ev.FillReported) else event


def test_a_purchase_whose_fill_is_not_told_is_concluded() -> None:
    run = Kinds((60, idea(SOL, -9000, 18_000)))
    run.wallet.deposit("SOL", D(3))  # a balance that could hide it
    run.hears = _no_fills
    run.minute((SOL, 300_000))
    run.wait(60)
    [fill] = [record for record in run.written(r.FillApplied) if record.inferred]
    assert (fill.fill.qty, fill.fill.fee_base) == (137, D("0.0000137"))
    assert (run.position(SOL).qty, run.written(r.PositionAdjusted)) == (136, [])


def test_money_of_another_currency_is_in_no_sum_of_the_book() -> None:
    euros = replace(CME_FUTURES["MNQ"], symbol="FDXM", root="FDXM", currency="EUR")
    run = Kinds((120, idea("FDXM", -40, 80)), instruments=(SWAP, euros))
    run.minute(("FDXM", 80_000))
    run._report(run.venue.place("FDXM", OrderSpec(Side.BUY, OrderType.MARKET, 3), run.now).events)
    run.wait(1)
    run.minute(("FDXM", 80_100))  # somebody holds three of them, and has won
    assert run.position("FDXM").qty == 3
    core, book = run.core, run.core.books[BOOK]
    [view] = [one for one in picture(core, 1, HealthView(ok=True)).books if one.book == BOOK]
    assert (view.currency, [view.day_usd, view.costs_usd, book.day_usd]) == ("USD", [D(0)] * 3)
    assert equity_usd(run.book, core.state, core.marks, D(50_000)) == 50_000
    run._report(run.venue.place("FDXM", OrderSpec(Side.SELL, OrderType.MARKET, 3), run.now).events)
    run.minute(("FDXM", 80_100))
    [trade] = run.book.trades
    assert trade.gross_usd == 3 * 97 * euros.tick_value_usd
    told = [notice.text for notice in run.core.turn.notices]
    assert any(text.startswith(f"sold 3 FDXM @ 20024.75 (close): {trade.net_usd:+.2f} EUR") for text in told)
    assert [run.book.earned_usd, run.book.day.gross_usd, D(run.book.day.trades)] == [D(0)] * 3
    refused = {code for record in run.written(r.IdeaRefused) for code in record.refusals}
    assert Refusal.CURRENCY in refused


def test_each_book_has_its_own_midnight_in_one_run() -> None:
    """Bitcoin is held over both: Chicago's book is on the next trade date from 17:00 there, the other from
    midnight UTC, and each splits the trade at its own mark.
    """
    books = (BookConfig("night", risk=LIMITS, paper=PaperConfig(), calendar="always"),)
    run = Kinds((60, idea(BTC, -9_000, 60_000)), instruments=(SWAP, CME_FUTURES["MNQ"]), books=books)
    run.minute((BTC, 600_000))
    for until, price in ((22, 601_000), (24, 603_000), (25, 604_000)):
        run.wait((T0 + (until - 14) * HOUR_NS - run.now) / NANOS - 60)
        run.minute((BTC, price))
    rolls = [(one.calendar, one.trade_date, one.ts) for one in run.written(r.DayRolled)][-2:]
    midnight = T0 + 10 * HOUR_NS
    assert rolls == [("cme", "2025-08-07", midnight - 2 * HOUR_NS), ("always", "2025-08-07", midnight)]
    costs = SWAP.charged(600_002, 137)
    for name, at_roll in ((BOOK, 601_000), ("night", 603_000)):
        book = run.core.state.books[name]
        [day] = book.days
        assert day.net_usd == SWAP.usd((at_roll - 600_002) * 137) - costs
        assert run.core.books[name].day_usd == SWAP.usd((604_000 - at_roll) * 137)


def test_people_read_coins_and_never_lots() -> None:
    run = _held()
    told = [notice.text for notice in run.core.turn.notices]
    assert f"long {ETHER} 8.0: entering 0.0137 (test)" in told
    assert f"bought 0.0137 {ETHER} @ 3000.02 (entry)" in told
    said = run.say(Flatten(id="end", book=BOOK, instrument=ETHER))
    assert f"sell 0.0137 {ETHER} at market" in said
    told += [notice.text for notice in run.core.turn.notices]
    assert not [text for text in told if "137" in text.replace("0.0137", "")]


def test_how_far_the_price_has_gone_is_told_whatever_is_held() -> None:
    run = _held()
    run.minute((ETHER, 300_502))
    [held] = picture(run.core, 1, HealthView(ok=True)).positions
    assert (held.qty, held.open_ticks) == (137, D(500))


def test_an_account_that_tells_no_balances_trades_no_coins() -> None:
    run = Kinds((60, idea(ETHER, -2000, 8000)), capabilities=Capabilities())
    run.minute((ETHER, 300_000))
    [refused] = run.written(r.IdeaRefused)
    assert [one.value for one in refused.refusals] == ["no_spot"]


def test_each_leg_must_be_worth_enough_at_its_stop() -> None:
    ether = replace(COIN, max_quantity=D("0.0033"))
    run = Kinds((60, idea(ETHER, -9000, 18_000, 27_000)), instruments=[ether])
    run.minute((ETHER, 312_800))
    [refused] = run.written(r.IdeaRefused)
    assert refused.words == ("its smallest order is worth 4.86 USD, at least 5",)


def test_a_book_whose_account_does_not_say_counts_as_its_venue_does() -> None:
    coin = replace(CME_FUTURES["MNQ"], symbol="BTCUSDT", currency="USDT")
    config = EngineConfig(
        (coin, CME_FUTURES["MNQ"]), "two", "t", 1, sources={"BTCUSDT": ("coins",), "MNQ": ("firm",)}
    )
    assert [config.currency_at(venue) for venue in ("coins", "firm", "", "other")] == [
        "USDT",
        "USD",
        "USDT",
        "USDT",
    ]
