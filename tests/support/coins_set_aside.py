"""A venue that sets coins aside for the order that would sell them, and has none for a second one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.lab.replay import Replay
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.market import Side
from engine.model.orders import OrderType, VenueOrder


class CoinsSetAside(Replay):
    sets_aside = True
    stops_move = True
    """Whether it changes a stop that rests."""
    refused = 0
    """Sales of coins that another order had."""
    _sizes: Mapping[str, int] = MappingProxyType({})
    """Sizes that orders were changed to, by the venue's id: they count from the answer on."""

    def execute(self, effect: fx.AnyEffect) -> None:
        if not self.stops_move and isinstance(effect, fx.ModifyOrder) and self._is_stop(effect):
            self.outgoing.append(ev.reply(effect, self.now, ev.Outcome.REFUSED, "limits are changed alone"))
        elif not isinstance(effect, fx.TakeSnapshot) and self.sets_aside and self._too_much(effect):
            self.refused += 1
            self.outgoing.append(ev.reply(effect, self.now, ev.Outcome.REFUSED, "insufficient balance"))
        else:
            if isinstance(effect, fx.ModifyOrder) and effect.qty is not None:
                self._sizes = {**self._sizes, effect.venue_id: effect.qty}
            super().execute(effect)

    def _is_stop(self, change: fx.ModifyOrder) -> bool:
        return any(
            one.venue_id == change.venue_id and one.type is OrderType.STOP for one in self.venue.orders
        )

    def _sales(self, symbol: str) -> list[VenueOrder]:
        return [
            one
            for one in self.venue.orders
            if one.status.live and one.side is Side.SELL and one.instrument == symbol
        ]

    def _too_much(self, effect: fx.AnyRequest) -> bool:
        if not isinstance(effect, fx.PlaceOrder | fx.ClosePosition | fx.ModifyOrder):
            return False
        symbol = effect.instrument
        if not self.wallet.owns(symbol):
            return False
        sales = self._sales(symbol)
        if isinstance(effect, fx.ModifyOrder):
            changed = next((one for one in sales if one.venue_id == effect.venue_id), None)
            if changed is None or effect.qty is None or effect.qty <= changed.qty:
                return False
            wanted = (changed.type, effect.qty - changed.filled_qty)
            sales.remove(changed)
        elif isinstance(effect, fx.PlaceOrder):
            if effect.side is Side.BUY:
                return False
            wanted = (effect.type, effect.qty)
        else:
            wanted = (OrderType.MARKET, effect.qty)
        rests = ((one.type, self._sizes.get(one.venue_id, one.qty) - one.filled_qty) for one in sales)
        resting = [*rests, wanted]
        held = {kind: sum(qty for known, qty in resting if known is kind) for kind in OrderType}
        # A stop and a target are one pair, which sells once.
        aside = max(held[OrderType.STOP], held[OrderType.LIMIT]) + held[OrderType.MARKET]
        return aside > self.wallet.lots(symbol)
