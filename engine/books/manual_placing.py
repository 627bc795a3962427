"""A trade by hand, in one book: what the gate says of it, and the plan that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import structs

from engine.books import manual_gate, manual_trial
from engine.books.book import Book
from engine.books.entries import Entries
from engine.books.manual_prices import Asked, asked, known_words
from engine.books.manual_trial import HowMany, Tried
from engine.market.calendars.known import calendar_in
from engine.model.commands import ONLY_TRIED, PlaceManual
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Side
from engine.model.orders import OrderType
from engine.model.plans import MANUAL, Idea, Leg, manual_origin
from engine.model.refusals import Refusal
from engine.model.verdicts import OrderVerdict
from engine.risk import gate
from engine.risk.market_hours import NO_DEADLINE
from engine.risk.sizing import legs
from engine.state.turn import Turn


class Said(NamedTuple):
    """What a person is answered. Not `done`: nothing came of it, or less than was asked for."""

    text: str
    done: bool = True
    verdicts: tuple[OrderVerdict, ...] = ()


def together(said: Iterable[Said]) -> Said:
    """What several books say."""
    found = tuple(said)
    verdicts = tuple(one for each in found for one in each.verdicts)
    return Said("; ".join(one.text for one in found), all(one.done for one in found), verdicts)


class TriedOrder(NamedTuple):
    """A trade that was put to the gate."""

    idea: Idea
    wish: Asked
    tried: Tried


class ManualPlacing:
    """Puts orders to the gate, and opens what passes."""

    def __init__(
        self,
        turn: Turn,
        instruments: Mapping[str, Instrument],
        entries: Entries,
        touch: Callable[[str, Side], int],
    ) -> None:
        self._turn = turn
        self._instruments = instruments
        self._entries = entries
        self._touch = touch

    def place(self, book: Book, known: Instrument, command: PlaceManual) -> Said:
        """Raises WrongError."""
        trial = self.tried(book, known, command)
        held = book.state.position(known.symbol).qty
        what = described(command, known, trial, book)
        plan, against = "", trial.tried.against
        if against:
            text = f"refused: {what}: {self.why(book, known.symbol, against)}"
        elif command.dry_run:
            text = f"{ONLY_TRIED}{what}"
        else:
            verdict = manual_trial.verdict(self._turn, book, known, trial.idea, trial.tried, held, "")
            plan = self.open(book, trial, command)
            text = f"placed as {plan}: {what}"
            return Said(text, verdicts=(structs.replace(verdict, plan=plan, text=text),))
        verdict = manual_trial.verdict(self._turn, book, known, trial.idea, trial.tried, held, text)
        return Said(text, not against, (verdict,))

    def tried(
        self, book: Book, known: Instrument, command: PlaceManual, *, after_close: bool = False
    ) -> TriedOrder:
        """What the gate says. Raises WrongError."""
        wish = asked(command, known, self._touch(known.symbol, command.side))
        words = known_words(command.override)
        idea = Idea(
            strategy=MANUAL,
            instrument=known.symbol,
            side=command.side,
            reference=wish.entry,
            stop=wish.stop,
            targets=wish.targets,
            score_tenths=0,
            reasons=("by hand", *(f"{word} overridden" for word in words)),
            ts=self._turn.wall,
            origin=manual_origin(command.id),
        )
        many = HowMany(command.qty, command.risk_usd, command.sized)
        tried = manual_trial.ask(self._entries, book, known, idea, many, words, after_close=after_close)
        return TriedOrder(idea, wish, tried)

    def open(self, book: Book, trial: TriedOrder, command: PlaceManual) -> str:
        """Id of the plan that it becomes."""
        split, ends_ts = _legs(trial.idea, trial.tried.qty, command, book), None
        if command.entry is not OrderType.MARKET:
            ends_ts = entry_ends(self._turn, self._instruments, book, command.instrument, command.minutes)
        size_reason = trial.tried.why if command.sized else ""
        plan = self._entries.enter(book, trial.idea, split, command.entry, ends_ts, size_reason)
        return plan.plan_id

    def why(self, book: Book, symbol: str, against: tuple[gate.Against, ...]) -> str:
        """Everything that stands against it, and how to have it all the same."""
        reasons = "; ".join(self._reason(book, symbol, one) for one in against)
        return f"{reasons}{manual_gate.may_override(against)}"

    def _reason(self, book: Book, symbol: str, one: gate.Against) -> str:
        if one.refusal is not Refusal.IN_POSITION or one.words != one.refusal.sentence:
            return one.words
        held = book.state.position(symbol).qty
        by = ", ".join(
            f"{found.plan.strategy} ({found.plan.plan_id})"
            for found in book.state.plans.values()
            if found.plan.instrument == symbol
        )
        there = self._turn.state.quantity(symbol, held, signed=True)
        holds = f"{symbol} is held there ({there})" if held else f"{symbol} is being entered there"
        nets = "an account nets, so one trade at a time (risk.plans_per_contract)"
        return f"{holds}{f' by {by}' if by else ''}: {nets}"


def entry_ends(
    turn: Turn, instruments: Mapping[str, Instrument], book: Book, symbol: str, minutes: int | None
) -> int | None:
    """When a resting entry is cancelled, by the wall's clock: with the time for entries of the day, or after
    so many minutes.
    """
    wall, limits = turn.wall, book.config.risk
    last = max(limits.no_entry_before_flat_ns, limits.flatten_before_flat_ns)
    left = book.guards.hours.ns_to_flat(wall, calendar_in(instruments, symbol))
    if left == NO_DEADLINE:
        return None if minutes is None else wall + minutes * MINUTE
    day = wall + max(0, left - last)
    return day if minutes is None else min(day, wall + minutes * MINUTE)


def _legs(idea: Idea, qty: int, command: PlaceManual, book: Book) -> tuple[Leg, ...]:
    """Prices stand wherever the entry fills; distances go with the fill."""
    whole = book.orders.context.watches_target(idea.instrument)
    split = legs(idea, qty, book.config.risk.single_contract, absolute=True, whole=whole)
    if command.stop_ticks is not None:
        split = tuple(structs.replace(leg, stop=None) for leg in split)
    if command.target_ticks:
        split = tuple(structs.replace(leg, target=None, touch=None) for leg in split)
    return split


def described(command: PlaceManual, known: Instrument, trial: TriedOrder, book: Book) -> str:
    """The whole order in words."""
    wish, tried = trial.wish, trial.tried
    at = "at market" if command.entry is OrderType.MARKET else f"{command.entry} {known.text(wish.entry)}"
    targets = ", ".join(map(known.text, wish.targets))
    aims = f", target {targets}" if targets else ", no target"
    away = abs(wish.entry - wish.stop)
    what = f"{command.side} {known.qty_text(tried.qty)} {known.symbol} {at} in {book.name}"
    risk = f"{tried.risk_usd:.2f} {known.currency} at risk, costs included"
    return f"{what}, stop {known.text(wish.stop)} ({away} ticks){aims}, {risk}"
