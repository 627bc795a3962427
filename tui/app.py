"""The cockpit as an application: its screens, and one way in for actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.model.view import View
from engine.ports import EngineHandle, LogTail
from tui.action_runner import ActionRunner
from tui.base_app import CockpitApp, ExitReason, Options
from tui.messages import ActionAsked, CommandTyped, FilterChanged, PriceDragged, TicketAsked
from tui.screens.main import MainScreen
from tui.terminal import signals_as_before

if TYPE_CHECKING:
    pass

TWICE = 2.0
"""Seconds within which the second ctrl+c leaves."""


def _action_provider() -> type[Provider]:
    from tui.command_palette import ActionProvider

    return ActionProvider


class TStreamApp(CockpitApp):
    """Shows one engine."""

    TITLE = "tstream"
    CSS_PATH = "styles.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_action_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Quit (twice)", show=False),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, handle: EngineHandle, logs: LogTail, **options: Unpack[Options]) -> None:
        super().__init__(handle, logs, **options)
        self._after_first_paint = options.get("after_first_paint")
        self.main = MainScreen()
        self._action_runner = ActionRunner(self, self.main)
        self._interrupted = -1e9

    def run(self, *args: Any, **options: Any) -> ExitReason | None:
        """As Textual's, and nothing of it is left afterwards."""
        with signals_as_before():
            return super().run(*args, **options)

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield SystemCommand("choose theme", "All themes by name", self.action_change_theme)
        yield SystemCommand(
            "screenshot", "Save this screen as SVG", lambda: self.set_timer(0.1, self.deliver_screenshot)
        )

    def on_mount(self) -> None:
        if self.keys.overrides:
            self.set_keymap(self.keys.overrides)
        self.catch_signals()
        self.set_interval(1 / self.frame_rate.wanted, self._tick)
        if self._after_first_paint is not None:
            self.call_after_refresh(self._after_first_paint)
        self.toast_problems()

    # What people do.

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry, or say why it can't be done now."""
        self._action_runner.run(action_id)

    def seen(self, view: View) -> None:
        self._action_runner.ask_to_loosen(view)
        self._action_runner.by_hand.look()

    def on_action_asked(self, event: ActionAsked) -> None:
        self.action_act(event.action_id)

    def on_ticket_asked(self, event: TicketAsked) -> None:
        self._action_runner.by_hand.open_ticket(prefill=event.prefill)

    def on_price_dragged(self, event: PriceDragged) -> None:
        self._action_runner.by_hand.dragged(event.client_id, event.ticks)

    def on_filter_changed(self, event: FilterChanged) -> None:
        self.presenter.choice.filter(event.pane, event.words)
        if event.done:
            self._action_runner.lines.close()
        self.redraw()

    def on_command_typed(self, event: CommandTyped) -> None:
        self._action_runner.lines.close()
        if event.asked is not None:
            self._action_runner.lines.do(event.asked)

    def action_filter(self) -> None:
        self.action_act("filter")

    def action_level(self) -> None:
        self.action_act("log-level")

    async def action_quit(self) -> None:
        self.action_act("quit")

    def action_interrupt(self) -> None:
        now = self.clock()
        if now - self._interrupted <= TWICE:
            self.leave()
            return
        self._interrupted = now
        held = len(self.presenter.view.positions)
        what = f" ({held} open position{'s' * (held != 1)} stay at the venue)" if held else ""
        self.toast(f"ctrl+c once more to quit{what}", "warning")
