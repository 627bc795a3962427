"""What a trade may be at most, whatever its policy wants: bounds in lots, with their numbers and keys."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.refusals import Refusal
from engine.model.sizing import KINDS
from engine.risk.sizers import Ask, Wanted, wish
from engine.risk.sizing import amount

FULL_PRICE_RESERVE = Decimal("0.005")
"""What is paid for in full leaves so large a share of its worth over: it is bought where the market is by
then, and its fee comes out of the same money. Without it the venue refuses the whole order.
"""


class Clamp(NamedTuple):
    """One bound."""

    lots: int
    """Never below 0."""
    key: str
    """The setting that says so, or what it is."""
    refusal: Refusal
    """Why there is no trade where not one lot fits."""
    none: str
    """The same in words, with the numbers; empty where one fits."""


class Room(NamedTuple):
    """What a book still has room for."""

    micros: int | None = None
    """Contracts, in micros, that the account may still hold; None means any number."""
    margin_usd: Decimal | None = None
    """That may still be deposited; None where nobody knows."""
    exposure_usd: Decimal | None = None
    """What more may be held; None without such a limit."""
    free_usd: Decimal | None = None
    """Equity that nothing is held with; None where nobody knows."""


def clamps(
    instrument: Instrument, price: int, each_usd: Decimal, limits: RiskLimits, room: Room
) -> list[Clamp]:
    """Every bound that is known for a trade entered about `price`, ticks, of which one lot loses `each_usd`
    at its stop, costs and slippage included. What is left of a loss limit is none of them: a trade that could
    reach it is refused, not made smaller.
    """
    return list(_clamps(instrument, price, each_usd, limits, room))


def _clamps(
    instrument: Instrument, price: int, each_usd: Decimal, limits: RiskLimits, room: Room
) -> Iterator[Clamp]:
    risk = limits.risk_per_trade_usd
    says = "{one} risks {each} {currency}, {whole} allowed"
    yield _at_most(instrument, risk, each_usd, "risk.per_trade_usd", Refusal.SIZE_ZERO, says)
    worth = instrument.notional(price)
    if instrument.max_quantity is not None:
        yield _in_count(instrument, instrument.most_lots, f"instruments.{instrument.symbol}.max_quantity")
    elif not instrument.by_value or room.free_usd is None or not worth:
        yield _in_count(instrument, limits.max_contracts, "risk.max_contracts")
    elif room.exposure_usd is None:
        says = "{one} is worth {each} {currency}, {left} is free"
        key = "no more than the equity; risk.max_exposure_percent says otherwise"
        yield _at_most(instrument, room.free_usd, worth, key, Refusal.MAX_EXPOSURE, says)
    if limits.max_notional_usd and worth:
        most, key = limits.max_notional_usd, "risk.max_notional_usd"
        says = "{one} is worth {each} {currency}, {whole} allowed"
        yield _at_most(instrument, most, worth, key, Refusal.MAX_NOTIONAL, says)
    if room.exposure_usd is not None and worth:
        says = "{one} is worth {each} {currency}, {left} more is allowed"
        key = "risk.max_exposure_percent"
        yield _at_most(instrument, room.exposure_usd, worth, key, Refusal.MAX_EXPOSURE, says)
    if room.micros is not None:
        fits, none = max(0, room.micros // instrument.minis), ""
        if not fits:
            needs = f"{instrument.counted(1)} is {instrument.minis} (risk.max_minis)"
            none = f"room for {room.micros} micros is left in the account, {needs}"
        yield Clamp(fits, "risk.max_minis", Refusal.MAX_CONTRACTS, none)
    deposit = instrument.margin(price, 1)
    if room.margin_usd is not None and deposit:
        if not instrument.margin_key:
            deposit += worth * FULL_PRICE_RESERVE
        named = instrument.margin_key
        key = f"instruments.{instrument.symbol}.{named}" if named else "paid for in full"
        says = "{one} needs {each} {currency} of margin, {left} is available"
        yield _at_most(instrument, room.margin_usd, deposit, key, Refusal.MARGIN, says)


def _in_count(instrument: Instrument, most: int, key: str) -> Clamp:
    none = "" if most else f"no more than {instrument.qty_text(most)} in a trade ({key})"
    return Clamp(most, key, Refusal.SIZE_ZERO, none)


def _at_most(
    instrument: Instrument, whole: Decimal, each: Decimal, key: str, refusal: Refusal, says: str
) -> Clamp:
    """`says` is what is told where not one lot fits: words are made where somebody reads them."""
    lots = max(0, int(whole // each))
    if lots:
        return Clamp(lots, key, refusal, "")
    one, currency = instrument.counted(1), instrument.currency
    words = says.format(one=one, each=amount(each), currency=currency, whole=whole, left=amount(whole))
    return Clamp(0, key, refusal, f"{words} ({key})")


class Sized(NamedTuple):
    """How large a trade may be."""

    lots: int
    why: str
    """How that comes about, in words with the numbers: what the journal and people are told."""
    against: tuple[tuple[Refusal, str], ...]
    """Why there is no trade, or not as large a one as a person wants."""


def size(wanted: Wanted, ask: Ask, ratio: Decimal, room: Room) -> Sized:
    """What a policy wants, times the book's copy ratio, within every bound, in whole lots."""
    instrument, each, text = ask.instrument, ask.loss_usd, ask.text
    wished = wish(wanted.sizing, ask)
    lots, why = wished.lots, f"{KINDS[type(wanted.sizing)]}: {wished.why}"
    bounds = clamps(instrument, ask.price, each, ask.limits, room)
    against = [(clamp.refusal, clamp.none) for clamp in bounds if not clamp.lots]
    if not lots and not any(refusal is Refusal.SIZE_ZERO for refusal, _ in against):
        against.append((Refusal.SIZE_ZERO, f"no lot by sizing {why}"))
    if ratio != 1 and lots and not wanted.whole:
        copied = int(lots * Fraction(ratio))
        why += f", x {ratio:f} (copy_ratio): {text(copied)}"
        if not copied:
            words = f"{instrument.counted(lots)} x {ratio:f} leave 0 (copy_ratio)"
            against.append((Refusal.COPY_RATIO, words))
        lots = copied
    binding = sorted((clamp for clamp in bounds if clamp.lots < lots), key=lambda clamp: clamp.lots)
    if binding:
        why += "".join(f", at most {text(clamp.lots)} ({clamp.key})" for clamp in binding)
        if wanted.whole and binding[0].lots:
            most = ", ".join(f"{text(clamp.lots)} by {clamp.key}" for clamp in binding)
            words = f"{text(lots)} would risk {each * lots:.2f} {instrument.currency}; at most {most}"
            against.append((Refusal.SIZE_LESS, f"{words}: {text(binding[0].lots)} fit"))
        lots = binding[0].lots
    return Sized(lots, why, tuple(against))
