"""One practice account: orders, positions and money around one sans-I/O venue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from adapters.simulator.exchange import order_checks as checks
from adapters.simulator.exchange.account_rows import AccountRows, OrderAsked, UserEvent
from adapters.simulator.exchange.accounting import Holdings
from adapters.simulator.exchange.codes import (
    PLACEABLE,
    TYPE,
    ChangeCode,
    CloseCode,
    PartialCloseCode,
    PlaceCode,
    StatusCode,
    TypeCode,
)
from adapters.simulator.exchange.config import AccountSpec, PlatformRules
from adapters.simulator.exchange.loss_limits import LossLimits, LossState, open_profit
from adapters.simulator.exchange.order_checks import AccountFacts, RejectedError, TradingStatus, side_of
from adapters.simulator.exchange.requests import ModifyRequest, PlaceRequest
from adapters.simulator.exchange.rows import AccountRow, OrderRow, PositionRow, TradeRow
from adapters.simulator.exchange.store import SavedAccount
from adapters.simulator.market.contracts import ContractMonth, Listing
from engine.model.errors import RefusedError
from engine.model.events import Print, Quote
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueEvent
from engine.venue.venue import Venue

_FIRST_ORDER, _FIRST_TRADE, _FIRST_POSITION = 3_430_000_000, 3_010_000_000, 830_000_000
"""Where ids begin: those of orders and trades beyond 2^31, as on the platform."""
_IDS_AN_ACCOUNT = 10_000_000
_FINISHED = (StatusCode.FILLED, StatusCode.CANCELED, StatusCode.EXPIRED, StatusCode.REJECTED)


class RequestResult(NamedTuple):
    """What a request ends with: the endpoint's own code, 0 for success."""

    code: int = 0
    text: str | None = None
    order_id: int | None = None


class PracticeAccount:
    """Takes orders as the platform does. Every request first lets the venue come to `now`, nanoseconds."""

    def __init__(
        self,
        spec: AccountSpec,
        listing: Listing,
        model: FillModel,
        rules: PlatformRules,
        status: TradingStatus,
        emit: Callable[[UserEvent], None],
        index: int = 0,
    ) -> None:
        self.spec = spec
        self.rules = rules
        self.can_trade = True
        self.listed = True
        """Not closed on the platform: its calls then find no account."""
        self._listing = listing
        self._status = status
        self._instruments = {symbol: c.instrument for symbol, c in listing.by_venue_symbol.items()}
        self._trailing: list[OrderRow] = []
        self._closes: dict[str, int] = {}
        """The latest order by which the platform closes a position, by symbol."""
        skip = index * _IDS_AN_ACCOUNT
        self.venue = Venue(self._instruments, model, _FIRST_ORDER + skip, _FIRST_TRADE + skip)
        self.venue.divide_fills(partial(status.most_filled, spec.id))
        holdings = Holdings(spec.balance_usd, _FIRST_POSITION + skip)
        self.rows = AccountRows(spec.id, listing, holdings, emit, self.row)
        self.losses = self._limits(None)

    @property
    def holdings(self) -> Holdings:
        return self.rows.holdings

    def row(self) -> AccountRow:
        """The account as it stands."""
        return AccountRow(self.spec.id, self.spec.name, self.holdings.balance_usd, self.can_trade)

    # -- market and time ---------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        events = self.venue.on_quote(quote)
        if events:
            self._take(events)
        if self.losses is not None and quote.instrument in self.holdings.positions:
            self._watch(self.losses)

    def on_print(self, trade: Print) -> None:
        events = self.venue.on_print(trade)
        if events:
            self._take(events)
        if self._trailing:
            self._trail(trade)

    def advance(self, now: int) -> None:
        self._take(self.venue.advance(now))
        if self.losses is not None and self.losses.new_day(now, self.holdings.balance_usd):
            self.allow_trading(True)

    # -- requests ----------------------------------------------------------------------------------

    def place(self, order: PlaceRequest, now: int) -> RequestResult:
        """Place an order; a rejected one leaves a row with status 5 and an event without its reason."""
        contract = self._listing.by_id.get(order.contract_id)
        if contract is None:
            return RequestResult(PlaceCode.CONTRACT_NOT_FOUND)
        if not contract.active and not self._reduces(order, contract):
            return RequestResult(PlaceCode.CONTRACT_NOT_ACTIVE)
        if not self.can_trade:
            return RequestResult(PlaceCode.ACCOUNT_VIOLATION)
        self.advance(now)
        try:
            asked = self._checked(order, contract, now)
        except RejectedError as error:
            order_id = int(self.venue.reserve_id())
            self.rows.reject(order, order_id, contract, now)
            shown = order_id if self.rules.id_on_reject else None
            return RequestResult(PlaceCode.ORDER_REJECTED, str(error), shown)
        placed = self.venue.place(contract.venue_symbol, asked.spec, now, order.custom_tag)
        self._take(placed.events, asked)
        if TypeCode.TRAILING_STOP in (asked.type, asked.stop_leg):
            self._find_trailing()
        return RequestResult(order_id=int(placed.order.venue_id))

    def modify(self, change: ModifyRequest, now: int) -> RequestResult:
        """Change an order. Fields that its type does not have are ignored, as equal ones are."""
        self.advance(now)
        row = self.rows.orders.get(change.order_id)
        if row is None:
            return RequestResult(ChangeCode.ORDER_NOT_FOUND)
        if row.status in _FINISHED:
            return RequestResult(ChangeCode.REJECTED)
        instrument = self._instruments[row.symbol]
        try:
            last = self.venue.prices(row.symbol).last
            moved = checks.moved(instrument, row, change, last)
            if moved.stop != row.stop:
                checks.stop_side(side_of(row.side), moved.stop, last)
            size = None if change.size == row.size else change.size
            events = self.venue.modify(str(row.id), now, qty=size, limit=moved.limit, stop=moved.stop)
        except (RejectedError, RefusedError) as error:
            return RequestResult(ChangeCode.REJECTED, str(error))
        row.offset = moved.trail or row.offset
        self._take(events)
        return RequestResult()

    def cancel(self, order_id: int, now: int) -> RequestResult:
        self.advance(now)
        if order_id not in self.rows.orders:
            return RequestResult(ChangeCode.ORDER_NOT_FOUND)
        try:
            events = self.venue.cancel(str(order_id), now)
        except RefusedError:
            return RequestResult(ChangeCode.REJECTED)
        self._take(events)
        return RequestResult()

    def close(self, contract_id: str, now: int) -> RequestResult:
        """Close the whole position of a contract at market; its bracket legs stay, by default."""
        found = self._closable(contract_id, now, CloseCode)
        if isinstance(found, RequestResult):
            return found
        if not self._status.open(now):
            return RequestResult(CloseCode.ORDER_REJECTED, checks.UNAVAILABLE)
        self._market_out(found, abs(found.qty), now)
        return RequestResult()

    def partial_close(self, contract_id: str, size: int, now: int) -> RequestResult:
        """Close some contracts of a position at market; the bracket legs stay as they are."""
        found = self._closable(contract_id, now, PartialCloseCode)
        if isinstance(found, RequestResult):
            return found
        if not 0 < size <= abs(found.qty):
            return RequestResult(PartialCloseCode.INVALID_CLOSE_SIZE)
        if not self._status.open(now):
            return RequestResult(PartialCloseCode.ORDER_REJECTED, checks.UNAVAILABLE)
        self._market_out(found, size, now)
        return RequestResult()

    # -- from outside the API ----------------------------------------------------------------------

    def outside(self, instrument: str, spec: OrderSpec, now: int) -> int:
        """Take an order that a person placed on the platform, unchecked; gives its id.

        `instrument` is a symbol, for the active month, or the venue symbol of another one.
        """
        self.advance(now)
        front = self._listing.front.get(instrument)
        placed = self.venue.place(instrument if front is None else front.venue_symbol, spec, now)
        self._take(placed.events, OrderAsked(spec, TYPE[spec.type]))
        return int(placed.order.venue_id)

    def withdraw(self, order_id: int, now: int) -> None:
        """Cancel an order. Raises RefusedError when it is not live."""
        self.advance(now)
        self._take(self.venue.withdraw(str(order_id), now))

    def allow_trading(self, allowed: bool) -> None:
        """Lock the account or unlock it, and say so."""
        if self.can_trade != allowed:
            self.can_trade = allowed
            self.rows.emit_account()

    def desk_flatten(self, now: int) -> None:
        """The desk ends the day: every order expires, every position is closed at market."""
        self._take(self.venue.expire(now))
        for position in tuple(self.holdings.positions.values()):
            self._market_out(position, abs(position.qty), now)

    # -- keeping -----------------------------------------------------------------------------------

    def saved(self) -> SavedAccount:
        holdings = self.holdings
        return SavedAccount(
            holdings.balance_usd,
            self.can_trade,
            holdings.positions,
            holdings.next_position_id,
            self.venue.state(),
            None if self.losses is None else self.losses.state,
        )

    def restore(self, saved: SavedAccount, orders: Sequence[OrderRow], trades: Sequence[TradeRow]) -> None:
        """Go on where an earlier run stopped."""
        self.can_trade = saved.can_trade
        self.venue.restore(saved.venue)
        self.rows.holdings = Holdings(saved.balance_usd, saved.next_position_id, saved.positions)
        self.rows.restore(orders, trades)
        self._find_trailing()
        self.losses = self._limits(saved.losses)

    # -- losses ------------------------------------------------------------------------------------

    def equity_usd(self) -> Decimal:
        """Balance and open P&L, longs at the bid and shorts at the ask."""
        return sum(
            (
                open_profit(position, self._instruments[symbol], self.venue.prices(symbol))
                for symbol, position in self.holdings.positions.items()
            ),
            self.holdings.balance_usd,
        )

    def _limits(self, state: LossState | None) -> LossLimits | None:
        """The account's limits; without a state they count from the present balance."""
        daily, most = self.spec.daily_loss_usd, self.spec.max_loss_usd
        if daily is None and most is None:
            return None
        balance = self.holdings.balance_usd
        return LossLimits(daily, most, state or LossState(balance, balance, balance))

    def _watch(self, losses: LossLimits) -> None:
        """Close everything out when a limit is reached: cancel, close at market, lock."""
        if not losses.breached(self.equity_usd()):
            return
        self.can_trade = False
        self.rows.emit_account()
        for order in self.venue.orders:
            if self.venue.order(order.venue_id).status.live:
                self._take(self.venue.withdraw(order.venue_id, 0))
        for position in tuple(self.holdings.positions.values()):
            self._market_out(position, abs(position.qty), 0)

    # -- inside ------------------------------------------------------------------------------------

    def _find_trailing(self) -> None:
        rows = self.rows.orders.values()
        self._trailing = [r for r in rows if r.type == TypeCode.TRAILING_STOP and r.status not in _FINISHED]

    def _trail(self, trade: Print) -> None:
        """Trailing stops follow a trade, never back."""
        for row in self._trailing:
            sign = side_of(row.side).sign
            stop = trade.price + sign * abs(row.offset or 0)
            mine = row.symbol == trade.instrument and row.status == StatusCode.OPEN
            if mine and row.stop is not None and (row.stop - stop) * sign > 0:
                with suppress(RefusedError):  # it was triggered by this very trade
                    self._take(self.venue.adjust(str(row.id), trade.ts_recv, stop=stop))
        if any(row.status in _FINISHED for row in self._trailing):
            self._find_trailing()

    def _take(self, events: Sequence[VenueEvent], asked: OrderAsked | None = None) -> None:
        """Take in what the venue did; a fill may reach a loss limit."""
        self.rows.absorb(events, asked)
        if events and self.losses is not None:
            self._watch(self.losses)

    def _checked(self, order: PlaceRequest, contract: ContractMonth, now: int) -> OrderAsked:
        """The order as the venue takes it. Raises RejectedError."""
        if not self._status.open(now):
            raise RejectedError(checks.UNAVAILABLE)
        if (rejection := self._status.interceptor.rejection(contract.symbol, order)) is not None:
            raise RejectedError(rejection)
        kind = checks.kind_and_size(order)
        market, side = self.venue.prices(contract.venue_symbol), side_of(order.side)
        asked = checks.prices(contract.instrument, kind, order, market)
        facts = AccountFacts(market.last, self.rows.tags, self.rules.auto_oco, self._room(contract, side))
        checks.place(order, asked, facts)
        loss, profit = order.stop_loss_bracket, order.take_profit_bracket
        spec = OrderSpec(
            side,
            PLACEABLE[kind],
            order.size,
            asked.limit,
            asked.stop,
            None if loss is None else loss.ticks,
            None if profit is None else profit.ticks,
        )
        return OrderAsked(spec, kind, asked.trail, TypeCode.STOP if loss is None else loss.type)

    def _room(self, contract: ContractMonth, side: Side) -> int:
        """Contracts that may still be bought or sold until net positions reach the account's most."""
        held = 0
        for position in self.holdings.positions.values():
            same = position.symbol == contract.venue_symbol
            qty = position.qty * side.sign if same else abs(position.qty)
            held += qty * self._instruments[position.symbol].minis
        return (self.spec.max_minis * 10 - held) // contract.instrument.minis

    def _position(self, contract: ContractMonth) -> PositionRow | None:
        held = self.holdings.positions.get(contract.venue_symbol)
        return held if held is not None and held.contract_id == contract.id else None

    def _reduces(self, order: PlaceRequest, contract: ContractMonth) -> bool:
        """Whether an order can only make a position smaller: all that a month takes after the roll."""
        held = self._position(contract)
        return held is not None and held.qty * side_of(order.side).sign < 0 and order.size <= abs(held.qty)

    def _closable(
        self, contract_id: str, now: int, codes: type[CloseCode] | type[PartialCloseCode]
    ) -> PositionRow | RequestResult:
        """The position to close, or why not. A close under way is not doubled: that would turn it around."""
        self.advance(now)
        contract = self._listing.by_id.get(contract_id)
        if contract is None:
            return RequestResult(codes.CONTRACT_NOT_FOUND)
        position = self._position(contract)
        if position is None and not contract.active:
            return RequestResult(codes.CONTRACT_NOT_ACTIVE)
        closing = self.rows.orders.get(self._closes.get(contract.venue_symbol, 0))
        if closing is not None and closing.status == StatusCode.PENDING:
            return RequestResult(codes.ORDER_PENDING)
        return position or RequestResult(codes.POSITION_NOT_FOUND)

    def _market_out(self, position: PositionRow, size: int, now: int) -> None:
        if self.rules.legs_on_close == "cancel" and size == abs(position.qty):
            for row in tuple(self.rows.orders.values()):
                if row.parent is not None and row.symbol == position.symbol and row.status not in _FINISHED:
                    self._take(self.venue.withdraw(str(row.id), now))
        side = Side.SELL if position.qty > 0 else Side.BUY
        placed = self.venue.place(position.symbol, OrderSpec(side, OrderType.MARKET, size), now)
        self._closes[position.symbol] = int(placed.order.venue_id)
        self._take(placed.events)
