"""What an account is told over the WebSocket API: executions, lists and balances, wrapped by subscription."""

from __future__ import annotations

from itertools import count

import msgspec

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.wire.binance import rows
from adapters.simulator.wire.binance.orders import SpotOrders
from adapters.simulator.wire.binance.refusals import SpotFault
from adapters.simulator.wire.binance.rows import Row
from engine.model.orders import VenueStatus

_ENDS = {
    VenueStatus.CANCELED: "CANCELED",
    VenueStatus.EXPIRED: "EXPIRED",
    VenueStatus.REJECTED: "REJECTED",
}


class AccountEvents:
    """Each order's events are told once: NEW, a TRADE for each fill, and its end where that is no fill."""

    def __init__(self, exchange: TwinExchange, sockets: Sockets, orders: SpotOrders) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self._orders = orders
        self._executions = count(exchange.now() // rows.MS * 1000)

    def subscribe(self, socket: TwinSocket, account: TwinAccount) -> int:
        """Raises SpotFault where it is subscribed on this connection already."""
        topic = ("account", account.name)
        if topic in socket.topics:
            raise SpotFault(-2035, "An active subscription already exists for this account on this session.")
        number = socket.data["subscriptions"] = int(socket.data.get("subscriptions", -1)) + 1
        socket.topics.add(topic)
        socket.account = account
        socket.data["subscription"] = number
        return number

    def subscribed(self, socket: TwinSocket) -> list[Row]:
        if socket.account is None:
            return []
        return [{"subscriptionId": socket.data["subscription"]}]

    def leave(self, socket: TwinSocket) -> Row:
        if socket.account is not None:
            socket.topics.discard(("account", socket.account.name))
            socket.account = None
        return {}

    def on_order(self, account: TwinAccount, one: TwinOrder) -> None:
        known, told, note = self._exchange.instruments[one.order.instrument], one.order, one.note
        if told.status is VenueStatus.REJECTED or "told" not in note:
            note["told"] = "new"
            x = "REJECTED" if told.status is VenueStatus.REJECTED else "NEW"
            changes = {} if x == "REJECTED" else {"X": "NEW", "z": rows.eight(0), "Z": rows.eight(0)}
            self._send(account, "orders", self._report(known.symbol, one, x, changes))
            if x == "NEW" and "list" in note:
                self._send(account, "lists", self._list(account, one, "EXEC_STARTED", "EXECUTING"))
            self._balances(account, known.symbol)
        end = _ENDS.get(told.status)
        if end is None or note["told"] == "ended":
            return
        note["told"] = "ended"
        changes = {}
        if end == "CANCELED" and note.get("ended") == "asked":
            changes = {"c": f"cancel-{one.id}", "C": told.client_id or ""}
        elif end == "CANCELED" and "list" in note:
            note["ended"] = "oco"
            end, changes = "EXPIRED", {"X": "EXPIRED", "eR": "OCO_TRIGGER"}
        self._send(account, "orders", self._report(known.symbol, one, end, changes))
        if "list" in note:
            self._send(account, "lists", self._list(account, one, "ALL_DONE", "ALL_DONE"))
        self._balances(account, known.symbol)

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        one = account.orders.get(int(fill.fill.venue_order_id))
        if one is None:
            return
        known = self._exchange.instruments[fill.fill.instrument]
        filled = sum(found.fill.qty for found in self._orders.fills_of(account, one))
        event = rows.traded(known, one, fill, filled, self._exchange.now(), next(self._executions))
        self._send(account, "orders", event)
        self._balances(account, known.symbol)

    def _report(self, symbol: str, one: TwinOrder, what: str, changes: dict[str, str]) -> Row:
        known = self._exchange.instruments[symbol]
        return rows.report(known, one, what, self._exchange.now(), next(self._executions), **changes)

    def _list(self, account: TwinAccount, one: TwinOrder, kind: str, state: str) -> Row:
        """A listStatus with the orders of the pair that are there by now."""
        root, now = self._exchange.instruments[one.order.instrument].root, self._exchange.now() // rows.MS
        pair = [other for other in account.orders.values() if other.note.get("list") == one.note["list"]]
        return {
            "e": "listStatus",
            "E": now,
            "s": root,
            "g": int(one.note["list"]),
            "c": "OCO",
            "l": kind,
            "L": state,
            "r": "NONE",
            "C": one.note["list_id"],
            "T": now,
            "O": [{"s": root, "i": other.id, "c": other.order.client_id or ""} for other in pair],
        }

    def _balances(self, account: TwinAccount, symbol: str) -> None:
        known, now = self._exchange.instruments[symbol], self._exchange.now() // rows.MS
        told = [
            {"a": one["asset"], "f": one["free"], "l": one["locked"]}
            for one in self._orders.balances(account)
            if one["asset"] in (known.base, known.currency)
        ]
        self._send(account, "balances", {"e": "outboundAccountPosition", "E": now, "u": now, "B": told})

    def _send(self, account: TwinAccount, stream: str, event: Row) -> None:
        body = msgspec.json.encode(event).decode()
        for socket in self._sockets.having(("account", account.name)):
            text = f'{{"subscriptionId":{socket.data["subscription"]},"event":{body}}}'
            self._sockets.send(socket, stream, text)
