"""The acceptance cards on Interactive Brokers' adapter and its twin."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ib_async")

from tests.acceptance.cards import CARDS, Card
from tests.acceptance.tws import tws_under_test


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__name__)
async def test_card(card: Card, tmp_path: Path) -> None:
    async with tws_under_test() as venue:
        await card(venue, tmp_path)
