"""What has happened to the legs of a plan."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.model.orders import Slot
from engine.state.position import nearest_tick


class Beyond(Struct):
    """Contracts that an exit of a leg has sold beyond what was the leg's, as two exits that race do: another
    trade's, nobody's, or those of an entry that is told later.
    """

    qty: int
    price: int
    """Ticks."""
    each_usd: Decimal
    """Costs of one contract."""


class LegState(Struct):
    """What has happened to one leg of a plan. Sums of price x quantity in ticks."""

    entered: int = 0
    entered_sum: int = 0
    exited: int = 0
    exit_sum: int = 0
    """Of what was the leg's: without what is beyond."""
    costs_usd: Decimal = Decimal(0)
    """Of its fills, both sides, without what is beyond."""
    entry_ts: int = 0
    """When its first contract was filled."""
    slots: dict[Slot, str] = field(default_factory=dict)
    """Client id of the newest order in each slot."""
    fees: int = 0
    """Lots of what was entered that fees have taken (docs/semantics.md#spot)."""
    beyond: list[Beyond] = field(default_factory=list)
    """Oldest first."""

    @property
    def closed_qty(self) -> int:
        """Contracts of its own that have left."""
        return self.exited - sum(one.qty for one in self.beyond)

    @property
    def open_qty(self) -> int:
        return self.entered - self.exited - self.fees

    @property
    def average(self) -> int:
        """Average entry of a leg that has entered, to the nearest tick."""
        return nearest_tick(self.entered_sum, self.entered)
