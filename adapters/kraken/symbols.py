"""How products are called: by the venue ("PF_XBTUSD") and by people who know charts ("BTCUSDT.P"). Pure.

Linear perpetuals are settled in dollars whatever the coin of the quote is called: BTCUSD.P and BTCUSDT.P
are the same PF_XBTUSD (docs/protocols/kraken.md#symbols).
"""

from __future__ import annotations

import re

from engine.model.instrument import Instrument, InstrumentKind

_LINEAR = ("PF_", "FF_")
_INVERSE = ("PI_", "FI_")
_DOLLARS = ("USDT", "USDC", "USD")
_ALIAS = re.compile(r"([A-Z0-9]{2,15}?)(USDT|USDC|USD)(?:\.P|PERP|-PERP)")
_PERPETUAL = re.compile(r"P[FI]_([A-Z0-9]{2,15}?)USD[TC]?")
_OTHERWISE = {"BTC": "XBT"}
_PEOPLE = {theirs: ours for ours, theirs in _OTHERWISE.items()}


def venue_symbol(name: str) -> str:
    """The venue's symbol of a product, given that or an alias; anything else comes in capitals as it is."""
    upper = name.strip().upper()
    alias = _ALIAS.fullmatch(upper)
    if alias is None:
        return upper
    coin = alias[1]
    return f"PF_{_OTHERWISE.get(coin, coin)}USD"


def display_alias(symbol: str) -> str:
    """What people call a perpetual of the venue: "BTCUSDT.P" of PF_XBTUSD; others by their own symbol."""
    upper = symbol.upper()
    found = _PERPETUAL.fullmatch(upper)
    if found is None or not upper.startswith("PF_"):
        return upper
    return f"{_PEOPLE.get(found[1], found[1])}USDT.P"


def is_inverse(symbol: str) -> bool:
    """Settled in its own coin, so that a contract is worth 1/price: not traded."""
    return symbol.upper().startswith(_INVERSE)


def is_linear(symbol: str) -> bool:
    return symbol.upper().startswith(_LINEAR)


def wrong_kind(instrument: Instrument) -> str:
    """Why an instrument can't be traded here, in words; empty when it can."""
    symbol = venue_symbol(instrument.root)
    if is_inverse(symbol):
        return (
            f"{symbol} is an inverse contract, settled in its own coin: take its linear twin, PF_{symbol[3:]}"
        )
    if not is_linear(symbol):
        return f"{symbol} is no future of Kraken's: those begin with PF_ or FF_, as PF_XBTUSD (BTCUSDT.P)"
    wanted = InstrumentKind.PERPETUAL if symbol.startswith("PF_") else InstrumentKind.FUTURE
    if instrument.kind is not wanted:
        return f"{symbol} is a {wanted}, not a {instrument.kind}"
    if instrument.currency not in _DOLLARS:
        return f"{symbol} is settled in USD, not in {instrument.currency}"
    return ""
