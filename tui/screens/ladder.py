"""The ladder: the order book around the market, own orders in it, and one-key entries once it is armed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType

from engine.model.depth import DepthView
from engine.model.market import Side
from engine.model.view import ContractView, OrderView
from tui import ladder_orders as ours
from tui import number_format as figures
from tui.confirmations import Confirmation
from tui.dragging import DraggedOrder, DragsOrders
from tui.ladder_arms import LadderArms, arming, unarmable
from tui.ladder_orders import LadderOrder, LadderTerms
from tui.messages import TicketAsked
from tui.plain_text import plain
from tui.rows.ladder import Rungs, armed_row, held_row, keys_note, ladder_rows, state_row, terms_row
from tui.rows.tape import delta_head, delta_rows, print_rows
from tui.screen_state import ScreenState
from tui.screens.page import SCROLLED_S, Page
from tui.styled_text import EMPTY, Row, cell, fit, width_of
from tui.typing_pace import BURST, HELD
from tui.view_facts import session_of
from tui.widgets.grid import Content

_WAIT_S = BURST + 0.01
"""A key that trades is carried out so much later: what is pasted comes in less."""
_BESIDE = 100
"""From this width on the newest prints stand beside the book."""
_WITH_BARS = 160
"""And from this one the delta of each bar."""


class LadderScreen(DragsOrders, Page):
    """Price in the middle, bids left, asks right. What its keys do to money is in tui.ladder_orders."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, priority=True),
        Binding("q,L", "leave", show=False),
        Binding("j,down", "cursor(-1)", show=False, priority=True),
        Binding("k,up", "cursor(1)", show=False, priority=True),
        Binding("ctrl+d,pagedown", "cursor(-10)", show=False, priority=True),
        Binding("ctrl+u,pageup", "cursor(10)", show=False, priority=True),
        Binding("c,home", "centre", show=False, priority=True),
        Binding("a", "arm", show=False),
        Binding("b", "limit('buy')", show=False),
        Binding("s", "limit('sell')", show=False),
        Binding("B", "market('buy')", show=False),
        Binding("S", "market('sell')", show=False),
        Binding("x", "cancel", show=False),
        Binding("m,enter", "move", show=False),
        Binding("o", "ticket", show=False),
        Binding("plus,equals_sign", "terms('qty', 1)", show=False),
        Binding("minus", "terms('qty', -1)", show=False),
        Binding("right_square_bracket", "terms('stop', 1)", show=False),
        Binding("left_square_bracket", "terms('stop', -1)", show=False),
        Binding("right_curly_bracket", "terms('target', 1)", show=False),
        Binding("left_curly_bracket", "terms('target', -1)", show=False),
        *(
            Binding(key, f"app.act('{action}')", show=False)
            for key, action in (
                ("f", "flatten"), ("F", "flatten-all"), ("n", "next-contract"), ("N", "previous-contract"),
                ("w", "pick-book"), ("question_mark", "help"), ("r", "readonly"),
            )
        ),
    ]  # fmt: skip

    def __init__(self, terms: LadderTerms) -> None:
        super().__init__()
        self.terms = terms
        self.arms = LadderArms()
        self.cursor: int | None = None
        """Ticks; None while it is where the market is."""
        self._top: int | None = None
        self._above = 0
        """Lines above the highest price."""
        self._market: int | None = None
        """Ticks: where the market is in what is painted. Keys mean that, not what has come since."""
        self._moving: OrderView | None = None
        self.dragged = DraggedOrder(self._order_at, self._price_at, self.post_message)
        self._columns: tuple[float, object, list[list[Row]]] = (-1e9, None, [])
        """What stands beside the book: until when, of what, and the rows of each column."""
        self.pending = 0
        """Keys that are not carried out yet."""
        self._pressed: dict[str, float] = {}
        """When a key that trades came last, of those since the cursor was moved."""

    @property
    def armed(self) -> bool:
        return self.arms.until is not None

    # --- drawing ---------------------------------------------------------------------------------------

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        if why := self.arms.against(state, now):
            self.disarm(why)
        super().draw(state, now, force)

    def build(self, state: ScreenState, width: int) -> Content:
        contract, self._market = state.contract, None
        if contract is None:
            return Content([cell("no contract yet", "faint")], title=cell("Ladder", "text bold"))
        depth = state.depth_of(state.instrument)
        self._market = middle = ours.middle(contract, depth)
        if middle is None:
            return Content([cell("no price yet", "faint")], title=self._title(contract))
        now = self.cockpit.clock()
        left = None if self.arms.until is None else max(0.0, self.arms.until - now)
        lines = [] if left is None else [armed_row(left, width)]
        held = held_row(state.view, contract, state.book or None)
        lines += [terms_row(self.terms, contract, width), fit((*state_row(depth, contract), *held), width)]
        self._above = len(lines) + 1
        height = max(3, self._grid.inner[1] - self._above)
        rungs = self._rungs(middle, height)
        beside = 34 if width >= _BESIDE else 0
        beside += 49 if width >= _WITH_BARS else 0
        cut = width - beside - (3 if beside else 0)
        head, rows = ladder_rows(state.view, contract, depth, rungs, cut, state.book or None)
        if beside:
            rows = self._beside(state, contract, rows, beside)
        foot = cell(keys_note(width, armed=self.armed), "dim")
        return Content(
            [*lines, head, *rows], title=self._title(contract), note=self._note(contract, depth), foot=foot
        )

    def _beside(self, state: ScreenState, contract: ContractView, rows: list[Row], width: int) -> list[Row]:
        """The newest prints and, where there is much room, the delta of each bar; drawn anew less often than
        the book, since each print moves all of them.
        """
        now, of = self.cockpit.clock(), (state.instrument, state.timeframe, width, len(rows))
        due, drawn, columns = self._columns
        if now >= due or drawn != of:
            columns = self._drawn_beside(state, contract, len(rows), width)
            self._columns = now + SCROLLED_S, of, columns
        gap: Row = ((" │ ", "frame"),)
        for column in columns:
            rows = [(*row, *gap, *one) for row, one in zip(rows, column, strict=True)]
        return rows

    def _drawn_beside(
        self, state: ScreenState, contract: ContractView, height: int, width: int
    ) -> list[list[Row]]:
        tape = state.tape_of(state.instrument, state.timeframe)
        if tape is None:
            return []
        zone = session_of(state.view, contract).zone
        columns = [print_rows(tape, contract, zone, 34, height)]
        if width > 34:
            head = delta_head(state.timeframe.value, width - 37)
            columns.append([head, *delta_rows(tape, contract, zone, width - 37, height - 1)])
        for column in columns:
            blank = fit(EMPTY, width_of(column[0])) if column else EMPTY
            column += [blank] * (height - len(column))
        return columns

    def _rungs(self, middle: int, height: int) -> Rungs:
        """Keep the market in view: it is put in the middle again where it leaves the middle half."""
        top, held = self._top, self.dragged.order is not None  # what is dragged is over prices that stay
        if top is None or (not held and not top - height * 3 // 4 <= middle <= top - height // 4):
            top = middle + height // 2
        cursor = middle if self.cursor is None else self.cursor
        if self.cursor is not None and not held:  # who goes beyond the edge takes the ladder along
            top = max(min(top, cursor + height - 1), cursor)
        self._top = top
        return Rungs(top, height, cursor, self._moving or self.dragged.order)

    def _title(self, contract: ContractView) -> Row:
        head: Row = (("Ladder · ", "dim"), (plain(contract.name), "accent bold"))
        return (*head, (" ", "text"), (" ARMED ", "ink bold on:error")) if self.armed else head

    def _note(self, contract: ContractView, depth: DepthView | None) -> Row:
        moving = self._moving
        if moving is not None:
            what = f"moving the {moving.slot.value}: m puts it at the cursor, esc leaves it"
            return cell(what, "warn bold")
        if contract.stale:
            return cell("price too old", "stale bold")
        bid, ask = ours.touch(contract, depth)
        return (
            ("bid ", "dim"), (figures.price(bid, contract.decimals), "buy"),
            (" ask ", "dim"), (figures.price(ask, contract.decimals), "sell"),
        )  # fmt: skip

    # --- looking ---------------------------------------------------------------------------------------

    def action_cursor(self, by: int) -> None:
        self._pressed.clear()  # the same key means another price now, and is not held
        self.arms.stir(self.cockpit.clock())
        if (at := self._at()) is not None:
            self.cursor = max(1, at + by)
        self.cockpit.redraw()

    def action_centre(self) -> None:
        self.arms.stir(self.cockpit.clock())
        self.cursor = self._top = None
        self.cockpit.redraw()

    def go_to(self, y: int) -> None:
        """A click puts the cursor there; it trades nothing."""
        self.arms.stir(self.cockpit.clock())
        if (at := self._price_at(y)) is not None:
            self.cursor = at
            self.cockpit.redraw()

    def _price_at(self, y: int) -> int | None:
        at = y - self._grid.region.y - 1 - self._above
        return self._top - at if self._top is not None and at >= 0 else None

    def _order_at(self, y: int) -> OrderView | None:
        state, at = self.cockpit.shown, self._price_at(y)
        return None if at is None else ours.first_at(state, at)

    def action_terms(self, what: str, by: int) -> None:
        self.arms.stir(self.cockpit.clock())
        terms = self.terms
        match what:
            case "qty":
                self.terms = replace(terms, qty=ours.stepped(terms.qty, by, 1))
            case "stop":
                self.terms = replace(terms, stop_ticks=ours.stepped(terms.stop_ticks, by, 1))
            case _:
                self.terms = replace(terms, target_ticks=ours.stepped(terms.target_ticks, by, 0))
        self.cockpit.redraw()

    def action_back(self) -> None:
        """Leave an order that was picked up, then the arms, then the page."""
        if self._moving is not None:
            self._moving = None
        elif self.armed:
            self.disarm("")
        else:
            self.action_leave()
            return
        self.cockpit.redraw()

    def action_leave(self) -> None:
        self.disarm("")
        super().action_leave()

    # --- arming ----------------------------------------------------------------------------------------

    def action_arm(self) -> None:
        if self.armed:
            self.disarm("")
            self.cockpit.redraw()
            return
        if why := unarmable(self.cockpit.shown):
            self.cockpit.toast(f"arm the ladder: {why}", "warning")
            return

        def question() -> Confirmation:
            return arming(self.cockpit.shown, self.terms)

        def answered(yes: bool | None) -> None:
            state = self.cockpit.shown
            if yes and not unarmable(state):
                self.arms.take_up(state, self.cockpit.clock())
            self.cockpit.redraw()

        self._ask(question, answered)

    def _ask(self, question: Callable[[], Confirmation], answered: Callable[[bool | None], None]) -> None:
        from tui.screens.confirm import ConfirmScreen

        self.cockpit.push_screen(ConfirmScreen(question, self.cockpit.clock), answered)

    def disarm(self, why: str) -> None:
        if self.armed and why:
            self.cockpit.toast(f"the ladder is disarmed: {why}", "warning")
        self.arms.lay_down()
        self._moving = None

    def on_unmount(self) -> None:
        self.arms.lay_down()

    # --- trading ---------------------------------------------------------------------------------------

    def action_limit(self, side: str) -> None:
        if (at := self._at()) is None:  # no price is a market order to what comes after
            self.cockpit.toast("no price yet: nothing was sent", "warning")
            return
        self._soon(f"limit {side}", lambda: self._enter(Side(side), at))

    def action_market(self, side: str) -> None:
        self._soon(f"market {side}", lambda: self._enter(Side(side), None))

    def action_cancel(self) -> None:
        at = self._at()
        self._soon("cancel", lambda: self._cancel(at))

    def action_move(self) -> None:
        if not self.armed:
            self._soon("move", lambda: None)
        elif self._moving is None:
            self._pick_up()
        else:
            self._soon("move", self._put_down)

    def _soon(self, what: str, work: Callable[[], None]) -> None:
        """Trade a moment after the key, unless others come with it, it is held, or it came long ago."""
        cockpit, now = self.cockpit, self.cockpit.clock()
        if not self.armed:
            cockpit.toast("the ladder is not armed: a arms it", "warning")
            return
        passed, self._pressed[what] = now - self._pressed.get(what, -1e9), now
        if passed < HELD:
            return  # a key that is held acts once
        if cockpit.pace.late(now):
            cockpit.toast("that key was held up on its way: nothing was sent", "warning")
            return
        self.arms.stir(self.cockpit.clock())
        count = cockpit.pace.count
        self.pending += 1

        def go() -> None:
            self.pending -= 1
            if cockpit.pace.count != count or cockpit.pace.burst(now):
                cockpit.toast("what is pasted trades nothing", "warning")
                self.disarm("several keys came at once")
            elif self.armed and self.cockpit.screen is self:
                work()
            cockpit.redraw()

        self.set_timer(_WAIT_S, go)

    def _enter(self, side: Side, ticks: int | None) -> None:
        state = self.cockpit.shown
        if (contract := state.contract) is None:
            return
        commands, book = self.cockpit.presenter.commands, state.book or None
        self._send(ours.entry(state.view, contract, side, ticks, self.terms, commands.new_id(), book))

    def action_ticket(self) -> None:
        """An order to be filled in, with the price of the cursor; it asks before anything is sent."""
        self.arms.stir(self.cockpit.clock())
        state = self.cockpit.shown
        if (contract := state.contract) is None or state.readonly or state.view.health.stopped:
            self.cockpit.toast(f"an order: {unarmable(state)}", "warning")
            return
        if (at := self._at()) is not None:
            self.post_message(TicketAsked(ours.prefill(contract, at, self.terms, state.book)))

    def _at(self) -> int | None:
        """The cursor's price as it is painted, ticks: where the market is while it was not moved."""
        return self._market if self.cursor is None else self.cursor

    def _mine(self, at: int | None) -> list[OrderView]:
        """Our orders at a price in ticks."""
        state = self.cockpit.shown
        if (contract := state.contract) is None:
            return []
        return [] if at is None else ours.orders_at(state.view, contract, at, state.book or None)

    def _cancel(self, at: int | None) -> None:
        contract, mine = self.cockpit.shown.contract, self._mine(at)
        if contract is None or not mine:
            self.cockpit.toast("no order of ours at the cursor")
            return
        for order in mine:
            self._send(ours.cancel(order, contract, self.cockpit.presenter.commands.new_id()))

    def _pick_up(self) -> None:
        if not (mine := self._mine(self._at())):
            self.cockpit.toast("no order of ours at the cursor: put it on one, then m, then on the new price")
            return
        self.arms.stir(self.cockpit.clock())
        self._moving = mine[0]
        self.cockpit.redraw()

    def _put_down(self) -> None:
        state, moving = self.cockpit.shown, self._moving
        contract, at = state.contract, self.cursor
        self._moving = None
        if moving is None or contract is None or at is None:
            return
        live = next((one for one in state.view.orders if one.client_id == moving.client_id), None)
        if live is None:
            self.cockpit.toast("that order is gone", "warning")
            return
        made = ours.move(live, state.view.orders, contract, at, self.cockpit.presenter.commands.new_id())
        if not made.loosens or made.hindrance:
            self._send(made)
            return
        what = Confirmation(f"Loosen: {made.label}", (made.loosens,), "move")
        self._ask(lambda: what, lambda yes: self._send(made) if yes and self.armed else None)

    def _send(self, made: LadderOrder) -> None:
        cockpit = self.cockpit
        if made.hindrance or made.command is None:
            cockpit.toast(f"{made.label}: {made.hindrance}", "warning")
            return
        cockpit.presenter.commands.send(made.command, made.label, cockpit.clock())
        cockpit.redraw()
