"""A small share of the alert texts of `make torture`, and the strict reader itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings

from engine.model.alerts import Verdict
from tests.support.alert_room import at_work, cancelled, entries
from tests.torture.habits import Habit, Read, habits
from tests.torture.texts import fuzz, strictly


def test_no_text_is_traded_that_a_strict_reader_would_not_call_an_alert() -> None:
    tally = fuzz(1, 400)
    assert tally.texts >= 400
    assert tally.traded >= 5
    assert len(tally.reasons) > 8


@settings(max_examples=60)
@given(habits())
def test_an_edit_into_what_is_no_alert_takes_the_entry_back_and_makes_none(habit: Habit) -> None:
    bench, jm = at_work()
    jm.post()
    ids = bench.accept(*entries(bench))
    taken = jm.edit(habit.text)
    if habit.truth is None:
        assert taken.verdict is Verdict.CANCELLED
        assert cancelled(bench) == {order.client_id for order in entries(bench)}
        for venue_id in ids:
            bench.end(venue_id)
        bench.wait(1)
        assert len(entries(bench)) == len(ids)
        assert not bench.book.plans
    else:
        assert taken.terms is not None
        assert taken.terms.entry == habit.truth.entry * 4


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("🚨 NQ long 20000: A GAMMA\nStop: 19990.25", ()),
        ("**NQ LONG 20000 : A**\nnote\nStop: 19990.25\n<@&1> @everyone", ()),
        ("NQ long 20000: A\nStop: 19990.25\nT1: 20010", (20_010,)),
        ("NQ long 20000: A\n~~Stop: 19980~~\nStop: 19990.25", ()),
        ("🚨 NQ long 20000\nStop: 19990.25", None),
        ("🚨 NQ long 20000: A\nStop: 19990.25\nStop: 1", None),
        ("NQ long 20000: A\nES short 1: A\nStop: 19990.25", None),
        ("NQ long 2000⑳: A\nStop: 19990.25", None),
        ("~~NQ long 20000: A~~\nStop: 19990.25", None),
        ("NQ long 20000: A\nStop: 19990.25\nT1: 20,010", None),
        (">>> NQ long 20000: A\nStop: 19990.25", None),
    ],
)
def test_the_strict_reader(text: str, targets: tuple[int, ...] | None) -> None:
    expected = Read("NQ", True, Decimal(20_000), Decimal("19990.25"), "A", tuple(map(Decimal, targets or ())))
    assert strictly(text) == (expected if targets is not None else None)
