"""Trading by hand, from the key to the command: the ticket, what is moved, reversed and added to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from msgspec import structs

from engine.model.commands import MOST_TARGETS, AnyCommand, ReverseManual
from engine.model.notices import Notice
from engine.model.orders import AccountKind, OrderType
from engine.model.view import PositionView, View
from tui import moving
from tui.actions import PANES
from tui.base_app import CockpitApp
from tui.confirmations import Confirmation
from tui.market_range import atr_ticks
from tui.moving import Move
from tui.plain_text import plain
from tui.previews import LOST_S
from tui.screen_state import aim_of
from tui.things import Thing, of_message, of_order
from tui.ticket import Prefill, opened
from tui.view_facts import contract_of, kind_of

Confirms = Callable[[Callable[[], Confirmation], Callable[[], None]], None]
"""Asks what a Confirmation says, called again at each frame, and does something after a Yes."""


class TradingByHand:
    """One for each cockpit. Fulfils tui.screens.ticket.AsksAndSends. `row` is what the cursor is on."""

    def __init__(self, cockpit: CockpitApp, confirm: Confirms) -> None:
        self._cockpit = cockpit
        self.confirm = confirm
        self._trying: tuple[Future[Notice], ReverseManual, float] | None = None
        """What the engine was asked before a question, and when."""

    def send(self, command: AnyCommand, label: str) -> None:
        """Hand over what such a screen came to."""
        commands = self._cockpit.presenter.commands
        commands.send(structs.replace(command, id=commands.new_id()), label, self._cockpit.clock())
        self._cockpit.redraw()

    def open_ticket(self, row: Thing | None = None, prefill: Prefill | None = None) -> None:
        """An order to be filled in, with what is known already."""
        from tui.screens.ticket import TicketScreen

        cockpit, view = self._cockpit, self._cockpit.presenter.view
        if prefill is None:
            instrument, book = self._aim(row)
            prefill = from_alert(view, row) or Prefill(instrument=instrument, book=book or "")
        contract = contract_of(view, prefill.instrument or self._cockpit.presenter.choice.instrument)
        if contract is None or not view.books:
            cockpit.toast("no contract and no account is known yet", "warning")
            return
        names, picked = [one.book for one in view.books], cockpit.presenter.choice.book
        chart = cockpit.shown.chart_of(contract.instrument, cockpit.shown.timeframe)
        ranged, digits = atr_ticks(chart) is not None, contract.decimals
        ticket = opened(prefill, contract.instrument, names, picked, digits, ranged=ranged)
        cockpit.push_screen(TicketScreen(ticket, self))

    def _aim(self, row: Thing | None) -> tuple[str, str | None]:
        """The contract and the book that a key means."""
        view = self._cockpit.presenter.view
        return aim_of(
            view, self._cockpit.presenter.choice.instrument, self._cockpit.presenter.choice.book, row
        )

    def move_price(self, by: int, row: Thing | None) -> None:
        instrument, book = self._aim(row)
        found = moving.movable(self._cockpit.presenter.view, instrument, book, row)
        if not found:
            self._cockpit.toast(f"{plain(instrument)}: nothing stands that could be moved")
            return
        self._open_move(found, by)

    def dragged(self, client_id: str, ticks: int) -> None:
        """An order was dragged to a price: that is seen, with its money, before enter sends it."""
        view = self._cockpit.presenter.view
        order = next((one for one in view.orders if one.client_id == client_id), None)
        if order is None:
            self._cockpit.toast("that order is gone", "warning")
            return
        found = moving.movable(view, order.instrument, order.book, of_order(order))
        if found and found[0].plan == order.plan:
            self._open_move([structs.replace(found[0], at=max(1, ticks)), *found[1:]])

    def _open_move(self, moves: list[Move], by: int = 0) -> None:
        from tui.screens.moving import MoveScreen

        self._cockpit.push_screen(MoveScreen(moves, self, by))

    def trail(self, row: Thing | None) -> None:
        self._of_trade(row, moving.trailing)

    def add_target(self, row: Thing | None) -> None:
        self._of_trade(row, moving.one_more_target)

    def add_to_trade(self, row: Thing | None) -> None:
        self._of_trade(row, lambda _, position, plan: moving.one_more_lot(position, plan))

    def _of_trade(self, row: Thing | None, make: Callable[[View, PositionView, str], Move | None]) -> None:
        """Open the bar for the one trade that is meant, or say why there is none."""
        view, (instrument, book) = self._cockpit.presenter.view, self._aim(row)
        held = moving.held_trade(view, instrument, book, row)
        if isinstance(held, str):
            self._cockpit.toast(plain(held), "warning")
            return
        plan = moving.plan_of(view, held, row)
        move = make(view, held, plan) if plan else None
        if move is None:
            text = f"{plain(instrument)}: several trades, or none, are held: pick a row in {PANES['orders']}"
            self._cockpit.toast(text, "warning")
            return
        self._open_move([move])

    def reverse(self, row: Thing | None) -> None:
        """Ask the engine first what it comes to: the question has both orders in its words."""
        cockpit, view, (instrument, book) = self._cockpit, self._cockpit.presenter.view, self._aim(row)
        held = moving.held_trade(view, instrument, book, row)
        if isinstance(held, str):
            cockpit.toast(plain(held), "warning")
            return
        commands, whose = cockpit.presenter.commands, held.book
        wanted = ReverseManual(id=f"{commands.new_id()}-try", instrument=instrument, book=whose, dry_run=True)
        self._trying = commands.try_out(wanted), structs.replace(wanted, dry_run=False), cockpit.clock()

    def look(self) -> None:
        """Go on with what the engine was asked before a question, once it has answered."""
        cockpit = self._cockpit
        if self._trying is None:
            return
        answer, command, since = self._trying
        if not answer.done():
            if cockpit.clock() - since > LOST_S:
                self._trying = None
                cockpit.toast("reverse: no answer; nothing was sent", "warning")
            return
        self._trying = None
        error = answer.exception()
        notice = None if error is not None else answer.result()
        if notice is None or not notice.done:
            cockpit.toast(f"reverse: {error if notice is None else notice.text}", "warning")
            return
        sized = next((one.qty for one in notice.verdicts), None)
        text = plain(notice.text).partition("it would be: ")[2]
        lines = (
            *text.split("; once that is proven, "),
            "in between it is flat; where the second is refused, it stays flat",
        )
        live = kind_of(cockpit.presenter.view, command.book) is AccountKind.LIVE
        name = plain(command.instrument)
        asked = Confirmation(f"Reverse {name}", lines, "reverse", live)
        sent = structs.replace(command, qty=sized)

        def confirmed() -> None:
            if cockpit.presenter.choice.readonly:
                cockpit.toast("this cockpit is read-only", "warning")
            else:
                self.send(sent, f"reverse {name}")

        self.confirm(lambda: asked, confirmed)


def from_alert(view: View, row: Thing | None) -> Prefill | None:
    """What a ticket begins with on the row of a room's message that has a trade; None on any other."""
    alert = next((one for one in view.alerts if row is not None and of_message(one) == row), None)
    if alert is None or alert.side is None or not alert.instrument:
        return None
    return Prefill(
        instrument=alert.instrument,
        side=alert.side,
        entry=OrderType.MARKET if alert.entry is None else OrderType.LIMIT,
        price=alert.entry,
        stop=alert.stop,
        targets=alert.targets[:MOST_TARGETS],
    )


class ByHandActions:
    """What of tui.actions.ActionTarget is by hand: each for the row under the cursor."""

    by_hand: TradingByHand
    _row: Thing | None

    def open_ticket(self) -> None:
        self.by_hand.open_ticket(self._row)

    def move_price(self, by: int) -> None:
        self.by_hand.move_price(by, self._row)

    def trail(self) -> None:
        self.by_hand.trail(self._row)

    def add_target(self) -> None:
        self.by_hand.add_target(self._row)

    def add_to_trade(self) -> None:
        self.by_hand.add_to_trade(self._row)

    def reverse(self) -> None:
        self.by_hand.reverse(self._row)
