"""A broker inside the core, of a paper book: it is carried out in the very step that decides.

Nothing of it reaches a wire, and no adapter tells of it: a replayed tape writes the same journal. It trades
on the same quotes and prints as the books beside it, and forgets nothing that the journal knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import structs

from engine.books.book import Book
from engine.market.sources import Switch
from engine.model import events as ev
from engine.model.config import BookConfig, EngineConfig, PaperConfig
from engine.model.effects import AnyEffect
from engine.model.instrument import Instrument
from engine.model.orders import Account, AccountKind
from engine.risk.guards import exposed
from engine.state.state import BookState
from engine.state.turn import Turn
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker, PaperRules
from engine.venue.paper_restart import venue_state

IDS_A_BOOT = 1 << 32
"""Orders and trades of one run: ids are never given twice, whatever an earlier run has given."""

NEVER = 1 << 63

ANSWERS_A_TURN = 1_000
"""What is more than this waits for the next step, so that a mistake in one book can't stop the others."""

Hear = Callable[[ev.AnyEvent], None]


class InnerBroker:
    """Feeds the broker of one book, carries out what its orders ask for, and lets the core hear of it."""

    def __init__(
        self,
        config: BookConfig,
        paper: PaperConfig,
        run: EngineConfig,
        turn: Turn,
        books: Mapping[str, Book],
        hear: Hear,
    ) -> None:
        """`config` is the book's own, filled as `paper` says. `books` are those of the core, this one among
        them once it is open; `hear` is how the core takes an event in within a step.
        """
        self.name = name = config.name
        self._run = run
        self._turn = turn
        self._hear = hear
        self._stopped_ts = turn.state.last_ts
        self._books = books
        self._due = NEVER
        self._waiting: list[AnyEffect] = []
        self._frozen: set[str] = set()
        """Instruments whose month has changed while something of the old one is alive."""
        known = {i.symbol: i for i in (*turn.state.instruments.values(), *run.instruments)}
        self._instruments = {symbol: _at_cost(i, paper) for symbol, i in known.items()}
        self.model = FillModel(
            latency_ns=paper.latency_ns, slippage_ticks=paper.slippage_ticks, bar_ns=run.bar_ns
        )
        if run.whole_bars:
            self.model = self.model.on_whole_bars()
        self._broker = PaperBroker(
            Account(
                name,
                name.upper(),
                AccountKind.PAPER,
                paper.balance_usd,
                can_trade=True,
                currency=paper.currency or run.currency,
            ),
            name,
            self._instruments,
            self.model,
            rules=PaperRules(must_be_flat=config.risk.must_be_flat),
        )

    @property
    def broker(self) -> PaperBroker:
        """The venue's side, to be looked at."""
        return self._broker

    def open(self) -> None:
        """Go on from what the journal knows; called once, when the run begins."""
        now = self._turn.now
        book = self._turn.state.books.get(self.name, BookState(self.name))
        # Where nothing is open, nothing can have become due since.
        since = self._stopped_ts if is_open(book) else now
        first = self._run.boot * IDS_A_BOOT + 1
        self._broker.restore(venue_state(book, self.model, since, first), book)
        self._hear(ev.AccountAdopted(ts_recv=now, book=self.name, account=self._broker.account))
        self._look_ahead()

    # -- time and market --------------------------------------------------------------------------------

    @property
    def next_due(self) -> int:
        """When something happens by itself next, nanoseconds UTC; far away where nothing does."""
        return self._due

    def feed(self, event: ev.AnyEvent) -> None:
        """Time and market of an event, before anybody else hears it. Cheap while nothing comes of it."""
        if self._turn.now >= self._due:
            self._on_time()
        kind = type(event)
        if kind is ev.Quote or kind is ev.Print or kind is ev.BarReported:
            symbol = event.instrument  # type: ignore[union-attr]
            if symbol not in self._instruments or (self._frozen and self._is_frozen(symbol)):
                return
            broker = self._broker
            broker.now = self._turn.now
            if kind is ev.Quote:
                broker.on_quote(event)  # type: ignore[arg-type]
            elif kind is ev.Print:
                broker.on_print(event)  # type: ignore[arg-type]
            else:
                broker.on_bar(event.bar)  # type: ignore[union-attr]
                if not self.model.whole_bars:
                    # Of a market that is told late in minutes nobody knows a price now: an order waits for
                    # the first minute that begins after it.
                    broker.venue.forget_prices(symbol)
            if broker.outgoing:
                self.settle()
            elif broker.earliest < self._due:  # the price has set something off
                self._look_ahead()
        elif kind is ev.ContractResolved:
            self._on_contract(event)  # type: ignore[arg-type]

    def _on_time(self) -> None:
        """What has become due by now. Passing the cut-off with something open is no choice: it is closed, as
        the venue's own rule would have it.
        """
        now, broker = self._turn.now, self._broker
        if broker.cut_off is not None and broker.cut_off <= now:
            book = self._books[self.name]
            ending = broker.ending(now)
            if open_ := tuple(symbol for symbol in exposed(book.state) if symbol in ending):
                book.orders.flatten(open_, "flat_time")
        broker.advance(now)
        self.settle()
        self._look_ahead()

    def _look_ahead(self) -> None:
        due = self._broker.next_due()
        self._due = self._turn.now if self._broker.outgoing else NEVER if due is None else due

    def _on_contract(self, event: ev.ContractResolved) -> None:
        """A new month: what is held is closed at the old one's last price."""
        symbol = event.instrument.symbol
        known, _ = self._turn.state.month(symbol, event.venue)
        if known not in ("", event.contract_id) and symbol in self._instruments:
            self._leave_month(symbol)

    def on_sources(self, switches: Sequence[Switch]) -> None:
        """Another venue's prices from now on: what the one before said last is worth nothing any more, and an
        order waits for the first price of the new one. Where that one has another month active, it is as if
        the month had rolled.
        """
        month = self._turn.state.month
        for symbol, before, now, _ in switches:
            months = {month(symbol, venue)[1] for venue in (before, now)} - {""}
            if symbol in self._instruments and len(months) > 1:
                self._leave_month(symbol)
            elif symbol in self._instruments and symbol not in self._frozen:
                self._broker.venue.forget_prices(symbol)

    def _leave_month(self, symbol: str) -> None:
        """Prices of two months never meet. What is held is closed at the last ones that are known."""
        prices, book = self._broker.venue.prices(symbol), self._books[self.name]
        priced = prices.last is not None or prices.bid is not None
        if symbol in exposed(book.state):
            book.orders.flatten((symbol,), "flat_time")
            if priced:
                self._frozen.add(symbol)
                return
        self._broker.venue.forget_prices(symbol)

    def _is_frozen(self, symbol: str) -> bool:
        if symbol not in self._frozen:
            return False
        alive = any(o.instrument == symbol and o.status.live for o in self._broker.venue.orders)
        if alive or self._broker.held(symbol):
            return True
        self._frozen.discard(symbol)
        self._broker.venue.forget_prices(symbol)
        return False

    # -- what the book asks for -------------------------------------------------------------------------

    def settle(self) -> None:
        """Carry out what was asked for in this turn, and hear what comes of it, until nothing is left."""
        turn, broker = self._turn, self._broker
        if not (turn.effects or broker.outgoing or self._waiting):
            return
        broker.now = max(broker.now, turn.now)
        for _ in range(ANSWERS_A_TURN):
            self._collect()
            while self._waiting:
                broker.execute(self._waiting.pop(0))
            if not broker.outgoing:
                break
            event = broker.outgoing.popleft()
            self._hear(event)
            if isinstance(event, ev.FillReported):
                account = broker.account
                self._hear(
                    ev.AccountReported(
                        ts_recv=turn.now,
                        book=self.name,
                        balance_usd=account.balance_usd,
                        can_trade=account.can_trade,
                    )
                )
        self._collect()
        self._look_ahead()

    def _collect(self) -> None:
        """Take our effects out of the turn: from here on nobody else may carry them."""
        turn = self._turn
        mine = [effect for effect in turn.effects if effect.book == self.name]
        if mine:
            self._waiting += mine
            turn.effects[:] = [effect for effect in turn.effects if effect.book != self.name]


def _at_cost(instrument: Instrument, paper: PaperConfig) -> Instrument:
    """With what a trade costs in this book."""
    if paper.commission_percent is not None:
        rate, nothing = paper.commission_percent / 100, Decimal(0)
        return structs.replace(
            instrument, fee_usd=nothing, commission_usd=nothing, maker_rate=rate, taker_rate=rate
        )
    if paper.commission_usd is None:
        return instrument
    return structs.replace(instrument, commission_usd=paper.commission_usd)


def is_open(book: BookState) -> bool:
    """Something of it lives: an order or a position."""
    return bool(book.live_orders()) or any(position.qty for position in book.positions.values())
