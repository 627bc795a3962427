"""What the wire of a venue has to say, so that a twin can speak it. The interface for whoever writes one.

A wire translates: requests of the venue's own form into calls of `TwinExchange` and its accounts, and what
those tell into the venue's own messages. It keeps no orders and no prices of its own.

    class KrakenWire(TwinWire):
        NAME = "kraken"
        CALLS = ("token", "place", "cancel", "history")     # what a fault can be about
        STREAMS = ("ticker", "trades", "orders")            # what a message can be
        SOCKETS = ("public", "private")                     # kinds of connection

        def routes(self):
            return [web.get("/api/charts/v1/trade/{symbol}/1m", self.history), web.get("/v2", self.public)]

        def call_of(self, request):
            return "history" if request.path.startswith("/api/charts") else ""

        async def public(self, request):
            return await self.sockets.serve(request, "public", self.on_public)

        async def on_public(self, socket, text):
            asked = msgspec.json.decode(text)
            ...                                              # a subscription:
            socket.topics.add(("trade", "PF_XBTUSD"))
            await self.ask(socket, "place", lambda: self.place(asked), self.in_words)   # a call over a socket

        def on_trade(self, trade):
            self.sockets.publish(("trade", root), "trades", lambda: encode(trade))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from aiohttp import web

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.calls import TwinCalls, spoiled
from adapters.simulator.twins.exchange import TwinExchange, TwinListener
from adapters.simulator.twins.faults import Spoken
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.twins.trouble import NoAnswer, Trouble


class TwinWire(TwinListener, ABC):
    """The wire of one venue. `exchange.catch_up()` was called before whatever it is asked. What it is told of
    it overrides: on_quote, on_trade, on_bar, on_order, on_fill, flush.
    """

    NAME: ClassVar[str]
    """Of the kind of venue."""
    CALLS: ClassVar[tuple[str, ...]] = ()
    """Names of the calls that a fault can be about, over HTTP and over sockets."""
    STREAMS: ClassVar[tuple[str, ...]] = ()
    """Names of what is sent without being asked for."""
    SOCKETS: ClassVar[tuple[str, ...]] = ()
    """Kinds of connection."""

    @classmethod
    def spoken(cls) -> Spoken:
        """What faults have to know of it."""
        return Spoken(cls.NAME, cls.CALLS, cls.STREAMS, cls.SOCKETS)

    def __init__(self, exchange: TwinExchange, sockets: Sockets, calls: TwinCalls) -> None:
        self.exchange = exchange
        self.sockets = sockets
        self._calls = calls

    # -- to be said by each wire --------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Every HTTP call and the opening of every socket."""

    @abstractmethod
    def call_of(self, request: web.Request) -> str:
        """Which of CALLS a request is; empty for one that no fault is about."""

    def trouble(self, trouble: Trouble) -> web.Response:
        """How the venue says that a call was refused, limited, or met maintenance, over HTTP."""
        headers = {"Retry-After": f"{trouble.seconds}"} if trouble.seconds else None
        return web.Response(status=trouble.status, text=trouble.text, headers=headers)

    # -- what it can use ----------------------------------------------------------------------------------

    async def ask(
        self,
        socket: TwinSocket,
        call: str,
        handle: Callable[[], str | None],
        trouble: Callable[[Trouble], str],
    ) -> None:
        """Answer a call that came over a socket: `handle` acts and gives the answer's text (None: there is
        none), `trouble` puts what went wrong into the venue's words. Faults of the call act on both.
        """

        async def handled() -> str | None:
            self.exchange.catch_up()
            return handle()

        answer = await self._calls.run(call, handled, trouble, spoiled_or_none)
        if answer is NoAnswer.CUT:
            socket.reset()
        elif isinstance(answer, str):
            socket.answer(answer)
        self.exchange.catch_up()

    def account_of(self, key: str) -> TwinAccount | None:
        """Whose key it is."""
        for account in self.exchange.accounts.values():
            if account.login.key == key:
                return account
        return None


def spoiled_or_none(text: str | None, how: str) -> str | None:
    return None if text is None else spoiled(text, how)
