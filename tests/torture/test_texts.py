"""A small share of the alert texts of `make torture`, and the strict reader itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.market import Side
from tests.torture.texts import Read, fuzz, strictly


def test_no_text_is_traded_that_a_strict_reader_would_not_call_an_alert() -> None:
    tally = fuzz(1, 600)
    assert tally.texts >= 600
    assert tally.traded >= 5
    assert len(tally.reasons) > 8


@pytest.mark.parametrize(
    ("text", "alert"),
    [
        ("🚨 NQ long 20000: A GAMMA\nStop: 19990.25", True),
        ("**NQ LONG 20000 : A**\nnote\nStop: 19990.25\n<@&1> @everyone", True),
        ("🚨 NQ long 20000\nStop: 19990.25", False),
        ("🚨 NQ long 20000: A\nStop: 19990.25\nStop: 1", False),
        ("NQ long 20000: A\nES short 1: A\nStop: 19990.25", False),
        ("NQ long 2000⑳: A\nStop: 19990.25", False),
    ],
)
def test_the_strict_reader(text: str, alert: bool) -> None:
    expected = Read("NQ", Side.BUY, Decimal(20_000), Decimal("19990.25"), "A")
    assert strictly(text) == (expected if alert else None)
