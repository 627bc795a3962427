"""What a paper book keeps to: its fills, its hours, its limits, and its distance from real money."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from msgspec.structs import replace

from adapters.simulator.config import SimulatorConfig
from engine.books.opening import MARKET_LINK, PAPER, VENUE_LINKS
from engine.core import Core
from engine.lab.replay import BOOK
from engine.market.calendars.known import CME
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, Pause, Resume
from engine.model.config import ArmedAccount, BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import Account, AccountKind, OrderSpec, OrderType, Slot
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from engine.state.fold import apply
from engine.state.position import Trade
from engine.state.state import State
from engine.venue.fill_model import FillModel, LatestPrices
from engine.venue.paper import PaperRules
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

MNQ = CME_FUTURES["MNQ"]
PAPER_BOOK = (BookConfig(PAPER, paper=PaperConfig()),)
MS = NANOS // 1000
MINUTE_15_10 = CME.flat_by(CME.trade_date(T0))


def entered(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
    yield from play.minutes(2)
    yield from play.pass_time(2)


def fills(play: ScriptedReplay, book: str) -> list[r.FillApplied]:
    return [taken for taken in play.written(r.FillApplied) if taken.book == book]


def trades(play: ScriptedReplay, book: str) -> list[Trade]:
    return play.core.state.book(book).trades


# --- fills ---------------------------------------------------------------------------------------------


def test_an_entry_fills_after_its_latency_at_the_touch_made_worse() -> None:
    paper = PaperConfig(latency_ns=700 * MS, slippage_ticks=3, commission_usd=Decimal("1.10"))
    play = ScriptedReplay(entered, [idea()], paper=paper)
    (sent,) = {x.ts for x in play.written(r.OrderIntended) if x.book == PAPER}
    assert sum(taken.fill.qty for taken in fills(play, PAPER)) == 5
    assert sum(taken.fill.qty for taken in fills(play, BOOK)) == 5
    for taken in fills(play, PAPER):
        assert taken.fill.ts_venue - sent >= paper.latency_ns
        assert taken.fill.price == PRICE + 1 + 3
        assert taken.fill.cost_usd == (MNQ.fee_usd + Decimal("1.10")) * taken.fill.qty
    for taken in fills(play, BOOK):
        assert taken.fill.price == PRICE + 1 + 1
        assert taken.fill.cost_usd == MNQ.cost_usd * taken.fill.qty


def test_t1_a_stop_is_filled_a_latency_after_its_trigger_and_heard_of_at_that_instant() -> None:
    """No step later, no wire between."""
    told: list[tuple[int, int]] = []

    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        for event in play.move(PRICE - 60, seconds=1):
            told.append((event.ts_recv, play.core.state.book(PAPER).position("MNQ").qty))
            yield event

    play = ScriptedReplay(script, [idea()], paper=PaperConfig())
    stop = next(x for x in fills(play, PAPER) if x.fill.side is Side.SELL)
    assert stop.ts == stop.fill.ts_venue == told[0][0] + 50 * MS
    assert [trade.reason for trade in trades(play, PAPER)] == ["stop"]


def test_partial_exits_are_in_its_balance_at_once() -> None:
    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        yield from play.move(PRICE + 90, seconds=3)

    play = ScriptedReplay(script, [idea()], paper=PaperConfig())
    book = play.core.state.book(PAPER)
    position = book.position("MNQ")
    assert position.exit_qty
    assert position.qty
    won = MNQ.usd(1) * Decimal(position.realized_ticks().numerator) / position.realized_ticks().denominator
    assert play.core.books[PAPER].orders.balance_usd == 50_000 + won - position.costs_usd


def test_t2_paper_replay_and_backtest_fill_by_one_default_which_every_summary_names() -> None:
    play = ScriptedReplay(entered, [], paper=PaperConfig())
    assert play.core.inside[0].model == FillModel() == replace(SimulatorConfig().model, latency_ns=50 * MS)
    assert str(FillModel()) == "latency 50 ms, slippage 1 tick, queue 5"
    assert str(FillModel(bar_ns=MINUTE)) == "latency 50 ms, slippage 1 tick, bars: limits when traded through"


# --- what its venue refuses ------------------------------------------------------------------------------

ENTRY = OrderSpec(Side.BUY, OrderType.MARKET, 1, stop_offset=-40, target_offset=80)
CLOSED_TS = CME.session_close(CME.trade_date(T0)) + MINUTE


@pytest.mark.parametrize(
    ("ts", "must_be_flat", "taken"),
    [
        (T0, True, True),
        (MINUTE_15_10 - 1, True, True),
        (MINUTE_15_10, True, False),
        (MINUTE_15_10, False, True),
        (CLOSED_TS, False, False),
        (CME.next_roll(T0), True, True),
        (CME.next_roll(T0) + 3 * 24 * 60 * MINUTE, True, False),
    ],
    ids=["session", "before 15:10", "15:10", "15:10 may stay", "break", "17:00", "Saturday"],
)
def test_orders_are_taken_in_the_hours_of_the_venue(ts: int, must_be_flat: bool, taken: bool) -> None:
    rules = PaperRules(must_be_flat=must_be_flat)
    if taken:
        rules.check_place(ENTRY, LatestPrices(), ts)
    else:
        with pytest.raises(RefusedError) as refused:
            rules.check_place(ENTRY, LatestPrices(), ts)
        assert refused.value.cause is Cause.CLOSED


@pytest.mark.parametrize(
    "changes",
    [
        {"stop_offset": 40},
        {"stop_offset": -3},
        {"stop_offset": -1001},
        {"target_offset": -80},
        {"target_offset": 3},
        {"type": OrderType.LIMIT, "limit": 0},
        {"type": OrderType.STOP, "stop": 99},
        {"type": OrderType.STOP, "stop": 100},
    ],
    ids=str,
)
def test_orders_that_the_venue_would_not_take(changes: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        PaperRules(must_be_flat=True).check_place(replace(ENTRY, **changes), LatestPrices(last=100), T0)


def test_a_close_goes_on_after_the_cut_off_but_not_without_a_market() -> None:
    rules = PaperRules(must_be_flat=True)
    rules.check_close(MINUTE_15_10 + MINUTE)
    with pytest.raises(RefusedError):
        rules.check_close(CLOSED_TS)


def test_cut_offs_follow_one_another_over_a_weekend() -> None:
    rules = PaperRules(must_be_flat=True)
    at, found = T0, []
    for _ in range(6):
        at = rules.next_cut_off(at) or 0
        found.append(at)
    assert found == sorted(set(found))
    assert [CME.hhmm(ts) for ts in found[:3]] == ["15:10"] * 3
    assert PaperRules(must_be_flat=False).next_cut_off(T0) is None


# --- the end of its day ----------------------------------------------------------------------------------

LATE_START = MINUTE_15_10 - 30 * MINUTE
LOOSE = RiskLimits(no_entry_before_flat_ns=0, flatten_before_flat_ns=5 * MINUTE)


def test_it_is_flat_before_the_cut_off_like_any_book() -> None:
    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        play.now = MINUTE_15_10 - 6 * MINUTE
        yield from play.pass_time(120)

    play = ScriptedReplay(script, [idea()], start=LATE_START, risk=LOOSE, paper=PaperConfig())
    for book in (PAPER, BOOK):
        (trade,) = trades(play, book)
        assert trade.reason == "flat_time"
    assert not play.core.state.book(PAPER).live_orders()


def test_what_was_open_when_the_process_ended_is_closed_when_it_comes_back_after_the_cut_off() -> None:
    """Nobody was there at 15:10: its orders have expired then, and it is closed at the first price."""
    play = ScriptedReplay(entered, [idea()], start=LATE_START, risk=LOOSE, paper=PaperConfig())
    assert play.core.state.book(PAPER).position("MNQ").qty
    again = _again(play.journal, PaperConfig())
    now = MINUTE_15_10 + 2 * MINUTE
    journal = list(again.start(now)[0])
    journal += again.step(ev.TimeAdvanced(ts_recv=now + 100 * MS))[0]
    for step in range(1, 20):
        journal += again.step(_quote(now + step * 200 * MS, PRICE - 30))[0]
    book = again.state.book(PAPER)
    assert [(trade.reason, trade.exit_sum // trade.qty) for trade in book.trades] == [
        ("flat_time", PRICE - 30 - 1)
    ]
    assert not book.position("MNQ").qty
    assert not book.flattening
    assert not book.live_orders()
    assert not [x for x in journal if isinstance(x, r.StateChanged) and x.book == PAPER], "nobody interfered"


def _quote(ts: int, price: int) -> ev.Quote:
    return ev.Quote(ts_recv=ts, ts_venue=ts, instrument="MNQ", bid=price, ask=price + 1, last=price)


def _print(ts: int, price: int) -> ev.Print:
    return ev.Print(ts_recv=ts, ts_venue=ts, instrument="MNQ", price=price, size=1)


def _again(
    journal: list[r.AnyRecord],
    paper: PaperConfig | None,
    trading: TradingSwitch = TradingSwitch.LIVE,
    risk: RiskLimits | None = None,
    books: tuple[str, ...] = (),
) -> Core:
    """A new run on a journal, of which only the paper book's side is played."""
    state = State()
    for record in journal:
        apply(state, r.decode(r.encode(record)))
    state.books.pop(BOOK, None)
    config = EngineConfig(
        (MNQ,),
        "again",
        "t",
        2,
        trading,
        books=() if paper is None else (BookConfig(PAPER, risk=risk or RiskLimits(), paper=paper),),
        templates=(BookConfig(risk=risk or RiskLimits()),),
    )
    return Core(config, ScriptedStrategy([]), state)


# --- after a restart -------------------------------------------------------------------------------------


def test_a_stop_still_fills_after_a_restart_at_the_first_price_beyond_it() -> None:
    play = ScriptedReplay(entered, [idea()], paper=PaperConfig())
    before = play.core.state.book(PAPER)
    again = _again(play.journal, PaperConfig())
    now = play.now + 10 * MINUTE
    again.start(now)
    assert again.state.book(PAPER).positions == before.positions
    stop = next(o for o in before.live_orders() if o.slot is Slot.STOP)
    assert stop.stop is not None
    gap = stop.stop - 25
    again.step(_print(now - MS, gap))  # the first price of a run waits for a second one
    again.step(_print(now, gap))
    assert again.next_deadline() == now + 50 * MS
    again.step(ev.TimeAdvanced(ts_recv=now + 50 * MS))
    (trade,) = again.state.book(PAPER).trades
    assert trade.reason == "stop"
    assert trade.exit_sum == trade.qty * (gap - 2), "worse than the stop: half a spread below the first price"


def test_switched_off_it_runs_out_and_is_gone() -> None:
    play = ScriptedReplay(entered, [idea()], paper=PaperConfig())
    again = _again(play.journal, None)
    now = play.now + MINUTE
    again.start(now)
    book = again.books[PAPER]
    assert book.hands_off() == (Refusal.OFF,)
    again.step(_print(now - MS, PRICE - 90))
    again.step(_print(now, PRICE - 90))
    for later in (50, 100):  # the stop fills, then what is left of its bracket is gone
        again.step(ev.TimeAdvanced(ts_recv=now + later * MS))
    assert not book.orders.holding
    gone = Core(replace(again.config, boot=3), ScriptedStrategy([]), again.state)
    gone.start(now + MINUTE)
    assert PAPER not in gone.books
    assert again.state.book(PAPER).trades, "what it did stays in the journal"


def test_switched_off_it_still_counts_in_its_own_currency() -> None:
    """The run's first contract may be settled in another by now."""
    play = ScriptedReplay(entered, [idea()], paper=PaperConfig())
    coin = replace(MNQ, symbol="BTCUSDT", currency="USDT")
    again = _again(play.journal, None)
    run = Core(replace(again.config, instruments=(coin, MNQ)), ScriptedStrategy([]), again.state)
    run.start(play.now + MINUTE)
    assert run.books[PAPER].currency == "USD"


# --- a book by itself ------------------------------------------------------------------------------------


def test_limits_are_counted_and_act_in_each_book_by_itself() -> None:
    """The paper book pays far more for its trades, and only it is locked."""

    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        yield from play.pass_time(20)

    risk = RiskLimits(daily_loss_usd=Decimal(300))
    play = ScriptedReplay(script, [idea()], risk=risk, paper=PaperConfig(commission_usd=Decimal(60)))
    restrictions = play.core.state.restrictions
    assert restrictions[f"{PAPER}/"].state is TradingState.LOCKED
    assert f"{BOOK}/" not in restrictions
    assert not play.core.state.book(PAPER).position("MNQ").qty
    assert play.book.position("MNQ").qty


def test_its_floor_is_measured_from_its_own_balance() -> None:
    """What the settings say of a real account's past would lock a paper book at once."""
    real = RiskLimits(max_loss_usd=Decimal(2000), start_balance_usd=Decimal(150_000))
    own = replace(real, start_balance_usd=Decimal(50_000))
    play = ScriptedReplay(entered, [idea()], risk=real, paper=PaperConfig(), paper_risk=own)
    assert play.core.state.book(PAPER).position("MNQ").qty
    assert not play.book.position("MNQ").qty, "the account's floor is at 148,000 and it has 50,000"


def test_commands_reach_both_books() -> None:
    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        play.say(Flatten(id="f"))
        yield from play.pass_time(5)
        play.say(Resume(id="r"))
        play.say(Pause(id="p"))
        yield from play.pass_time(1)

    play = ScriptedReplay(script, [idea()], paper=PaperConfig())
    for book in (PAPER, BOOK):
        assert [trade.reason for trade in trades(play, book)] == ["manual"]
        assert not play.core.state.book(book).live_orders()
        assert play.core.state.restriction(book, "MNQ") is not None
    assert "paper: sell" in play.answers()[0]
    assert "replay: sell" in play.answers()[0]


@pytest.mark.parametrize(
    ("trading", "paper_trades", "live_trades"),
    [(TradingSwitch.OFF, False, False), (TradingSwitch.PAPER, True, False), (TradingSwitch.LIVE, True, True)],
)
def test_the_switch_and_a_live_account(trading: TradingSwitch, paper_trades: bool, live_trades: bool) -> None:
    config = EngineConfig(
        (MNQ,), "x", "t", 1, trading, armed_accounts=(ArmedAccount("", "50K"),), books=PAPER_BOOK
    )
    core = Core(config, ScriptedStrategy([]))
    core.start(T0)
    account = Account("1", "50K", AccountKind.LIVE, Decimal(50_000), can_trade=True)
    core.step(ev.AccountAdopted(ts_recv=T0, book="topstepx", account=account))
    assert (not core.books[PAPER].hands_off()) is paper_trades
    assert (not core.books["topstepx"].hands_off()) is live_trades
    unarmed = Core(replace(config, armed_accounts=()), ScriptedStrategy([]))
    unarmed.start(T0)
    assert (not unarmed.books[PAPER].hands_off()) is paper_trades, "arming is for real money"


def test_a_venue_that_is_down_stops_its_own_book_only() -> None:
    play = ScriptedReplay(entered, [], paper=PaperConfig())
    links, turn = play.core.links, play.core.turn
    links.changed(ev.LinkChanged(ts_recv=play.now, link="rest", state=ev.LinkState.DOWN), turn)
    assert not links.up(BOOK, VENUE_LINKS)
    assert links.up(PAPER, MARKET_LINK)
    links.changed(ev.LinkChanged(ts_recv=play.now, link="market", state=ev.LinkState.DOWN), turn)
    assert not links.up(PAPER, MARKET_LINK)


def test_user_hubs_of_two_books_are_two_links() -> None:
    play = ScriptedReplay(entered, [], paper=PaperConfig())
    links, turn = play.core.links, play.core.turn
    for book, state in (("one", ev.LinkState.LIVE), ("two", ev.LinkState.DOWN)):
        links.changed(ev.LinkChanged(ts_recv=play.now, link="user", state=state, book=book), turn)
    assert (links.up("one", VENUE_LINKS), links.up("two", VENUE_LINKS)) == (True, False)
    view = picture(play.core, 1, HealthView(ok=True))
    assert {(x.book, x.state) for x in view.links if x.name == "user" and x.book} == {
        ("one", ev.LinkState.LIVE),
        ("two", ev.LinkState.DOWN),
    }


# --- a new month -------------------------------------------------------------------------------------------


def test_prices_of_another_month_touch_nothing_that_was_opened_in_the_last_one() -> None:
    """The new month trades 400 ticks lower: neither stop nor close is filled there."""

    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from entered(play)
        play.replay.tell(
            ev.ContractResolved(ts_recv=play.now, instrument=MNQ, contract_id="next", name="MNQH7")
        )
        yield from play.move(PRICE - 400, seconds=3)

    play = ScriptedReplay(script, [idea()], paper=PaperConfig())
    (trade,) = trades(play, PAPER)
    assert trade.reason == "flat_time"
    assert trade.exit_sum == trade.qty * (PRICE - 1), "the old month's bid, made worse by one tick"
    assert play.core.inside[0].broker.venue.prices("MNQ").bid == PRICE - 400, "and now the new month counts"
