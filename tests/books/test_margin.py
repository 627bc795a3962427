"""Margin by an instrument's table and by a venue's word: what it leaves bounds a trade, and people see it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.model import events as ev
from engine.model import records as r
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.limits import RiskLimits
from engine.model.orders import Margin
from engine.model.refusals import Refusal
from engine.model.view import BookView, HealthView
from engine.runtime.view_builder import picture
from tests.support.many_books import MNQ, PRICE, ManyBooks, book_configs, long_idea

D = Decimal
ROOMY = RiskLimits(max_contracts=50)
WISH = 9
"""Contracts of the idea by its risk."""


def _views(many: ManyBooks) -> dict[str, BookView]:
    return {book.book: book for book in picture(many.core, 1, HealthView(True)).books}


def _entered(instrument: Instrument, **told: Margin) -> ManyBooks:
    many = ManyBooks([(60, long_idea())], book_configs(ROOMY), instrument=instrument)
    many.connect()
    for book, margin in told.items():
        many.step(
            ev.AccountReported(
                ts_recv=many.now, book=book, balance_usd=D(50_000), can_trade=True, margin=margin
            )
        )
    many.minute()
    many.minute()
    return many


def test_a_table_and_a_venues_word_bound_each_book_by_what_it_has_left() -> None:
    day_margin = replace(MNQ, margin_usd=D(9_000))
    many = _entered(
        day_margin,
        two=Margin(used_usd=D(5), available_usd=D(20_000)),
        three=Margin(available_usd=D("8999.99")),
    )
    assert many.held() == {"one": 5, "two": 2, "three": 0, PAPER: 5}
    plans = {record.plan.book: record.plan for record in many.written(r.PlanOpened)}
    assert plans["two"].size_reason.endswith(f" each: {WISH}, at most 2 (instruments.MNQ.margin_usd)")
    [refused] = many.written(r.IdeaRefused)
    assert (refused.book, refused.refusals) == ("three", (Refusal.MARGIN,))
    said = "1 contract needs 9000.00 USD of margin, 8999.99 is available (instruments.MNQ.margin_usd)"
    assert refused.words == (said,)
    views = _views(many)
    assert views["one"].margin.used_usd == views[PAPER].margin.used_usd == 45_000
    left = views["one"].margin.available_usd
    assert left is not None
    # what closing would cost is gone, and what has been paid
    assert 4_900 < left < 5_000
    assert views["two"].margin == Margin(D(5), D(20_000)), "the venue's word, while ours is not less"


def test_entries_on_their_way_tie_up_margin_before_they_fill() -> None:
    many = ManyBooks([(60, long_idea())], book_configs(ROOMY), instrument=replace(MNQ, margin_usd=D(9_000)))
    many.connect()
    used = []
    while not many.written(r.PlanOpened):
        many.pass_time(0.2)
    for _ in range(10):
        used.append((many.book("one").position("MNQ").qty, _views(many)["one"].margin.used_usd))
        many.pass_time(0.2)
    assert {amount for _, amount in used} == {D(45_000)}
    assert used[-1][0] == 5


@pytest.mark.parametrize(
    ("terms", "each", "qty"),
    [
        ({}, None, WISH),
        ({"margin_rate": D("0.01")}, D("0.01") * PRICE * D("0.5"), WISH),
        # what is owned is paid for in full, and needs no table
        ({"kind": InstrumentKind.EQUITY, "tick_value_usd": D("0.49")}, PRICE * D("0.49"), 1),
    ],
)
def test_without_a_figure_nothing_is_known_and_nothing_refused(
    terms: dict[str, Any], each: Decimal | None, qty: int
) -> None:
    many = _entered(replace(MNQ, **terms))
    margin = _views(many)["one"].margin
    assert many.held()["one"] == qty
    assert margin.used_usd == (None if each is None else each * qty)
    assert (margin.available_usd is None) is (each is None)


def test_a_smaller_figure_of_ours_counts_before_the_venues() -> None:
    many = _entered(replace(MNQ, margin_usd=D(9_000)), one=Margin(available_usd=D(1_000_000)))
    margin = _views(many)["one"].margin
    assert (many.held()["one"], margin.used_usd) == (5, D(45_000))
    assert margin.available_usd is not None
    assert margin.available_usd < 5_000
