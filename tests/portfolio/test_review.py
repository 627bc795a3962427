"""Trades looked back on: what is told of them, by hand tables."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import AccountKind
from engine.model.review import Group, JournalAsked, JournalTold, Span
from engine.portfolio.review import BookTrades, group, span_of, tags_of, told
from engine.portfolio.ruin import wilson
from engine.state.position import Trade, TradeSource

HOUR = 60 * MINUTE
MONDAY = 1_772_460_000 * NANOS
"""2026-03-02 08:00 in Chicago."""
MNQ = replace(CME_FUTURES["MNQ"])
EURO = replace(CME_FUTURES["MES"], symbol="FDXS", currency="EUR")
KNOWN = {"MNQ": MNQ, "FDXS": EURO}


def trade(
    net: str, day: int, hour: int, setup: str = "block_held", symbol: str = "MNQ", frame: str = "5m"
) -> Trade:
    opened = MONDAY + (24 * day + hour) * HOUR
    return Trade(
        symbol, Side.BUY, 2, 2 * 80_000, 2 * 80_010, Decimal(net) + 1, Decimal(1), opened, opened + HOUR,
        "T1", Decimal(-20), Decimal(40), Decimal(50), "p", 4,
        TradeSource("zones", setup, frame, 74, ("why",)),
    )  # fmt: skip


def book(name: str, *trades: Trade, kind: AccountKind = AccountKind.PRACTICE, **notes: str) -> BookTrades:
    return BookTrades(name, kind, "USD", "cme", trades, {trades[0].key: notes["note"]} if notes else {})


ONE = book(
    "one",
    trade("100", 0, 0),
    trade("-50", 0, 2),
    trade("30", 1, 2, "gap"),
    trade("-10", 7, 2),
    note="ok #A #b #a",
)
TWO = book("two", trade("20", 1, 1, frame=""), trade("5", 1, 3, symbol="FDXS"))
PAPER = book("paper", trade("900", 1, 1), kind=AccountKind.PAPER)


def asked(span: Span = Span.WEEK, day: str = "2026-03-03", name: str = "") -> JournalTold:
    return told([ONE, TWO, PAPER], KNOWN, JournalAsked(span, day, name))


def test_a_week_of_two_books_of_a_kind_is_one_sum_and_paper_is_none_of_it() -> None:
    week = asked()
    assert (week.first, week.last, week.kind, week.books) == (
        "2026-03-02", "2026-03-08", AccountKind.PRACTICE, ("one", "two"),
    )  # fmt: skip
    assert [(one.net_usd, one.book) for one in week.trades] == [
        (Decimal(30), "one"), (Decimal(20), "two"), (Decimal(-50), "one"), (Decimal(100), "one"),
    ]  # fmt: skip
    assert week.total.net_usd == Decimal(100)
    assert week.other_currency == 1
    first = week.trades[-1]
    assert (first.note, first.tags, first.slippage_usd) == ("ok #A #b #a", ("a", "b"), Decimal("2.00"))
    assert (first.entry, first.exit, first.r, first.efficiency) == (
        Decimal("20000.00"), Decimal("20002.50"), 2.0, 101 / 40,
    )  # fmt: skip


def test_what_they_have_in_common() -> None:
    found = {one.by: {g.name: (g.trades, g.net_usd) for g in one.groups} for one in asked().groupings}
    assert found == {
        "setup": {"block_held": (3, Decimal(70)), "gap": (1, Decimal(30))},
        "contract": {"MNQ": (4, Decimal(100))},
        "hour": {"08:00": (1, Decimal(100)), "09:00": (1, Decimal(20)), "10:00": (2, Decimal(-20))},
        "weekday": {"Mon": (2, Decimal(50)), "Tue": (2, Decimal(50))},
        "timeframe": {"5m": (3, Decimal(80)), "none": (1, Decimal(20))},
        "book": {"one": (3, Decimal(80)), "two": (1, Decimal(20))},
        "tag": {"a": (1, Decimal(100)), "b": (1, Decimal(100))},
    }


def test_ranges_books_and_days() -> None:
    assert [len(asked(span).trades) for span in Span] == [2, 4, 5, 5, 5]
    assert asked(Span.WEEK, "").trades[0].net_usd == Decimal(-10), "without a day the newest"
    assert asked(name="paper").total.net_usd == Decimal(900)
    assert asked(name="nobody").trades == ()
    assert asked(day="half past").first == "2026-03-09"
    assert [(day.date, day.net_usd, day.trades) for day in asked().days] == [
        ("2026-03-02", Decimal(50), 2),
        ("2026-03-03", Decimal(50), 2),
    ]
    assert told([], {}, JournalAsked()).trades == ()


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (Span.DAY, date(2026, 3, 4), date(2026, 3, 4)),
        (Span.WEEK, date(2026, 3, 2), date(2026, 3, 8)),
        (Span.MONTH, date(2026, 3, 1), date(2026, 3, 31)),
        (Span.YEAR, date(2026, 1, 1), date(2026, 12, 31)),
        (Span.ALL, None, None),
    ],
)
def test_spans(span: Span, first: date | None, last: date | None) -> None:
    assert span_of(span, date(2026, 3, 4)) == (first, last)


def test_a_small_sample_says_that_it_is_one() -> None:
    few = group("x", [trade("10", 0, n) for n in range(29)])
    assert few.few
    assert not group("x", [trade("10", 0, n) for n in range(30)]).few
    assert (few.win_low, few.win_high) == wilson(29, 29)
    nothing = group("x", [])
    assert nothing == Group("x", 0, 0, Decimal(0))


@pytest.mark.parametrize(
    ("note", "tags"),
    [
        ("", ()),
        ("no tag, 50#60, # alone", ()),
        ("#fomo late #Fomo #re-entry", ("fomo", "re-entry")),
        ("\n#x", ("x",)),
    ],
)
def test_tags(note: str, tags: tuple[str, ...]) -> None:
    assert tags_of(note) == tags
