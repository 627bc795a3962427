"""Alerts as trades: at once, with the room's own prices, within its limits, in everybody's sight."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model import records as r
from engine.model.alerts import Reason, Verdict
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Slot, VenueStatus
from engine.model.refusals import Refusal
from engine.model.sizing import ByConfidence, ByRisk, Sizing
from engine.model.view import AlertFate, HealthView
from engine.runtime.view_builder import picture
from tests.support.alert_room import (
    LONG,
    ROOM,
    SHORT,
    STOP,
    T1,
    T2,
    Room,
    at_work,
    brackets_of,
    entries,
    in_trade,
    leave,
    message,
)
from tests.support.manual_venue import BOOK
from tests.support.venue_orders import PRICE

# --- an alert ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "sign", "offsets"), [(LONG, 1, (-41, 27, 47)), (SHORT, -1, (40, -28, -48))])
def test_an_alert_is_an_order_in_the_same_step(text: str, sign: int, offsets: tuple[int, int, int]) -> None:
    """One contract to the first target and two to the second, brackets counted from the price at hand."""
    bench, jm = at_work()
    taken = jm.post(text)
    assert (taken.verdict, taken.ts - taken.posted_ts) == (Verdict.TRADED, NANOS // 5)
    stop, first, second = offsets
    assert brackets_of(bench) == [(1, stop, first), (2, stop, second)]
    (opened,) = bench.written(r.PlanOpened)
    assert opened.plan.origin == "alert:jm:1"
    assert {leg.stop for leg in opened.plan.legs} == {PRICE - sign * 40}
    assert [leg.target for leg in opened.plan.legs] == [PRICE + sign * 28, PRICE + sign * 48]
    intents = [o for o in bench.written(r.OrderIntended) if o.slot is Slot.ENTRY]
    assert bench.journal.index(taken) < bench.journal.index(opened) < bench.journal.index(intents[0])
    assert {o.ts for o in intents} == {taken.ts}


def test_after_the_fill_stop_and_targets_stand_where_the_alert_has_them() -> None:
    """Filled a tick dearer than it was posted: the room's prices count, not the distances."""
    bench, _ = in_trade()
    assert bench.stops() == [(1, STOP), (2, STOP)]
    assert bench.targets() == [(1, T1), (2, T2)]


def test_after_the_first_target_the_rest_can_lose_nothing() -> None:
    bench, _ = in_trade()
    bench.trade(T1 + 1)
    leave(bench, 0, Slot.TARGET, T1)
    ((qty, stop),) = bench.stops()
    assert qty == 2
    assert stop is not None
    assert stop > PRICE
    assert bench.targets() == [(2, T2)]
    leave(bench, 1, Slot.STOP, stop)
    assert [trade.reason for trade in bench.book.trades] == ["be_stop"]


def test_a_stop_of_the_alerts_own_is_no_break_even_stop() -> None:
    bench, _ = in_trade()
    for leg in (0, 1):
        leave(bench, leg, Slot.STOP, STOP)
    assert [trade.reason for trade in bench.book.trades] == ["stop"]


# --- rooms, books and limits ---------------------------------------------------------------------------


def test_every_risk_limit_holds_for_alerts_and_makes_them_smaller() -> None:
    """MNQ at 41 ticks: 20.50 + 1.22 + 1.00 a contract."""
    bench, jm = at_work(risk=RiskLimits(max_contracts=2))
    jm.post()
    assert [order.qty for order in entries(bench)] == [1, 1]


@pytest.mark.parametrize(
    ("room", "book", "qty", "why"),
    [
        (None, None, 3, "grade: 3 asked for"),
        (None, ByRisk(Decimal(100)), 4, "risk: 100.00 at risk, 22.72 each: 4"),
        (ByRisk(Decimal(50)), ByRisk(Decimal(100)), 2, "risk: 50.00 at risk, 22.72 each: 2"),
        (ByConfidence(ByRisk(Decimal(100)), Decimal(0)), None, 4, "confidence: 100 % of 4 (100.00"),
    ],
)
def test_a_room_sizes_as_it_says_else_as_the_book_says_else_by_its_letters(
    room: Sizing | None, book: Sizing | None, qty: int, why: str
) -> None:
    bench, jm = at_work(replace(ROOM, sizing=room), sizing=book)
    jm.post()
    (opened,) = bench.written(r.PlanOpened)
    assert opened.plan.qty == qty
    assert opened.plan.size_reason.startswith(why)


def test_a_refusal_of_the_gate_is_told_with_the_rooms_name() -> None:
    bench, jm = at_work(risk=RiskLimits(risk_per_trade_usd=RiskLimits().risk_per_trade_usd / 100))
    taken = jm.post()
    assert taken.verdict is Verdict.TRADED
    (refused,) = bench.written(r.IdeaRefused)
    assert refused.refusals == (Refusal.SIZE_ZERO,)
    notice = bench.notices[-1]
    assert notice.severity is Severity.WARNING
    why = "1 contract risks 22.72 USD, 2 allowed (risk.per_trade_usd)"
    assert notice.text == f"room jm: long MNQ refused: {why}"
    (row,) = picture(bench.core, 1, HealthView(ok=True)).alerts
    (fate,) = row.fates
    assert (fate.book, fate.entered, fate.refusals) == (BOOK, 0, (why,))


def test_scores_and_rewards_are_the_strategies_unless_the_room_has_a_bound() -> None:
    bench, jm = at_work(replace(ROOM, reward_to_risk_min=0.7))
    jm.post()
    (refused,) = bench.written(r.IdeaRefused)
    assert refused.refusals == (Refusal.REWARD_TO_RISK,)


def test_a_book_that_does_not_follow_the_room_is_left_alone() -> None:
    _bench, jm = at_work(replace(ROOM, books=("elsewhere",)))
    taken = jm.post()
    assert taken.reason is Reason.NO_BOOK


def test_a_room_that_is_not_configured_is_told_of() -> None:
    bench, jm = at_work()
    taken = jm.tell(message(bench.now, room="other"))
    assert taken is not None
    assert taken.reason is Reason.UNKNOWN_ROOM
    assert "room other" in bench.notices[-1].text


def test_the_rooms_trades_of_a_day_are_limited_over_restarts() -> None:
    bench, jm = at_work(replace(ROOM, max_trades=1, repeat_ns=0))
    jm.post()
    for venue_id in bench.accept(*entries(bench)):
        bench.end(venue_id, VenueStatus.CANCELED)
    assert not bench.book.plans
    again = bench.restart(after_s=1)
    again.connect()
    taken = Room(again).post(number="2")
    assert taken is not None
    assert (taken.reason, taken.detail) == (Reason.ROOM_LIMIT, "1 traded, allowed 1")
    again.step(ev.TimeAdvanced(ts_recv=again.now + 9 * 60 * MINUTE))
    assert again.core.state.room_trades == {}


def test_the_rooms_loss_of_a_day_is_limited_over_restarts() -> None:
    """Three contracts at 40 ticks and 1.22 lose 63.66; another three at 41 would risk 68.16 with slippage."""
    limit = RiskLimits().risk_per_trade_usd
    for loss, refused in ((limit * 0 + 130, True), (limit * 0 + 135, False)):
        room = replace(ROOM, max_loss_usd=loss)
        bench, _ = in_trade(room)
        for leg in (0, 1):
            leave(bench, leg, Slot.STOP, STOP)
        assert round(bench.book.room_usd["jm"], 2) == -(41 * 3) * limit / 400 - 3 * limit * 122 / 20000
        again = bench.restart(after_s=60)
        again.connect()
        Room(again).post(number="2")
        found = {refusal for rec in again.written(r.IdeaRefused) for refusal in rec.refusals}
        assert found == ({Refusal.ROOM_LOSS} if refused else set())


def test_the_same_strategy_and_room_keep_records_of_their_own() -> None:
    bench, _ = in_trade()
    for leg in (0, 1):
        leave(bench, leg, Slot.STOP, STOP)
    assert {name: (kept.wins, kept.losses) for name, kept in bench.book.records.items()} == {"jm": (0, 1)}


# --- what people see -----------------------------------------------------------------------------------


def test_a_signal_carries_its_plan() -> None:
    bench, jm = at_work()
    jm.post()
    (signal,) = [n for n in bench.notices if n.kind is NoticeKind.SIGNAL]
    assert signal.text == "room jm: long MNQ: entering 3 (alert A)"
    facts = signal.signal
    assert facts is not None
    assert (str(facts.entry), str(facts.stop)) == ("20000.25", "19990.00")
    assert [str(target) for target in facts.targets] == ["20007.00", "20012.00"]
    assert (facts.qty, facts.side, facts.market, facts.pattern) == (3, Side.BUY, True, None)
    assert str(facts.risk_usd) == "65.16"


def test_the_view_tells_what_became_of_a_message_and_how_fast() -> None:
    bench, jm = at_work()
    jm.post("lunch")
    jm.post(number="2")
    first, second = entries(bench)
    bench.now += NANOS // 10
    for order in (first, second):
        bench.tell_fill(bench.execute(bench.accept(order)[0], PRICE + 1))
    bench.obey(5)
    rows = picture(bench.core, 1, HealthView(ok=True)).alerts
    assert [(row.message_id, row.verdict, row.excerpt[:5]) for row in rows] == [
        ("1", Verdict.UNREAD, "lunch"),
        ("2", Verdict.TRADED, "🚨 NQ "),
    ]
    assert rows[0].text == Reason.NOT_AN_ALERT.sentence
    (fate,) = rows[1].fates
    assert (fate.book, fate.entered, fate.qty, fate.closed) == (BOOK, 3, 3, False)
    assert (fate.sent_ns, fate.answered_ns) == (NANOS // 5, 3 * NANOS // 10)
    assert (str(rows[1].entry), str(rows[1].stop), rows[1].grade) == ("20000.00", "19990.00", "A")
    assert [str(target) for target in rows[1].targets] == ["20007.00", "20012.00"]
    assert rows[1].fates == (AlertFate(BOOK, 3, 3, sent_ns=NANOS // 5, answered_ns=3 * NANOS // 10),)
    assert (rows[0].entry, rows[0].targets, rows[0].fates) == (None, (), ())


def test_the_view_keeps_the_newest_fifty() -> None:
    bench, jm = at_work()
    for number in range(600):
        jm.post(f"talk {number}", number=str(number))
    rows = picture(bench.core, 1, HealthView(ok=True)).alerts
    assert [row.message_id for row in rows] == [str(number) for number in range(550, 600)]
    assert len(bench.core.state.alerts) == 500
