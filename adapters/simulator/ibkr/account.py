"""The gateway's account: its orders, matched by the one venue, its positions and its money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from adapters.simulator.ibkr import records
from adapters.simulator.ibkr.frames import IbFields
from adapters.simulator.ibkr.records import IbListed, IbOrder, SavedIbAccount
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.ports import Clock
from engine.venue.fill_model import FillModel
from engine.venue.refusals import OrderInvalidError
from engine.venue.venue import Venue

_KINDS = {"MKT": OrderType.MARKET, "LMT": OrderType.LIMIT, "STP": OrderType.STOP}

Refused = tuple[int, str]
"""An error's code and text."""


class IbAccount:
    """Takes orders of any client, and tells through `tell` what becomes of them."""

    def __init__(
        self,
        listed: Sequence[IbListed],
        clock: Clock,
        name: str,
        balance_usd: Decimal,
        model: FillModel,
        tell: Callable[[IbOrder, bytes], None],
        moved: Callable[[IbListed], None],
        first_id: int = 1,
    ) -> None:
        """`tell` takes a record to the client whose order it is; `moved` hears of positions. The venue's ids
        of orders and fills count from `first_id`.
        """
        self.name = name
        self.balance_usd = balance_usd
        instruments = {str(one.con_id): one.instrument for one in listed}
        self.venue = Venue(instruments, model, first_id, first_id, brackets=False)
        self.kept: dict[str, IbOrder] = {}
        """By the venue's id, which is the permanent one here."""
        self.positions: dict[int, tuple[int, Decimal]] = {}
        """Lots and average price, by contract."""
        self.commission_late = False
        """Commission reports are held until `send_commissions`."""
        self.twice = False
        """Every record of an order comes twice."""
        self.next_order_id = 1
        self.keep: Callable[[], None] = lambda: None
        """Is called whenever something has changed that outlives a run."""
        self._listed = {one.con_id: one for one in listed}
        self._clock = clock
        self._tell = tell
        self._moved = moved
        self._reports: list[tuple[IbOrder, Fill]] = []

    def pump(self) -> None:
        """Let happen what is due."""
        self.happened(self.venue.advance(self._clock()))

    def orders(self, *, live: bool) -> list[tuple[IbOrder, VenueOrder]]:
        """Those that are live, or those that are over, each with its newest report."""
        found = [(one, one.order) for one in self.kept.values() if one.order is not None]
        return [(one, order) for one, order in found if order.status.live is live]

    def saved(self) -> SavedIbAccount:
        return SavedIbAccount(
            self.venue.state(), self.balance_usd, self.positions, self.kept, self.next_order_id
        )

    def restore(self, saved: SavedIbAccount) -> None:
        """Go on where an earlier run stopped."""
        self.venue.restore(saved.venue)
        self.balance_usd, self.positions = saved.balance_usd, saved.positions
        self.kept, self.next_order_id = saved.orders, saved.next_order_id

    def forget(self, before: int) -> None:
        """Remember no order any more that was over before a time."""
        self.venue.forget(before)
        for key, one in tuple(self.kept.items()):
            if one.order is not None and not one.order.status.live and one.order.ts_venue < before:
                del self.kept[key]

    def send_commissions(self) -> None:
        """Send the reports that were held."""
        held, self._reports = self._reports, []
        for kept, fill in held:
            self._tell(kept, records.commission(kept, fill))

    def by_hand(self, con_id: int, side: Side, qty: int) -> None:
        """A person trades in TWS: no client's order."""
        listed = self._listed[con_id]
        spec = OrderSpec(side, OrderType.MARKET, qty)
        self._take(listed, spec, IbOrder(0, 0, 0, self.name, "", listed, "DAY", "0"))

    def place(self, client_id: int, order_id: int, asked: IbFields) -> Refused | None:
        """Take an order, or the change of one; what it is refused with."""
        con_id = asked.number()
        asked.skip(13)  # the rest of the contract, secIdType, secId
        side = Side.BUY if asked.next() == "BUY" else Side.SELL
        listed = self._listed[con_id]
        one = listed.instrument
        qty = one.lots(asked.decimal() or Decimal(0))
        kind = _KINDS[asked.next()]
        limit, stop = asked.decimal(), asked.decimal()
        tif = asked.next()
        asked.next()
        account = asked.next() or self.name
        asked.skip(2)
        order_ref = asked.next()
        asked.skip(6)  # transmit to triggerMethod
        outside_rth = asked.next()
        known = self._of(client_id, order_id)
        limit_at = one.ticks(limit) if limit and kind is OrderType.LIMIT else None
        stop_at = one.ticks(stop) if stop and kind is OrderType.STOP else None
        try:
            if known is not None:
                self._change(known, qty, limit=limit_at, stop=stop_at)
            else:
                spec = OrderSpec(side, kind, qty, limit=limit_at, stop=stop_at)
                kept = IbOrder(client_id, order_id, 0, account, order_ref, listed, tif, outside_rth)
                self._take(listed, spec, kept)
        except OrderInvalidError as error:
            return 201, f"Order rejected - reason:{error}"
        return None

    def _take(self, listed: IbListed, spec: OrderSpec, kept: IbOrder) -> None:
        self.next_order_id = max(self.next_order_id, kept.order_id + 1)
        placed = self.venue.place(str(listed.con_id), spec, self._clock(), kept.order_ref or None)
        kept.perm_id = int(placed.order.venue_id)
        self.kept[placed.order.venue_id] = kept
        self._tell_order(kept, placed.order)
        self.happened(placed.events)
        self.pump()
        self.keep()

    def _change(self, known: str, qty: int, *, limit: int | None, stop: int | None) -> None:
        self.happened(self.venue.modify(known, self._clock(), qty=qty, limit=limit, stop=stop))
        self.pump()
        self._tell_order(self.kept[known], self.venue.order(known))
        self.keep()

    def cancel(self, client_id: int, order_id: int) -> Refused | None:
        """What the cancel is refused with."""
        known = self._of(client_id, order_id)
        order = None if known is None else self.kept[known].order
        if known is None or order is None or not order.status.live:
            return 10147, f"OrderId {order_id} that needs to be cancelled is not found."
        self.happened(self.venue.cancel(known, self._clock()))
        self.pump()
        return None

    def _of(self, client_id: int, order_id: int) -> str | None:
        return next(
            (
                key
                for key, kept in self.kept.items()
                if (kept.client_id, kept.order_id) == (client_id, order_id)
            ),
            None,
        )

    def happened(self, events: Sequence[VenueOrder | Fill]) -> None:
        """Tell whose orders are concerned."""
        for event in events:
            if isinstance(event, Fill):
                self._on_fill(event)
            else:
                self._tell_order(self.kept[event.venue_id], event)
                if event.status is VenueStatus.CANCELED:
                    kept = self.kept[event.venue_id]
                    self._tell(kept, records.error(kept.order_id, 202, "Order Canceled - reason:"))
        if events:
            self.keep()

    def _on_fill(self, fill: Fill) -> None:
        kept = self.kept[fill.venue_order_id]
        kept.fills.append(fill)
        self._count(kept.listed, fill)
        self._tell(kept, records.execution(-1, kept, fill))
        if self.commission_late:
            self._reports.append((kept, fill))
        else:
            self._tell(kept, records.commission(kept, fill))
        self._moved(kept.listed)

    def _count(self, listed: IbListed, fill: Fill) -> None:
        """Positions and money, from the fills alone."""
        one = listed.instrument
        qty, average = self.positions.get(listed.con_id, (0, Decimal(0)))
        signed, price = fill.qty * fill.side.sign, one.price(fill.price)
        self.balance_usd -= fill.cost_usd
        if qty * signed < 0:
            closed = min(abs(qty), abs(signed)) * (1 if qty > 0 else -1)
            self.balance_usd += one.usd(1) * closed * (price - average) / one.tick_size
        total = qty + signed
        if qty * signed >= 0:
            average = (average * abs(qty) + price * abs(signed)) / abs(total)
        elif total * qty < 0:
            average = price
        if total:
            self.positions[listed.con_id] = (total, average)
        else:
            self.positions.pop(listed.con_id, None)

    def _tell_order(self, kept: IbOrder, order: VenueOrder) -> None:
        kept.order = order
        said = records.open_order(kept, order) + records.status(kept, order)
        self._tell(kept, said * (2 if self.twice else 1))
