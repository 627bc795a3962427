"""The order side of Kraken Futures: one account, orders and what becomes of them by the private socket."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from typing import Any

from adapters.common.json_link import JsonLink, SocketStream
from adapters.common.rate_budget import Priority, RateBudget
from adapters.common.typed_json import UNREADABLE
from adapters.kraken import requests
from adapters.kraken.access import KrakenAccess
from adapters.kraken.account import Holding, OrderRows, read_snapshot
from adapters.kraken.answers import is_limited, order_fault
from adapters.kraken.asking import Unanswered
from adapters.kraken.look_stream import KrakenLookStream, Shown
from adapters.kraken.private import PrivateStream
from adapters.kraken.user_stream import KrakenUserStream, ToldFills
from adapters.kraken.wire import ABSENT, KrakenWireError, UwsReply, read_order_result
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountAdopted, AnyEvent, LinkChanged, LinkState, SnapshotTaken
from engine.model.instrument import Instrument
from engine.model.orders import Account, AccountKind
from engine.ports import Sink

_log = logging.getLogger(__name__)
_SNAPSHOT_TRIES = 3
_FILLS_SHOWN = 50
"""The newest fills are shown, and no more: what is older is known by the position alone."""


class KrakenBroker:
    """Broker over two private connections: one streams and trades, by the other the account is looked up."""

    capabilities = requests.CAPABILITIES

    def __init__(self, access: KrakenAccess) -> None:
        self._access = access
        self.book = access.config.book
        ours = access.listed.ours
        self._orders = OrderRows(ours, access.anomalies)
        self._holding = Holding(ours)
        self._fills = ToldFills()
        self._user: KrakenUserStream | None = None
        """The connection that counts, once it is LIVE."""
        self._looker: KrakenLookStream | None = None
        self._adopted = False
        """Whether this run has told of the account."""
        self._can_look = asyncio.Event()
        self._sink: Sink | None = None
        limits = access.config.limits
        self._budget = RateBudget(
            limits.requests,
            limits.period_s,
            share=limits.share,
            left_above={Priority.ENTRY: limits.reserve},
        )

    async def run(self, sink: Sink) -> None:
        """Adopt the account and stream until cancelled. Raises FatalError if the key needs a person.

        Every connection ends in LinkChanged("user", LIVE): what happened before it is only in a snapshot.
        """
        access, config = self._access, self._access.config

        def report(state: LinkState, detail: str) -> None:
            if state is not LinkState.LIVE:
                self._user = None
            sink(
                LinkChanged(
                    ts_recv=access.clock(),
                    link="user",
                    state=state,
                    detail=detail,
                    venue=config.venue,
                    book=self.book,
                )
            )

        async def user_stream() -> SocketStream:
            return KrakenUserStream(
                access.tokens,
                access.anomalies,
                config.timing.read_s,
                self._orders,
                self._holding,
                self._fills,
                self.book,
                access.clock,
                self._tell,
                self._begun,
            )

        async def look_stream() -> SocketStream:
            self._looker = KrakenLookStream(access.tokens, access.anomalies, config.timing.read_s)
            return self._looker

        async with access.opened():
            self._sink, self._adopted = sink, False
            timing = access.sockets()
            self._can_look.clear()
            looks = JsonLink(
                f"{self.book} look", config.private_url, look_stream, self._may_look, timing, access.rng
            )
            looking = asyncio.create_task(looks.run(), name="kraken look")
            looking.add_done_callback(_told)
            try:
                user = JsonLink(
                    f"{self.book} user", config.private_url, user_stream, report, timing, access.rng
                )
                await user.run()
            finally:
                self._sink = None
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    def _begun(self, stream: KrakenUserStream) -> None:
        self._user = stream
        if self._sink is not None and not self._adopted:
            self._adopted = True
            account = self._account()
            self._sink(
                AccountAdopted(
                    ts_recv=self._access.clock(),
                    book=self.book,
                    account=account,
                    venue=self._access.config.venue,
                )
            )

    def _tell(self, event: AnyEvent) -> None:
        if self._sink is not None:
            self._sink(event)

    # -- orders ----------------------------------------------------------------------------------------

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the venue's order id. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        access = self._access
        symbol, instrument = self._known(order.instrument)
        access.listed.takes(order.instrument, reduces=order.reduces)
        if not order.reduces and self._user is not None and self._user.closed_for_entries:
            raise RefusedError(f"the venue is in {self._user.closed_for_entries}", cause=Cause.CLOSED)
        params = requests.add_order(order, symbol, instrument, access.listed.least(order.instrument))
        return await self._add(params, Priority.PROTECT if order.reduces else Priority.ENTRY)

    async def modify(self, change: ModifyOrder) -> None:
        """Move a working order. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        _, instrument = self._known(change.instrument)
        least = self._access.listed.least(change.instrument)
        params = requests.amend_order(change, instrument, least)
        await self._act("amend_order", params, Priority.PROTECT)

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (cause GONE: no such open order), UnknownOutcomeError, RetryableError."""
        await self._act("cancel_order", requests.cancel_order(order.venue_id), Priority.CLOSE)

    async def close(self, position: ClosePosition) -> None:
        """Close the net position at market, by an order that can only reduce; none there is success.

        The venue has no call for it. A flat position is not believed of the stream alone.
        """
        symbol, instrument = self._known(position.instrument)
        qty = self._holding.held(position.instrument) if self._user is not None else 0
        if not qty:
            qty = await self._looked_up(position.instrument)
        if qty:
            params = requests.close_order(symbol, qty, uuid.uuid4().hex, instrument)
            try:
                await self._add(params, Priority.CLOSE)
            except RefusedError as error:
                if error.cause is not Cause.GONE or await self._looked_up(position.instrument):
                    raise

    async def _looked_up(self, instrument: str) -> int:
        """Signed lots held, by a look. Raises RetryableError."""
        shown = await self._look()
        holding = Holding(self._access.listed.ours)
        try:
            holding.positions(shown.positions, whole=True)
        except KrakenWireError as error:
            raise RetryableError(f"positions: {error}") from None
        return holding.held(instrument)

    async def _add(self, params: dict[str, Any], priority: Priority) -> str:
        reply = await self._act("add_order", params, priority)
        try:
            order_id = None if reply.result == ABSENT else read_order_result(reply.result).order_id
        except UNREADABLE:
            order_id = None
        if not order_id:
            raise UnknownOutcomeError("add_order: the venue took it and names no order")
        return order_id

    async def _act(self, method: str, params: dict[str, Any], priority: Priority) -> UwsReply:
        """A request that changes something, sent once. Gives its answer. Raises the four errors."""
        config, urgent = self._access.config, priority <= Priority.PROTECT
        stream: PrivateStream | None = self._user
        if stream is None and urgent and self._can_look.is_set():
            stream = self._looker  # what closes and protects takes the way that is left
        if stream is None:
            raise RetryableError(f"{method}: there is no connection to the venue, nothing was sent")
        limits, timing = config.limits, config.timing
        await self._budget.take(priority, limits.urgent_patience_s if urgent else limits.entry_patience_s)
        sent_at = asyncio.get_running_loop().time()
        try:
            reply = await stream.request(method, params, timing.protect_s if urgent else timing.act_s)
        except Unanswered as error:
            raise UnknownOutcomeError(str(error)) from None
        if reply.success is not True:
            if is_limited(reply.error or ""):
                self._budget.limited(None)
            raise order_fault(method, reply.error)
        self._budget.worked(sent_at)
        return reply

    # -- the whole account -------------------------------------------------------------------------------

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The account as the venue shows it; `since` in nanoseconds UTC. Whole, or RetryableError.

        Fills and positions come by messages of their own: when one is heard meanwhile, all is asked again.
        """
        for _ in range(_SNAPSHOT_TRIES):
            if not self._adopted:
                raise RetryableError("no account is adopted yet")
            stream = self._user
            before = 0 if stream is None else stream.changes
            taken = self._read(await self._look(), since)
            if stream is self._user and before == (0 if stream is None else stream.changes):
                return taken
        raise RetryableError("the account kept changing while it was looked at")

    def _read(self, shown: Shown, since: int) -> SnapshotTaken:
        access, ours = self._access, self._access.listed.ours
        try:
            rows = read_snapshot(shown.executions, ours)
            holding = Holding(ours)
            holding.positions(shown.positions, whole=True)
            holding.balances(shown.balances, whole=True)
        except KrakenWireError as error:
            access.anomalies.note("look", error)
            raise RetryableError(f"snapshot: {error}") from None
        fills = [one for one in rows.fills if one.ts_venue >= since]
        if len(fills) >= _FILLS_SHOWN:
            access.anomalies.note("look", f"{len(fills)} fills are shown, there may be more")
        orders = {one.venue_id: one for one in self._orders.ended_since(since)}
        orders |= {one.venue_id: one for one in rows.orders if one.status.live or one.ts_venue >= since}
        return SnapshotTaken(
            ts_recv=access.clock(),
            book=self.book,
            since=since,
            account=self._account(holding),
            orders=tuple(orders.values()),
            fills=tuple(fills),
            positions=holding.all,
        )

    async def _look(self) -> Shown:
        """By the connection that is for it, once that stands. Raises RetryableError."""
        try:
            async with asyncio.timeout(self._access.config.timing.read_s):
                await self._can_look.wait()
        except TimeoutError:
            raise RetryableError("the account can't be looked up: there is no second connection") from None
        assert self._looker is not None  # it was LIVE
        return await self._looker.look()

    def _may_look(self, state: LinkState, detail: str) -> None:
        """The second connection is no link that people hear of: the looks tell when they need it in vain."""
        if state is LinkState.LIVE:
            self._can_look.set()
        else:
            self._can_look.clear()

    def _account(self, holding: Holding | None = None) -> Account:
        config = self._access.config
        name = account_name(config.api_key.reveal())
        kind = AccountKind.PRACTICE if config.practice else AccountKind.LIVE
        balance = (holding or self._holding).balance_usd
        margin = None if self._user is None else self._user.margin
        return Account(name, name, kind, balance, can_trade=True, margin=margin, currency="USD")

    def _known(self, symbol: str) -> tuple[str, Instrument]:
        """The venue's symbol and the instrument. Raises RefusedError."""
        return self._access.listed.symbol_of(symbol), self._access.listed.instruments[symbol]


def account_name(api_key: str) -> str:
    """The venue names no account: it is called by a hash of its key, which is no secret's."""
    return f"kraken-{hashlib.sha256(api_key.encode()).hexdigest()[:8]}"


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        level = logging.WARNING if isinstance(error, FatalError) else logging.ERROR
        _log.log(level, "the account can't be looked up any more: %s", error)
