"""The order side of a ProjectX venue: one account, orders by REST, what becomes of them by the user hub."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from adapters.projectx import mapping, requests
from adapters.projectx.access import Access
from adapters.projectx.account import AccountReports
from adapters.projectx.config import WantedAccount
from adapters.projectx.rest import Rest
from adapters.projectx.transport import Leave
from adapters.projectx.user_hub import UserHub
from adapters.projectx.user_stream import Member
from adapters.projectx.wire import WireAccount, WireOrder
from engine.model.effects import AnyRequest, CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import PortError, RefusedError, RetryableError
from engine.model.events import AccountAdopted, LinkChanged, LinkState, SnapshotTaken
from engine.model.instrument import Instrument
from engine.ports import Sink

_SNAPSHOT_TRIES = 3


class _Ready(NamedTuple):
    request: AnyRequest
    """Held, so that its identity stays its own."""
    leave: Leave
    sending: asyncio.Task[str | None]

    def drop(self) -> None:
        self.sending.cancel()
        if self.sending.done() and not self.sending.cancelled():
            self.sending.exception()  # seen


class ProjectXBroker:
    """Broker over the gateway's REST calls and the user hub."""

    capabilities = requests.CAPABILITIES

    def __init__(self, venue: Access, hub: UserHub, wanted: WantedAccount) -> None:
        self.book = wanted.book
        self._venue = venue
        self._hub = hub
        self.wanted = wanted
        self._rest, self._urgent = venue.rest_of(self.book)
        self._reports = AccountReports(self.book, venue.contracts, venue.clock, venue.anomalies)
        self._account: WireAccount | None = None
        self._ready: dict[int, _Ready] = {}
        """Requests that are ready to leave, by the identity of what asks for them."""

    async def run(self, sink: Sink) -> None:
        """Adopt the account and stream until cancelled. Raises FatalError if login or account need a person.

        Every connection of the user hub ends in LinkChanged("user", LIVE): what happened before it is only
        in a snapshot, as the hub replays nothing.
        """
        venue = self._venue
        name = venue.config.venue

        def tell(state: LinkState, detail: str) -> None:
            now = venue.clock()
            sink(
                LinkChanged(ts_recv=now, link="user", state=state, detail=detail, venue=name, book=self.book)
            )

        def adopt(row: WireAccount) -> None:
            account = mapping.account(row)
            sink(AccountAdopted(ts_recv=venue.clock(), book=self.book, venue=name, account=account))
            self._account = row

        async with venue.opened(sink):
            self._reports.open(sink)
            try:
                await self._hub.serve(Member(self.book, self.wanted.name, self._reports, adopt, tell))
            finally:
                for ready in self._ready.values():
                    ready.drop()
                self._ready.clear()
                await self._reports.close()

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the venue's order id. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        placed = await self._act(order)
        assert placed is not None
        return placed

    async def modify(self, change: ModifyOrder) -> None:
        """Move a working order. Raises RefusedError, UnknownOutcomeError, RetryableError."""
        await self._act(change)

    async def cancel(self, order: CancelOrder) -> None:
        """Raises RefusedError (code 2: no such working order), UnknownOutcomeError, RetryableError."""
        await self._act(order)

    async def close(self, position: ClosePosition) -> None:
        """Close the net position at market, in every month in which one is held; none there is success.

        This does not remove bracket legs, which stay working until they are cancelled
        (docs/protocols/projectx.md#closing-a-position).
        """
        await self._act(position)

    def prepare(self, request: AnyRequest) -> None:
        """Encode it, take its place in the rate budget and a connection; its bytes wait for the call."""
        leave: Leave = asyncio.get_running_loop().create_future()
        self._ready[id(request)] = _Ready(request, leave, asyncio.create_task(self._send(request, leave)))

    def forget(self, request: AnyRequest) -> None:
        """Nothing of it has gone out, and nothing will."""
        ready = self._ready.pop(id(request), None)
        if ready is not None:
            ready.drop()

    async def _act(self, request: AnyRequest) -> str | None:
        ready = self._ready.pop(id(request), None)
        if ready is None:
            return await self._send(request)
        if ready.sending.done():
            # It came to nothing before it could leave, whatever that was: it is sent for the first time now.
            ready.drop()
            return await self._send(request)
        ready.leave.set_result(None)
        return await ready.sending

    async def _send(self, request: AnyRequest, leave: Leave | None = None) -> str | None:
        rest = self._rest
        account = self._account_id(closes=isinstance(request, (CancelOrder, ClosePosition)))
        match request:
            case PlaceOrder():
                contract, known = self._month(request), self._instrument(request.instrument)
                body = requests.place_request(request, account, contract, known)
                return await rest.place(body, protects=request.reduces, leave=leave)
            case ModifyOrder():
                body = requests.modify_request(request, account, self._instrument(request.instrument))
                await rest.modify(body, leave)
            case CancelOrder():
                await rest.cancel(account, requests.order_number(request.venue_id), leave)
            case ClosePosition():
                active = self._contract(request.instrument)
                others = [c for c in self._reports.held_contracts(request.instrument) if c != active]
                for contract in (active, *others):
                    await rest.close(account, contract, leave)
        return None

    def _month(self, order: PlaceOrder) -> str:
        """Entries go to the active month, protection to the one that is held, which may be older."""
        active = self._venue.contracts.active_id(order.instrument)
        held = self._reports.held_contracts(order.instrument)
        return held[0] if order.reduces and held and active not in held else active

    def _contract(self, symbol: str) -> str:
        """The active month, or the one of an earlier run where the venue has not yet told."""
        last, contracts = self.wanted.last, self._venue.contracts
        if last is not None and symbol in last.contracts and not contracts.resolved:
            return last.contracts[symbol]
        return contracts.active_id(symbol)

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The account as the venue knows it; `since` in nanoseconds UTC. Whole, or RetryableError.

        The queries are not one transaction: when a fill or a position change is heard meanwhile, they are
        asked again, so that fills and positions belong together.
        """
        for _ in range(_SNAPSHOT_TRIES):
            before = self._reports.changes
            taken = await self._take(since, self._urgent if urgent else self._rest)
            if self._reports.changes == before:
                return taken
        raise RetryableError("the account kept changing while it was queried")

    async def _take(self, since: int, rest: Rest) -> SnapshotTaken:
        account, venue = self._account_id(), self._venue
        try:
            async with asyncio.TaskGroup() as group:
                row = group.create_task(venue.account(account, rest))
                await asyncio.sleep(0)  # each by itself: an order that comes up meanwhile waits for one only
                live = group.create_task(rest.live_orders(account))
                await asyncio.sleep(0)
                recent = group.create_task(rest.orders(account, since))
                await asyncio.sleep(0)
                trades = group.create_task(rest.trades(account, since))
                await asyncio.sleep(0)
                positions = group.create_task(rest.positions(account))
        except ExceptionGroup as errors:
            failed, faults = errors.split(PortError)
            if faults is not None or failed is None:
                raise
            # Nothing about one part of the truth: nothing at all, and certainly not "flat".
            raise RetryableError(f"snapshot: {failed.exceptions[0]}") from None
        return SnapshotTaken(
            ts_recv=venue.clock(),
            book=self.book,
            since=since,
            account=mapping.account(row.result()),
            orders=await self._reports.orders(_merged(live.result(), recent.result())),
            fills=await self._reports.fills(trades.result()),
            positions=await self._reports.positions(positions.result()),
        )

    def _account_id(self, closes: bool = False) -> int:
        """The account that was adopted; where none is yet, what `closes` goes to that of an earlier run."""
        if self._account is not None:
            return self._account.id
        last, wanted = self.wanted.last, self.wanted.name
        if (
            closes
            and last is not None
            and str(wanted or last.account_id)
            in (
                last.account_id,
                last.account_name,
            )
        ):
            return int(last.account_id)
        raise RetryableError("no account is adopted yet")

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self._venue.config.instruments.get(symbol)
        if instrument is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return instrument


def _merged(live: list[WireOrder], recent: list[WireOrder]) -> list[WireOrder]:
    """Both lists as one, by id. What `recent` saw wins: `live` can't know that an order has ended."""
    rows = {row.id: row for row in live} | {row.id: row for row in recent}
    return [rows[order_id] for order_id in sorted(rows)]
