"""What a closing fill tells: dollars and units of risk."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.commands import Flatten
from engine.model.figures import signed
from engine.model.notices import NoticeKind
from engine.model.records import AnyRecord, FillApplied
from engine.state import snapshot
from engine.state.closings import CLOSINGS_KEPT, note_closing
from engine.state.fold import apply
from engine.state.state import State
from engine.state.turn import reworded
from tests.support.manual_venue import entered
from tests.support.venue_orders import PRICE


@pytest.mark.parametrize(
    ("how", "price", "told"),
    [
        ("TP", PRICE + 80, ": +193.90 USD, +1.9 R"),
        ("SL", PRICE - 40, ": −106.10 USD, −1.1 R"),
    ],
)
def test_a_closing_fill_says_what_it_earned_in_dollars_and_in_units_of_its_risk(
    how: str, price: int, told: str
) -> None:
    """5 MNQ, stop 40 ticks away: 100 USD at risk; 80 ticks are 200 USD, both sides cost 6.10 USD."""
    bench, ids = entered()
    opening = next(n for n in bench.notices if n.kind is NoticeKind.FILL)
    assert (opening.net_usd, opening.r) == (None, None)
    bench.tell_fill(bench.execute(ids[how], price))
    closing = [n for n in bench.notices if n.kind is NoticeKind.FILL][-1]
    assert closing.text.endswith(told)
    assert closing.net_usd is not None
    assert closing.r is not None
    assert f"{signed(closing.net_usd)} USD, {signed(closing.r, 1)} R" in closing.text
    assert bench.book.trades[-1].net_usd == closing.net_usd


def test_a_closing_fill_of_a_part_and_of_a_flatten_says_its_own_share() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    part = bench.notices[-1]
    assert part.net_usd == Decimal("77.56")
    bench.say(Flatten(id="f"))
    bench.close_all()
    rest = [n for n in bench.notices if n.net_usd is not None][-1]
    assert rest.r is not None
    assert part.net_usd + (rest.net_usd or 0) == bench.book.trades[-1].net_usd
    said = [n for n in bench.notices if n.kind is NoticeKind.FILL]
    kept = snapshot.decode(snapshot.encode(bench.core.state))
    assert kept is not None
    for state in (kept, _folded(bench.journal)):  # whatever a restart finds, it says the same
        again = [reworded(state, record) for record in bench.written(FillApplied)]
        assert [(n.text, n.net_usd, n.r) for n in again if n] == [(n.text, n.net_usd, n.r) for n in said]


def test_the_newest_closings_are_kept() -> None:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=1))
    filled = bench.written(FillApplied)[-1]
    for n in range(CLOSINGS_KEPT):
        note_closing(bench.core.state, replace(filled, fill=replace(filled.fill, trade_id=f"more {n}")))
    assert list(bench.book.closings) == [f"more {n}" for n in range(CLOSINGS_KEPT)]


def _folded(records: Iterable[AnyRecord]) -> State:
    state = State()
    for record in records:
        apply(state, record)
    return state
