"""What the gate of one book says to an order by hand, as data (engine/model/verdicts.py)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from engine.books import manual_gate
from engine.books.book import Book
from engine.books.entries import Entries, EntryTerms
from engine.books.manual_prices import plain
from engine.model.instrument import Instrument
from engine.model.plans import Idea
from engine.model.refusals import OVERRIDES, Refusal
from engine.model.sizing import ByGrade, ByRisk, Sizing
from engine.model.verdicts import LimitRoom, Objection, OrderVerdict, RoomUnit
from engine.portfolio.money import open_risk_usd
from engine.risk import bands, gate
from engine.risk.sizers import Wanted
from engine.risk.sizing import loss_usd
from engine.state.turn import Turn


class HowMany(NamedTuple):
    """What a person says of the quantity: exactly one of them."""

    qty: int | None = None
    """Lots."""
    risk_usd: Decimal | None = None
    """As many as may lose so much at the stop."""
    sized: bool = False
    """As many as the book's own sizing makes of the stop."""


class Tried(NamedTuple):
    qty: int
    """Lots; where something stands against them, those that were asked for."""
    risk_usd: Decimal
    why: str
    """How the quantity comes about."""
    against: tuple[gate.Against, ...]


def ask(
    entries: Entries,
    book: Book,
    known: Instrument,
    idea: Idea,
    many: HowMany,
    words: tuple[str, ...],
    *,
    after_close: bool = False,
) -> Tried:
    """Put a person's idea to the gate. A number that was typed is never made smaller."""
    limits = manual_gate.limits(book)
    each = loss_usd(known, idea.reference, idea.stop_ticks, limits)
    sizing: Sizing = ByGrade()
    qty, confidence = many.qty or 0, None
    if many.risk_usd is not None:
        qty, sizing = int(many.risk_usd // each), ByRisk(many.risk_usd)
    elif many.sized:  # a trade by hand has no score: it counts as the best
        sizing, confidence = book.config.sizing or ByRisk(), Fraction(1)
    wanted = Wanted(sizing, many.qty, confidence, whole=not many.sized)
    terms = EntryTerms(limits, wanted, override=words, after_close=after_close)
    fit, against, why = entries.verdict(book, idea, known, terms)
    if many.risk_usd is not None and not qty:
        least = f"1 {known.symbol} risks {each:.2f} {known.currency}, {plain(many.risk_usd)} asked for"
        none = gate.Against(Refusal.SIZE_ZERO, least)
        against = (*(one for one in against if one.refusal is not Refusal.SIZE_ZERO), none)
    lots = fit if many.sized or not against else qty
    return Tried(lots, each * lots, why, against)


def verdict(
    turn: Turn, book: Book, known: Instrument, idea: Idea, tried: Tried, held: int, text: str
) -> OrderVerdict:
    """The same for people. `held` is what the book holds where the order begins, signed lots."""
    qty, price = tried.qty, known.price
    return OrderVerdict(
        book=book.name,
        kind=book.kind,
        done=not tried.against,
        text=text,
        instrument=known.symbol,
        side=idea.side,
        qty=qty,
        entry=price(idea.reference),
        stop=price(idea.stop),
        targets=tuple(price(target) for target in idea.targets),
        risk=tried.risk_usd,
        reward_to_risk=idea.reward_to_risk if idea.targets else None,
        costs=known.round_trip(idea.reference, idea.targets[0] if idea.targets else idea.reference) * qty,
        currency=known.currency,
        held=held,
        held_after=held + qty * idea.side.sign,
        size_reason=tried.why,
        left=left(turn, book, known, tried.risk_usd, qty),
        against=objections(tried.against),
    )


def objections(against: Iterable[gate.Against]) -> tuple[Objection, ...]:
    words = {refusal: word for word, refusal in OVERRIDES.items()}
    return tuple(Objection(one.refusal, one.words, words.get(one.refusal, "")) for one in against)


def left(
    turn: Turn, book: Book, known: Instrument, risk_usd: Decimal, qty: int, trades: int = 1
) -> tuple[LimitRoom, ...]:
    """What of each limit is left now, beside what is open, and after a trade that risks so much more."""
    limits, account, figures = book.config.risk, book.guards.account(), book.guards.figures()
    each_trade = limits.risk_per_trade_usd
    found = [LimitRoom("risk a trade", each_trade, each_trade - risk_usd)]
    at_risk = open_risk_usd(book.state, turn.state, book.orders.context.marks)
    for name, room_usd in bands.headroom_usd(limits, account, figures).items():
        found.append(LimitRoom(name, room_usd - at_risk, room_usd - at_risk - risk_usd))
    micros = bands.room_micros(account, figures)
    if micros is not None and known.minis:
        fits = Decimal(micros // known.minis)
        found.append(LimitRoom("account size", fits, fits - qty, RoomUnit.LOTS))
    if limits.max_trades:
        more = Decimal(limits.max_trades - book.state.day.entries)
        found.append(LimitRoom("trades today", more, more - trades, RoomUnit.TRADES))
    more = Decimal(limits.max_open_trades - len(book.state.plans))
    found.append(LimitRoom("open trades", more, more - trades, RoomUnit.TRADES))
    return tuple(found)
