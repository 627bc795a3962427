"""The one table of the REST API: it gives routing, checks, OpenAPI and docs/api.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec import Struct

from adapters.control.rest import acting, looking
from adapters.control.rest import shapes as s
from adapters.control.rest.problem import Code
from adapters.control.rest.service import ApiCall
from adapters.control.tokens import Scope
from engine.model.alert_tries import AlertTried
from engine.model.review import JournalTold

Handler = Callable[[ApiCall], Awaitable[Struct]]
"""Gives what the route replies with; or an WireAnswer, ready for the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    scope: Scope
    words: str
    reply: type[Struct]
    handler: Handler
    body: type[s.ApiRequest] | None = None
    body_needed: bool = True
    """Without: an empty body is one of defaults."""
    query: type[s.ApiRequest] | None = None
    keyed: bool = False
    """It takes an Idempotency-Key, and needs one."""
    open_here: bool = False
    """On this machine it answers a little without a token too."""
    tag: str = ""

    @property
    def commands(self) -> bool:
        return self.scope is not Scope.READ and self.method != "GET"

    @property
    def name(self) -> str:
        return getattr(self.handler, "__name__", self.path)


READ, TRADE, ADMIN = Scope.READ, Scope.TRADE, Scope.ADMIN

_PARAMETERS = {"symbol": s.Symbol, "order_id": s.OrderId}


def parameters(path: str) -> dict[str, object]:
    """The kinds of the parameters in a path, by name."""
    return {name: kind for name, kind in _PARAMETERS.items() if f"{{{name}}}" in path}


def routes() -> tuple[Route, ...]:
    """The table, with what it remembers of orders under way."""
    return (
        Route(
            method="GET",
            path="/system/status",
            scope=READ,
            words="Whether the engine is alive, what it trades, and what holds entries back.",
            reply=s.AliveReply,
            handler=looking.status,
            open_here=True,
            tag="System",
        ),
        Route(
            method="POST",
            path="/system/start",
            scope=ADMIN,
            words="Allow entries again after a pause; a lock by a risk limit stays.",
            body=s.StartRequest,
            body_needed=False,
            reply=s.CommandReply,
            handler=acting.start,
            tag="System",
        ),
        Route(
            method="POST",
            path="/system/stop",
            scope=ADMIN,
            words="Pause entries, halt, flatten everything, or end the engine.",
            body=s.StopRequest,
            body_needed=False,
            reply=s.CommandReply,
            handler=acting.stop,
            tag="System",
        ),
        Route(
            method="GET",
            path="/trading/orders",
            scope=READ,
            words="Orders that stand, and those that were over lately.",
            query=s.ListQuery,
            reply=s.OrdersReply,
            handler=looking.orders,
            tag="Trading",
        ),
        Route(
            method="POST",
            path="/trading/order",
            scope=TRADE,
            words="Place an order by hand: through the same gate and limits as every other, with its stop. "
            "The same Idempotency-Key never trades twice, across a restart too.",
            body=s.OrderRequest,
            reply=s.OrderReply,
            handler=acting.Placing().place,
            keyed=True,
            tag="Trading",
        ),
        Route(
            method="PATCH",
            path="/trading/order/{order_id}",
            scope=TRADE,
            words="Move the entry, stop or targets of a trade, have its stop follow, or add to it.",
            body=s.ChangeRequest,
            reply=s.CommandReply,
            handler=acting.change_order,
            tag="Trading",
        ),
        Route(
            method="DELETE",
            path="/trading/order/{order_id}",
            scope=TRADE,
            words="Take back what of an order by hand still rests; what is held keeps its stop.",
            reply=s.CommandReply,
            handler=acting.cancel_order,
            tag="Trading",
        ),
        Route(
            method="GET",
            path="/positions",
            scope=READ,
            words="What is held, with its stop.",
            query=s.BookQuery,
            reply=s.PositionsReply,
            handler=looking.positions,
            tag="Positions",
        ),
        Route(
            method="POST",
            path="/positions/close",
            scope=TRADE,
            words="Close positions and cancel orders, of a contract or of all; entries stay paused there. "
            "With a qty: a part of one position, whose rest keeps its stops.",
            body=s.CloseRequest,
            reply=s.CommandReply,
            handler=acting.close_positions,
            tag="Positions",
        ),
        Route(
            method="POST",
            path="/positions/reverse",
            scope=TRADE,
            words="Close a position and, once that is proven, enter the other side with its stop.",
            body=s.ReverseRequest,
            reply=s.CommandReply,
            handler=acting.reverse_position,
            tag="Positions",
        ),
        Route(
            method="POST",
            path="/data/subscribe",
            scope=READ,
            words="Choose whose prices the WebSockets of this token get; without it they get all.",
            body=s.SubscribeRequest,
            reply=s.SubscribedReply,
            handler=looking.subscribe,
            tag="Market data",
        ),
        Route(
            method="GET",
            path="/data/{symbol}/ticker",
            scope=READ,
            words="The newest prices of a contract.",
            reply=s.TickerReply,
            handler=looking.ticker,
            tag="Market data",
        ),
        Route(
            method="GET",
            path="/data/{symbol}/klines",
            scope=READ,
            words="The newest bars of a contract, oldest first.",
            query=s.KlinesQuery,
            reply=s.KlinesReply,
            handler=looking.klines,
            tag="Market data",
        ),
        Route(
            method="GET",
            path="/trades",
            scope=READ,
            words="The newest finished trades, oldest first; `tstream history` has all.",
            query=s.ListQuery,
            reply=s.TradesReply,
            handler=looking.trades,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/performance",
            scope=READ,
            words="What each book and each bot has come to.",
            query=s.BookQuery,
            reply=s.PerformanceReply,
            handler=looking.performance,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/patterns",
            scope=READ,
            words="What was learned of patterns.",
            reply=s.PatternsReply,
            handler=looking.patterns,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/opinion",
            scope=READ,
            words="The second opinion: the model, how right it is, its newest words, what came of them, and "
            "the mood of news and posts. `opinion` is null where the settings want none.",
            reply=s.OpinionReply,
            handler=looking.opinion,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/alerts",
            scope=READ,
            words="Messages of alert rooms with what came of them, and the engine's own warnings.",
            reply=s.AlertsReply,
            handler=looking.alerts,
            tag="Results",
        ),
        Route(
            method="POST",
            path="/alerts/try",
            scope=READ,
            words="How an alert room would read a text now, and what each gate says; nothing is sent.",
            body=s.TryRequest,
            reply=AlertTried,
            handler=looking.try_alert,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/journal",
            scope=READ,
            words="Trades of a range with their notes, figures by what they have in common, and days.",
            query=s.JournalQuery,
            reply=JournalTold,
            handler=looking.journal,
            tag="Results",
        ),
        Route(
            method="GET",
            path="/health",
            scope=READ,
            words="How the engine and its connections are.",
            reply=s.HealthReply,
            handler=looking.health,
            tag="System",
        ),
        Route(
            method="GET",
            path="/settings",
            scope=ADMIN,
            words="The settings of this run, secrets masked.",
            reply=s.SettingsReply,
            handler=looking.settings,
            tag="System",
        ),
    )


def problems(route: Route) -> tuple[Code, ...]:
    """What it may answer besides its reply."""
    found = {
        Code.BAD_REQUEST,
        Code.TOKEN_NEEDED,
        Code.SCOPE,
        Code.HOST,
        Code.TOO_MANY,
        Code.INTERNAL,
        Code.NOT_NOW,
    }
    if route.path.count("{"):
        found.add(Code.NOT_FOUND)
    if route.body is not None:
        found |= {Code.TOO_LARGE, Code.MEDIA_TYPE}
    if route.body in (s.SubscribeRequest, s.OrderRequest, s.CloseRequest, s.ReverseRequest):
        found.add(Code.NOT_FOUND)
    if route.commands:
        found |= {Code.REFUSED, Code.UNKNOWN}
    if route.keyed:
        found.add(Code.KEY_USED)
    return tuple(code for code in Code if code in found)
