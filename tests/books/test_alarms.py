"""What is over says which alarm it ends, as data: nobody has to read words for that."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Pause, Resume
from engine.model.config import Brackets
from engine.model.market import NANOS
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.orders import OrderType
from engine.state import alarms
from engine.state.alarms import Alarm
from tests.support.alert_room import at_work, entries, in_trade
from tests.support.manual_venue import ManualVenue
from tests.support.venue_orders import PRICE


def standing(bench: ManualVenue) -> list[Notice]:
    """Alarms that nothing has ended, the oldest first."""
    found: dict[str, Notice] = {}
    for notice in bench.notices:
        for name in notice.ends:
            found.pop(name, None)
        if notice.alarm:
            found[notice.alarm] = notice
    return list(found.values())


@pytest.mark.parametrize("state", [ev.LinkState.DOWN, ev.LinkState.STALE])
def test_a_link_that_is_live_again_ends_its_own_alarm_and_no_other(state: ev.LinkState) -> None:
    bench, _ = at_work()
    before = standing(bench)
    for link in ("market", "discord"):
        bench.step(ev.LinkChanged(ts_recv=bench.now, link=link, state=state, detail="gone"))
    assert [notice.link for notice in standing(bench)[len(before) :]] == ["market", "discord"]
    for told in (ev.LinkState.CONNECTING, ev.LinkState.LIVE):
        bench.step(ev.LinkChanged(ts_recv=bench.now, link="market", state=told))
    assert [notice.link for notice in standing(bench)[len(before) :]] == ["discord"]


def test_a_journal_that_is_written_again_ends_its_alarm() -> None:
    bench, _ = at_work()
    before = standing(bench)
    for detail in ("disk full", "disk full, and the emergency file too"):
        bench.step(ev.JournalState(ts_recv=bench.now, ok=False, detail=detail))
    (alarm,) = standing(bench)[len(before) :]
    assert alarm.severity is Severity.CRITICAL
    bench.step(ev.JournalState(ts_recv=bench.now, ok=True))
    assert standing(bench) == before


def test_a_resume_ends_the_pause_of_its_own_scope() -> None:
    bench, _ = at_work()
    before = standing(bench)
    bench.say(Pause(id="1", source="test"))
    bench.say(Pause(id="2", source="test", instrument="MNQ"))
    assert len(standing(bench)) == len(before) + 2
    bench.say(Resume(id="3", source="test", instrument="MNQ"))
    (alarm,) = standing(bench)[len(before) :]
    assert alarm.instrument is None
    bench.say(Resume(id="4", source="test"))
    assert standing(bench) == before


def test_a_position_that_is_flat_ends_what_was_said_of_its_flatten() -> None:
    bench, _ = in_trade()
    before, turn, book = standing(bench), bench.core.turn, bench.book.book
    turn.commit(r.FlattenStarted(ts=bench.now, book=book, instruments=("MNQ", "MES"), reason="risk"))
    for instrument in ("MNQ", "MES"):
        assert [notice.alarm for notice in standing(bench)[len(before) :]] == [alarms.flatten(book)]
        turn.commit(r.FlattenEnded(ts=bench.now, book=book, instrument=instrument))
    assert standing(bench) == before


@pytest.mark.parametrize("accepted", [True, False])
def test_an_order_whose_answer_was_lost_ends_its_alarm_however_it_is_found(accepted: bool) -> None:
    bench, jm = at_work()
    before = standing(bench)
    jm.post()
    first, second = entries(bench)
    bench.accept(second)
    bench.reply(first, ev.Outcome.UNKNOWN)
    (alarm,) = standing(bench)[len(before) :]
    assert "it is looked up, and not sent again" in alarm.text
    if accepted:
        bench.lodge(first, legs=False)
    bench.obey(30)
    assert standing(bench) == before
    told = [notice.text for notice in bench.notices if alarm.alarm in notice.ends]
    assert "looked up, and it stands at the venue" in told[0] if accepted else "rejected" in told[0]


def test_a_stop_that_never_arrived_ends_its_alarm_when_the_next_one_stands() -> None:
    bench, jm = at_work(brackets=Brackets.OWN)
    jm.post("🚨 NQ long 20000: C\nStop: 19990")
    (entry,) = entries(bench)
    (venue_id,) = bench.accept(entry)
    bench.tell_fill(bench.execute(venue_id, PRICE))
    (stop,) = [order for order in bench.of(fx.PlaceOrder) if order.type is OrderType.STOP]
    bench.reply(stop, ev.Outcome.UNSENT)
    (alarm,) = [notice for notice in standing(bench) if notice.severity is Severity.CRITICAL]
    assert alarm.instrument == "MNQ"
    bench.obey(12)
    assert bench.stops()
    assert not [notice for notice in standing(bench) if notice.severity is Severity.CRITICAL]
    told = [notice.text for notice in bench.notices if alarm.alarm in notice.ends]
    assert told == ["MNQ: a stop for 1 stands at the venue again"]


def test_what_was_said_of_a_limit_ends_with_its_day() -> None:
    bench, _ = at_work()
    turn, name = bench.core.turn, alarms.limits(bench.book.book)
    turn.say(NoticeKind.RISK, Severity.CRITICAL, "80 % used", book=bench.book.book, alarm=Alarm(name))
    assert standing(bench)
    turn.commit(r.DayRolled(ts=bench.now, trade_date="2031-01-02", day_open_ts=bench.now, carried={}))
    assert not [notice for notice in standing(bench) if notice.alarm == name]


def test_an_account_that_may_trade_again_is_told_and_ends_the_alarm() -> None:
    bench, _ = at_work()
    before = standing(bench)
    for may in (False, False, True):
        usd, book = Decimal(50_000), bench.book.book
        bench.step(ev.AccountReported(ts_recv=bench.now, book=book, balance_usd=usd, can_trade=may))
        bench.now += NANOS
    told = [notice.text for notice in bench.notices if "account" in notice.text and "trad" in notice.text]
    assert len(told) == 2
    assert "trade again" in told[-1]
    assert standing(bench) == before


def test_a_command_says_whether_it_was_done() -> None:
    bench, _ = at_work()
    bench.say(Pause(id="1", source="test"))
    bench.say(Resume(id="2", source="test", instrument="XX"))
    answers = {notice.command_id: notice.done for notice in bench.notices if notice.command_id}
    assert answers["1"] is True
    assert answers["2"] is False
