"""The table `sizing`: of the run, a book, a bot and a room; what is wrong in it is named to the key."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from engine.model.sizing import (
    KINDS,
    ByConfidence,
    ByEquity,
    ByEquityNotional,
    ByGrade,
    ByKelly,
    ByNotional,
    ByRisk,
    Sizing,
)
from tests.tstream.conftest import Reading
from tstream.convert.alerts import alert_rooms
from tstream.convert.books import book_configs, templates, wanted_books
from tstream.convert.bots import bots
from tstream.settings.sizing import SIZINGS, sizing_of

D = Decimal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"risk"', ByRisk()),
        ('{ kind = "risk", usd = 75.50 }', ByRisk(D("75.5"))),
        ('"grade"', ByGrade()),
        ('{ kind = "grade", a = 6, b = 4, c = 2, a_score = 8.5 }', ByGrade(6, 4, 2, 85, 70)),
        ('{ kind = "equity" }', ByEquity(D(2))),
        ('{ kind = "equity", percent = 0.5 }', ByEquity(D("0.5"))),
        ('{ kind = "equity_notional", percent = 150 }', ByEquityNotional(D(150))),
        ('{ kind = "notional", usd = 25000 }', ByNotional(D(25_000))),
        ('{ kind = "kelly" }', ByKelly(ByRisk(), D(25), D(2))),
        (
            '{ kind = "kelly", percent = 50, most_percent = 1, base = { kind = "notional", usd = 9000 } }',
            ByKelly(ByNotional(D(9000)), D(50), D(1)),
        ),
        (
            '{ kind = "confidence", least_percent = 0, base = { kind = "kelly", base = "grade" } }',
            ByConfidence(ByKelly(ByGrade()), D(0), D(100)),
        ),
    ],
)
def test_each_kind(reading: Reading, text: str, expected: Sizing) -> None:
    assert sizing_of(reading(f"sizing = {text}").settings.sizing) == expected


def test_every_policy_has_its_table() -> None:
    assert set(KINDS.values()) == set(SIZINGS)


def test_a_variable_holds_it_as_a_name_or_as_json(reading: Reading) -> None:
    assert sizing_of(reading(dotenv="TSTREAM_SIZING=grade").settings.sizing) == ByGrade()
    text = """TSTREAM_SIZING='{"kind": "notional", "usd": "1000"}'"""
    assert sizing_of(reading(dotenv=text).settings.sizing) == ByNotional(D(1000))


MANY = """
sizing = { kind = "equity", percent = 1 }
trading = "paper"
[[venues.topstepx.accounts]]
name = "A"
sizing = { kind = "notional", usd = 5000 }
[[venues.topstepx.accounts]]
name = "B"
[[venues.other.accounts]]
name = "all"
sizing = "grade"
[venues.other]
kind = "topstepx"
[[paper]]
name = "small"
enabled = true
sizing = { kind = "risk", usd = 20 }
[[paper]]
name = "usual"
enabled = true
[[bots]]
name = "own"
sizing = { kind = "kelly" }
[[bots]]
name = "as-the-book"
[discord]
token = "x"
[rooms.jm]
channels = [1]
authors = [2]
sizing = { kind = "equity", percent = 3 }
[rooms.plain]
channels = [3]
authors = [2]
"""


def test_the_most_specific_one_wins(reading: Reading) -> None:
    settings = reading(MANY.replace('[discord]\ntoken = "x"\n', ""), "TSTREAM_DISCORD_TOKEN=x").settings
    wanted = {name: wanted_books(settings, name) for name in settings.active}
    books = {book.name: book.sizing for book in book_configs(settings, wanted)}
    run = ByEquity(D(1))
    assert books == {
        "topstepx-a": ByNotional(D(5000)),
        "topstepx-b": run,
        "small": ByRisk(D(20)),
        "usual": run,
    }
    assert [one.sizing for one in templates(settings)] == [ByGrade()]
    own, as_the_book = bots(settings)
    for book in books.values():
        assert own.wanted(book).sizing == ByKelly()
        assert as_the_book.wanted(book).sizing == book
    assert as_the_book.wanted(None).sizing == ByRisk()
    assert [room.sizing for room in alert_rooms(settings)] == [ByEquity(D(3)), None]


WRONG: list[tuple[str, str]] = [
    (
        'sizing = "kely"',
        'sizing.kind = "kely": must be one of grade, risk, equity, equity_notional, notional, ',
    ),
    (
        'sizing = "equity"',
        'sizing = "equity": needs its number: write sizing = { kind = "equity", percent = 2 }',
    ),
    ("sizing = { percent = 2 }", "sizing.kind: is needed: one of grade, risk, equity, "),
    ("sizing = 3", "sizing = 3: must be a table with a kind, "),
    ('sizing = { kind = "notional" }', "sizing.usd: is needed: a number above 0"),
    (
        'sizing = { kind = "equity", percent = 11 }',
        "sizing.percent = 11: must be a number above 0 and up to 10",
    ),
    ('sizing = { kind = "equity", usd = 1 }', 'sizing.usd = 1: unknown key; kind "equity" has percent'),
    ('sizing = { kind = "grade", a = 1, b = 2 }', "sizing.a = 1: must not be smaller than b, nor b than c"),
    ('sizing = { kind = "grade", b_score = 9 }', "sizing.a_score = 8.0: must be at least b_score (9.0)"),
    ('sizing = { kind = "kelly", base = { kind = "kelly" } }', 'sizing.base.kind = "kelly": must be one of '),
    (
        'sizing = { kind = "kelly", base = { kind = "risk", usd = 0 } }',
        "sizing.base.usd = 0: must be a number above 0",
    ),
    (
        'sizing = { kind = "confidence", least_percent = 90, most_percent = 80 }',
        "sizing.least_percent = 90: must be at most most_percent (80)",
    ),
    (
        '[[bots]]\nname = "one"\nsizing = { kind = "equity", percent = true }',
        "bots[0].sizing.percent = true: must be a number above 0 and up to 10",
    ),
    (
        '[[bots]]\nname = "one"\nkelly_percent = 10',
        'bots[0].kelly_percent: has moved into the table sizing: write sizing = { kind = "kelly", ',
    ),
    (
        '[[venues.topstepx.accounts]]\nname = "A"\nsizing = { kind = "risk", usd = -1 }',
        "venues.topstepx.accounts[0].sizing.usd = -1: must be a number above 0",
    ),
    (
        '[[paper]]\nname = "a"\nsizing = { kind = "risk", usdd = 1 }',
        "paper[0].sizing.usdd = 1: unknown key; ",
    ),
    (
        "[rooms.jm]\nchannels = [1]\nauthors = [2]\nequity_percent = 1",
        'rooms.jm.equity_percent: has moved into the table sizing: write sizing = { kind = "equity", ',
    ),
    (
        '[rooms.jm]\nchannels = [1]\nauthors = [2]\nsizing = { kind = "grade", a = 9 }',
        "rooms.jm.sizing: says a, b and c, which are a room's size_a, size_b and size_c",
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_names_the_key_and_the_remedy(
    complaints: Callable[..., list[str]], text: str, said: str
) -> None:
    lines = complaints(text, "TSTREAM_DISCORD_TOKEN=x")
    assert len(lines) == 1, lines
    assert lines[0].startswith(said), lines
