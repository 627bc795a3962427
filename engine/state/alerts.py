"""What the journal knows of alert rooms: the newest messages, and what became of each in every book."""

from __future__ import annotations

from msgspec import Struct, field

from engine.model.alerts import Reason, Terms, Verdict
from engine.model.events import AlertKind

MESSAGES_KEPT = 500
"""An alert is traded within a minute or never: what is older is remembered for people only."""

REVISIONS_KEPT = 32


class AlertBook(Struct):
    """One message in one book."""

    plan_id: str = ""
    """The newest; an amended alert may have had another before."""
    qty: int = 0
    entered: int = 0
    """Contracts of it that were filled."""
    refusals: tuple[str, ...] = ()
    """Why its gate refused it, in words."""
    intended_ts: int = 0
    """When its first order was written down, to be sent at once; 0 before."""
    accepted_ts: int = 0
    """When the venue's first word on that order was known."""
    closed: bool = False


class AlertState(Struct):
    """One message. `ts` is when its first revision was read."""

    room: str
    message_id: str
    ts: int
    posted_ts: int
    revised_ts: int
    kind: AlertKind
    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""
    excerpt: str = ""
    terms: Terms | None = None
    """Of the newest revision that was an alert."""
    revisions: list[str] = field(default_factory=list)
    copy: bool = False
    """The same as another message: nothing comes of it, nor of its edits."""
    deleted: bool = False
    filled: bool = False
    """A contract was bought or sold for it: its entry can't be taken back any more."""
    books: dict[str, AlertBook] = field(default_factory=dict)

    @property
    def traded(self) -> bool:
        """A trade was begun for it in some book."""
        return any(book.plan_id for book in self.books.values())

    def book(self, name: str) -> AlertBook:
        """To look at, never to change."""
        return self.books.get(name) or AlertBook()

    def kept_book(self, name: str) -> AlertBook:
        """To change, by folds alone."""
        return self.books.setdefault(name, AlertBook())
