"""What guards see of a book."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from engine.model.orders import Margin
from engine.state.state import BookState
from engine.state.turn import Turn


class Guarded(Protocol):
    """What guards see of a book, and the two things that they do to it."""

    @property
    def book(self) -> str: ...
    @property
    def state(self) -> BookState: ...
    @property
    def turn(self) -> Turn: ...
    @property
    def balance_usd(self) -> Decimal | None: ...
    @property
    def margin(self) -> Margin | None: ...
    @property
    def reconciled(self) -> bool: ...

    def cancel_entries(self, instrument: str | None) -> int: ...
    def flatten(self, instruments: tuple[str, ...], reason: str) -> None: ...
