"""The account's events over the WebSocket API: subscribed anew at every connection, each told once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from adapters.binance import codes
from adapters.binance.access import SpotAccess
from adapters.binance.records import (
    AccountEvent,
    ExecutionReport,
    ListStatus,
    ServerShutdown,
    StreamTerminated,
    account_event,
)
from adapters.binance.socket import SocketLost, SpotSocket
from adapters.binance.wire import NULL, SocketFrame, read
from engine.model.errors import FatalError

_MOST_TOLD = 10_000
"""Executions that are remembered, so that two connections tell each of them once."""

METHOD = "userDataStream.subscribe.signature"


class AccountStream:
    """Events of one account, of one connection or of two of which one is about to end."""

    def __init__(self, venue: SpotAccess, take: Callable[[AccountEvent], None]) -> None:
        """`take` hears of events; it may raise WireFault for what makes no sense."""
        self._venue = venue
        self._take = take
        self._told: OrderedDict[tuple[str, int], None] = OrderedDict()
        self.heard = 0
        """When the last event came, nanoseconds UTC."""

    async def open_line(self) -> SpotSocket:
        """A connection whose subscription stands. Raises SocketLost, RetryableError, FatalError."""
        venue = self._venue
        if venue.transport.offset_ns is None:
            await venue.transport.sync()
        line: SpotSocket | None = None

        def receive(frame: bytes) -> None:
            try:
                told = read(frame, SocketFrame)
                if told.event is not NULL and bytes(told.event) != b"null":
                    event = account_event(told.event)
                    if isinstance(event, (ServerShutdown, StreamTerminated)):
                        if line is not None:
                            line.leaving = True
                            if isinstance(event, StreamTerminated):
                                line.abandon("the subscription of the account was ended")
                        return
                    self._hear(event)
                elif line is not None and told.id is not None:
                    line.answered(told.id, frame)
            except ValueError as error:
                venue.anomalies.note("account event", error, frame[:200])

        line = await SpotSocket.connect(venue.config.where.socket_api, receive, venue.config.timing)
        try:
            for again in (True, False):
                params = {"apiKey": venue.config.api_key.reveal(), **venue.transport.stamped()}
                signed = venue.transport.signer.socket(params)
                answer = await line.ask({"method": METHOD, "params": signed})
                try:
                    told = read(answer, SocketFrame)
                except ValueError as error:
                    raise SocketLost(f"the answer to the subscription can't be read: {error}") from None
                if told.status == 200:
                    return line
                refused = told.error
                code, words = (
                    (0, f"status {told.status}") if refused is None else (refused.code, refused.words())
                )
                if code == codes.CLOCK and again:
                    await venue.transport.sync()
                    continue
                if code in codes.KEY_PROBLEMS:
                    raise FatalError(
                        f"the key is refused: {words} ({code}): {codes.remedy(code)}".rstrip(": ")
                    )
                raise SocketLost(f"the subscription of the account was refused: {words}")
            raise SocketLost("the subscription of the account was refused for its time")
        except BaseException:
            await line.close()
            raise

    def _hear(self, event: AccountEvent) -> None:
        """Pass an event on, once. Raises ValueError."""
        self.heard = self._venue.clock()
        if isinstance(event, ExecutionReport):
            key = (event.s, event.I if event.I >= 0 else hash((event.i, event.x, event.t, event.T)))
            if key in self._told:
                return
            self._told[key] = None
            if len(self._told) > _MOST_TOLD:
                self._told.popitem(last=False)
        elif isinstance(event, ListStatus):
            return  # each of its orders is told of by a report of its own
        self._take(event)
