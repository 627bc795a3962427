"""Names of instruments in a run of one venue or several (docs/semantics.md#symbols)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.symbols import named, priced_by, wrong_names
from tests.support.instruments import PERPETUAL, SHARE, SPOT

MNQ = CME_FUTURES["MNQ"]
BOUND = replace(SPOT, symbol="ETHUSDT@alpha")
OTHER = replace(SPOT, symbol="ETHUSDT@beta")


def test_a_name_says_its_venue_where_two_list_the_same() -> None:
    listed = [("alpha", "ETHUSDT"), ("beta", "ETHUSDT"), ("beta", "BTCUSDT")]
    assert [named(venue, symbol, listed) for venue, symbol in listed] == [
        BOUND.symbol,
        OTHER.symbol,
        "BTCUSDT",
    ]
    assert named("alpha", "ETHUSDT") == "ETHUSDT"


def test_a_bound_name_is_priced_at_its_own_venue_alone() -> None:
    venues = ("alpha", "beta")
    assert [priced_by(one.symbol, venues) for one in (MNQ, BOUND, OTHER)] == [venues, ("alpha",), ("beta",)]


@pytest.mark.parametrize(
    ("instruments", "venues", "wrong"),
    [
        ((MNQ, PERPETUAL, SPOT, SHARE), ("alpha",), ""),
        ((MNQ, SHARE, BOUND, OTHER), ("alpha", "beta"), ""),
        ((MNQ, SPOT), ("alpha", "beta"), "name it ETHUSDT@alpha or ETHUSDT@beta"),
        ((BOUND,), ("beta", "gamma"), "is bound to alpha, and the venues are beta, gamma"),
        ((SPOT, BOUND), ("alpha",), "and ETHUSDT are the same ETHUSDT at alpha: leave one out"),
        ((MNQ, replace(MNQ, symbol="MNQ@beta")), ("alpha", "beta"), "the same MNQ at beta"),
        ((MNQ, replace(MNQ, symbol="NASDAQ")), ("alpha",), "the same MNQ at alpha"),
    ],
)
def test_what_is_not_unique_is_told_with_its_remedy(
    instruments: tuple[Instrument, ...], venues: tuple[str, ...], wrong: str
) -> None:
    found = list(wrong_names(instruments, venues))
    assert len(found) == bool(wrong)
    assert all(wrong in what for _, what in found)
