"""What is skipped because prices stay between bounds changes nothing: neither records nor figures."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from engine.books.opening import PAPER
from engine.model.config import BookConfig, PaperConfig
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side
from engine.model.plans import Idea
from engine.portfolio.bounds import Bounds, keep_between
from engine.portfolio.money import Marks, open_usd
from engine.state.position import Position
from engine.state.state import State
from tests.support.many_books import ALPHA, BETA, EVERY, ManyBooks

MNQ = CME_FUTURES["MNQ"]


def limits(**own: Any) -> RiskLimits:
    return RiskLimits(reward_to_risk_min=0.1, **own)


BOOKS = (
    BookConfig("one", ALPHA, limits(trail_ticks=12, trail_after_r=Decimal("0.2"))),
    BookConfig("two", ALPHA, limits(daily_loss_usd=Decimal(250), warn_percent=20, reduce_percent=30)),
    BookConfig("three", BETA, limits(break_even_after_first_target=True, trail_ticks=3)),
    BookConfig(PAPER, risk=limits(max_contracts=1), paper=PaperConfig()),
)


def idea(side: Side, stop: int, targets: tuple[int, ...]) -> Idea:
    sign = side.sign
    return Idea(
        "scripted", "MNQ", side, 0, -sign * stop, tuple(sign * one for one in targets), 80, ("test",), 0, 3
    )


def played(seed: int) -> Iterator[tuple[object, ...]]:
    """After every fifth of a second of a wandering market, what each book has seen; then the journal."""
    chance = Random(seed)
    play = ManyBooks(
        [
            (60, idea(Side.BUY, 40, (30, 90))),
            (120, idea(Side.SELL, 50, (40,))),
            (180, idea(Side.BUY, 30, (25, 60))),
        ],
        BOOKS,
    )
    play.connect()
    while play.now < play.script[-1][0] + 70 * NANOS:
        # Prices that wander, stand still, and run now and then.
        play.pass_time(0.2, play.price + chance.choice((-1, 0, 0, 0, 1, chance.randint(-9, 9))))
        marks, books = play.core.marks, play.core.books
        yield tuple(
            (
                one.equity.high_usd, one.equity.low_usd, one.equity.drawdown_usd, one.equity.run_drawdown_usd,
                marks.excursions(name, one.state.position("MNQ")),
            )
            for name, one in ((name, books[name].orders) for name in EVERY)
        )  # fmt: skip
    assert sum(len(play.book(name).trades) for name in EVERY) > 2
    yield tuple(msgspec.json.encode(record) for record in play.invariants.journal)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_tick_between_the_bounds_would_have_changed_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = list(played(seed))
    monkeypatch.setattr(Bounds, "hold", lambda *_: False)
    for number, (bounded, looked) in enumerate(zip(quick, played(seed), strict=True)):
        assert bounded == looked, number


@pytest.mark.parametrize("qty", [3, -3])
@pytest.mark.parametrize("fills", [(100_000,), (100_000, 100_001), (100_000, 100_001, 100_001)])
def test_bounds_are_where_the_money_is_passed(qty: int, fills: tuple[int, ...]) -> None:
    """Within them the open P&L stays between the two amounts; broken averages make them a tick narrower."""
    state, marks = State(), Marks()
    state.instruments["MNQ"] = MNQ
    held = Position("MNQ", qty, sum(fills), len(fills), opened_ts=1)
    marks.quote("MNQ", 100_010, 100_010)
    here = open_usd(state, held, marks)
    bounds = Bounds()
    keep_between(bounds, state, held, marks, (Decimal(6), Decimal("4.5")))
    inside = []
    for price in range(100_000, 100_020):
        marks.quote("MNQ", price, price)
        gained = open_usd(state, held, marks) - here
        if bounds.hold(marks, "MNQ", 0):
            inside.append(price)
            assert Decimal(-6) <= gained <= Decimal("4.5")
    sign, narrower = (1 if qty > 0 else -1), int(len(fills) > 1)
    assert len(inside) == 1 + (4 - narrower) + (3 - narrower)
    assert 100_010 + sign * (3 - narrower) in inside
    assert bounds.hold(marks, "MES", 0) is False
