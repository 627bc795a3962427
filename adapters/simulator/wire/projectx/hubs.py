"""The two hubs: who subscribes to what, and the one way out for market records and user events.

Faults and the market's publisher plug themselves in: `Hub.accepts`, `Hub.on_subscribed`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from adapters.simulator.wire.projectx.json_rows import ACCOUNTS, FILLS, ORDERS, POSITIONS, HubEvent
from adapters.simulator.wire.projectx.signalr import Connection, HubError, HubTiming

Topic = tuple[str, str | int | None]
"""A record's target and what it is about: a contract id, an account id, or None for all accounts."""

QUOTES, TRADES, DEPTH = "GatewayQuote", "GatewayTrade", "GatewayDepth"
"""Targets of the market hub."""

_MARKET = {"ContractQuotes": QUOTES, "ContractTrades": TRADES, "ContractMarketDepth": DEPTH}
_USER = {"Orders": ORDERS, "Positions": POSITIONS, "Trades": FILLS}


class Method(NamedTuple):
    target: str
    argument: type[str] | type[int] | None
    subscribes: bool


def _methods(targets: dict[str, str], argument: type[str] | type[int] | None) -> dict[str, Method]:
    return {
        f"{verb}{name}".lower(): Method(target, argument, verb == "Subscribe")
        for name, target in targets.items()
        for verb in ("Subscribe", "Unsubscribe")
    }


MARKET_METHODS = _methods(_MARKET, str)
USER_METHODS = _methods(_USER, int) | _methods({"Accounts": ACCOUNTS}, None)


class HubServer:
    """One hub: its open connections and their subscriptions, which end with the connection."""

    def __init__(self, methods: dict[str, Method], timing: HubTiming) -> None:
        self.connections: set[Connection] = set()
        self.accepts: Callable[[Topic], bool] = lambda _topic: True
        """Whether a subscription takes effect; it is answered as a success in any case."""
        self.on_subscribed: Callable[[Connection, Topic], None] = lambda _connection, _topic: None
        self._methods = methods
        self._timing = timing
        self._subscribers: dict[Topic, set[Connection]] = {}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Run one connection to its end. No WebSocket pings: some clients never answer them."""
        socket = web.WebSocketResponse(heartbeat=None, compress=False, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, self._invoke, self._timing)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            for subscribers in self._subscribers.values():
                subscribers.discard(connection)
        return socket

    def has_subscribers(self, topic: Topic) -> bool:
        """Whether anybody listens; spare the work of writing a record that nobody gets."""
        return bool(self._subscribers.get(topic))

    def publish(self, topic: Topic, record: str) -> None:
        """Send a record to all subscribers of its topic."""
        for connection in tuple(self._subscribers.get(topic, ())):
            connection.send(record)

    def mute(self, targets: Collection[str] | None) -> Callable[[], None]:
        """Send no more records of some targets (None: of any) to the present subscribers.

        They are not told. Gives what resumes sending to those who are still there.
        """
        lost = {
            topic: subscribers.copy()
            for topic, subscribers in self._subscribers.items()
            if targets is None or topic[0] in targets
        }
        for topic in lost:
            self._subscribers[topic].clear()

        def resume() -> None:
            for topic, subscribers in lost.items():
                self._subscribers[topic] |= subscribers & self.connections

        return resume

    async def close(self) -> None:
        """Close every connection with a goodbye."""
        await asyncio.gather(*(connection.close() for connection in tuple(self.connections)))

    def _invoke(self, connection: Connection, name: str, arguments: list[Any]) -> None:
        method = self._methods.get(name.lower())
        if method is None:
            raise HubError("Method does not exist.")
        topic = (method.target, _argument(method, arguments))
        if method.subscribes:
            if not self.accepts(topic):
                return
            self._subscribers.setdefault(topic, set()).add(connection)
            self.on_subscribed(connection, topic)
        else:
            self._subscribers.get(topic, set()).discard(connection)


class Hubs:
    """Both hubs, and the connection ids of clients that negotiate before they connect."""

    def __init__(self, timing: HubTiming) -> None:
        self.market = HubServer(MARKET_METHODS, timing)
        self.user = HubServer(USER_METHODS, timing)
        self._negotiated: set[str] = set()

    def negotiate(self, version: int) -> dict[str, Any]:
        """The answer to `negotiate`; version 0 clients connect with the connection id itself."""
        connection_id = secrets.token_urlsafe(16)
        self._negotiated.add(connection_id)
        answer: dict[str, Any] = {"negotiateVersion": version, "connectionId": connection_id}
        if version > 0:
            answer["connectionToken"] = connection_id
        answer["availableTransports"] = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]
        return answer

    def redeem(self, connection_id: str) -> bool:
        """Whether a connection id was given out; it serves once."""
        if connection_id not in self._negotiated:
            return False
        self._negotiated.discard(connection_id)
        return True

    def send(self, events: Iterable[HubEvent]) -> None:
        """Send user events, in their order. The one way out for them."""
        for event in events:
            subject = None if event.target == ACCOUNTS else event.account_id
            topic = (event.target, subject)
            if self.user.has_subscribers(topic):
                body = event.data if event.bare else {"action": event.action, "data": event.data}
                record = {"type": 1, "target": event.target, "arguments": [body]}
                self.user.publish(topic, msgspec.json.encode(record).decode())

    async def close(self) -> None:
        await asyncio.gather(self.market.close(), self.user.close())


def _argument(method: Method, arguments: list[Any]) -> str | int | None:
    expected = 0 if method.argument is None else 1
    if len(arguments) != expected:
        raise HubError(f"Invocation provides {len(arguments)} argument(s) but target expects {expected}.")
    if method.argument is None:
        return None
    value = arguments[0]
    if not isinstance(value, method.argument) or isinstance(value, bool):
        raise HubError("Error binding arguments. Make sure that the types of the provided values match.")
    return value
