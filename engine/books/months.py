"""Contract months: what happens when the venue's active one is another
(docs/semantics.md#contract-months).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.books.book import Book
from engine.model import events as ev
from engine.model import records as r
from engine.model.notices import NoticeKind, Severity
from engine.portfolio.money import Marks
from engine.signals.market_data import MarketData
from engine.state.turn import Turn


def learn(
    event: ev.ContractResolved,
    turn: Turn,
    books: Mapping[str, Book],
    market: MarketData,
    marks: Marks,
) -> None:
    """Take a contract in, and what follows where its month is not the one before.

    Prices of two months never meet: bars, signals and quotes begin anew. What is held stays in its month, is
    closed and protected there, and is worth what that month trades at: the new one's says nothing about it.
    """
    state, symbol = turn.state, event.instrument.symbol
    before, name = state.month(symbol, event.venue)
    known = state.instruments.get(symbol), name or None
    rolled = before not in ("", event.contract_id)
    priced = market.sources.priced_by(event.venue, symbol)
    if rolled:
        if priced:
            market.rolled(symbol, event.ts_venue or event.ts_recv)
        held = any(
            book.state.position(symbol).qty and (book.at(event.venue) if book.config.venue else priced)
            for book in books.values()
        )
        if held and priced:
            marks.freeze(symbol)
        stays = "; what is held stays in the old month, and goes by its prices" if held else ""
        turn.say(
            NoticeKind.MARKET,
            Severity.CRITICAL if held else Severity.WARNING,
            f"{symbol} rolled from {name} to {event.name}{stays}",
            symbol,
        )
    if rolled or known != (event.instrument, event.name):
        turn.commit(
            r.ContractKnown(
                ts=turn.now,
                instrument=event.instrument,
                contract_id=event.contract_id,
                name=event.name,
                venue=event.venue,
                priced=priced,
            )
        )


def remember(books: Mapping[str, Book], market: MarketData, marks: Marks) -> None:
    """After a restart: what is held in an old month goes by that one's prices."""
    for symbol in _held(books, market):
        marks.freeze(symbol)


def forget(books: Mapping[str, Book], market: MarketData, marks: Marks) -> None:
    """Take quotes again where nothing is held in an old month any more."""
    if marks.frozen:
        marks.thaw(_held(books, market))


def _held(books: Mapping[str, Book], market: MarketData) -> list[str]:
    """Instruments held in an old month of the venue that prices them."""
    return [
        symbol
        for book in books.values()
        for symbol in book.state.held_months
        if market.sources.priced_by(book.config.venue, symbol)
    ]


def priced(event: ev.HeldPriced, marks: Marks) -> str:
    """A price of a month that is held; gives the instrument."""
    if event.last is not None:
        marks.trade(event.instrument, event.last, event.ts_venue, old=True)
    else:
        marks.quote(event.instrument, event.bid, event.ask, event.ts_venue, old=True)
    return event.instrument
