"""Carries out the actions of the registry: what trades asks and sends, what looks moves the screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model.commands import AnswerLoosening
from engine.model.playing import Advance, SetPace, StepPlay
from engine.model.reload import LooseningView
from engine.model.view import View
from tui import number_format as figures
from tui import playing
from tui.actions import ACTIONS, PANES, Action, MakeTrade, asks_first, blocked, label_of
from tui.base_app import CockpitApp, ExitReason
from tui.books import step_book
from tui.clipboard import copied
from tui.confirmations import Confirmation
from tui.notes import note_line
from tui.other_questions import hand_over_confirmation, loosening_confirmation, quit_confirmation
from tui.panes.messages import AlertsPane
from tui.plain_text import plain
from tui.row_menu import entries, explained, heading, scope_of
from tui.rows.messages import next_kind
from tui.screen_state import aim_of
from tui.screens.main import MainScreen
from tui.things import HAS_CONTRACT, Thing, of_trade
from tui.trading_by_hand import ByHandActions, TradingByHand
from tui.typed_lines import Lines
from tui.typing_pace import HELD, READ, could_be_read

if TYPE_CHECKING:
    from tui.widgets.typed_line import TypedLine

DEBOUNCE = 0.3
"""Seconds in which a key whose action asks first counts once."""


class ActionRunner(ByHandActions):
    """One for each cockpit. Fulfils tui.actions.ActionTarget."""

    def __init__(self, cockpit: CockpitApp, main: MainScreen) -> None:
        self._cockpit, self._main = cockpit, main
        self._choice = cockpit.presenter.choice
        self.lines = Lines(cockpit, main, self.run)
        self._last: dict[str, float] = {}
        self._row: Thing | None = None
        """What the action that is being done was chosen for."""
        self.by_hand = TradingByHand(cockpit, self._confirm)
        self._loosening: LooseningView | None = None
        """What was asked last of limits that a reload would loosen."""

    def run(self, action_id: str, row: Thing | None = None) -> None:
        """Do an action, or say why it can't be done now. Raises KeyError for unknown ids.

        `row` is what it was chosen for; without one a key means the row under the cursor, where it acts on a
        contract and rows there are positions, orders or contracts.
        """
        action, view = ACTIONS[action_id], self._cockpit.presenter.view
        instrument, book = self._choice.instrument, self._choice.book or None
        thing = self._row = row or self._main.selected
        if row is not None:
            instrument, book = scope_of(self._cockpit.shown, row)
        elif action.scoped or action.rows == HAS_CONTRACT:
            instrument, book = aim_of(view, instrument, self._choice.book, thing)
        if self._say_blocked(action, instrument, book):
            return
        if action.trade is not None:
            if action.scoped and row is None and self._row_changed(thing):
                return
            self._trade(action, action.trade, instrument, book)
        elif action.look is not None:
            if action.rows == HAS_CONTRACT and instrument:
                self._main.instrument = instrument  # the page is about the row's contract
            action.look(self)
            self._cockpit.redraw()

    def _row_changed(self, thing: Thing | None) -> bool:
        """Whether the row that a key would mean has only just come under the cursor, because the one that
        was there has gone: nobody can have meant it."""
        if thing is None or self._cockpit.clock() - self._main.replaced_at >= READ:
            return False
        self._cockpit.toast("the row under the cursor has just changed: look, then press again", "warning")
        return True

    def _say_blocked(self, action: Action, instrument: str, book: str | None) -> bool:
        reason = blocked(action, self._cockpit.presenter.view, instrument, self._choice.readonly, book)
        if reason:
            self._cockpit.toast(f"{label_of(action, instrument)}: {reason}", "warning")
        return bool(reason)

    # What trades.

    def _trade(self, action: Action, trade: MakeTrade, instrument: str, book: str | None) -> None:
        now, asks = self._cockpit.clock(), asks_first(action, self._cockpit.presenter.view)
        passed = now - self._last.get(action.id, -1e9)
        if asks and passed < DEBOUNCE:
            return
        self._last[action.id] = now
        if self._cockpit.pace.burst(now):
            self._cockpit.toast(f"{label_of(action, instrument)}: what is pasted trades nothing", "warning")
        elif passed < HELD and not asks:
            return  # a key that is held acts once
        elif asks:
            self._ask(action, trade, instrument, book)
        else:
            self._send(trade, instrument, book)

    def _ask(self, action: Action, trade: MakeTrade, instrument: str, book: str | None) -> None:
        def question() -> Confirmation:
            return trade(self._cockpit.presenter.view, instrument, "", book).confirmation

        def confirmed() -> None:
            # Things may have changed while the question stood there.
            if not self._say_blocked(action, instrument, book):
                self._send(trade, instrument, book)

        self._confirm(question, confirmed)

    def _confirm(self, question: Callable[[], Confirmation], confirmed: Callable[[], None]) -> None:
        """Ask, and do it after a Yes; one question at a time."""
        from tui.screens.confirm import ConfirmScreen

        if not isinstance(self._cockpit.screen, ConfirmScreen):
            screen = ConfirmScreen(question, self._cockpit.clock)
            self._cockpit.push_screen(screen, lambda yes: confirmed() if yes else None)

    def ask_to_loosen(self, view: View) -> None:
        """Ask, once, whether limits are loosened as the settings have it now: without a Yes they are not."""
        from tui.screens.confirm import ConfirmScreen

        asked, cockpit = view.loosening, self._cockpit
        alone = len(cockpit.screen_stack) == 1  # a page that somebody reads, or another question, goes first
        if asked is None or asked == self._loosening or self._choice.readonly or not alone:
            return
        self._loosening = asked

        def answered(yes: bool | None) -> None:
            commands, label = cockpit.presenter.commands, "loosen limits" if yes else "keep limits"
            answer = AnswerLoosening(id=commands.new_id(), asked=asked.number, yes=bool(yes))
            commands.send(answer, label, cockpit.clock())
            cockpit.redraw()

        cockpit.push_screen(ConfirmScreen(lambda: loosening_confirmation(asked), cockpit.clock), answered)

    def _send(self, trade: MakeTrade, instrument: str, book: str | None) -> None:
        presenter = self._cockpit.presenter
        made = trade(presenter.view, instrument, presenter.commands.new_id(), book)
        presenter.commands.send(made.command, made.label, self._cockpit.clock())
        self._cockpit.redraw()

    # What looks.

    def step_contract(self, by: int) -> None:
        self._main.instrument = self._cockpit.presenter.step_contract(by)

    def step_book(self) -> None:
        self._choice.book = step_book(self._cockpit.presenter.view, self._choice.book)

    def pick_book(self) -> None:
        from tui.screens.picker import BookPicker

        def picked(book: str | None) -> None:
            if book is not None:
                self._choice.book = book
                self._cockpit.redraw()

        cockpit = self._cockpit
        picker = BookPicker(cockpit.presenter.view, self._choice.book, cockpit.theme_styles)
        cockpit.push_screen(picker, picked)

    def step_timeframe(self, by: int) -> None:
        self._main.timeframe = self._cockpit.presenter.step_timeframe(by)

    def pick_contract(self) -> None:
        from tui.screens.picker import ContractPicker

        cockpit, view = self._cockpit, self._cockpit.presenter.view
        if not view.contracts:
            cockpit.toast("no contract is known yet")
            return

        def picked(instrument: str | None) -> None:
            if instrument is not None:
                self._main.instrument = instrument

        cockpit.push_screen(ContractPicker(view, self._choice.instrument, cockpit.theme_styles), picked)

    def show_row(self) -> None:
        thing = self._row
        if thing is None:
            self._cockpit.toast(f"no row is under the cursor: go to a pane, such as {PANES['positions']}")
        else:
            self._main.show_thing(thing)

    def open_row(self) -> None:
        thing, cockpit = self._row, self._cockpit
        if thing is None:
            self.show_row()
            return
        from tui.screens.row_menu import RowMenu

        def chosen(action_id: str | None) -> None:
            if action_id is not None:
                self.run(action_id, thing)

        def readable(since: float | None) -> bool:
            return could_be_read(since, cockpit.clock())

        state = cockpit.shown
        found = entries(state, thing, cockpit.keys)
        about, why = heading(state, thing), explained(state, thing)
        cockpit.push_screen(RowMenu(about, found, cockpit.theme_styles, readable, why), chosen)

    def copy_row(self) -> None:
        text = "" if self._row is None else copied(self._main.text_of_thing(self._row))
        if not text:
            self.show_row()
            return
        self._cockpit.copy_text(text)
        self._cockpit.toast(f"copied: {figures.shortened(text, 60)}")

    def show_detail(self) -> None:
        from tui.screens.page import DetailScreen

        self._cockpit.push_screen(DetailScreen())

    def show_log(self) -> None:
        from tui.screens.page import LogScreen

        self._cockpit.push_screen(LogScreen())

    def show_why(self) -> None:
        from tui.screens.page import WhyScreen

        self._cockpit.push_screen(WhyScreen())

    def show_dashboard(self) -> None:
        from tui.screens.page import DashboardScreen

        self._cockpit.push_screen(DashboardScreen())

    def show_ladder(self) -> None:
        from tui.screens.ladder import LadderScreen

        self._cockpit.push_screen(LadderScreen(self._cockpit.ladder))

    def show_tape(self) -> None:
        from tui.screens.tape import TapeScreen

        self._cockpit.push_screen(TapeScreen())

    def show_journal(self) -> None:
        from tui.screens.journal import JournalScreen

        self._cockpit.push_screen(JournalScreen())

    def try_alert(self) -> None:
        from tui.screens.alert_try import AlertTryScreen

        self._cockpit.push_screen(AlertTryScreen())

    def show_help(self) -> None:
        from tui.screens.help import HelpScreen

        cockpit = self._cockpit
        cockpit.push_screen(HelpScreen(cockpit.shown, cockpit.keys))

    # The time of a replay.

    def hold_replay(self) -> None:
        playing.hold(self._cockpit)

    def step_replay(self, by: Advance) -> None:
        playing.ask(self._cockpit, StepPlay(by, self._choice.instrument, self._choice.timeframe))

    def pace_replay(self, faster: bool) -> None:
        playing.ask(self._cockpit, SetPace(faster))

    def seek_replay(self) -> None:
        self._type(playing.time_line(self._cockpit))

    def _type(self, line: TypedLine) -> None:
        """Have a person type, in place of the key line; one line at a time."""
        screen = self._cockpit.screen
        if not screen.query(type(line)):
            before = screen.focused
            screen.mount(line)
            screen.set_focus(line)  # at once: what is typed from here on is for it
            line.before = before

    def note_trade(self) -> None:
        """Of the trade under the cursor."""
        trade = next((one for one in self._cockpit.shown.view.trades if of_trade(one) == self._row), None)
        if trade is None:
            self._cockpit.toast("which trade? put the cursor on one in the trades pane", "warning")
            return
        self._type(note_line(self._cockpit, trade))

    def focus_pane(self, name: str) -> None:
        self._main.focus_pane(name)

    def toggle_zoom(self) -> None:
        self._main.toggle_zoom()

    def toggle_swap(self) -> None:
        self._main.toggle_swap()

    def filter_pane(self) -> None:
        self.lines.filter()

    def open_command_line(self) -> None:
        self.lines.command()

    def step_log_level(self) -> None:
        if isinstance(self._main.focused, AlertsPane):
            self._choice.alert_kind = next_kind(self._choice.alert_kind)
            self._cockpit.toast(f"alerts: {self._choice.alert_kind or 'all kinds'}")
            return
        self._choice.log_level = self._cockpit.presenter.step_level()
        self._cockpit.toast(f"log: {self._choice.log_level} and above")

    def acknowledge_alerts(self) -> None:
        waiting = self._cockpit.presenter.acknowledge()
        self._cockpit.toast(
            f"{waiting} alert{'s' * (waiting != 1)} acknowledged" if waiting else "no alert was waiting"
        )

    def pick_theme(self) -> None:
        from tui.screens.looks import ThemePicker

        cockpit, known = self._cockpit, self._cockpit.theme_registry.themes
        themes = [(name, plain(theme.about)) for name, theme in known.items()]
        cockpit.push_screen(ThemePicker(themes, cockpit.theme))

    def show_equity(self) -> None:
        from tui.screens.equity import EquityScreen

        self._cockpit.push_screen(EquityScreen())

    def toggle_crosshair(self) -> None:
        self._main.toggle_crosshair()

    def pick_overlays(self) -> None:
        from tui.screens.looks import OverlayPicker

        self._cockpit.push_screen(OverlayPicker())

    def step_second_chart(self) -> None:
        self._main.step_second_chart()

    def resize_pane(self, rows: int) -> None:
        self._main.resize_pane(rows)

    def next_layout(self) -> None:
        from tui.screens.looks import next_layout

        name = next_layout(self._cockpit.remembered)
        self._main.place()
        self._cockpit.toast(f"layout: {plain(name)}")

    def pick_layout(self) -> None:
        from tui.screens.looks import LayoutPicker

        self._cockpit.push_screen(LayoutPicker(self._cockpit.remembered, self._main.place))

    def toggle_readonly(self) -> None:
        cockpit = self._cockpit
        if not self._choice.readonly:
            self._choice.readonly = True
            cockpit.toast("read-only: the keys that trade are off")
            return
        what = Confirmation("Read-only off", ("the keys that trade work again",), "switch on")
        self._confirm(lambda: what, self._trade_again)

    def _trade_again(self) -> None:
        self._choice.readonly = False
        self._cockpit.redraw()

    def hand_over(self) -> None:
        cockpit = self._cockpit
        if cockpit.alone:
            cockpit.toast(f"hand over: {plain(cockpit.alone)}", "warning")
            return
        self._confirm(
            lambda: hand_over_confirmation(cockpit.presenter.view),
            lambda: cockpit.leave(ExitReason.HANDED_OVER),
        )

    def ask_to_quit(self) -> None:
        cockpit = self._cockpit
        what = self._quit_confirmation()
        if what is None:
            cockpit.leave()
            return
        self._confirm(lambda: self._quit_confirmation() or what, cockpit.leave)

    def _quit_confirmation(self) -> Confirmation | None:
        return quit_confirmation(self._cockpit.presenter.view, plain(self._cockpit.quit_note))
