"""The state line: what can happen now and what stands against it, worst first, turned from data to words.

"NO ENTRIES: MES price 37 s old · stops stay at the venue · reconnecting (3rd try)"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd
from engine.model.view import FlattenView, View
from engine.model.view_standing import CauseKind, CauseView, StandingView, StandingWord
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.view_facts import catches_up

_MINUTE = 60 * NANOS
_NAMED = 4
"""Contracts that are named; of more only how many."""


class StateWords(Struct, frozen=True):
    """The line in its parts, for whoever has less room than it takes."""

    head: str
    """The word with what belongs to it: "LOCKED 1/4", "OFF (trading = "off")"."""
    ends: str = ""
    """When it ends, as it stands behind the word: "until 17:00 CT"."""
    left: str = ""
    """How long that is: "in 7h 17m"."""
    by: str = ""
    """Whose it is, where a person set it: "by keyboard"."""
    reason: str = ""
    notes: tuple[str, ...] = ()

    def line(self, *, notes: int | None = None, left: bool = True, reason: str | None = None) -> str:
        """All of it in one line, or with so many of its notes, and with a shorter reason."""
        why = self.reason if reason is None else reason
        ends = f"{self.ends} ({self.left})" if left and self.left else self.ends
        head = " ".join(part for part in (self.head, self.by, ends) if part)
        first = f"{head}: {why}" if why else head
        return " · ".join((first, *(self.notes if notes is None else self.notes[:notes])))


def state_words(view: View, standing: StandingView) -> StateWords:
    """The words for what `standing` says; `view` has the clock and the names. Of a replay that catches up
    with the time that is wanted nothing else is said: what stands against entries then is over at once.
    """
    if catches_up(view):
        assert view.playing is not None
        at = times.when(view.playing.until, view.ts, view.told_in)
        return StateWords("CATCHING UP", f"to {at} {plain(view.told_mark)}")
    active = standing.word in (StandingWord.ACTIVE, StandingWord.REDUCING, StandingWord.FLATTENING)
    first = None if active or not standing.causes else standing.causes[0]
    others = standing.causes if first is None else standing.causes[1:]
    share = f" {standing.held}/{standing.books}" if standing.held else ""
    head = f"{standing.word.value}{share}"
    notes = [*_meanwhile(standing, first), *_notes(view, standing, others)]
    if standing.held and not _blocks_the_rest(others):
        notes.insert(0, f"{standing.books - standing.held} of {standing.books} books trade")
    if first is None:
        return StateWords(head, notes=tuple(dict.fromkeys(notes)))
    if first.code is Refusal.OFF and not share:
        head = f'{head} (trading = "off")'
    ends, left = _end(view, first)
    why = _reason(first)
    if standing.books > 1 and first.book and first.kind is CauseKind.RESTRICTION:
        why = f"{plain(first.book)}: {why}" if why else plain(first.book)
    return StateWords(head, ends, left, _by(first), why, tuple(dict.fromkeys(notes)))


def _blocks_the_rest(causes: Iterable[CauseView]) -> bool:
    """Whether the books that are free could enter nothing either."""
    kinds = (CauseKind.ENGINE, CauseKind.PRICE, CauseKind.GATE, CauseKind.LINK)
    held = [cause for cause in causes if cause.kind is CauseKind.RESTRICTION and cause.book]
    return bool(held) or any(cause.kind in kinds for cause in causes)


def _meanwhile(standing: StandingView, first: CauseView | None) -> list[str]:
    """What goes on while nothing is heard of the market or the venue."""
    if first is None or first.kind not in (CauseKind.PRICE, CauseKind.LINK):
        return []
    notes = ["stops stay at the venue"] if standing.stops_stay else []
    if standing.reconnecting:
        nth = f" ({_ordinal(standing.tries)} try)" if standing.tries > 1 else ""
        notes.append(f"reconnecting{nth}")
    return notes


def _notes(view: View, standing: StandingView, others: Iterable[CauseView]) -> list[str]:
    """What else should be known, one note for each kind of thing."""
    notes: list[str] = []
    said = _meanwhile(standing, next(iter(standing.causes), None))  # that it is tried again says enough
    narrow: dict[str, list[str]] = {}
    for cause in others:
        if cause.kind is CauseKind.RESTRICTION and cause.instruments:
            where = f" ({plain(cause.book)})" if cause.book else ""
            names = [f"{plain(name)}{where}" for name in cause.instruments]
            narrow.setdefault(cause.word.value.lower(), []).extend(names)
        elif cause.kind is CauseKind.RESTRICTION:
            notes.append(f"{plain(cause.book)} {cause.word.value}".strip())
        elif cause.kind is not CauseKind.LINK or cause.venue or cause.book or not said:
            notes.append(_reason(cause))
    rooms = [f"room {plain(room)}" for room in standing.rooms]
    if rooms:
        narrow.setdefault("paused", []).extend(rooms)
    notes += [f"{word}: {', '.join(dict.fromkeys(names))}" for word, names in narrow.items()]
    if standing.bots:
        notes.append(f"bots out: {', '.join(map(plain, standing.bots))}")
    return notes


def _end(view: View, cause: CauseView) -> tuple[str, str]:
    """When it ends, and how long that is; empty where nothing is known to end it."""
    if cause.end is RestrictionEnd.LIFT:
        return "until a person lifts it", ""
    if cause.until is None:
        return ("with no end set", "") if cause.word is StandingWord.LOCKED else ("", "")
    at = times.when(cause.until, view.ts, view.told_in)
    return f"until {at} {plain(view.told_mark)}", f"in {figures.duration(_minutes(cause.until - view.ts))}"


def _minutes(left: int) -> int:
    """Seconds matter only in the last minutes; before that they would only draw the eye."""
    return left if left < 5 * _MINUTE else left // _MINUTE * _MINUTE


def _reason(cause: CauseView) -> str:
    match cause.kind:
        case CauseKind.PRICE:
            return _price(cause)
        case CauseKind.LINK:
            return _link(cause)
        case CauseKind.ENGINE:
            return plain(cause.reason) or "the engine is in trouble"
        case CauseKind.GATE:
            where = f"{named(cause.instruments)}: " if cause.instruments else ""
            return f"{where}{plain(cause.reason) or _sentence(cause.code)}"
        case _:
            return _restriction(cause)


def _by(cause: CauseView) -> str:
    by_person = cause.end in (RestrictionEnd.RESUME, RestrictionEnd.LIFT)
    return f"by {plain(cause.by)}" if cause.by and by_person else ""


def _restriction(cause: CauseView) -> str:
    if _by(cause):
        return ""
    if cause.code is Refusal.OFF:
        return "keys act, nothing by itself"
    if cause.instruments:
        return named(cause.instruments)
    return plain(cause.reason) or _sentence(cause.code)


def _sentence(code: Refusal | None) -> str:
    return "" if code is None else code.sentence


def _price(cause: CauseView) -> str:
    names = named(cause.instruments)
    if cause.age_ns is None:
        return f"no {names} price yet" if names else "no price yet"
    one = len(cause.instruments) == 1
    return f"{names} price{'s' * (not one)} {age(cause.age_ns)} old".strip()


def age(nanos: int) -> str:
    """ "37 s", "4 min", "2 h"."""
    seconds = max(0, nanos) // NANOS
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"


def _link(cause: CauseView) -> str:
    whose = plain(cause.book or cause.venue)
    state = "" if cause.state is None else cause.state.value
    silent = "silent" if cause.state is LinkState.STALE else state
    if cause.book:
        return f"{whose}: {plain(cause.link)} {silent}"
    blind = f": blind {', '.join(map(plain, cause.blind))}" if cause.blind else ""
    return f"{whose} {plain(cause.link)} {silent}{blind}".strip()


def named(names: Sequence[str]) -> str:
    """ "MNQ, ES", of many the first few and how many more."""
    if len(names) > _NAMED:
        return f"{', '.join(map(plain, names[:_NAMED]))} and {len(names) - _NAMED} more"
    return ", ".join(map(plain, names))


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def closing_words(view: View, flattens: Iterable[FlattenView]) -> str:
    """How much flattens have closed: "MNQ 2 of 3 closed", "MNQ 2 of 3, ES 0 of 1 closed"."""
    lots = {contract.instrument: contract.lot_size for contract in view.contracts}
    sums: dict[str, tuple[int, int]] = {}
    for one in (closing for flatten in flattens for closing in flatten.closing):
        done, of = sums.get(one.instrument, (0, 0))
        sums[one.instrument] = done + one.closed, of + one.of
    told = []
    for instrument, (done, of) in sums.items():
        lot = lots.get(instrument)
        counted = (str(n) if lot is None else figures.quantity(n, lot) for n in (done, of))
        told.append(f"{plain(instrument)} {' of '.join(counted)}")
    return f"{', '.join(told)} closed" if told else ""
