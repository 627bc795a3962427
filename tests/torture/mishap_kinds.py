"""What a scene of mishaps trades, and at what kind of venue."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.orders import Capabilities
from engine.venue.paper import CAPABILITIES
from tests.support.kinds import COIN, SWAP
from tests.support.scripted_replay import PRICE
from tests.torture.mishaps import Mode

_BARE = replace(CAPABILITIES, native_brackets=False)
_LOTS = {
    "lot_size": Decimal("0.01"),
    "max_quantity": Decimal("0.05"),
    "maker_rate": Decimal("0.00001"),
    "taker_rate": Decimal("0.00001"),
}
"""Five lots, with small fees: a scene's stops and targets are some ten ticks away."""
OTHERS_COINS = Decimal(7)
"""Of the account before tstream bought any."""


class Traded(NamedTuple):
    instrument: Instrument
    price: int
    """Where its market begins, ticks."""
    capabilities: Capabilities = CAPABILITIES


_FUTURE = Traded(CME_FUTURES["MNQ"], PRICE)
_COIN = replace(COIN, tick_value_usd=COIN.tick_size * _LOTS["lot_size"], **_LOTS)
TRADED = {
    Mode.NATIVE: _FUTURE,
    Mode.REFUSED: _FUTURE,
    Mode.OWN: _FUTURE,
    Mode.PERPETUAL: Traded(
        replace(SWAP, tick_value_usd=SWAP.tick_size * _LOTS["lot_size"], **_LOTS), 600_000, _BARE
    ),
    Mode.COINS: Traded(_COIN, 300_000, _BARE),
    Mode.PAIR: Traded(_COIN, 300_000, _BARE),
    Mode.ONE_EXIT: Traded(_COIN, 300_000, replace(_BARE, paired_exits=False)),
    Mode.ANEW: Traded(_COIN, 300_000, replace(_BARE, paired_exits=False, stops_move=False)),
}
