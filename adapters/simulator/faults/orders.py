"""Faults of orders that reached the venue: rejections without a reason of their own, and fills in parts."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.simulator.exchange.codes import PLACEABLE, TYPE
from adapters.simulator.exchange.order_checks import OUT_OF_RANGE, OrderInterceptor
from adapters.simulator.exchange.requests import PlaceRequest
from adapters.simulator.fault_plan.armed import ArmedFaults
from adapters.simulator.fault_plan.partial_fills import PartialFills
from adapters.simulator.fault_plan.plan import ANY, FaultyAccount, Option, Seam, of_account
from adapters.simulator.faults.catalogue import add_kind
from engine.model.instrument import CME_FUTURES
from engine.model.orders import VenueOrder

_SYMBOL = Option("", "only this product; empty: all", ("", *CME_FUTURES))
_TYPES = (ANY, *TYPE)

add_kind(
    "rejected-order",
    Seam.ORDER,
    "The venue rejects an order, a stop by default; its row with status 5 stays, as with any rejected order.",
    "rejected-order:type=stop,nth=2",
    type=Option("stop", "orders of this type", _TYPES),
    symbol=_SYMBOL,
    account=of_account(),
    text=Option(OUT_OF_RANGE, "what it says; the default is that of a stop that the price is through"),
)(lambda options: options.text("text"))


add_kind(
    "partial-fill",
    Seam.FILL,
    "An order fills in parts: at each print or quote that could fill it, so many contracts at most.",
    "partial-fill:type=limit,qty=1,pause=5",
    type=Option(ANY, "orders of this type; the rest of a stop goes on as at market", _TYPES),
    symbol=_SYMBOL,
    account=of_account(),
    qty=Option(1, "contracts of one part"),
    pause=Option(0.0, "least time between two parts, seconds of venue time"),
)(PartialFills)


class OrderFaults(OrderInterceptor):
    """Stands between orders that arrive, or could fill, and the venue."""

    def __init__(self, armed: ArmedFaults, accounts: Mapping[int, FaultyAccount]) -> None:
        self._armed = armed
        self._accounts = accounts
        self._partial: dict[str, PartialFills] = {}

    def rejection(self, symbol: str, order: PlaceRequest) -> str | None:
        kind = PLACEABLE.get(order.type, "")
        account = self._accounts.get(order.account_id)
        acting = self._armed.acting(Seam.ORDER, symbol, account, symbol=symbol, type=kind)
        return acting[0].kind.act(acting[0].fault.options) if acting else None

    def most_filled(self, account_id: int, order: VenueOrder, qty: int) -> int:
        fills = self._partial.get(order.venue_id)
        if fills is None:
            acting = self._armed.acting(
                Seam.FILL,
                f"order {order.venue_id}",
                self._accounts.get(account_id),
                lambda options: qty > options.count("qty"),
                symbol=order.instrument,
                type=order.type,
            )
            if not acting:
                return qty
            fills = self._partial[order.venue_id] = acting[0].kind.act(acting[0].fault.options)
        return fills.take(qty, self._armed.clock())
