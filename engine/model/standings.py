"""What can happen now and what stands against it, read off the rest of the picture.

It says ACTIVE only where an entry could pass: in one contract at least nothing stands against it in one of
the books that are meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.orders import AccountKind, OrderType, Slot
from engine.model.outages import blind_books, cut_off, several_venues
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import BookView, ContractView, LinkView, View
from engine.model.view_standing import CauseKind, CauseView, StandingView, StandingWord

Against = Mapping[str, Sequence[Refusal]]
"""What the gate would say to any idea in each contract, in that of the meant books with the least to say."""

_RANKS = {word: rank for rank, word in enumerate(StandingWord)}
_BY_PERSON = (RestrictionEnd.RESUME, RestrictionEnd.LIFT)
_TOLD_OTHERWISE = {Refusal.FEED_STALE, Refusal.VENUE_DOWN, Refusal.JOURNAL_DOWN}
"""Of these the price, the connection or the engine's trouble has more to say than the gate."""


def standing_of(view: View, books: tuple[BookView, ...], against: Against) -> StandingView:
    """What can happen now in these books: of several restrictions the strictest, else whether an entry could
    pass."""
    held = [(book, book.restriction) for book in books if book.restriction is not None]
    narrow, outages = tuple(_paused(view, books)), tuple(_outages(view, books))
    lost = [link for link in view.links if link.needed and link.state is not LinkState.LIVE]
    standing = StandingView(
        books=max(1, len(books)),
        stops_stay=_stops_stay(view, books, lost),
        reconnecting=bool(lost),
        tries=max((link.tries for link in lost), default=0),
    )
    if any(book.flatten is not None for book in books):
        causes = (*_restrictions(held, books), *outages, *narrow)
        return replace(standing, word=StandingWord.FLATTENING, causes=causes)
    if held:
        causes = _restrictions(held, books)
        free = [] if len(held) == len(books) else _against(view, books, against)
        alike = len(books) if not causes[0].book else sum(c.word is causes[0].word for c in causes)
        found = (*causes, *free, *outages, *narrow)
        return replace(standing, word=causes[0].word, causes=found, held=alike if alike < len(books) else 0)
    if view.contracts and all(_restricted(view, books, contract) for contract in view.contracts):
        causes = narrow or tuple(_each(view))
        return replace(standing, word=causes[0].word, causes=causes)
    causes = tuple(_against(view, books, against))
    if causes:
        return replace(standing, word=StandingWord.NO_ENTRIES, causes=(*causes, *narrow))
    silent = tuple(_silent(view, all_of=False))
    word = StandingWord.REDUCING if _reducing(view, books) else StandingWord.ACTIVE
    return replace(standing, word=word, causes=(*outages, *narrow, *silent))


def _word(held: RestrictionView) -> StandingWord:
    return StandingWord(held.word)


def _restrictions(
    held: Sequence[tuple[BookView, RestrictionView]], books: Sequence[BookView]
) -> tuple[CauseView, ...]:
    """What holds each book back, the strictest first; one for all where it is the same in every book."""
    found = [_restriction(one, book.book if len(books) > 1 else "") for book, one in held]
    found.sort(key=lambda cause: _RANKS[cause.word])
    alike = {replace(cause, book="") for cause in found}
    return tuple(alike) if len(alike) == 1 and len(held) == len(books) else tuple(found)


def _restriction(held: RestrictionView, book: str, instruments: tuple[str, ...] = ()) -> CauseView:
    return CauseView(
        CauseKind.RESTRICTION, _word(held), book, instruments, held.code, held.reason, held.by, held.end,
        held.until,
    )  # fmt: skip


def _paused(view: View, books: Sequence[BookView]) -> Iterator[CauseView]:
    """What holds single contracts back until a person lifts it: one cause for those that are held alike."""
    names = {book.book for book in books}
    found: dict[CauseView, list[str]] = {}
    for held in view.restrictions:
        if held.instrument and held.book in ("", *names) and held.end in _BY_PERSON:
            cause = CauseView(
                CauseKind.RESTRICTION, _word(held), held.book if len(books) > 1 else "", end=held.end
            )
            found.setdefault(cause, []).append(held.instrument)
    for cause, instruments in sorted(found.items(), key=lambda item: _RANKS[item[0].word]):
        yield replace(cause, instruments=tuple(dict.fromkeys(instruments)))


def _each(view: View) -> Iterator[CauseView]:
    """What holds every contract back by itself, where no person lifts it: the strictest first."""
    recorded = [held for held in view.restrictions if held.instrument and _recorded(held)]
    for held in recorded:
        yield _restriction(held, held.book, (held.instrument,))
    if not recorded:
        states = {contract.state for contract in view.contracts}
        word = next((word for state, word in _BY_STATE if state in states), StandingWord.PAUSED)
        yield CauseView(CauseKind.RESTRICTION, word)


_BY_STATE = ((TradingState.HALTED, StandingWord.HALTED), (TradingState.LOCKED, StandingWord.LOCKED))


def _restricted(view: View, books: Sequence[BookView], contract: ContractView) -> bool:
    """Whether a contract is held back by itself in every book that is meant."""
    if contract.state is TradingState.ACTIVE:
        return False
    held = {r.book for r in view.restrictions if r.instrument == contract.instrument and _recorded(r)}
    return "" in held or not held or all(book.book in held for book in books)


def _recorded(held: RestrictionView) -> bool:
    """Whether it is on the record, and no word of the gate."""
    return bool(held.guard) or held.end in _BY_PERSON or held.state is not TradingState.REDUCING


def _silent(view: View, *, all_of: bool) -> Iterator[CauseView]:
    """Contracts without a price that counts. Of `all_of` them one cause: as old as the newest is."""
    stale = [c for c in view.contracts if c.stale]
    groups = [stale] if all_of else [[c] for c in stale]
    for group in groups:
        ages = [c.age_ns for c in group if c.age_ns is not None]
        names = () if all_of and len(group) == len(view.contracts) > 1 else tuple(c.instrument for c in group)
        yield CauseView(
            CauseKind.PRICE, instruments=names, code=Refusal.FEED_STALE, age_ns=min(ages, default=None)
        )


def _link(link: LinkView, *, named: bool) -> CauseView:
    venue = link.venue if named else ""
    return CauseView(
        CauseKind.LINK,
        book=link.book,
        code=Refusal.VENUE_DOWN,
        venue=venue,
        link=link.name,
        state=link.state,
        tries=link.tries,
    )


def _outages(view: View, books: Sequence[BookView]) -> Iterator[CauseView]:
    """Of several venues those that can't be reached, with the contracts that are blind by it; of several
    accounts those whose own connection is down."""
    for venue, links in cut_off(view).items():
        held = [book.book for book in view.books if book.venue == venue]
        blind = (*held, *(c.instrument for c in view.contracts if c.source == venue and c.stale))
        yield from (replace(_link(link, named=True), blind=blind) for link in links)
    names = {book.book for book in books}
    for book, links in blind_books(view).items():
        if book in names:
            yield from (_link(link, named=False) for link in links)


def _against(view: View, books: Sequence[BookView], against: Against) -> list[CauseView]:
    """What stands against every entry, the worst first; empty where one could pass."""
    found: list[CauseView] = []
    if not view.health.ok:
        found.append(CauseView(CauseKind.ENGINE, reason=view.health.detail))
    open_now = [c for c in view.contracts if not _restricted(view, books, c)]
    if not open_now:
        return found or [CauseView(CauseKind.PRICE)]  # nobody has named a contract yet
    if all(c.stale for c in open_now):
        found += _silent(view, all_of=True)
    cut, blind = cut_off(view), blind_books(view)
    if (cut or blind) and all(book.venue in cut or book.book in blind for book in books):
        found += _outages(view, books)
    elif not several_venues(view):
        lost = [k for k in view.links if k.needed and k.state is not LinkState.LIVE and k.book not in blind]
        found += [_link(link, named=False) for link in lost]
    if any(not against.get(c.instrument, ()) and not c.stale for c in open_now):
        return [cause for cause in found if cause.kind is not CauseKind.LINK or cause.state is LinkState.DOWN]
    told = _TOLD_OTHERWISE if found else set()
    codes = {c.instrument: set(against.get(c.instrument, ())) for c in open_now}
    common = [w for w in against.get(open_now[0].instrument, ()) if all(w in of for of in codes.values())]
    words = {held.code: held for held in view.restrictions}
    found += [_gate(code, words) for code in common if code not in told]
    return found or [_gate(code, words, (name,)) for name, of in codes.items() for code in sorted(of)][:3]


def _gate(
    code: Refusal, words: Mapping[Refusal | None, RestrictionView], instruments: tuple[str, ...] = ()
) -> CauseView:
    held = words.get(code)
    if held is None:
        return CauseView(CauseKind.GATE, instruments=instruments, code=code)
    return CauseView(
        CauseKind.GATE, instruments=instruments, code=code, reason=held.reason, end=held.end, until=held.until
    )


def _stops_stay(view: View, books: Sequence[BookView], lost: Sequence[LinkView]) -> bool:
    """Whether something is held while nothing is heard of market or venue, and all of it has its stop."""
    names = {book.book for book in books}
    held = [p for p in view.positions if p.book in names and p.kind is not AccountKind.PAPER]
    blind = bool(lost) or (bool(view.contracts) and all(c.stale for c in view.contracts))
    return bool(held) and blind and all(p.protected_qty >= abs(p.qty) for p in held)


def _reducing(view: View, books: Sequence[BookView]) -> bool:
    """Whether a part of what is held is being closed."""
    names = {book.book for book in books}
    return any(
        o.book in names and o.slot is Slot.PART and o.type is OrderType.MARKET and not o.status.terminal
        for o in view.orders
    )
