"""Clocks that are set, that sleep, that differ: nothing that protects comes later for it (F37)."""

from __future__ import annotations

import pytest

from engine.market.calendars.known import CME
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, Pause
from engine.model.events import ClockFault
from engine.model.market import MINUTE, NANOS
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from engine.state.restrictions import tighten
from tests.support.manual_venue import BOOK, ManualVenue, connected, entered, idea
from tests.support.venue_orders import PRICE

HOUR = 60 * MINUTE


def found(bench: ManualVenue) -> list[tuple[ClockFault, int]]:
    return [(record.fault, record.by_ns) for record in bench.written(r.ClockFound)]


def check(bench: ManualVenue, offset: int, still: int = 0) -> None:
    """The machine's clock is `offset` nanoseconds from what stamps events."""
    bench.step(ev.ClockChecked(ts_recv=bench.now, offset_ns=offset, stood_still_ns=still))


@pytest.mark.parametrize("seconds", [3, 300, 86_400])
def test_f37_a_clock_set_back_delays_neither_stops_nor_closes(seconds: int) -> None:
    """Whatever stamps events goes back itself: the worst that can happen."""
    bench, ids = entered()
    before = bench.core.now
    bench.now -= seconds * NANOS + NANOS // 10
    bench.wait(0.1)
    assert found(bench) == [(ClockFault.SET, -seconds * NANOS)]
    assert any("was set back by" in text for text in bench.critical())
    bench.end(ids["SL"])
    bench.obey(4)
    assert bench.stops() == [(5, PRICE - 40)], "a stop that is gone is replaced as ever"
    bench.say(Flatten(id="f"))
    bench.obey(1)
    assert bench.of(fx.ClosePosition)
    bench.wait(31)
    assert any("not flat after 30 s" in text for text in bench.critical()), "it gets louder in time"
    bench.close_all()
    bench.obey(4)
    assert bench.standing() == []
    assert bench.written(r.FlattenEnded)
    assert bench.core.now - before < 60 * NANOS, "no jump forward instead"
    assert bench.core.next_deadline() - bench.now <= MINUTE


def test_f37_a_clock_that_is_steered_is_followed_and_not_told() -> None:
    bench, _ = entered()
    for n in range(1, 41):
        check(bench, -n * NANOS // 10)
        bench.wait(0.1)
    assert bench.core.turn.wall == bench.core.now - 4 * NANOS
    assert found(bench) == []


def test_f37_a_clock_set_forward_makes_nothing_late_that_is_not() -> None:
    bench, order = connected()
    bench.lodge(order, legs=False)
    check(bench, HOUR)
    bench.wait(0.1)
    assert found(bench) == [(ClockFault.SET, HOUR)]
    assert "forward by 1 h 0 min" in bench.critical()[-1]
    moves = [record.event for record in bench.written(r.OrderMoved)]
    assert r.OrderEvent.TIMED_OUT not in moves, "its answer has 40 seconds, not an hour"


def test_f37_flat_time_and_the_roll_follow_the_corrected_clock() -> None:
    bench, _ = entered()
    at = bench.now
    flat = CME.flat_by(CME.trade_date(at)) - at
    check(bench, flat - 6 * MINUTE)
    bench.wait(0.2)
    assert not bench.written(r.FlattenStarted)
    check(bench, flat - 5 * MINUTE)
    bench.wait(0.2)
    assert [record.reason for record in bench.written(r.FlattenStarted)] == ["flat_time"]
    days = len(bench.written(r.DayRolled))
    check(bench, CME.next_roll(at) - at - NANOS)
    bench.wait(0.2)
    assert len(bench.written(r.DayRolled)) == days
    bench.wait(1)
    assert len(bench.written(r.DayRolled)) == days, "so says a clock that was set, and nothing else yet"
    stamped = bench.core.turn.wall
    bench.step(ev.Quote(ts_recv=bench.now, ts_venue=stamped, instrument="MNQ", bid=PRICE, ask=PRICE + 1))
    bench.wait(0.2)
    assert len(bench.written(r.DayRolled)) == days + 1, "the market's time agrees"
    check(bench, 0)
    bench.wait(0.2)
    assert len(bench.written(r.DayRolled)) == days + 1, "a clock set back takes no day back"


def _lock(bench: ManualVenue) -> int:
    """The day's lock stands; when the day ends."""
    turn, until = bench.core.turn, CME.next_roll(bench.now)
    turn.begin(turn.now)
    tighten(
        turn, TradingState.LOCKED, "daily loss", book=BOOK, until=until, guard="daily_loss", trades_stay=True
    )
    bench._take(turn.records, turn.effects)
    return until


def _set_over_the_roll(bench: ManualVenue) -> int:
    """The day's lock stands, and the machine's clock is set to a minute behind the roll; by how much."""
    until = _lock(bench)
    by = until - bench.now + MINUTE
    check(bench, by)
    return by


def _locked(bench: ManualVenue) -> bool:
    found = bench.core.state.restrictions.values()
    return any(one.state is TradingState.LOCKED for one in found)


def test_a_clock_set_over_the_roll_lifts_no_lock_before_the_market_says_so() -> None:
    bench, _ = entered()
    by = _set_over_the_roll(bench)
    bench.wait(5)
    bench.quote()
    bench.wait(1)
    assert _locked(bench), "the market's own time is that of before"
    assert bench.restart(after_s=1).core.state.clock_set_ns == by, "a restart believes it no more"
    stamped = ev.Quote(ts_recv=bench.now, ts_venue=bench.now + by, instrument="MNQ", bid=PRICE, ask=PRICE + 1)
    bench.step(stamped)
    bench.wait(1)
    assert not _locked(bench)


def test_a_lock_ends_with_the_day_where_nobody_confirms_a_clock_and_time_has_passed() -> None:
    bench, _ = entered()
    until = CME.next_roll(bench.now)
    _set_over_the_roll(bench)
    bench.now = until + NANOS
    bench.wait(1)
    assert not _locked(bench)


@pytest.mark.parametrize("witness", ["price", "login"])
def test_f37_a_clock_a_day_ahead_at_the_start_rolls_no_day_and_lifts_no_lock(witness: str) -> None:
    """The machine slept through an hour and woke with a clock that is a day ahead: so says the venue."""
    before, _ = entered()
    _lock(before)
    bench = before.restart(after_s=24 * 3600)
    ours = bench.now
    rolled = len(before.written(r.DayRolled))

    def said(by_ns: int) -> None:
        stamped = bench.core.turn.wall + by_ns
        if witness == "price":
            bench.step(
                ev.Quote(ts_recv=bench.now, ts_venue=stamped, instrument="MNQ", bid=PRICE, ask=PRICE + 1)
            )
        else:
            state = ev.LinkState.LIVE
            bench.step(ev.LinkChanged(ts_recv=bench.now, ts_venue=stamped, link="token", state=state))
        bench.wait(1)

    for off in (-24 * HOUR, -MINUTE, HOUR):
        said(off)
        assert _locked(bench)
    bench.wait(31)
    assert any("nothing confirms that clock yet" in notice.text for notice in bench.notices)
    assert len(bench.written(r.DayRolled)) == rolled
    again = bench.restart(after_s=60)
    assert _locked(again), "a restart keeps the doubt"
    assert again.core.state.clock_set_ns >= ours - CME.next_roll(before.now)
    bench = again
    said(NANOS)
    assert not _locked(bench), "the venue's time is ours: it is another day"
    assert found(bench)[-1][0] is ClockFault.CONFIRMED


def test_a_start_on_the_same_trade_date_doubts_nothing() -> None:
    bench, _ = entered()
    assert found(bench.restart(after_s=3600)) == []
    assert found(bench.restart(after_s=24 * 3600)) == [(ClockFault.LATER_DAY, 24 * HOUR)]


def test_f37_a_journal_from_the_future_stops_nothing() -> None:
    bench, ids = entered()
    again = bench.restart(after_s=-3600)
    again.connect()
    assert found(again)[-1][0] is ClockFault.JOURNAL_AHEAD
    assert any("1 h 0 min ahead of our clock" in text for text in again.critical())
    assert again.core.turn.wall == again.now, "the calendar goes by the clock"
    again.end(ids["SL"])
    again.obey(4)
    assert again.stops() == [(5, PRICE - 40)]
    again.quote()
    assert not again.core.market.staleness.stale("MNQ", again.core.now, again.core.turn.wall)
    again.say(Flatten(id="f"))
    again.obey(1)
    again.close_all()
    again.obey(4)
    assert again.written(r.FlattenEnded)
    queries = [query.since for query in again.of(fx.TakeSnapshot)]
    assert max(queries) <= again.now, "the venue is asked for its own times"


def test_f37_bars_and_entries_go_by_the_corrected_clock() -> None:
    """The clock was 5 minutes ahead of the venue's, and is put right while the engine runs."""
    bench = ManualVenue(idea())
    bench.connect()
    ahead = 5 * MINUTE
    check(bench, -ahead)
    opened = bench.now - bench.now % MINUTE + MINUTE  # whatever was closed too early is past
    for minute in range(2):
        for second in (1, 20, 40, 59):
            venue = opened + minute * MINUTE + second * NANOS
            bench.now = venue + ahead
            bench.quote()
            bench.step(ev.Print(ts_recv=bench.now, ts_venue=venue, instrument="MNQ", price=PRICE, size=1))
    bench.wait(2.1)
    assert bench.core.turn.counts == {}
    assert bench.written(r.PlanOpened), "the idea of that minute is neither late nor lost"


def test_f37_a_machine_that_slept_is_told_and_the_venue_is_asked() -> None:
    bench, _ = entered()
    asked = len(bench.of(fx.TakeSnapshot))
    bench.now += HOUR
    check(bench, 0, HOUR)
    bench.wait(1.5)
    assert found(bench) == [(ClockFault.STOOD_STILL, HOUR)]
    assert any("nothing ran here for 1 h 0 min" in text for text in bench.critical())
    assert len(bench.of(fx.TakeSnapshot)) > asked
    assert bench.core.market.staleness.stale("MNQ", bench.core.now), "an hour has passed for prices too"


@pytest.mark.parametrize("behind", [300, -300])
def test_f37_a_venue_with_another_clock_loses_no_order(behind: int) -> None:
    bench, _ = connected()
    for n in range(130):
        bench.now += NANOS
        venue = bench.now - behind * NANOS
        bench.step(ev.Print(ts_recv=bench.now, ts_venue=venue, instrument="MNQ", price=PRICE, size=1, seq=n))
    assert found(bench) == [(ClockFault.VENUE, -behind * NANOS)]
    side = "behind" if behind > 0 else "ahead of"
    assert any(f"stamped 5 min 0 s {side} this machine's clock" in text for text in bench.critical())
    bench.look()
    bench.wait(0.2)
    assert bench.of(fx.TakeSnapshot)[-1].since <= bench.now - behind * NANOS
    for n in range(130):
        bench.now += NANOS
        bench.step(
            ev.Print(ts_recv=bench.now, ts_venue=bench.now, instrument="MNQ", price=PRICE, size=1, seq=n)
        )
    assert found(bench)[-1] == (ClockFault.VENUE, 0)


@pytest.mark.parametrize(
    ("off", "entered"), [(-HOUR, False), (-MINUTE, False), (59 * NANOS, True), (5 * MINUTE, False)]
)
def test_f37_with_a_clock_that_is_wrong_at_the_start_nothing_is_entered_until_times_agree(
    off: int, entered: bool
) -> None:
    """The market is `off` behind the machine's clock, and then one of them is set right."""
    bench = ManualVenue(idea(), idea())
    bench.connect()

    def minutes(count: int, off: int) -> None:
        for n in range(count * 60):
            bench.now += NANOS
            stamped = bench.now - off
            bench.step(
                ev.Print(
                    ts_recv=bench.now,
                    ts_venue=stamped,
                    instrument="MNQ",
                    price=PRICE,
                    size=1,
                    seq=n,
                )
            )
            bench.step(
                ev.Quote(ts_recv=bench.now, ts_venue=stamped, instrument="MNQ", bid=PRICE, ask=PRICE + 1)
            )

    minutes(3, off)
    assert bool(bench.written(r.PlanOpened)) is entered
    view = picture(bench.core, 1, HealthView(ok=True))
    assert (Refusal.CLOCK in view.contracts[0].against) is not entered
    check(bench, -off)  # the machine's clock is set right: by its time prices are stamped as they come
    minutes(4, off)
    view = picture(bench.core, 1, HealthView(ok=True))
    assert Refusal.CLOCK not in view.contracts[0].against


def test_f37_people_are_told_the_time_by_the_clock() -> None:
    bench, _ = connected()
    check(bench, -HOUR)
    bench.say(Pause(id="p"))
    assert bench.notices[-1].ts == bench.now - HOUR
    view = picture(bench.core, 1, HealthView(ok=True))
    assert view.ts == bench.now - HOUR
    assert max(order.ts for order in view.orders) <= view.ts >= max(link.since for link in view.links)
