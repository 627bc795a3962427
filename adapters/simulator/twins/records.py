"""What a twin remembers of orders and executions, and how an account is kept."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.model.instrument import NOTHING
from engine.model.orders import Fill, VenueOrder
from engine.venue.orders import VenueState
from engine.venue.paper_position import PaperPosition


class TwinOrder(Struct):
    """An order as it stands, with what the wire has to tell of it besides."""

    order: VenueOrder
    """Its newest report: id, client id, spec, status, filled quantity."""
    placed_ts: int
    note: dict[str, str]
    """What the wire wanted to be remembered with it: its own name of the type, flags, a list's id."""
    reduces: bool = False
    now_or_never: bool = False
    fill_sum: int = 0
    """Sum of price x lots over its fills, ticks."""
    cost: Decimal = NOTHING
    """Fees of its fills."""

    @property
    def id(self) -> int:
        return int(self.order.venue_id)

    @property
    def rest(self) -> int:
        """Lots that are not filled."""
        return self.order.qty - self.order.filled_qty


class TwinFill(Struct, frozen=True):
    """An execution."""

    fill: Fill
    maker: bool
    """It rested; the fee was a maker's."""

    @property
    def id(self) -> int:
        return int(self.fill.trade_id)


class SavedTwinAccount(Struct):
    """An account as it is kept between runs, without its orders and fills."""

    venue: VenueState
    money: Decimal
    coins: dict[str, Decimal]
    positions: dict[str, PaperPosition]
    linked: list[list[int]] = field(default_factory=list)


TwinEvent = TwinOrder | TwinFill
