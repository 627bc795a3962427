"""The core picture of the View: built outside `step` and only when somebody looks; it changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.books.book import Book
from engine.books.opening import VENUE_LINKS
from engine.core import Core
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME, calendar_of, zone_mark
from engine.model.chart import AlignmentView
from engine.model.events import LinkChanged
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.model.orders import AccountKind, Slot
from engine.model.restrictions import TradingState
from engine.model.view import (
    AlertView,
    BookView,
    ContractView,
    EquityView,
    HealthView,
    LinkView,
    OrderView,
    PerformanceView,
    SessionView,
    TradeView,
    View,
)
from engine.model.view_signals import PatternView, SignalView
from engine.portfolio.money import day_usd, realized_usd
from engine.runtime.view_alerts import alert_rows
from engine.runtime.view_books import (
    AgainstEntries,
    against_entries,
    flatten_of,
    restriction_of,
    restrictions,
)
from engine.runtime.view_positions import month_of, position_view
from engine.runtime.view_rates import stated_rates
from engine.runtime.view_signals import SIGNALS_SHOWN, pattern_views, signal_views
from engine.runtime.view_standing import rooms_used_up, with_standings
from engine.signals.alignment import Alignment
from engine.state.position import Trade
from engine.state.state import Order, scope

TRADES_SHOWN = 50
CLOSES_SHOWN = 8
"""As many as the sparkline beside a quote has characters."""


def picture(
    core: Core,
    version: int,
    health: HealthView,
    kept: KeptRows | None = None,
    now: int | None = None,
    performance: tuple[PerformanceView, ...] = (),
) -> View:
    """Everything that people may look at but charts, as of `now`, nanoseconds UTC; None takes the core's,
    which stands still while nothing happens.

    `kept` are the rows of this core's picture before: what can't have changed since is taken from there.
    """
    now = core.now if now is None else now
    wall = now + core.turn.wall_offset
    mode = _mode(core)
    kept = KeptRows() if kept is None else kept
    kept.renew(core)
    against = against_entries(core)
    calendars = {one.calendar: calendar_of(one.calendar) for one in core.config.instruments}
    main = calendars.get(CME.name) or next(iter(calendars.values()), CME)
    told_in = core.config.told_in or main.zone
    view = View(
        version=version,
        ts=wall,
        mode=mode,
        venue=core.config.venue,
        practice_time=core.config.practice_time,
        session=_session(main, wall),
        links=tuple(_link(link, at + core.turn.wall_offset, tries) for link, at, tries in core.links.all()),
        contracts=tuple(
            _contract(core, instrument, mode, now, against, kept) for instrument in core.config.instruments
        ),
        books=tuple(_book(core, book) for book in core.books.values()),
        positions=tuple(
            position_view(core, book, position)
            for book in core.books.values()
            for position in book.state.positions.values()
            if position.qty
        ),
        orders=kept.orders,
        trades=kept.trades,
        alignment={i.symbol: kept.alignment(core, i.symbol) for i in core.config.instruments},
        notices=tuple(core.turn.notices),
        health=health,
        strategy=", ".join(bot.name for bot in core.entries.bots.all),
        uptime_ns=now - core.started_ts,
        alerts=kept.alerts,
        signals=kept.signals,
        patterns=kept.patterns,
        restrictions=restrictions(core, against),
        sessions={name: _session(calendar, wall) for name, calendar in calendars.items()}
        if len(calendars) > 1
        else {},
        bots=core.entries.bots.views(core.state, {b.name: (b.kind, b.currency) for b in core.books.values()}),
        told_in=told_in,
        told_mark=zone_mark(told_in, wall),
        rates=stated_rates(core, now),
        performance=performance,
        opinion=core.entries.opinions.view(),
        loosening=core.reloading.asked,
    )
    return with_standings(view, against, rooms_used_up(core))


class _Folded(NamedTuple):
    """What of a contract is folded from the journal."""

    state: TradingState
    held: int
    paper: int
    flattening: bool


class KeptRows:
    """Rows that a picture shares with the one before it, for as long as what they show is the same."""

    def __init__(self) -> None:
        self.orders: tuple[OrderView, ...] = ()
        self.trades: tuple[TradeView, ...] = ()
        self.alerts: tuple[AlertView, ...] = ()
        self.signals: tuple[SignalView, ...] = ()
        self.patterns: tuple[PatternView, ...] = ()
        self._as_of = (-1, -1)
        self._alignments: dict[str, tuple[Alignment, AlignmentView]] = {}
        self._folded: dict[tuple[str, AccountKind], _Folded] = {}
        self._closes: dict[str, tuple[tuple[Bar, ...], tuple[int, ...]]] = {}

    def renew(self, core: Core) -> None:
        """Orders, trades and alerts are folds of the journal: without a new record they are as they were."""
        books = core.books.values()
        as_of = core.turn.committed, len(books)
        if as_of == self._as_of:
            return
        self._as_of = as_of
        self._folded = {}
        self.orders = tuple(_order(core, book, order) for book in books for order in book.state.live_orders())
        self.trades = tuple(
            _trade(core, book, trade) for book in books for trade in book.state.trades[-TRADES_SHOWN:]
        )
        self.alerts = alert_rows(core.state)
        self.signals = signal_views(core.state, core.state.signals[-SIGNALS_SHOWN:])
        self.patterns = pattern_views(core.state, core.entries.bots.least_learned)

    def folded(self, core: Core, symbol: str, mode: AccountKind) -> _Folded:
        """Without a new record it is as it was."""
        known = self._folded.get((symbol, mode))
        if known is None:
            everywhere, here = scope(None, None), scope(None, symbol)
            stand = core.state.restrictions.items()
            held = [one for key, one in stand if key == everywhere or key.endswith(here)]
            strictest = max(held, key=lambda one: one.state.rank, default=None)
            known = self._folded[symbol, mode] = _Folded(
                TradingState.ACTIVE if strictest is None else strictest.state,
                _held(core, symbol, mode),
                _held(core, symbol, AccountKind.PAPER),
                any(symbol in book.state.flattening for book in core.books.values()),
            )
        return known

    def closes(self, core: Core, symbol: str) -> tuple[int, ...]:
        """The newest closes of minutes, ticks, that of the forming one last. Closed bars are one tuple until
        the next one closes.
        """
        bars = core.market.bars.bars(symbol, Timeframe.M1)
        known = self._closes.get(symbol)
        if known is None or known[0] is not bars:
            known = self._closes[symbol] = bars, tuple(bar.close for bar in bars[-CLOSES_SHOWN:])
        forming = core.market.bars.forming(symbol, Timeframe.M1)
        return known[1] if forming is None else (*known[1], forming.close)[-CLOSES_SHOWN:]

    def alignment(self, core: Core, symbol: str) -> AlignmentView:
        """The board keeps one Alignment until the next bar of the contract closes."""
        now = core.market.board.alignment(symbol, core.market.board.weighing)
        known = self._alignments.get(symbol)
        if known is None or known[0] is not now:
            known = self._alignments[symbol] = now, core.market.board.alignment_view(symbol)
        return known[1]


def _mode(core: Core) -> AccountKind:
    """The strictest of all books. A book whose account is still to come is one too."""
    kinds = {book.kind for book in core.books.values()}
    if kinds <= {AccountKind.PAPER} or not core.books.keys() >= set(core.config.expected):
        kinds.add(AccountKind.PRACTICE if core.config.practice_time else AccountKind.LIVE)
    return AccountKind.LIVE if AccountKind.LIVE in kinds else AccountKind.PRACTICE


def _link(link: LinkChanged, since: int, tries: int) -> LinkView:
    return LinkView(
        name=link.link,
        state=link.state,
        detail=link.detail,
        since=since,
        until=link.until,
        book=link.book or "",
        needed=link.link in VENUE_LINKS,
        tries=tries,
        venue=link.venue,
        used=link.used,
        allowed=link.allowed,
        delayed=link.delayed,
    )


def _session(calendar: Calendar, now: int) -> SessionView:
    day = calendar.trade_date(now)
    flat_by = calendar.flat_by(day)
    return SessionView(
        day.isoformat(),
        calendar.phase(now),
        calendar.clock(now),
        "" if flat_by is None else calendar.hhmm(flat_by),
        calendar.zone,
        calendar.clock_mark,
        calendar.hhmm(calendar.day_bounds(day)[0]),
        calendar.regular_opens,
    )


def _contract(
    core: Core,
    instrument: Instrument,
    mode: AccountKind,
    now: int,
    against: AgainstEntries,
    kept: KeptRows,
) -> ContractView:
    symbol = instrument.symbol
    folded, source = kept.folded(core, symbol, mode), core.market.sources.active(symbol)
    quote = core.market.quotes.get(symbol)
    last = core.market.last(symbol)
    change = quote.change if quote is not None else None
    if change is None and last is not None:
        opened = quote.day_open if quote is not None else None
        opened = _settled(core, instrument, now) if opened is None else opened
        change = None if opened is None else last - opened
    least = min(
        (against[book.name][symbol] for book in core.books.values() if book.kind is mode), key=len, default=[]
    )
    return ContractView(
        instrument=symbol,
        name=core.state.month(symbol, source)[1] or symbol,
        description=instrument.description,
        tick_size=instrument.tick_size,
        tick_value_usd=instrument.tick_value_usd,
        decimals=instrument.decimals,
        bid=_price(instrument, quote.bid if quote is not None else None),
        ask=_price(instrument, quote.ask if quote is not None else None),
        last=_price(instrument, last),
        change=_price(instrument, change),
        age_ns=core.market.staleness.age(symbol, now),
        stale=core.market.staleness.stale(symbol, now, now + core.turn.wall_offset),
        state=folded.state,
        position_qty=folded.held,
        flattening=folded.flattening,
        paper_qty=folded.paper,
        closes=kept.closes(core, symbol),
        against=tuple(one.refusal for one in least),
        source=source,
        lot_size=instrument.lot_size,
        currency=instrument.currency,
        calendar=instrument.calendar,
        delayed=core.market.sources.delayed(symbol),
    )


def _settled(core: Core, instrument: Instrument, now: int) -> int | None:
    """The last price before the trade date by the minutes that are kept, ticks; None without any."""
    began = calendar_of(instrument.calendar).trading_began(now + core.turn.wall_offset)
    before = core.market.bars.minute_before(instrument.symbol, began)
    return None if before is None else before.close


def _held(core: Core, symbol: str, kind: AccountKind) -> int:
    """Contracts in the active month over the books of a kind, signed."""
    books = (book.state for book in core.books.values() if book.kind is kind)
    return sum(book.position(symbol).qty for book in books if symbol not in book.held_months)


def _price(instrument: Instrument, ticks: int | None) -> Decimal | None:
    return None if ticks is None else instrument.price(ticks)


def _book(core: Core, book: Book) -> BookView:
    known, limits, guards = book.state, book.config.risk, book.guards
    restriction = restriction_of(book, core.state, book.hands_off())
    day, account = known.day, guards.account()
    realized, watched = realized_usd(known, core.state), book.orders.equity
    total = day_usd(known, core.state, core.marks)
    return BookView(
        book=book.name,
        kind=book.kind,
        account=known.account.name if known.account is not None else "",
        balance_usd=book.orders.balance_usd,
        state=TradingState.ACTIVE if restriction is None else restriction.state,
        realized_usd=realized,
        open_usd=total - realized,
        costs_usd=day.costs_usd,
        day_usd=total,
        daily_loss_limit_usd=account.daily_loss_usd,
        trades=day.trades,
        wins=day.wins,
        max_trades=limits.max_trades,
        profit_factor=day.record.profit_factor,
        max_drawdown_usd=watched.drawdown_usd,
        reconciled=book.orders.reconciled,
        restriction=restriction,
        flatten=flatten_of(book),
        limits=guards.measured(),
        brackets=known.brackets,
        stage=account.stage,
        preset=account.preset,
        curve=EquityView(tuple(day.curve), watched.high_usd, watched.low_usd),
        venue=book.config.venue,
        copy_ratio=book.config.copy_ratio,
        calendar=core.config.calendar(book.config),
        currency=book.currency,
        dust=tuple(
            f"{core.state.quantity(symbol, left.qty)} {symbol}, {left.worth_usd:.2f} {book.currency}"
            for symbol, left in sorted(known.dust.items())
            if left.qty
        ),
        margin=book.margin,
    )


def _order(core: Core, book: Book, order: Order) -> OrderView:
    trade = book.state.plans.get(order.plan_id or "")
    instrument = core.state.instruments.get(order.instrument) or core.instruments[order.instrument]
    return OrderView(
        book=book.name,
        kind=book.kind,
        client_id=order.client_id,
        venue_id=order.venue_id,
        instrument=order.instrument,
        side=order.side,
        type=order.type,
        slot=order.slot if order.slot is not None else Slot.ENTRY,
        qty=order.qty,
        filled_qty=order.filled_qty,
        price=_price(instrument, order.price),
        status=order.status,
        suspended=order.suspended,
        ts=order.changed_ts + core.turn.wall_offset,
        contract=month_of(core, book, order.instrument),
        plan=order.plan_id or "",
        strategy="" if trade is None else trade.plan.strategy,
    )


def _trade(core: Core, book: Book, trade: Trade) -> TradeView:
    instrument = core.state.instruments[trade.instrument]
    return TradeView(
        book=book.name,
        instrument=trade.instrument,
        side=trade.side,
        qty=trade.qty,
        entry=instrument.tick_size * trade.entry_sum / trade.qty,
        exit=instrument.tick_size * trade.exit_sum / trade.qty,
        gross_usd=trade.gross_usd,
        costs_usd=trade.costs_usd,
        net_usd=trade.net_usd,
        reason=trade.reason,
        opened_ts=trade.opened_ts,
        closed_ts=trade.closed_ts,
        kind=book.kind,
        key=trade.key,
        note=book.state.notes.get(trade.key, ""),
    )
