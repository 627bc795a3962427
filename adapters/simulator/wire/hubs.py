"""The two hubs: who subscribes to what, and the one way out for market records and user events."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from adapters.simulator.exchange.account_rows import UserEvent
from adapters.simulator.market.ticker import DEPTH, QUOTES, TRADES
from adapters.simulator.wire.signalr import Connection, HubError, Timing

Topic = tuple[str, str | int | None]
"""A record's target and what it is about: a contract id, an account id, or None for all accounts."""

_MARKET = {"ContractQuotes": QUOTES, "ContractTrades": TRADES, "ContractMarketDepth": DEPTH}
_USER = {"Orders": "GatewayUserOrder", "Positions": "GatewayUserPosition", "Trades": "GatewayUserTrade"}
_ACCOUNTS = "GatewayUserAccount"


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
USER_METHODS = _methods(_USER, int) | _methods({"Accounts": _ACCOUNTS}, None)


class Hub:
    """One hub: its open connections and their subscriptions, which end with the connection."""

    def __init__(
        self,
        methods: dict[str, Method],
        timing: Timing,
        admits: Callable[[Topic], bool],
        greet: Callable[[Connection, Topic], None] | None = None,
    ) -> None:
        self.connections: set[Connection] = set()
        self._methods = methods
        self._timing = timing
        self._admits = admits
        self._greet = greet
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

    def wanted(self, topic: Topic) -> bool:
        """Whether anybody listens; spare the work of writing a record that nobody gets."""
        return bool(self._subscribers.get(topic))

    def publish(self, topic: Topic, record: str) -> None:
        """Send a record to all subscribers of its topic."""
        for connection in tuple(self._subscribers.get(topic, ())):
            connection.send(record)

    def hush(self, targets: Collection[str] | None) -> Callable[[], None]:
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
            if not self._admits(topic):
                return
            self._subscribers.setdefault(topic, set()).add(connection)
            if self._greet is not None:
                self._greet(connection, topic)
        else:
            self._subscribers.get(topic, set()).discard(connection)


class Hubs:
    """Both hubs, and the tickets of clients that negotiate before they connect."""

    def __init__(
        self,
        timing: Timing,
        greet: Callable[[Connection, Topic], None],
        admits: Callable[[Topic], bool],
    ) -> None:
        """`admits` says whether a subscription takes effect; completed it is in any case."""
        self.market = Hub(MARKET_METHODS, timing, admits, greet)
        self.user = Hub(USER_METHODS, timing, admits)
        self._tickets: set[str] = set()

    def negotiate(self, version: int) -> dict[str, Any]:
        """The answer to `negotiate`; version 0 clients connect with the connection id itself."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        answer: dict[str, Any] = {"negotiateVersion": version, "connectionId": ticket}
        if version > 0:
            answer["connectionToken"] = ticket
        answer["availableTransports"] = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]
        return answer

    def redeem(self, ticket: str) -> bool:
        """Whether a connection id was given out; it serves once."""
        if ticket not in self._tickets:
            return False
        self._tickets.discard(ticket)
        return True

    def tell(self, events: Iterable[UserEvent]) -> None:
        """Send user events, in their order. The one way out for them."""
        for event in events:
            subject = None if event.target == _ACCOUNTS else event.account_id
            topic = (event.target, subject)
            if self.user.wanted(topic):
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
