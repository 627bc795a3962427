"""Orders of ours across their versions. Pure: rows of the wire in, orders of the model out.

Binance changes no order: it cancels one and takes another. What the engine knows as one order is a row of
them there, each under the same client id with a number behind it (requests.version_id). To the engine it is
one order with one id, its own client id; orders of others go by the venue's number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.binance import mapping
from adapters.binance.mapping import LotGrid
from adapters.binance.requests import split_id
from adapters.binance.wire import SpotOrderRow
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus


@dataclass(slots=True)
class OrderVersion:
    """One order of the venue."""

    order_id: int
    spec: OrderSpec
    """As it was placed: `qty` is its own, in lots."""
    filled: int
    """Lots."""
    status: VenueStatus
    list_id: int
    ts: int


@dataclass(slots=True)
class OrderChain:
    """All versions of an order."""

    client_id: str
    symbol: str
    """The instrument's."""
    ours: bool
    versions: dict[int, OrderVersion] = field(default_factory=dict)
    coming: int | None = None
    """The version that is being asked for: until that is settled, the end of those before says nothing."""

    @property
    def number(self) -> int:
        """Of the newest version."""
        return max(self.versions)

    @property
    def newest(self) -> OrderVersion:
        return self.versions[self.number]

    @property
    def live(self) -> bool:
        return bool(self.versions) and self.newest.status.live

    @property
    def filled(self) -> int:
        """Lots, of all versions."""
        return sum(one.filled for one in self.versions.values())

    @property
    def filled_before(self) -> int:
        """Lots, of all versions but the newest."""
        return self.filled - self.newest.filled

    @property
    def held(self) -> bool:
        """Its newest version has ended, and another one may follow."""
        return self.coming is not None and self.number < self.coming and not self.newest.status.live

    def report(self) -> VenueOrder:
        """As one order: its quantity is what earlier versions have filled and what the newest is for."""
        newest, spec = self.newest, self.newest.spec
        qty = self.filled_before + spec.qty
        status = VenueStatus.PENDING if self.held else newest.status
        if status in (VenueStatus.CANCELED, VenueStatus.EXPIRED) and self.filled >= qty:
            status = VenueStatus.FILLED
        return VenueOrder(
            venue_id=self.venue_id,
            client_id=self.client_id,
            instrument=self.symbol,
            side=spec.side,
            type=spec.type,
            qty=qty,
            status=status,
            limit=spec.limit,
            stop=spec.stop,
            filled_qty=self.filled,
            ts_venue=newest.ts,
        )

    @property
    def venue_id(self) -> str:
        return self.client_id if self.ours else str(self.newest.order_id)


_MOST = 4_096
"""Orders that are remembered, the oldest that have ended are forgotten first."""


class OwnOrders:
    """The orders of one account, as far as they have been told of."""

    def __init__(self) -> None:
        self._chains: dict[str, OrderChain] = {}
        self._by_number: dict[tuple[str, int], OrderChain] = {}
        """By the venue's symbol and its number of an order."""

    def find(self, venue_id: str) -> OrderChain | None:
        return self._chains.get(venue_id)

    def of(self, venue_symbol: str, order_id: int) -> OrderChain | None:
        return self._by_number.get((venue_symbol, order_id))

    def live(self, symbol: str) -> list[OrderChain]:
        """Orders of an instrument that can trade."""
        return [chain for chain in self._chains.values() if chain.symbol == symbol and chain.live]

    def take(self, row: SpotOrderRow, grid: LotGrid) -> OrderChain:
        """Note what an answer or an event says of an order; what is older than what is known changes nothing.

        Raises WireFault for a row that makes no sense.
        """
        told = _version(row, grid)
        client_id, number = split_id(row.own_id)
        ours = client_id.startswith("ts-")
        key = client_id if ours else str(row.order_id)
        chain = self._chains.get(key)
        if chain is None:
            self._make_room()
            chain = self._chains[key] = OrderChain(client_id, grid.instrument.symbol, ours)
        known = chain.versions.get(number)
        if known is None or _newer(told, known):
            chain.versions[number] = told
        self._by_number[row.symbol, row.order_id] = chain
        return chain

    def _make_room(self) -> None:
        if len(self._chains) < _MOST:
            return
        for key, chain in list(self._chains.items()):
            if not chain.live and chain.coming is None:
                del self._chains[key]
                for number in [n for n, one in self._by_number.items() if one is chain]:
                    del self._by_number[number]
                if len(self._chains) < _MOST * 3 // 4:
                    return


def _newer(told: OrderVersion, known: OrderVersion) -> bool:
    """An order that has ended stays so, and what was filled stays filled."""
    if told.order_id != known.order_id:
        return told.order_id > known.order_id
    if told.filled != known.filled:
        return told.filled > known.filled
    return known.status.live and (told.ts >= known.ts or not told.status.live)


def _version(row: SpotOrderRow, grid: LotGrid) -> OrderVersion:
    kind, side = mapping.TYPES.get(row.type), mapping.side(row.side)
    limit, stop = grid.ticks[row.price], grid.ticks[row.stop_price]
    if kind is None:  # a type that is not in the table
        kind = OrderType.STOP if stop else OrderType.LIMIT if limit else OrderType.MARKET
    spec = OrderSpec(
        side,
        kind,
        grid.lots[row.orig_qty],
        limit=limit if kind is OrderType.LIMIT else None,
        stop=stop if kind is OrderType.STOP else None,
        reduces=side.sign < 0,
    )
    return OrderVersion(
        row.order_id,
        spec,
        grid.lots[row.executed_qty],
        mapping.status(row.status),
        row.order_list_id,
        row.ts,
    )
