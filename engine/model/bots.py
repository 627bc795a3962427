"""Bots: instances of strategies, each with its own contracts, books and limits (docs/semantics.md#bots)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.market import MINUTE, Timeframe
from engine.model.setting import RESTART, live, restart
from engine.model.sizing import Sizing


class BotMode(StrEnum):
    """What becomes of a bot's ideas."""

    TRADE = "trade"
    SIGNALS = "signals"
    """They are written down and shown, and nothing is entered but in the bot's shadow, if it has one."""


class BotConfig(Struct, frozen=True):
    """One bot. An empty list means all; a limit of 0 is off. Limits hold in each book by itself."""

    name: str
    strategy: str
    """What it runs, by the strategy's name."""
    mode: Annotated[
        BotMode,
        RESTART,
        "trade enters what it finds; signals only writes it down and shows it.",
    ] = BotMode.TRADE
    instruments: tuple[str, ...] = ()
    timeframes: tuple[Timeframe, ...] = ()
    """It is asked when one of these closes, and sees no other bars in what closed; empty means those of its
    strategy.
    """
    books: Annotated[
        tuple[str, ...],
        restart(allowed="a list of books"),
        "The books that trade its ideas; empty means all.",
    ] = ()
    sizing: Sizing | None = None
    """How large its trades are; None: as the book is told, and by risk where that is told nothing."""
    max_open: Annotated[
        int,
        live(loosens="more", none_at_zero=True, key="max_open_trades", ge=0, le=50),
        "Its trades that may be open at a time in a book; 0 leaves it to risk.max_open_trades.",
    ] = 0
    plans_per_contract: Annotated[
        int,
        live(loosens="more", ge=1, le=20),
        "Its trades that may be open at a time in one contract of a book, beside what "
        "risk.plans_per_contract says of all.",
    ] = 1
    max_trades: Annotated[
        int,
        live(loosens="more", none_at_zero=True, ge=0, le=1000),
        "Its trades per day and book; 0 leaves it to risk.max_trades.",
    ] = 0
    min_score_tenths: int | None = None
    """Least score of its ideas, out of a hundred; None takes the book's."""
    cooldown_ns: Annotated[
        int,
        live(loosens="less", key="cooldown_minutes", unit=MINUTE, ge=0, le=1440),
        "After it has entered a contract, it leaves that alone for so many minutes in the same book.",
    ] = 0
    shadow: Annotated[
        str,
        restart(allowed="the name of a paper book"),
        "A paper book that plays what it signals, where its mode is signals.",
    ] = ""
    error_rate: float = 0.05
    """How often it may be stopped as behind its backtest though it is not; 0 never stops it."""
    configured: bool = True
    """A person has named it; else it is the one bot of a run without any."""

    def trades(self, book: str) -> bool:
        """Whether its ideas go to a book."""
        if self.shadow and self.mode is BotMode.SIGNALS:
            return book == self.shadow
        return not self.books or book in self.books

    def enters(self, book: str) -> bool:
        """Whether they are entered there."""
        return self.trades(book) and (self.mode is BotMode.TRADE or book == self.shadow)

    def knows(self, instrument: str) -> bool:
        """Whether a contract is one of its own."""
        return not self.instruments or instrument in self.instruments
