"""Rates of currencies, for the View: what a person has set, else what prices of the run say."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal

from engine.core import Core
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.rates import USD, StatedRate

_DIGITS = Context(prec=6)


def stated_rates(core: Core, now: int) -> tuple[StatedRate, ...]:
    """Of every currency of the run but USD; what nobody knows a rate of is left out.

    Prices say it where a coin of that currency is traded for dollars (USDT for USD), or where one coin is
    traded for both (BTC for USD and for USDT).
    """
    wanted = dict.fromkeys(
        currency
        for currency in (
            *(book.currency for book in core.books.values()),
            *(one.currency for one in core.config.instruments),
        )
        if currency != USD
    )
    if not wanted:
        return ()
    stated = core.config.rates
    found = (
        StatedRate(currency, stated[currency]) if currency in stated else _priced(core, currency, now)
        for currency in wanted
    )
    return tuple(rate for rate in found if rate is not None)


def _priced(core: Core, currency: str, now: int) -> StatedRate | None:
    """By prices that are not too old, of coins before perpetuals, in the order of the contracts."""
    rates = list(_candidates(core, currency, now))
    fresh = [rate for rate in rates if not rate.stale]
    return next(iter(fresh or rates), None)


def _candidates(core: Core, currency: str, now: int) -> Iterator[StatedRate]:
    coins = [one for one in core.config.instruments if one.kind is InstrumentKind.SPOT]
    coins += [one for one in core.config.instruments if one.kind is InstrumentKind.PERPETUAL]
    prices = [(one, price) for one in coins if (price := _price(core, one)) is not None]
    dollars = [(one, price) for one, price in prices if one.currency == USD]
    for one, price in dollars:
        if one.base == currency:
            yield _rate(core, currency, price, now, one)
    for one, price in dollars:
        for other, there in prices:
            if other.currency == currency and other.base == one.base:
                yield _rate(core, currency, _DIGITS.divide(price, there), now, one, other)


def _price(core: Core, instrument: Instrument) -> Decimal | None:
    """Of one unit: the middle of bid and ask, else the last."""
    quote = core.market.quotes.get(instrument.symbol)
    if quote is not None and quote.bid and quote.ask:
        return (instrument.price(quote.bid) + instrument.price(quote.ask)) / 2
    last = core.market.last(instrument.symbol)
    return instrument.price(last) if last else None


def _rate(core: Core, currency: str, usd: Decimal, now: int, *pair: Instrument) -> StatedRate:
    told = core.market.staleness
    wall = now + core.turn.wall_offset
    return StatedRate(
        currency,
        usd.normalize(_DIGITS),
        " / ".join(one.symbol for one in pair),
        max(told.age(one.symbol, now) or 0 for one in pair),
        any(told.stale(one.symbol, now, wall) for one in pair),
    )
