"""Which instrument a file is of: one that tstream or the settings know, or one described on the way."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES, Instrument, InstrumentKind
from tstream.errors import UsageError

_CONTRACT = re.compile(r"(?P<product>[A-Z0-9]{1,6}?)(?P<month>[FGHJKMNQUVXZ]\d{1,4})")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}(@[A-Z0-9][A-Z0-9-]*)?")
_KINDS = {
    "cme": InstrumentKind.FUTURE,
    "always": InstrumentKind.PERPETUAL,
    "us_equities": InstrumentKind.EQUITY,
}


class SymbolTerms(NamedTuple):
    """What is said of an instrument that no table has."""

    tick: Decimal | None = None
    lot: Decimal | None = None
    tick_value: Decimal | None = None
    """USD in a tick of one lot."""
    calendar: str | None = None


def instrument_of(
    symbol: str | None, contract: str | None, terms: SymbolTerms, config: Path | None
) -> tuple[Instrument, str | None]:
    """The instrument, and the contract of it that is wanted (None: whatever the file holds).

    ES is the product, ESH4 its March contract; with a product given, `symbol` is whatever the file calls one.
    Raises UsageError.
    """
    product = contract or symbol
    if product is None:
        raise UsageError("say what the file is of, as in --symbol ES")
    known = _known(config)
    product = product.strip().upper()
    picked = symbol if contract is not None else None
    if product not in known and (match := _CONTRACT.fullmatch(product)) and match["product"] in known:
        product, picked = match["product"], product
    instrument = known.get(product)
    if instrument is None:
        return _described(product, terms, known), picked
    said = {
        "tick_size": terms.tick,
        "lot_size": terms.lot,
        "tick_value_usd": terms.tick_value,
        "calendar": terms.calendar,
    }
    differ = [key for key, value in said.items() if value is not None and value != getattr(instrument, key)]
    if differ:
        raise UsageError(
            f"{product} is known, and its {', '.join(differ)} is another: leave the option out, or change "
            f"[instruments.{product}] in the settings"
        )
    return instrument, picked


def _known(config: Path | None) -> dict[str, Instrument]:
    from tstream.run.startup import read_settings
    from tstream.settings.instruments import described

    own = read_settings(config)[1].settings.instruments
    return {**CME_FUTURES, **{symbol: described(symbol, terms) for symbol, terms in own.items()}}


def _described(symbol: str, terms: SymbolTerms, known: dict[str, Instrument]) -> Instrument:
    if not _SYMBOL.fullmatch(symbol):
        raise UsageError(f'"{symbol}" can\'t be a symbol: write it as in BTCUSDT, 6E or BRK.B')
    if terms.tick is None or terms.calendar is None:
        raise UsageError(
            f"{symbol} is in no table ({', '.join(known)}): say its terms, as in --tick 0.01 --calendar "
            f"us_equities, or describe it in the settings as [instruments.{symbol}]"
        )
    lot = terms.lot or Decimal(1)
    made = Instrument(
        symbol=symbol,
        root=symbol.partition("@")[0],
        description=symbol,
        tick_size=terms.tick,
        tick_value_usd=terms.tick_value or terms.tick * lot,
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=_KINDS[terms.calendar],
        lot_size=lot,
        calendar=terms.calendar,
    )
    coin = re.match(r"(BTC|ETH|SOL|XRP|ADA|DOGE|LTC|BNB|XBT)", symbol)
    return replace(made, base=coin[1]) if coin and terms.calendar == "always" else made
