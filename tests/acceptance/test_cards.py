"""The acceptance cards on the twin of every kind: all of them on one venue, on the others a short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance import cards
from tests.acceptance.cards import CARDS, Card
from tests.acceptance.under_fire import FireTally, trade_under_fire
from tests.acceptance.venues import VENUES, kind_under_test

WHOLE = "kraken"
SHORT = (cards.market_data, cards.warm_up, cards.order_life, cards.bracket, cards.restart, cards.part_closed)
"""`python -m tests.torture venues` runs all of them on all."""


def name_of(value: str | Card) -> str:
    return value if isinstance(value, str) else value.__name__


@pytest.mark.parametrize("card", CARDS, ids=name_of)
async def test_card(card: Card, tmp_path: Path) -> None:
    async with kind_under_test(WHOLE) as venue:
        await card(venue, tmp_path)


@pytest.mark.parametrize("card", SHORT, ids=name_of)
@pytest.mark.parametrize("name", [name for name in VENUES if name != WHOLE])
async def test_the_short_form(name: str, card: Card, tmp_path: Path) -> None:
    async with kind_under_test(name) as venue:
        await card(venue, tmp_path)


@pytest.mark.parametrize("seed", [2, 5])
async def test_a_trade_under_fire(seed: int, tmp_path: Path) -> None:
    tally = FireTally()
    async with kind_under_test(WHOLE) as venue:
        await trade_under_fire(venue, tmp_path, seed, tally)
    assert tally.faults
