"""F29: a contract near its end, and the month that rolls over night: two months never meet."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.market.calendars.known import CME
from engine.market.expiry import last_day
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, USUAL, Bar, Timeframe
from engine.model.refusals import Refusal
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from tests.market.feed import T0
from tests.support.manual_venue import BOOK, ManualVenue, idea
from tests.support.venue_orders import MNQ, PRICE
from tstream.run.venues import last_known

TODAY = CME.trade_date(T0)
NEXT = PRICE + 700
"""The next month trades dearer."""


def _roll(bench: ManualVenue, contract: str = "CON.F.US.MNQ.H27", name: str = "MNQH7") -> None:
    bench.step(ev.ContractResolved(ts_recv=bench.now, instrument=MNQ, contract_id=contract, name=name))


def _trade(bench: ManualVenue, price: int, minutes: int) -> None:
    """Minutes of quotes and prints around one price."""
    for _ in range(minutes):
        bench.now += MINUTE - bench.now % MINUTE
        bench.quote(price)
        bench.step(ev.Print(ts_recv=bench.now, ts_venue=bench.now, instrument="MNQ", price=price, size=1))
        bench.wait(1.2)


def _refusals(bench: ManualVenue) -> set[Refusal]:
    return {refusal for rec in bench.written(r.IdeaRefused) for refusal in rec.refusals}


def _code(day_of_month: str) -> str:
    return f"CON.F.US.MNQ.{day_of_month}"


@pytest.mark.parametrize("offset", range(-3, 5))
def test_f29_no_entry_within_days_of_the_contracts_end(offset: int) -> None:
    """Two days before the last one, and later, entries are refused; the third day before is fine."""
    code = "HMUZ"[(TODAY.month - 1) // 3]
    contract = _code(f"{code}{TODAY.year % 100:02}")
    last = last_day("MNQ", contract, TODAY)
    assert last is not None
    days = (last - TODAY).days - offset
    start = T0 + days * 24 * 60 * MINUTE
    if CME.trade_date(start).weekday() >= 5:
        pytest.skip("nobody trades on that day")
    bench = ManualVenue(idea(), at=start)
    bench.connect()
    _roll(bench, contract, "MNQ")
    orders = bench.trade_idea()
    assert bool(orders) is (offset > 2)
    assert _refusals(bench) == (set() if offset > 2 else {Refusal.EXPIRING})


def test_f29_bars_and_quotes_of_two_months_are_never_joined() -> None:
    bench = ManualVenue()
    bench.connect()
    _trade(bench, PRICE, 12)
    assert len(bench.core.market.bars.bars("MNQ", Timeframe.M1)) > 5
    _roll(bench)
    for frame in Timeframe:
        assert bench.core.market.bars.bars("MNQ", frame) == ()
        assert bench.core.market.bars.forming("MNQ", frame) is None
    assert all(bench.core.market.board.frame("MNQ", frame).bar is None for frame in USUAL)
    assert "MNQ" not in bench.core.market.quotes
    _trade(bench, NEXT, 12)
    for frame in Timeframe:
        bars = bench.core.market.bars.bars("MNQ", frame)
        assert all(bar.low >= NEXT - 5 for bar in bars), frame
    assert any("rolled from MNQX to MNQH7" in notice.text for notice in bench.notices)


def test_f29_history_of_the_new_month_begins_anew() -> None:
    bench = ManualVenue()
    bench.connect()
    _trade(bench, PRICE, 3)
    _roll(bench)
    end = bench.now - bench.now % MINUTE
    bars = tuple(
        Bar("MNQ", Timeframe.M1, end - n * MINUTE, NEXT, NEXT, NEXT, NEXT, 1, backfilled=True)
        for n in range(120, 0, -1)
    )
    bench.step(ev.HistoryLoaded(ts_recv=bench.now, instrument="MNQ", bars=bars))
    _trade(bench, NEXT, 2)
    found = bench.core.market.bars.bars("MNQ", Timeframe.M1)
    assert len(found) >= 120
    assert {bar.close for bar in found} == {NEXT}


def test_f29_the_same_month_again_changes_nothing() -> None:
    bench = ManualVenue()
    bench.connect()
    _trade(bench, PRICE, 5)
    before = bench.core.market.bars.bars("MNQ", Timeframe.M1)
    written = len(bench.written(r.ContractKnown))
    bench.step(ev.ContractResolved(ts_recv=bench.now, instrument=MNQ, contract_id="x", name="MNQX"))
    assert bench.core.market.bars.bars("MNQ", Timeframe.M1) == before
    assert len(bench.written(r.ContractKnown)) == written


def _held() -> ManualVenue:
    """A protected long of 5 in the old month, and the roll."""
    bench = ManualVenue(idea(), idea())
    bench.connect()
    for order in bench.trade_idea():
        bench.enter(order)
    assert bench.book.position("MNQ").qty == 5
    bench.quote(PRICE)
    _roll(bench)
    return bench


def test_f29_an_open_position_stays_in_its_month_at_its_last_price() -> None:
    bench = _held()
    assert bench.book.held_months == {"MNQ": "MNQX"}
    before = bench.core.books[BOOK].day_usd
    bench.quote(NEXT)
    bench.wait(2)
    assert bench.core.books[BOOK].day_usd == before  # 700 ticks of another month are no profit
    assert any("stays in the old month" in text for text in bench.critical())
    assert bench.trade_idea() == []
    assert Refusal.IN_POSITION in _refusals(bench)
    view = picture(bench.core, 1, HealthView(ok=True))
    assert view.contracts[0].name == "MNQH7"


def _old(bench: ManualVenue, bid: int) -> None:
    """The old month is quoted."""
    now, contract = bench.now, "CON.F.US.MNQ.Z26"
    bench.step(
        ev.HeldPriced(ts_recv=now, ts_venue=now, instrument="MNQ", contract_id=contract, bid=bid, ask=bid + 1)
    )


@pytest.mark.parametrize("again", [False, True])
def test_f64_what_is_held_in_an_old_month_goes_by_its_own_prices_and_name(again: bool) -> None:
    bench = _held()
    if again:
        bench = bench.restart()
        bench.connect()
        _roll(bench)
    _old(bench, PRICE + 20)
    before = bench.core.books[BOOK].day_usd
    bench.quote(NEXT)
    bench.step(ev.Print(ts_recv=bench.now, ts_venue=bench.now, instrument="MNQ", price=NEXT, size=1))
    assert bench.core.books[BOOK].day_usd == before
    _old(bench, PRICE + 10)
    assert bench.core.books[BOOK].day_usd == before - 5 * MNQ.usd(10)
    view = picture(bench.core, 1, HealthView(ok=True))
    [position], shown = view.positions, view.contracts[0]
    assert {order.contract for order in view.orders} == {"MNQX"}
    assert (position.contract, position.mark) == ("MNQX", MNQ.price(PRICE + 10))
    assert (shown.name, shown.position_qty, shown.bid) == ("MNQH7", 0, MNQ.price(NEXT))
    [bar] = {bar.low for bar in bench.core.market.bars.bars("MNQ", Timeframe.M1)} or {NEXT}
    assert bar == NEXT, "the old month makes no bars"


def test_f64_limits_are_judged_by_the_month_that_is_held() -> None:
    bench = _held()
    _old(bench, PRICE - 350)
    bench.wait(0.5)
    assert [found.reason for found in bench.written(r.FlattenStarted)] == ["risk"]


def test_f29_once_it_is_closed_the_new_months_prices_count() -> None:
    bench = _held()
    bench.say(Flatten(id="1"))
    assert bench.of(fx.ClosePosition)
    for order in [o for o in bench.orders.values() if o.status.live]:
        if order.stop is not None:
            bench.tell_fill(bench.execute(order.venue_id, PRICE - 40))
    assert bench.book.position("MNQ").qty == 0
    assert bench.book.held_months == {}
    bench.wait(1)
    bench.quote(NEXT)
    assert bench.core.marks.bid("MNQ") == NEXT


def test_f29_a_restart_remembers_which_month_is_held() -> None:
    bench = _held()
    again = ManualVenue(journal=bench.journal, boot=2, at=bench.now)
    assert again.book.held_months == {"MNQ": "MNQX"}
    again.step(
        ev.ContractResolved(ts_recv=again.now, instrument=MNQ, contract_id="CON.F.US.MNQ.H27", name="MNQH7")
    )
    costs = again.core.books[BOOK].day_usd
    again.quote(NEXT)
    assert again.core.books[BOOK].day_usd == costs
    assert costs == -Decimal(5) * MNQ.cost_usd


def test_f29_a_month_that_rolled_while_nobody_was_there() -> None:
    bench = ManualVenue(idea())
    bench.connect()
    for order in bench.trade_idea():
        bench.enter(order)
    again = ManualVenue(journal=bench.journal, boot=2, at=bench.now)
    _roll(again)
    assert again.book.held_months == {"MNQ": "MNQX"}
    # Where the venue answers nothing, a flatten closes in the month that is held.
    known = last_known(again.core.state, BOOK)
    assert known is not None
    assert known.contracts == {"MNQ": "x"}


@pytest.mark.parametrize("carried", [False, True])
def test_what_is_carried_is_closed_before_the_last_day_of_its_month(carried: bool) -> None:
    """Index futures are settled on the morning of the third Friday: Thursday's session is the last one."""
    code = f"{'HMUZ'[(TODAY.month - 1) // 3]}{TODAY.year % 100:02}"
    last = last_day("MNQ", _code(code), TODAY)
    assert last is not None
    before = CME.session_close(last - timedelta(days=1)) - 6 * 60 * MINUTE
    bench = ManualVenue(idea(), at=before, risk=RiskLimits(must_be_flat=False, expiry_days=0))
    bench.connect()
    _roll(bench, _code(code), f"MNQ{code}")
    for order in bench.trade_idea():
        bench.enter(order)
    assert bench.book.position("MNQ").qty == 5
    if carried:
        _roll(bench, "CON.F.US.MNQ.H99", "MNQH9")
    ends = CME.session_close(last - timedelta(days=1))
    for at, begun in ((ends - 5 * MINUTE - 2 * NANOS, []), (ends - 5 * MINUTE + 2 * NANOS, ["expiry"])):
        bench.now = at
        bench.wait(1)
        assert [found.reason for found in bench.written(r.FlattenStarted)] == begun
