"""The day's total P&L over time: extremes of every event, a bounded curve, nothing forgotten by a restart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from engine.core import Core
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE
from engine.model.view import EquityPoint, HealthView
from engine.runtime.view_builder import picture
from engine.state.days import CURVE_POINTS, DayStats
from tests.market.feed import T0
from tests.support.books import refolded
from tests.support.many_books import EVERY, ManyBooks, long_idea
from tests.support.scripted_replay import INSTRUMENTS, PRICE, ScriptedReplay, idea


def total(play: ScriptedReplay, core: Core) -> Decimal:
    """Money that came and went, and what is open at the touch: by arithmetic of its own."""
    made = Decimal(0)
    for taken in play.written(r.FillApplied):
        fill, known = taken.fill, INSTRUMENTS[taken.fill.instrument]
        qty = held(play, fill.instrument)
        touch = core.marks.bid if qty > 0 else core.marks.ask
        mark = (touch(fill.instrument) or 0) if qty else 0
        made -= known.usd(fill.side.sign * fill.qty * (fill.price - mark)) + fill.cost_usd
    return made


def held(play: ScriptedReplay, instrument: str) -> int:
    return sum(
        taken.fill.side.sign * taken.fill.qty
        for taken in play.written(r.FillApplied)
        if taken.fill.instrument == instrument
    )


def test_t3_drawdown_and_extremes_are_those_of_every_event() -> None:
    totals = [Decimal(0)]

    def watched(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        def market() -> Iterator[ev.Quote | ev.Print]:
            yield from play.minutes(2)
            for price in (PRICE + 70, PRICE + 20, PRICE + 75, PRICE - 25, PRICE - 60):
                yield from play.move(price, seconds=20)
            yield from play.minutes(3)

        for event in market():
            yield event
            totals.append(total(play, play.core))

    play = ScriptedReplay(watched, [idea(stop=40, targets=(80, 160))])
    (trade,) = play.book.trades
    peak = drawdown = Decimal(0)
    for now in totals:
        peak = max(peak, now)
        drawdown = max(drawdown, peak - now)
    assert drawdown > -trade.net_usd > 0  # what closed trades tell is less
    (book,) = picture(play.core, 1, HealthView(ok=True, detail="")).books
    assert book.max_drawdown_usd == drawdown
    assert (book.curve.high_usd, book.curve.low_usd) == (peak, min(totals))
    assert book.day_usd == totals[-1] == book.curve.points[-1].usd
    assert play.core.books[BOOK].orders.equity.run_drawdown_usd == drawdown
    times = [point.ts for point in book.curve.points]
    assert len(times) > 2
    assert times == sorted(set(times))
    assert times[-1] - times[0] > MINUTE
    day = refolded(play.journal).book(BOOK).day
    assert (day.high_usd, day.low_usd, day.max_drawdown_usd) == (peak, min(totals), drawdown)


def test_t3_a_restart_goes_on_from_what_was_written_down() -> None:
    def up_and_down(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from play.minutes(2)
        yield from play.move(PRICE + 70, seconds=20)
        yield from play.move(PRICE + 10, seconds=20)

    play = ScriptedReplay(up_and_down, [idea()])
    before = play.core.books[BOOK].orders.equity
    again = Core(play.core.config, play.core.entries.bots.all[0].strategy, refolded(play.journal))
    again.start(play.now)
    assert play.book.account is not None
    again.step(ev.AccountAdopted(ts_recv=play.now, book=BOOK, account=play.book.account))
    quote = ev.Quote(ts_recv=play.now, ts_venue=play.now, instrument="MNQ", bid=PRICE + 20, ask=PRICE + 21)
    again.step(quote)
    after = again.books[BOOK].orders.equity
    assert before.drawdown_usd > 0
    assert (after.high_usd, after.low_usd, after.drawdown_usd) == (
        before.high_usd,
        before.low_usd,
        before.drawdown_usd,
    )


def test_a_restart_notes_no_total_before_it_knows_what_is_held_is_worth() -> None:
    many = ManyBooks([(60, long_idea())])
    many.connect()
    many.pass_time(70)
    many.pass_time(70, many.price - 10)
    assert all(many.held().values())
    before = len(many.written(r.EquityNoted))
    many.restart(connect=False)
    assert many.written(r.EquityNoted)[before:] == []
    many.connect()
    many.pass_time(70, many.price + 3)
    later = many.written(r.EquityNoted)[before:]
    assert {one.book for one in later} == set(EVERY)
    assert all(one.total_usd for one in later)


def test_the_curve_has_a_point_a_minute_and_is_thinned_to_a_bound() -> None:
    day = DayStats()
    for n in range(24 * 60 * 6):
        day.add_point(EquityPoint(T0 + n * MINUTE // 6, Decimal(n)))
        assert len(day.curve) <= CURVE_POINTS
    times = [point.ts for point in day.curve]
    assert times == sorted(set(times))
    assert (day.curve[0].usd, day.curve[-1].usd) == (Decimal(0), Decimal(24 * 60 * 6 - 1))
    assert max(b - a for a, b in pairwise(times)) <= 17 * MINUTE
