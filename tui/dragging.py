"""An own order that the mouse drags to another price: letting it go shows the move, and enter sends it."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message

from engine.model.orders import Slot
from engine.model.view import OrderView
from tui.messages import PriceDragged


class DraggedOrder:
    """What is dragged over rows that have prices. Pressing and letting go sends nothing by itself."""

    def __init__(
        self,
        found: Callable[[int], OrderView | None],
        price: Callable[[int], int | None],
        post: Callable[[Message], object],
    ) -> None:
        """`found` gives the order of ours in a row of the screen, `price` its price in ticks."""
        self._found, self._price, self._post = found, price, post
        self.order: OrderView | None = None
        self._from = 0

    def press(self, event: events.MouseDown) -> bool:
        """Whether something is dragged from here on."""
        order = self._found(event.screen_y) if event.button == 1 else None
        self.order = order if order is not None and order.slot is not Slot.PART else None
        self._from = event.screen_y
        return self.order is not None

    def release(self, event: events.MouseUp) -> None:
        """Show the move, unless it is let go where it was."""
        order, self.order = self.order, None
        ticks = self._price(event.screen_y)
        if order is not None and ticks is not None and event.screen_y != self._from:
            self._post(PriceDragged(order.client_id, ticks))


class DragsOrders:
    """A screen of rows that have prices."""

    dragged: DraggedOrder

    def go_to(self, y: int) -> None:
        """The mouse is in a row of the screen."""
        raise NotImplementedError

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.dragged.press(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.dragged.order is not None:
            self.go_to(event.screen_y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.dragged.release(event)
        self.go_to(event.screen_y)
