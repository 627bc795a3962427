"""Makes the books of a run: those that brokers outside serve, and paper books whose brokers are inside.

The only place that knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from engine.books.book import Book, BookSpec
from engine.books.inner_broker import Hear, InnerBroker, is_open
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig, PaperConfig
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.state.restrictions import tighten
from engine.state.state import BookState, State
from engine.state.turn import Turn
from engine.venue.paper import CAPABILITIES

PROGRAM = "tstream"

PAPER = "paper"
"""Name of the paper book where there is one."""

VENUE_LINKS = frozenset({"rest", "user", "market", "token"})
"""Without one of these no entry; an alert room that is gone takes no trade away."""

MARKET_LINK = frozenset({"market"})
"""All that a book needs whose orders leave no wire."""


class BookMaker:
    """Knows of every book that a run may have how it is made."""

    def __init__(
        self, config: EngineConfig, state: State, turn: Turn, books: Mapping[str, Book], hear: Hear
    ) -> None:
        """`books` are those of the core, which open as their accounts are known; `hear` is how the core takes
        an event in within a step.
        """
        self._config = config
        self._state = state
        self._paper = {
            spec.config.name: spec
            for spec in (
                *(_paper(book) for book in config.books if book.paper is not None),
                *(_paper(book, runs_out=True) for book in _switched_off(config, state)),
            )
        }
        self.inside = tuple(
            InnerBroker(spec.config, spec.config.paper or PaperConfig(), config, turn, books, hear)
            for spec in self._paper.values()
        )
        """Brokers that are carried out within the step that decides."""

    def follow(self, config: EngineConfig) -> None:
        """Books that open from now on have these limits and sizes; those of earlier runs keep theirs."""
        self._config = config
        for book in config.books:
            if book.name in self._paper:
                self._paper[book.name] = _paper(book)

    def spec(self, name: str, venue: str = "") -> BookSpec | None:
        """How a book is made; None for one that the journal knows and this run does not serve."""
        if name in self._paper:
            return self._paper[name]
        if _is_paper(self._state.book(name)):
            return None
        config = self._config.book(name, venue)
        return None if config is None else BookSpec(config, VENUE_LINKS)


def _paper(config: BookConfig, *, runs_out: bool = False) -> BookSpec:
    own = replace(config, capabilities=CAPABILITIES)
    return BookSpec(own, MARKET_LINK, streamed=False, runs_out=runs_out)


def _switched_off(config: EngineConfig, state: State) -> list[BookConfig]:
    """Paper books of earlier runs that live until they are flat."""
    known = {book.name for book in config.books}
    risk = (*config.books, *config.templates, BookConfig())[0].risk
    return [
        BookConfig(book.book, risk=risk, paper=PaperConfig(currency=_currency(book)), calendar=book.calendar)
        for book in state.books.values()
        if book.book not in known and _is_paper(book) and is_open(book)
    ]


def _currency(book: BookState) -> str:
    return "" if book.account is None else book.account.currency


def _is_paper(book: BookState) -> bool:
    return book.account is not None and book.account.kind is AccountKind.PAPER


def write_start(turn: Turn, config: EngineConfig) -> None:
    """Write down that a run begins, and what its journal has lost: on less than all nothing is entered."""
    turn.commit(r.RunStarted(ts=turn.now, install=config.install, boot=config.boot, program=PROGRAM))
    if config.restored_ns:
        turn.commit(r.RecordsLost(ts=turn.now, count=config.lost_records, restored_ns=config.restored_ns))
        tighten(turn, TradingState.REDUCING, "the journal is a backup's: resume once you know what is open")
    elif config.lost_records:
        turn.commit(r.RecordsLost(ts=turn.now, count=config.lost_records))
        tighten(turn, TradingState.REDUCING, "the journal has lost its end: resume once you know why")
