"""The section [instruments.NAME]: terms of what tstream knows that differ, and whatever else is traded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import structs
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from engine.model.instrument import CME_FUTURES, Instrument, InstrumentKind, Volatility, wrong_terms
from engine.model.symbols import named
from tstream.settings.fields import Section, Usd, Whole, no_bool, refuse, setting
from tstream.settings.venues import VenueSettings

USUAL_FUTURES = ("MNQ", "NQ", "MES", "ES", "MGC", "GC")

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}(@[a-z0-9][a-z0-9-]*)?")
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,9}")
_PERCENT = Decimal(100)

Exact = Annotated[Decimal, BeforeValidator(no_bool)]


def _symbol(text: str) -> str:
    name, at, venue = text.partition("@")
    symbol = name.upper() + at + venue.lower()
    if not _SYMBOL.fullmatch(symbol):
        raise refuse('must be a name such as "MNQ" or "BTCUSDT@binance"')
    return symbol


Symbol = Annotated[str, AfterValidator(_symbol)]
"""The name of an instrument, without its month."""


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text.upper()):
        raise refuse('must be a currency such as "USD" or "USDT"')
    return text.upper()


Currency = Annotated[str, AfterValidator(_currency)]


def _rates(rates: dict[str, Decimal]) -> dict[str, Decimal]:
    if "USD" in rates:
        raise refuse("is what the others are told in: leave it out", key="USD", value=rates["USD"])
    return rates


Rates = Annotated[dict[Currency, Annotated[Exact, Field(gt=0, le=1_000_000)]], AfterValidator(_rates)]
"""What one of each currency is worth, USD."""


class InstrumentSettings(Section):
    """Terms of a product where yours differ from the built-in table, or all of a new one, in its currency."""

    kind: InstrumentKind | None = setting(None, "What it is.")
    root: str | None = setting(
        None, "The venue's name of it, where that is another.", default="its own name", max_length=40
    )
    description: str | None = setting(None, "Its full name, for people.", max_length=60)
    tick_size: Exact | None = setting(None, "Smallest step of its price.", gt=0, le=1_000_000)
    tick_value_usd: Exact | None = setting(
        None,
        "What one lot wins or loses when the price moves by one tick.",
        default="tick_size × lot_size, but for futures",
        gt=0,
        le=1_000_000,
    )
    lot_size: Exact | None = setting(
        None,
        "Smallest step of a quantity: 1 contract or share, 0.0001 BTC.",
        default="1 for futures and shares",
        gt=0,
        le=1_000_000,
    )
    currency: Currency | None = setting(
        None, "In which it is settled.", allowed='a currency such as "USD" or "USDT"'
    )
    base: Currency | None = setting(
        None, "What one unit is of, where that is a coin.", allowed='a coin such as "BTC"'
    )
    calendar: Literal["cme", "always", "us_equities"] | None = setting(
        None, "Which days and hours it goes by."
    )
    fee_usd: Usd | None = setting(None, "Exchange and platform fees per lot and side.", ge=0, le=100)
    commission_usd: Usd | None = setting(None, "Broker's commission per lot and side.", ge=0, le=100)
    maker_percent: Exact | None = setting(
        None, "Fee of a limit order that rested, per cent of what was traded.", ge=0, le=10
    )
    taker_percent: Exact | None = setting(
        None, "Fee of any other order, per cent of what was traded.", ge=0, le=10
    )
    fee_in_base: bool | None = setting(
        None, "Fees of a purchase are taken out of the coins that were bought.", default="`false`"
    )
    shortable: bool | None = setting(
        None, "Whether it can be sold short.", default="true, but for spot, which never can"
    )
    least_notional: Exact | None = setting(
        None, "The venue takes no order that is worth less.", default="0", ge=0, le=1_000_000
    )
    margin_usd: Exact | None = setting(
        None, "What must be deposited to hold one lot.", ge=0, le=10_000_000, default="not known"
    )
    margin_percent: Exact | None = setting(
        None, "The same as a share of what is held, per cent.", gt=0, le=100, default="not known"
    )
    max_quantity: Exact | None = setting(
        None,
        "Most in one trade: contracts, shares, coins.",
        gt=0,
        le=1_000_000_000,
        default="risk.max_contracts; of coins and perpetuals what the equity is worth",
    )
    volatility: Volatility | None = setting(
        None, "How far its price swings: strategies ask for more of a trade by it.", default="medium"
    )
    minis: Whole | None = setting(
        None, "How many micros it is worth, if it is a mini.", ge=1, le=1000, default="1"
    )


_COSTS_EACH, _COSTS_SHARE = ("fee_usd", "commission_usd"), ("maker_percent", "taker_percent")
_NEEDED = {
    InstrumentKind.FUTURE: ("tick_size", "tick_value_usd", "currency", "calendar", *_COSTS_EACH),
    InstrumentKind.EQUITY: ("tick_size", "currency", "calendar", *_COSTS_EACH),
    InstrumentKind.PERPETUAL: (
        "tick_size", "lot_size", "currency", "base", "calendar", "least_notional", *_COSTS_SHARE,
    ),
    InstrumentKind.SPOT: (
        "tick_size", "lot_size", "currency", "base", "calendar", "least_notional", *_COSTS_SHARE,
    ),
}  # fmt: skip
"""What has to be said of an instrument that is not in the built-in table."""


def known_terms(venues: Mapping[str, VenueSettings]) -> Mapping[str, Instrument]:
    """What tstream knows by itself, by symbol: futures, and what the kinds of these venues list, each under
    its plain name and under the one that names its venue.
    """
    table: dict[str, Instrument] = dict(CME_FUTURES)
    for venue, settings in venues.items():
        for symbol, instrument in settings.about.instruments.items():
            table.setdefault(symbol, instrument)
            bound = f"{symbol}@{venue}"
            table[bound] = structs.replace(instrument, symbol=bound)
    return table


def usual_contracts(venues: Mapping[str, VenueSettings]) -> tuple[str, ...]:
    """What is watched where the settings name nothing: what the kinds of the venues have for it."""
    active = [(name, one.about) for name, one in venues.items() if one.enabled]
    listed = [(name, symbol) for name, about in active for symbol in about.contracts]
    found = [named(name, symbol, listed) for name, symbol in listed]
    if not active or any(not about.contracts for _, about in active):
        found = [*USUAL_FUTURES, *found]
    return tuple(dict.fromkeys(found))


def described(
    symbol: str,
    own: InstrumentSettings | None,
    as_usd: Iterable[str] = (),
    table: Mapping[str, Instrument] = CME_FUTURES,
) -> Instrument:
    """An instrument with a person's own terms, `table` being what is known. Currencies of `as_usd` count as
    dollars.

    Raises PydanticCustomError where they can't be, or not all are told.
    """
    known = table.get(symbol)
    if own is None:
        if known is None:
            raise refuse(_unknown(table))
        return _as_usd(known, as_usd)
    said = own.model_dump(exclude_none=True)
    terms: dict[str, Any] = {key: said[key] for key in said if not key.endswith("_percent")}
    for name in ("maker", "taker", "margin"):
        if f"{name}_percent" in said:
            terms[f"{name}_rate"] = said[f"{name}_percent"] / _PERCENT
    instrument = structs.replace(known, **terms) if known is not None else _new(symbol, said, terms, table)
    for field, what in wrong_terms(instrument):
        key = field.replace("_rate", "_percent")
        raise refuse(what, key=f"{symbol}.{key}", value=said.get(key))
    return _as_usd(instrument, as_usd)


def _as_usd(instrument: Instrument, as_usd: Iterable[str]) -> Instrument:
    return structs.replace(instrument, currency="USD") if instrument.currency in as_usd else instrument


def _new(
    symbol: str, said: Mapping[str, Any], terms: dict[str, Any], table: Mapping[str, Instrument]
) -> Instrument:
    """One that no table has."""
    kind = said.get("kind")
    needed = ("kind",) if kind is None else _NEEDED[kind]
    missing = [key for key in needed if key not in said]
    if missing:
        raise refuse(
            f"is in no table of tstream's ({', '.join(table)}), so all of it has to be said: "
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            key=symbol,
        )
    lot = said.get("lot_size", Decimal(1))
    return Instrument(
        **{
            "symbol": symbol,
            "root": symbol.partition("@")[0],
            "description": symbol,
            "tick_value_usd": said["tick_size"] * lot,
            "fee_usd": Decimal(0),
            "commission_usd": Decimal(0),
            "shortable": kind is not InstrumentKind.SPOT,
            **terms,
        }
    )


def _unknown(names: Iterable[str]) -> str:
    return "unknown contract; known are " + ", ".join(names)


def make_sense(own: dict[str, InstrumentSettings], info: ValidationInfo) -> dict[str, InstrumentSettings]:
    """All of them are whole. Raises PydanticCustomError."""
    table = known_terms(info.data.get("venues") or {})
    for symbol, settings in own.items():
        described(symbol, settings, (), table)
    return own


def _known(symbol: str, info: ValidationInfo) -> str:
    own = info.data.get("instruments")
    if own is None or "venues" not in info.data:
        return symbol  # what is wrong there is reported itself
    table = known_terms(info.data["venues"])
    if symbol not in table and symbol not in own:
        raise refuse(_unknown((*table, *sorted(set(own) - set(table)))))
    return symbol


Contract = Annotated[Symbol, AfterValidator(_known)]
"""The name of an instrument that tstream knows, by itself or by the section `instruments` before it."""
