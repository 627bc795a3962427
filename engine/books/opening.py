"""Makes the books of a run: those that brokers outside serve, and a paper book whose broker is inside.

The only place that knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from engine.books.book import Book, BookSpec
from engine.books.inner_broker import Hear, InnerBroker, is_open
from engine.model import records as r
from engine.model.config import EngineConfig, PaperConfig
from engine.model.restrictions import TradingState
from engine.state.restrictions import tighten
from engine.state.state import State
from engine.state.turn import Turn
from engine.venue.paper import CAPABILITIES

PROGRAM = "tstream"

PAPER = "paper"
"""Name of the paper book, and of its account in small letters."""

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
        paper = _served(config, state)
        self.inside: tuple[InnerBroker, ...] = ()
        """Brokers that are carried out within the step that decides."""
        self._paper: BookSpec | None = None
        if paper is not None:
            own = structs.replace(config, risk=paper.risk or config.risk, capabilities=CAPABILITIES)
            self._paper = BookSpec(PAPER, own, MARKET_LINK, streamed=False, runs_out=config.paper is None)
            self.inside = (InnerBroker(PAPER, paper, own, turn, books, hear),)

    def spec(self, name: str) -> BookSpec | None:
        """How a book is made; None for one that the journal knows and this run does not serve."""
        if name == PAPER:
            return self._paper
        return BookSpec(name, self._config, VENUE_LINKS)


def _served(config: EngineConfig, state: State) -> PaperConfig | None:
    """How the paper book is run; None for not at all. One that is switched off lives until it is flat."""
    if config.paper is not None:
        return config.paper
    book = state.books.get(PAPER)
    return PaperConfig() if book is not None and is_open(book) else None


def write_start(turn: Turn, config: EngineConfig) -> None:
    """Write down that a run begins, and what its journal has lost: on less than all nothing is entered."""
    turn.commit(r.RunStarted(ts=turn.now, install=config.install, boot=config.boot, program=PROGRAM))
    if config.lost_records:
        turn.commit(r.RecordsLost(ts=turn.now, count=config.lost_records))
        tighten(turn, TradingState.REDUCING, "the journal has lost its end: resume once you know why")
