"""Every calendar by the same properties, and the days of two of them in one journal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import ALWAYS, CALENDARS, CME, US_EQUITIES, calendar_of
from engine.model import records as r
from engine.model.market import MINUTE, NANOS
from engine.model.orders import Account, AccountKind
from engine.model.restrictions import TradingState
from engine.portfolio.day_roll import roll
from engine.portfolio.money import Marks
from engine.state.restrictions import tighten
from tests.support.books import BOOK, Book, refolded

DAY = timedelta(days=1)
START = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * NANOS
INSTANTS = st.integers(START, START + 3 * 365 * 24 * 60 * MINUTE)


PARTS = [
    calendar_of("cme 08:30-15:00"),
    calendar_of("cme 18:00-09:30"),
    calendar_of("us_equities 10:00-15:00"),
]


@pytest.mark.parametrize("calendar", [*CALENDARS.values(), *PARTS], ids=lambda one: one.name)
def test_every_instant_has_one_trade_date_and_days_leave_no_gap(calendar: Calendar) -> None:
    @settings(max_examples=300)
    @given(INSTANTS)
    def holds(ts: int) -> None:
        day = calendar.trade_date(ts)
        opened, ended = calendar.day_bounds(day)
        assert opened <= ts < ended
        assert calendar.day_bounds(day + DAY)[0] == ended == calendar.next_roll(ts)
        assert calendar.next_phase_change(ts) > ts

    holds()


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        ("2026-11-25T09:29:59", False),
        ("2026-11-25T09:30:00", True),
        ("2026-11-26T10:00:00", False),  # Thanksgiving
        ("2026-11-27T12:59:59", True),
        ("2026-11-27T13:00:00", False),  # and the half day behind it
    ],
)
def test_shares_trade_in_new_yorks_session(time: str, is_open: bool) -> None:
    at = datetime.fromisoformat(time).replace(tzinfo=ZoneInfo("America/New_York"))
    assert US_EQUITIES.is_open(int(at.timestamp()) * NANOS) is is_open


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="mars"):
        calendar_of("mars")


# --- two calendars in one run ----------------------------------------------------------------------------


def _two_books() -> Book:
    """The futures' book, and one whose day is that of UTC."""
    book = Book()
    account = Account("2", "BTC", AccountKind.PRACTICE, Decimal(1), can_trade=True)
    book.write(r.AccountKnown(ts=book.now, book="btc", account=account, calendar="always"))
    roll(book.turn, Marks(), ALWAYS, main=False)
    return book


@pytest.mark.parametrize("week", ["2026-11-16", "2027-03-11"], ids=["plain", "clocks change"])
@pytest.mark.parametrize("names", [("cme", "always"), ("always", "cme")])
def test_each_book_rolls_by_its_own_calendar_over_restarts_too(week: str, names: tuple[str, str]) -> None:
    book = _two_books()
    noon = datetime.fromisoformat(week).replace(hour=12, tzinfo=UTC)
    now = max(book.now, int(noon.timestamp()) * NANOS)
    end, mark, steps = now + 7 * 24 * 60 * MINUTE, len(book.journal), 0
    while now < end:
        book.at(now)
        for name in names:
            roll(book.turn, Marks(), calendar_of(name), main=name == "cme")
        steps += 1
        if steps % 3 == 0:
            book = book.restarted(MINUTE)
        now = min(CME.next_roll(book.now), ALWAYS.next_roll(book.now))
    rolled = [record for record in book.journal[mark:] if isinstance(record, r.DayRolled)]
    for name in names:
        days = [date.fromisoformat(one.trade_date) for one in rolled if one.calendar == name]
        assert len(days) >= 6
        assert days == [days[0] + n * DAY for n in range(len(days))]
    for one in rolled:
        day = date.fromisoformat(one.trade_date)
        assert one.day_open_ts == calendar_of(one.calendar).day_bounds(day)[0]
    assert refolded(book.journal) == book.turn.state


def test_midnight_utc_lifts_no_lock_of_chicagos_day() -> None:
    book = _two_books()
    until = CME.next_roll(book.now)
    tighten(book.turn, TradingState.LOCKED, "daily loss", book=BOOK, until=until, guard="daily_loss")
    book.at(ALWAYS.next_roll(until))
    roll(book.turn, Marks(), ALWAYS, main=False)
    assert f"{BOOK}/" in book.turn.state.restrictions
    roll(book.turn, Marks(), CME, main=True)
    assert f"{BOOK}/" not in book.turn.state.restrictions
