"""How one sale can stand at Binance as a stop and as a target, and how either is changed.

Coins that an order would sell are set aside: a second order for the same coins is refused. So stop and target
of one leg stand there as one OCO, and as Binance changes no order, every change is a cancel and a new one
(docs/protocols/binance_spot.md#exits). What was there before comes back where the new one is refused. One
change of an instrument at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from msgspec import structs

from adapters.binance.access import SpotAccess
from adapters.binance.mapping import LotGrid
from adapters.binance.requests import oco_params, order_params, version_id
from adapters.binance.symbols import SymbolRules, check_order
from adapters.binance.transport import ClockRefused, SpotRefused
from adapters.binance.versions import OrderChain, OwnOrders
from adapters.binance.wire import SpotOrderRow
from adapters.common.rate_budget import Priority
from engine.model.errors import Cause, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType

_LOOKS = 3
_LOOK_S = 0.3
"""Between two looks for an order of which nobody knows whether it is there: it shows a moment late."""
HALF_DONE = 409


class SpotExits:
    """Places, changes and cancels orders of one account."""

    def __init__(self, venue: SpotAccess, orders: OwnOrders, changed: Callable[[OrderChain], None]) -> None:
        """`changed` hears of an order of which an answer has told something."""
        self._venue = venue
        self._rest = venue.rest
        self._orders = orders
        self._changed = changed
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ending: set[str] = set()
        """Client ids of orders that are to be cancelled: they come back with no sibling."""
        self.changes = 0
        """Counts the changes that have begun: who asked meanwhile may have seen half of one."""
        self._underway = 0

    @property
    def busy(self) -> bool:
        """A change is under way."""
        return self._underway > 0

    # -- new orders --------------------------------------------------------------------------------------

    async def place(self, symbol: str, client_id: str, spec: OrderSpec, beside: str, rank: Priority) -> None:
        """Send once. `beside`: client id of the other exit of the same leg. Raises the four errors."""
        grid, rules = self._terms(symbol)
        check_order(rules, grid.instrument, spec)
        if not (beside and spec.reduces):
            await self._send(grid, rules, client_id, 0, spec, rank)
            return
        async with self._changing(symbol):
            sibling = self._orders.find(beside)
            exits = {OrderType.STOP, OrderType.LIMIT}
            if sibling is None or not sibling.live or {spec.type, sibling.newest.spec.type} != exits:
                await self._send(grid, rules, client_id, 0, spec, rank)
                return
            await self._join(grid, rules, sibling, client_id, spec)

    async def _join(
        self, grid: LotGrid, rules: SymbolRules, sibling: OrderChain, client_id: str, spec: OrderSpec
    ) -> None:
        """Make an OCO of what stands and of what is to stand beside it."""
        before = sibling.newest.spec
        if spec.type is OrderType.LIMIT and await self._through(rules.symbol, spec):
            # The target is reached already: it trades at once, and an OCO would be refused.
            params = order_params(rules.symbol, client_id, spec, grid.instrument, rules)
            await self._rest.replace(sibling.newest.order_id, params)
            await self._look(grid, rules, client_id)
            return
        try:
            left = await self._clear(grid, rules, sibling)
            if not left:
                raise RefusedError(f"its {before.type.value} has been filled", cause=Cause.GONE)
            qty = min(spec.qty, left)
            again = _of(before, qty)
            new = _of(spec, qty)
            try:
                await self._pair(grid, rules, {sibling.client_id: again, client_id: new})
            except (RefusedError, RetryableError) as error:
                if new.type is OrderType.STOP and isinstance(error, RefusedError):
                    # The market stands at the target, which a pair may not have. What protects goes first.
                    await self._send(grid, rules, client_id, 1, new, Priority.PROTECT)
                    return
                await self._bring_back(grid, rules, sibling, _of(before, left), sent=sibling.coming)
                raise
        finally:
            self._settle(sibling)

    async def _through(self, name: str, spec: OrderSpec) -> bool:
        """Whether the market is at a limit or beyond it."""
        top = await self._rest.top(name, Priority.VERIFY)
        grid = self._venue.symbols.grids[name]
        try:
            bid, ask = grid.ticks[top.bid_price], grid.ticks[top.ask_price]
        except ValueError as error:
            raise RetryableError(f"quote of {name}: {error}") from None
        assert spec.limit is not None
        return bid >= spec.limit if spec.side is Side.SELL else 0 < ask <= spec.limit

    # -- changes -----------------------------------------------------------------------------------------

    async def modify(
        self, symbol: str, client_id: str, qty: int | None, limit: int | None, stop: int | None
    ) -> None:
        """Change a working order; `qty` is what it is for in all, filled lots included."""
        grid, rules = self._terms(symbol)
        async with self._changing(symbol):
            chain = await self._known(grid, rules, client_id)
            newest, before = chain.newest, chain.newest.spec
            own = before.qty - newest.filled if qty is None else qty - chain.filled
            spec = structs.replace(
                before,
                qty=own,
                limit=before.limit if limit is None else limit,
                stop=before.stop if stop is None else stop,
            )
            check_order(rules, grid.instrument, spec)
            if spec == before and not newest.filled:
                return  # its sibling's change has brought it along
            sibling = self._sibling(chain)
            if sibling is None:
                await self._replace(grid, rules, chain, spec)
            else:
                await self._replace_pair(grid, rules, chain, spec, sibling)

    async def _replace(self, grid: LotGrid, rules: SymbolRules, chain: OrderChain, spec: OrderSpec) -> None:
        number, before = chain.number + 1, chain.newest
        name = version_id(chain.client_id, number)
        params = order_params(
            rules.symbol, name, spec, grid.instrument, rules, self._venue.config.stop_slip_ticks
        )
        chain.coming = number
        try:
            await self._rest.replace(before.order_id, params)
            await self._look(grid, rules, name)
        except SpotRefused as error:
            if error.status == HALF_DONE:
                await self._bring_back(grid, rules, chain, before.spec, sent=number)
            raise
        except UnknownOutcomeError:
            await self._find_out(grid, rules, chain, name, before.spec)
        finally:
            self._settle(chain)

    async def _find_out(
        self, grid: LotGrid, rules: SymbolRules, chain: OrderChain, name: str, before: OrderSpec
    ) -> None:
        """What became of a change whose answer is lost. Where the old order has ended and no new one stands,
        the old one comes back. Raises UnknownOutcomeError where nothing has changed, for now.
        """
        try:
            await self._look(grid, rules, name)
        except UnknownOutcomeError:
            await self._refresh(grid, rules, chain)
            newest = chain.newest
            left = newest.spec.qty - newest.filled
            if newest.status.live or left <= 0:
                raise
            again = _of(before, left)
            await self._bring_back(grid, rules, chain, again, sent=chain.coming)
            raise RefusedError("it was cancelled, and the one in its place did not arrive") from None

    async def _replace_pair(
        self, grid: LotGrid, rules: SymbolRules, chain: OrderChain, spec: OrderSpec, sibling: OrderChain
    ) -> None:
        """An OCO has one quantity: that of the order that is changed."""
        mine, theirs = chain.newest.spec, sibling.newest.spec
        sibling.coming = sibling.number + 1
        try:
            left = await self._clear(grid, rules, chain)
            if not left:
                raise RefusedError("it has been filled", cause=Cause.GONE)
            qty = spec.qty if left == mine.qty else min(spec.qty, left)
            wanted = _of(spec, qty)
            try:
                await self._pair(grid, rules, {chain.client_id: wanted, sibling.client_id: _of(theirs, qty)})
            except (RefusedError, RetryableError):
                # The stop comes back before anything else: of two exits it is the one that protects.
                first = chain if mine.type is OrderType.STOP else sibling
                old = _of(mine if first is chain else theirs, left)
                await self._bring_back(grid, rules, first, old, sent=first.coming)
                raise
        finally:
            self._settle(chain)
            self._settle(sibling)

    # -- ends --------------------------------------------------------------------------------------------

    async def cancel(self, symbol: str, client_id: str) -> None:
        """Cancel one order. With an order of an OCO the other goes too, and comes back alone unless it is to
        be cancelled as well.
        """
        grid, rules = self._terms(symbol)
        self._ending.add(client_id)
        try:
            async with self._changing(symbol):
                chain = await self._known(grid, rules, client_id)
                sibling = self._sibling(chain)
                if sibling is not None and sibling.client_id not in self._ending:
                    sibling.coming = sibling.number + 1
                try:
                    await self._end(grid, rules, chain)
                    if sibling is not None and sibling.coming is not None:
                        await self._refresh(grid, rules, sibling)
                        old = sibling.newest
                        left = old.spec.qty - old.filled
                        if left > 0 and not old.status.live:
                            spec = _of(old.spec, left)
                            await self._bring_back(grid, rules, sibling, spec)
                finally:
                    if sibling is not None:
                        self._settle(sibling)
        finally:
            self._ending.discard(client_id)

    # -- pieces ------------------------------------------------------------------------------------------

    async def _send(
        self, grid: LotGrid, rules: SymbolRules, client_id: str, number: int, spec: OrderSpec, rank: Priority
    ) -> None:
        """One order, once. What was refused for its time is looked for: where it is not, it was not sent."""
        name = version_id(client_id, number)
        slip = self._venue.config.stop_slip_ticks
        params = order_params(rules.symbol, name, spec, grid.instrument, rules, slip)
        try:
            row = await self._rest.place(params, rank)
        except ClockRefused:
            if await self._find(grid, rules, name) is None:
                raise
            return
        self._take(row, grid)

    async def _pair(self, grid: LotGrid, rules: SymbolRules, wanted: dict[str, OrderSpec]) -> None:
        """An OCO of two exits. Raises RefusedError where there is none, UnknownOutcomeError."""
        numbers = {}
        for client_id in wanted:
            chain = self._orders.find(client_id)
            numbers[client_id] = 0 if chain is None else chain.number + 1
            if chain is not None:
                chain.coming = numbers[client_id]
        named = {version_id(client_id, numbers[client_id]): spec for client_id, spec in wanted.items()}
        stop = next((n, s) for n, s in named.items() if s.type is OrderType.STOP)
        target = next((n, s) for n, s in named.items() if s.type is OrderType.LIMIT)
        slip = self._venue.config.stop_slip_ticks
        list_id = f"l-{stop[0]}"[:36]
        try:
            params = oco_params(rules.symbol, list_id, stop, target, grid.instrument, rules, slip)
            found = await self._rest.place_oco(params)
        except (UnknownOutcomeError, ClockRefused) as error:
            for _ in range(_LOOKS):
                rows = [await self._find(grid, rules, name) for name in named]
                if all(row is not None for row in rows):
                    return
                await asyncio.sleep(_LOOK_S)
            # Nothing of it is there: the venue did not take it.
            raise RefusedError(f"the OCO did not arrive: {error}") from None
        for row in found.order_reports:
            self._take(row, grid)

    async def _clear(self, grid: LotGrid, rules: SymbolRules, chain: OrderChain) -> int:
        """Cancel an order that is to come again; gives the lots that it still was for, 0 where it filled."""
        chain.coming = chain.number + 1
        try:
            await self._end(grid, rules, chain)
        except SpotRefused as error:
            if error.cause is not Cause.GONE:
                raise
            await self._refresh(grid, rules, chain)
        except UnknownOutcomeError as error:
            raise RetryableError(f"what stood before may stand yet: {error}") from None
        newest = chain.newest
        return newest.spec.qty - newest.filled

    async def _end(self, grid: LotGrid, rules: SymbolRules, chain: OrderChain) -> None:
        """Cancel an order, and look where the answer is lost. Raises UnknownOutcomeError where it lives."""
        try:
            await self._rest.cancel(rules.symbol, chain.newest.order_id)
        except UnknownOutcomeError:
            with contextlib.suppress(PortError):
                await self._refresh(grid, rules, chain)
            if chain.newest.status.live:
                raise
            return
        await self._see(grid, rules, chain)

    async def _see(self, grid: LotGrid, rules: SymbolRules, chain: OrderChain) -> None:
        """What is left of an order that was cancelled: before that is known nothing can take its place."""
        for look in range(_LOOKS):
            try:
                await self._refresh(grid, rules, chain)
            except RetryableError:
                if look == _LOOKS - 1:
                    raise
                await asyncio.sleep(_LOOK_S)
            else:
                return

    async def _bring_back(
        self,
        grid: LotGrid,
        rules: SymbolRules,
        chain: OrderChain,
        spec: OrderSpec,
        sent: int | None = None,
    ) -> None:
        """Have an order stand again as it stood. Where that fails, its end is told, and the engine acts.
        `sent` is the version that was refused: its id is not used again.
        """
        number = max(chain.number, sent or 0) + 1
        chain.coming = number
        with contextlib.suppress(PortError):
            await self._send(grid, rules, chain.client_id, number, spec, Priority.PROTECT)

    async def _known(self, grid: LotGrid, rules: SymbolRules, client_id: str) -> OrderChain:
        """A live order of ours, asked for where this run has not heard of it. Raises RefusedError."""
        chain = self._orders.find(client_id)
        if chain is None:
            for row in await self._rest.open_orders(rules.symbol, Priority.VERIFY):
                self._take(row, grid, quiet=True)
            chain = self._orders.find(client_id)
        if chain is None or not chain.live:
            raise RefusedError("there is no such working order", cause=Cause.GONE)
        return chain

    def _sibling(self, chain: OrderChain) -> OrderChain | None:
        """The other order of its OCO, where it lives."""
        number = chain.newest.list_id
        others = (one for one in self._orders.live(chain.symbol) if one is not chain)
        return None if number < 0 else next((o for o in others if o.newest.list_id == number), None)

    async def _look(self, grid: LotGrid, rules: SymbolRules, name: str) -> None:
        """Learn of an order that was just taken. Raises UnknownOutcomeError where it does not show."""
        for _ in range(_LOOKS):
            if await self._find(grid, rules, name) is not None:
                return
            await asyncio.sleep(_LOOK_S)
        raise UnknownOutcomeError("the order that was to take its place does not show")

    async def _find(self, grid: LotGrid, rules: SymbolRules, name: str) -> SpotOrderRow | None:
        row = await self._rest.order(rules.symbol, name)
        if row is not None:
            self._take(row, grid)
        return row

    async def _refresh(self, grid: LotGrid, rules: SymbolRules, chain: OrderChain) -> None:
        """What the venue says of the newest version now."""
        row = await self._rest.order(rules.symbol, chain.newest.order_id)
        if row is not None:
            self._take(row, grid)

    def _take(self, row: SpotOrderRow, grid: LotGrid, *, quiet: bool = False) -> None:
        try:
            chain = self._orders.take(row, grid)
        except ValueError as error:
            self._venue.anomalies.note("order", error, row.order_id)
            return
        if not quiet:
            self._changed(chain)

    def _settle(self, chain: OrderChain) -> None:
        """Nothing more is coming: what there is, is told."""
        chain.coming = None
        if chain.versions:
            self._changed(chain)

    def _terms(self, symbol: str) -> tuple[LotGrid, SymbolRules]:
        symbols = self._venue.symbols
        return symbols.grids[symbols.name_of(symbol)], symbols.rules(symbol)

    @contextlib.asynccontextmanager
    async def _changing(self, symbol: str) -> AsyncIterator[None]:
        async with self._one_at_a_time[symbol]:
            self.changes += 1
            self._underway += 1
            try:
                yield
            finally:
                self._underway -= 1


def _of(spec: OrderSpec, qty: int) -> OrderSpec:
    """The same order for so many lots."""
    return structs.replace(spec, qty=qty)
