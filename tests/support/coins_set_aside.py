"""A venue that sets coins aside for the order that would sell them, and has none for a second one."""

from __future__ import annotations

from engine.lab.replay import Replay
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.market import Side


class CoinsSetAside(Replay):
    sets_aside = True
    refused = 0
    """Sales of coins that another order had."""

    def execute(self, effect: fx.AnyEffect) -> None:
        if (
            isinstance(effect, fx.PlaceOrder | fx.ClosePosition)
            and self.sets_aside
            and self._too_much(effect)
        ):
            self.refused += 1
            self.outgoing.append(ev.reply(effect, self.now, ev.Outcome.REFUSED, "insufficient balance"))
        else:
            super().execute(effect)

    def _too_much(self, effect: fx.PlaceOrder | fx.ClosePosition) -> bool:
        symbol = effect.instrument
        buys = isinstance(effect, fx.PlaceOrder) and effect.side is Side.BUY
        if buys or not self.wallet.owns(symbol):
            return False
        aside = sum(
            one.qty - one.filled_qty
            for one in self.venue.orders
            if one.status.live and one.side is Side.SELL and one.instrument == symbol
        )
        return aside + effect.qty > self.wallet.lots(symbol)
