"""What is known of one account: orders as all their rows together tell them, positions, money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import structs

from adapters.common.anomalies import Anomalies
from adapters.kraken import mapping
from adapters.kraken.wire import KrakenWireError, UwsBalance, UwsExecution, UwsPosition
from engine.model.instrument import Instrument
from engine.model.orders import Fill, VenueOrder, VenuePosition

_MOST_ENDED = 2_000
"""Ended orders that are remembered."""


class Told(NamedTuple):
    """What one row of `executions` says, of one of our instruments."""

    order: VenueOrder | None
    fill: Fill | None


class OrderRows:
    """Orders by the venue's id. Rows are sparse: what one leaves out is as it was. Fills count by their id:
    a row `filled` that follows one ends the order and adds nothing.
    """

    def __init__(self, instruments: Mapping[str, Instrument], anomalies: Anomalies) -> None:
        """`instruments` by the venue's symbol."""
        self._instruments = instruments
        self._anomalies = anomalies
        self._rows: dict[str, UwsExecution] = {}
        self._ended: dict[str, None] = {}
        """Ids of ended orders, oldest first."""

    def take(self, row: UwsExecution) -> Told:
        """Add a row to what is known. Raises KrakenWireError for one that makes no sense."""
        whole = self._rows[row.order_id] = merged(self._rows.get(row.order_id), row)
        instrument = self._instruments.get(whole.symbol or "")
        if mapping.is_over(whole):
            self._end(row.order_id)
        if instrument is None:
            return Told(None, None)
        fill = mapping.fill(structs.replace(whole, exec_type=row.exec_type), instrument)
        try:
            return Told(mapping.order(whole, instrument), fill)
        except KrakenWireError:
            if fill is None:
                raise
            return Told(None, fill)  # of an order that nobody has told of: the fill counts all the same

    def restart(self, rows: Iterable[UwsExecution]) -> None:
        """Another connection tells from now on: open orders are those it shows; ended ones stay known."""
        self._rows = {one: row for one, row in self._rows.items() if one in self._ended}
        for row in rows:
            if row.exec_type != "trade" and row.order_id not in self._ended:
                self._rows[row.order_id] = merged(self._rows.get(row.order_id), row)

    def ended_since(self, since: int) -> list[VenueOrder]:
        """Orders that were told to have ended at or after a time, nanoseconds UTC."""
        found = []
        for order_id in self._ended:
            row = self._rows[order_id]
            instrument = self._instruments.get(row.symbol or "")
            if instrument is None:
                continue
            try:
                order = mapping.order(row, instrument)
            except KrakenWireError:
                continue  # told when it came
            if not order.status.live and order.ts_venue >= since:
                found.append(order)
        return found

    def _end(self, order_id: str) -> None:
        self._ended.setdefault(order_id)
        while len(self._ended) > _MOST_ENDED:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._rows.pop(oldest, None)


def merged(known: UwsExecution | None, row: UwsExecution) -> UwsExecution:
    """A row over what is known of its order. What is filled never becomes less: rows may come late."""
    if known is None:
        return row
    news = {name: value for name in row.__struct_fields__ if (value := getattr(row, name)) not in (None, "")}
    if known.cum_qty is not None and row.cum_qty is not None and row.cum_qty < known.cum_qty:
        del news["cum_qty"]
    if row.triggers is not None and row.triggers.price is None and known.triggers is not None:
        del news["triggers"]
    if mapping.is_over(known) and not mapping.is_over(row):
        news.pop("exec_type", None)  # what has ended does not live again by a row that was late
        news.pop("order_status", None)
    return structs.replace(known, **news)


class SnapshotRows(NamedTuple):
    """What one answer of `executions` shows: open orders, and the newest fills of any."""

    orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]


def read_snapshot(rows: Iterable[UwsExecution], instruments: Mapping[str, Instrument]) -> SnapshotRows:
    """Open orders, and what the newest fills tell of the filled ones. Raises KrakenWireError if any row of
    our instruments can't be understood: half of an account is none.
    """
    open_rows: dict[str, UwsExecution] = {}
    trades: list[UwsExecution] = []
    for row in rows:
        if row.exec_type == "trade":
            trades.append(row)
        else:
            open_rows[row.order_id] = merged(open_rows.get(row.order_id), row)
    orders: dict[str, VenueOrder] = {}
    for row in open_rows.values():
        if (instrument := instruments.get(row.symbol or "")) is not None:
            orders[row.order_id] = mapping.order(row, instrument)
    fills: dict[str, Fill] = {}
    ended: dict[str, UwsExecution] = {}
    for row in trades:
        if (instrument := instruments.get(row.symbol or "")) is None:
            continue
        fill = mapping.fill(row, instrument)
        assert fill is not None
        fills.setdefault(fill.trade_id, fill)
        if row.order_id not in open_rows:
            ended[row.order_id] = merged(ended.get(row.order_id), row)
    for row in ended.values():
        # Whether one that is not open was filled, or cancelled after a part, its fills alone may not tell.
        if row.order_qty is not None and mapping.is_over(row):
            orders[row.order_id] = mapping.order(row, instruments[row.symbol or ""])
    return SnapshotRows(
        tuple(orders.values()), tuple(sorted(fills.values(), key=lambda one: (one.ts_venue, one.trade_id)))
    )


class Holding:
    """Positions and balances as a stream tells them."""

    def __init__(self, instruments: Mapping[str, Instrument], currency: str = "USD") -> None:
        self._instruments = instruments
        self._currency = currency
        self._positions: dict[str, VenuePosition] = {}
        self._balances: dict[str, Decimal] = {}

    def positions(self, rows: Iterable[UwsPosition], *, whole: bool) -> list[VenuePosition]:
        """Take rows in, all there are if `whole`; gives those of our instruments. Raises KrakenWireError."""
        told = [
            mapping.position(row, instrument)
            for row in rows
            if (instrument := self._instruments.get(row.symbol)) is not None
        ]
        if whole:
            gone = self._positions.keys() - {one.instrument for one in told}
            told += [VenuePosition(symbol, 0, mapping.NOTHING) for symbol in sorted(gone)]
            self._positions.clear()
        for one in told:
            if one.qty:
                self._positions[one.instrument] = one
            else:
                self._positions.pop(one.instrument, None)
        return told

    def balances(self, rows: Iterable[UwsBalance], *, whole: bool) -> None:
        if whole:
            self._balances.clear()
        for row in rows:
            if row.balance is not None:
                self._balances[row.asset] = mapping.amount(row.balance)

    def held(self, instrument: str) -> int:
        """Signed lots of an instrument's position."""
        position = self._positions.get(instrument)
        return 0 if position is None else position.qty

    @property
    def all(self) -> tuple[VenuePosition, ...]:
        return tuple(self._positions.values())

    @property
    def balance_usd(self) -> Decimal:
        """Of dollars: what else serves as collateral is not counted."""
        return sum(
            (self._balances.get(name, mapping.NOTHING) for name in (self._currency, "ZUSD")), mapping.NOTHING
        )
