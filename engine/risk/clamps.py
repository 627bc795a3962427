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
    """The same in words, with the numbers."""


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
    one = instrument.counted(1)
    risk = f"{one} risks {amount(each_usd)} {instrument.currency}, {limits.risk_per_trade_usd} allowed"
    key = "risk.per_trade_usd"
    yield _at_most(limits.risk_per_trade_usd, each_usd, key, Refusal.SIZE_ZERO, risk)
    worth = instrument.notional(price)
    if instrument.max_quantity is not None:
        yield _in_count(instrument, instrument.most_lots, f"instruments.{instrument.symbol}.max_quantity")
    elif not instrument.by_value or room.free_usd is None or not worth:
        yield _in_count(instrument, limits.max_contracts, "risk.max_contracts")
    elif room.exposure_usd is None:
        words = f"{one} is worth {amount(worth)} {instrument.currency}, {amount(room.free_usd)} is free"
        key = "no more than the equity; risk.max_exposure_percent says otherwise"
        yield _at_most(room.free_usd, worth, key, Refusal.MAX_EXPOSURE, words)
    if limits.max_notional_usd and worth:
        words = f"{one} is worth {amount(worth)} {instrument.currency}, {limits.max_notional_usd} allowed"
        key = "risk.max_notional_usd"
        yield _at_most(limits.max_notional_usd, worth, key, Refusal.MAX_NOTIONAL, words)
    if room.exposure_usd is not None and worth:
        words = f"{one} is worth {amount(worth)} {instrument.currency}, {amount(room.exposure_usd)} more is "
        key = "risk.max_exposure_percent"
        yield _at_most(room.exposure_usd, worth, key, Refusal.MAX_EXPOSURE, f"{words}allowed")
    if room.micros is not None:
        words = f"room for {room.micros} micros is left in the account, {one} is {instrument.minis}"
        fits = max(0, room.micros // instrument.minis)
        yield Clamp(fits, "risk.max_minis", Refusal.MAX_CONTRACTS, f"{words} (risk.max_minis)")
    deposit = instrument.margin(price, 1)
    if room.margin_usd is not None and deposit:
        if not instrument.margin_key:
            deposit += worth * FULL_PRICE_RESERVE
        needs = f"{one} needs {amount(deposit)} {instrument.currency} of margin"
        named = instrument.margin_key
        key = f"instruments.{instrument.symbol}.{named}" if named else "paid for in full"
        words = f"{needs}, {amount(room.margin_usd)} is available"
        yield _at_most(room.margin_usd, deposit, key, Refusal.MARGIN, words)


def _in_count(instrument: Instrument, most: int, key: str) -> Clamp:
    return Clamp(most, key, Refusal.SIZE_ZERO, f"no more than {instrument.qty_text(most)} in a trade ({key})")


def _at_most(whole: Decimal, each: Decimal, key: str, refusal: Refusal, words: str) -> Clamp:
    return Clamp(max(0, int(whole // each)), key, refusal, f"{words} ({key})")


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
