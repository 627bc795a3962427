"""The private channels and the orders of v2 (docs/protocols/kraken.md#orders)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError, Why
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.wire.kraken import rows
from adapters.simulator.wire.kraken.market import Refused
from adapters.simulator.wire.kraken.rows import Json
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, VenueStatus

CHANNELS = ("executions", "positions", "balances", "margin")
_FILLS_SHOWN = 50
_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop-loss": OrderType.STOP}
_NOT_HERE = ("display_qty", "expire_time", "fee_preference", "margin", "order_userref", "conditional")
_CLIENT_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[\x20-\x7e]{1,18}", re.IGNORECASE)
_ENDED = {
    VenueStatus.FILLED: "filled",
    VenueStatus.CANCELED: "canceled",
    VenueStatus.EXPIRED: "expired",
    VenueStatus.REJECTED: "canceled",
}
_WORDS = {
    Why.SYMBOL: "EQuery:Unknown asset pair",
    Why.INVALID: "EOrder:Invalid price",
    Why.NOTIONAL: "EOrder:Order minimum not met",
    Why.FUNDS: "EOrder:Insufficient funds",
    Why.REDUCE: "EOrder:Reduce only:No position exists",
    Why.POST_ONLY: "EOrder:Post only order",
    Why.DUPLICATE: "EOrder:cl_ord_id already in use",
    Why.NOT_FOUND: "EOrder:Unknown order",
    Why.OVER: "EOrder:Unknown order",
}


class PrivateSide:
    """What the owner of an account is told, and what of it may be asked."""

    def __init__(self, exchange: TwinExchange, sockets: Sockets) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self.filled_rows = True
        """Whether a row `filled` follows the last fill of an order."""

    # -- channels --------------------------------------------------------------------------------------------

    def subscribe(self, socket: TwinSocket, account: TwinAccount, params: Json) -> Callable[[], None] | None:
        """What to show once the answer is out. Raises Refused."""
        channel = params.get("channel")
        if channel not in CHANNELS:
            raise Refused("Subscription name invalid")
        topic = (channel, account.name)
        if topic in socket.topics:
            raise Refused(f"Already subscribed to {channel} channel")
        socket.topics.add(topic)
        match channel:
            case "executions":
                return lambda: self._show_executions(socket, account, params)
            case "positions":
                return lambda: self._show(socket, "positions", "snapshot", self._positions(account))
            case "balances":
                return lambda: self._show(socket, "balances", "snapshot", self._balances(account))
        return lambda: self._show(socket, "margin", "multi_collateral", self._margin(account))

    def unsubscribe(self, socket: TwinSocket, account: TwinAccount, params: Json) -> None:
        """Raises Refused."""
        topic = (params.get("channel"), account.name)
        if topic not in socket.topics:
            raise Refused("Subscription Not Found")
        socket.topics.discard(topic)

    def _show_executions(self, socket: TwinSocket, account: TwinAccount, params: Json) -> None:
        shown: list[Json] = []
        if params.get("snap_orders", True):
            shown += [
                rows.order_row(one, self._known(one.order.instrument), _first_type(one), _live_status(one))
                for one in account.live()
            ]
        if params.get("snap_trades", False):
            for fill in account.fills[-_FILLS_SHOWN:]:
                order = account.orders.get(int(fill.fill.venue_order_id))
                if order is not None:
                    known = self._known(fill.fill.instrument)
                    shown.append(rows.fill_row(fill, order, known))
        socket.data["sequence"] = 1
        self._show(socket, "executions", "snapshot", shown, sequence=1)

    def _positions(self, account: TwinAccount) -> Json:
        held = [
            rows.position_row(self._known(symbol), one.qty, one.average_price())
            for symbol, one in account.holdings.positions.items()
        ]
        return {"futures": held, "options": []}

    def _balances(self, account: TwinAccount) -> list[Json]:
        money = account.holdings.money
        usd = {"asset": "USD", "asset_class": "currency", "balance": money}
        coins = [
            {"asset": one.currency, "asset_class": "currency", "balance": one.total}
            for one in account.holdings.balances
            if one.total and one.currency != "USD"
        ]
        return [usd, *coins]

    def _margin(self, account: TwinAccount) -> Json:
        holdings = account.holdings
        return {
            "margin_equity": holdings.equity,
            "available_margin": holdings.available,
            "initial_margin": holdings.margin_used,
        }

    # -- what happens ----------------------------------------------------------------------------------------

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        status = order.order.status
        if status is VenueStatus.FILLED and not self.filled_rows:
            return
        known = self._known(order.order.instrument)
        ended = _ENDED.get(status)
        if ended is not None:
            self._executions(account, rows.order_row(order, known, ended, ended))
        elif "told" not in order.note:
            order.note["told"] = "yes"
            self._executions(account, rows.order_row(order, known, "new", "new"))
        elif order.order.filled_qty == int(order.note.get("filled", "0")):
            self._executions(account, rows.order_row(order, known, "amended", _live_status(order)))
        order.note["filled"] = str(order.order.filled_qty)

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        order = account.orders[int(fill.fill.venue_order_id)]
        known = self._known(fill.fill.instrument)
        self._executions(account, rows.fill_row(fill, order, known))
        holdings = account.holdings
        position = holdings.positions.get(known.symbol)
        row = rows.position_row(
            known, holdings.held(known.symbol), None if position is None else position.average_price()
        )
        self._tell(account, "positions", "update", {"futures": [row], "options": []})
        self._tell(account, "balances", "update", self._balances(account)[:1])
        self._tell(account, "margin", "multi_collateral", self._margin(account))

    def _executions(self, account: TwinAccount, row: Json) -> None:
        for socket in self._sockets.having(("executions", account.name)):
            sequence = socket.data["sequence"] = socket.data.get("sequence", 0) + 1
            self._show(socket, "executions", "update", [row], sequence=sequence)

    def _tell(self, account: TwinAccount, channel: str, kind: str, data: Any) -> None:
        for socket in self._sockets.having((channel, account.name)):
            self._show(socket, channel, kind, data)

    def _show(self, socket: TwinSocket, channel: str, kind: str, data: Any, **more: Any) -> None:
        stream = "orders" if channel == "executions" else channel
        text = rows.encode({"channel": channel, "type": kind, "data": data, **more})
        self._sockets.send(socket, stream, text)

    # -- requests --------------------------------------------------------------------------------------------

    def add_order(self, account: TwinAccount, params: Json) -> Json:
        """The result. Raises Refused."""
        for name in _NOT_HERE:
            if name in params:
                raise Refused(f"EGeneral:Invalid arguments:{name}")
        known = self._listed(params)
        kind = _TYPES.get(str(params.get("order_type")))
        side = params.get("side")
        if kind is None or side not in ("buy", "sell"):
            raise Refused("EGeneral:Invalid arguments:order_type")
        client_id = params.get("cl_ord_id")
        if client_id is not None and not _CLIENT_ID.fullmatch(str(client_id)):
            raise Refused("EGeneral:Invalid arguments:cl_ord_id")
        triggers = params.get("triggers") or {}
        spec = OrderSpec(
            Side(side),
            kind,
            _lots(known, params.get("order_qty")),
            _ticks(known, params.get("limit_price")) if kind is OrderType.LIMIT else None,
            _ticks(known, triggers.get("price")) if kind is OrderType.STOP else None,
            reduces=params.get("reduce_only") is True,
        )
        if params.get("validate") is True:
            return {"order_id": "", "cl_ord_id": client_id}
        now_or_never = str(params.get("time_in_force", "gtc")).lower() == "ioc" and kind is OrderType.LIMIT
        try:
            order = account.place(
                known.symbol,
                spec,
                None if client_id is None else str(client_id),
                post_only=params.get("post_only") is True,
                now_or_never=now_or_never,
                note={"type": str(params["order_type"])},
            )
        except TwinRefusedError as error:
            raise Refused(_words(error)) from None
        return {"order_id": rows.order_id(order.id), "cl_ord_id": client_id}

    def amend_order(self, account: TwinAccount, params: Json) -> Json:
        """Raises Refused."""
        order = self._find(account, params.get("order_id"), params.get("cl_ord_id"))
        known = self._known(order.order.instrument)
        asked = {name: params.get(name) for name in ("order_qty", "limit_price", "trigger_price")}
        if not any(value is not None for value in asked.values()):
            raise Refused("EGeneral:Invalid arguments:nothing to amend")
        try:
            account.modify(
                order.id,
                qty=None if asked["order_qty"] is None else _lots(known, asked["order_qty"]),
                limit=None if asked["limit_price"] is None else _ticks(known, asked["limit_price"]),
                stop=None if asked["trigger_price"] is None else _ticks(known, asked["trigger_price"]),
            )
        except TwinRefusedError as error:
            raise Refused(_words(error)) from None
        return {"amend_id": "", "order_id": rows.order_id(order.id)}

    def cancel_order(self, account: TwinAccount, params: Json) -> Iterable[Json]:
        """A result for each order. Raises Refused."""
        by_id, by_client = params.get("order_id") or (), params.get("cl_ord_id") or ()
        for order_id, client_id in [*((one, None) for one in by_id), *((None, one) for one in by_client)]:
            order = self._find(account, order_id, client_id)
            try:
                account.cancel(order.id)
            except TwinRefusedError as error:
                raise Refused(_words(error)) from None
            yield {"order_id": rows.order_id(order.id)}

    def cancel_all(self, account: TwinAccount) -> Json:
        return {"count": len(account.cancel_all()), "warnings": []}

    # -- inside ----------------------------------------------------------------------------------------------

    def _find(self, account: TwinAccount, order_id: object, client_id: object) -> TwinOrder:
        try:
            if client_id is not None:
                return account.find(client_id=str(client_id))
            return account.find(order_id=rows.order_number(order_id))
        except TwinRefusedError as error:
            raise Refused(_words(error)) from None

    def _listed(self, params: Json) -> Instrument:
        known = self._exchange.by_root.get(str(params.get("symbol")))
        if known is None:
            raise Refused(f"Currency pair not supported {params.get('symbol')}")
        return known

    def _known(self, symbol: str) -> Instrument:
        return self._exchange.instruments[symbol]


def _words(error: TwinRefusedError) -> str:
    return _WORDS.get(error.why, f"EOrder:{error}")


def _first_type(order: TwinOrder) -> str:
    return "new" if not order.order.filled_qty else "status"


def _live_status(order: TwinOrder) -> str:
    return "partially_filled" if order.order.filled_qty else "new"


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise Refused("EGeneral:Invalid arguments")
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise Refused("EGeneral:Invalid arguments") from None


def _lots(known: Instrument, value: object) -> int:
    try:
        lots = known.lots(_number(value))
    except (OffGridError, ArithmeticError):
        raise Refused("EOrder:Invalid order quantity") from None
    if lots < 1:
        raise Refused("EOrder:Order minimum not met")
    return lots


def _ticks(known: Instrument, value: object) -> int:
    try:
        return known.ticks(_number(value))
    except (OffGridError, ArithmeticError):
        raise Refused("EOrder:Invalid price") from None
