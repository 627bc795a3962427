"""A venue that tells what money is left: what was paid for coins is not lost (docs/semantics.md#spot)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from engine.lab.replay import BOOK
from engine.model import events as ev
from tests.support.kinds import COIN, COIN_FEES, Kinds, idea

STOPS_AND_TARGETS = {COIN.symbol: (-2_000, 4_000, 8_000), COIN_FEES.symbol: (-2_000, 4_000, 8_000)}


def counted(made: Kinds, *, cash: bool) -> None:
    """The event as a venue tells it that knows money alone, or as one that knows what coins have cost."""
    wallet = made.wallet

    def told(event: ev.AnyEvent) -> ev.AnyEvent:
        if cash and isinstance(event, ev.SnapshotTaken):
            account = structs.replace(event.account, balance_usd=wallet.money, cash=True)
            return structs.replace(event, account=account)
        return event

    made.hears = told


def balances(symbol: str, *, cash: bool) -> list[Decimal]:
    """What the book counts as its balance while a trade is open, half closed, and over."""
    made = Kinds((60, idea(symbol, *STOPS_AND_TARGETS[symbol])))
    counted(made, cash=cash)
    found: list[Decimal] = []
    for price in (300_000, 300_000, 304_010, 308_020):
        made.minute((symbol, price))
        made.wait(40)
        balance = made.core.books[BOOK].orders.balance_usd
        assert balance is not None
        found.append(balance)
    assert made.position(symbol).qty == 0
    return found


@pytest.mark.parametrize("symbol", [COIN.symbol, COIN_FEES.symbol])
def test_the_balance_is_that_of_closed_trades_either_way(symbol: str) -> None:
    told, cash = balances(symbol, cash=False), balances(symbol, cash=True)
    assert len(set(told)) >= 3
    assert [round(one, 2) for one in cash] == [round(one, 2) for one in told]
