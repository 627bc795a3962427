"""Which books are open and on which account each, kept in the order in which they are configured."""

from __future__ import annotations

from operator import attrgetter

from engine.books.book import Book
from engine.books.inner_broker import is_open
from engine.books.links import Links
from engine.books.opening import BookMaker
from engine.execution.order_manager import OrderManager
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.events import AccountAdopted, AccountFound, LinkState
from engine.model.market import Bar
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Account
from engine.portfolio.bounds import Bounds
from engine.portfolio.money import Marks
from engine.state.turn import Turn

_identity = attrgetter("id", "name", "kind", "currency")
"""Of an account: what it is, apart from how it stands."""


class Accounts:
    """Opens books, and never two on one account."""

    def __init__(
        self,
        maker: BookMaker,
        turn: Turn,
        books: dict[str, Book],
        config: EngineConfig,
        marks: Marks,
        links: Links,
    ) -> None:
        """`books` are those of the core, which are filled here."""
        self._maker = maker
        self._turn = turn
        self._books = books
        self._config = config
        self._marks = marks
        self._links = links
        self._concerned: tuple[OrderManager, ...] = ()
        self._as_of = -1
        self._bounds: dict[str, Bounds] = {}
        """By instrument where no book need look at it again, as of the same records."""

    def start(self) -> None:
        """Open what the journal knows and this run serves."""
        state = self._turn.state
        for known in list(state.books.values()):
            shared = known.account is not None and self._trades(known.account, known.venue, known.book)
            if not shared and self._open(known.book, known.venue):
                self._books[known.book].orders.recover()

    def tell_unserved(self) -> None:
        """Say of books that an earlier run has left something in, and that this one does not serve."""
        state = self._turn.state
        for book in state.books.values():
            if book.book in self._books or not is_open(book):
                continue
            open_ = ((symbol, abs(p.qty)) for symbol, p in book.positions.items() if p.qty)
            held = [f"{state.quantity(symbol, qty)} {symbol}" for symbol, qty in open_]
            orders = len(book.live_orders())
            what = ", ".join((*held, *((f"{orders} order{'s' * (orders > 1)}",) if orders else ())))
            account = book.account.name if book.account is not None else book.book
            self._turn.say(
                NoticeKind.CONNECTION,
                Severity.CRITICAL,
                f"this run does not serve the book {book.book} (account {account}), and its journal knows of "
                f"{what} there: add it to the settings, or look at the venue",
                book=book.book,
            )

    def adopted(self, event: AccountAdopted, started_ts: int) -> None:
        """The account of a book is known. One that another book trades is refused: each would close what the
        other has opened.
        """
        other = self._trades(event.account, event.venue, event.book)
        if other is not None:
            self._turn.say(
                NoticeKind.CONNECTION,
                Severity.CRITICAL,
                f"the account {event.account.name} is traded by the book {other} already, and not by "
                f"{event.book} too: give each book an account of its own in the settings",
                book=event.book,
            )
            return
        of_book, before = self._turn.state.book(event.book), self._books.get(event.book)
        config = self._config.book(event.book, event.venue)
        calendar = of_book.calendar if config is None else self._config.calendar(config)
        known = of_book.account
        moved = event.venue not in ("", of_book.venue) or calendar != of_book.calendar
        if known is None or moved or _identity(known) != _identity(event.account):
            venue = event.venue or of_book.venue
            self._turn.commit(
                r.AccountKnown(
                    ts=self._turn.now, book=event.book, account=event.account, venue=venue, calendar=calendar
                )
            )
        another = known is not None and known.id != event.account.id
        if (before is None or another) and not self._open(event.book, event.venue):
            return
        orders = self._books[event.book].orders
        orders.on_adopted(event.account)
        if before is not None and another:
            # Who asked for a flatten in this run meant the account that the book trades now.
            orders.flatten(before.orders.flattener.latched_since(started_ts), "manual")

    def found(self, event: AccountFound) -> None:
        """An account that has come while the engine runs is told, and left alone: nobody has seen its limits,
        and nothing of it is known.
        """
        self._turn.say(
            NoticeKind.CONNECTION,
            Severity.WARNING,
            f"{event.venue}: the login has the account {event.name} now, which is in no book: it is neither "
            "watched nor traded until tstream is started again",
        )

    def marked(self, instrument: str) -> None:
        """The market of an instrument has moved; cheap where that changes nothing, however many books hold
        it.
        """
        if self._as_of != self._turn.committed:
            self._as_of = self._turn.committed
            self._concerned = tuple(book.orders for book in self._books.values() if book.minds_marks)
            self._bounds = {}
        if not self._concerned:
            return
        known = self._bounds.get(instrument)
        if known is not None and known.hold(self._marks, instrument, self._turn.now):
            return
        bounds = self._bounds | {instrument: Bounds()}
        for orders in self._concerned:
            orders.on_mark(instrument, bounds)
        self._bounds = bounds  # last: where something fails, every book is looked at again

    def stands(self, bar: Bar) -> None:
        """What is held stands a bar: its worst price first, then its best (but for a position of this very
        bar), then its close (docs/semantics.md#excursions). Cheap where nothing between changes anything.
        """
        symbol, marks = bar.instrument, self._marks
        if self._as_of != self._turn.committed:
            self.marked(symbol)
        if self._concerned:
            known = self._bounds.get(symbol)
            if known is None or not known.hold_within(bar.low, bar.high, self._turn.now):
                close_ts = bar.close_ts
                for price in self._path(bar):
                    marks.bar(symbol, price, close_ts)
                    self.marked(symbol)
                return
        marks.bar(symbol, bar.close, bar.close_ts)

    def _path(self, bar: Bar) -> tuple[int, ...]:
        symbol, since = bar.instrument, bar.open_ts
        long = short = fresh = False
        for orders in self._concerned:
            position = orders.context.state.positions.get(symbol)
            if position is not None and position.qty:
                long, short = long or position.qty > 0, short or position.qty < 0
                fresh = fresh or position.opened_ts >= since
        if not (long or short):
            return (bar.close,)
        worst, best = (bar.low, bar.high) if long else (bar.high, bar.low)
        if fresh and not (long and short):
            return worst, bar.close
        return worst, best, bar.close

    def _trades(self, account: Account, venue: str, but: str) -> str | None:
        """The open book that trades an account, other than one."""
        for book in self._books.values():
            own = book.state.account
            if (
                book.name != but
                and own is not None
                and (own.id, own.kind) == (account.id, account.kind)
                and book.at(venue)
            ):
                return book.name
        return None

    def _open(self, name: str, venue: str) -> bool:
        """Open a book, or open it anew; False for one that this run does not serve."""
        spec = self._maker.spec(name, venue)
        if spec is None:
            return False
        link = self._links.get("user", name, spec.config.venue) if spec.streamed else None
        streaming = link is None or link.state is LinkState.LIVE
        self._books[name] = Book(spec, self._turn, self._config, self._marks, streaming=streaming)
        places = {book.name: place for place, book in enumerate(self._config.books)}
        in_order = sorted(self._books.items(), key=lambda one: places.get(one[0], len(places)))
        self._books.clear()
        self._books.update(in_order)
        self._as_of = -1
        return True
