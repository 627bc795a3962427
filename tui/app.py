"""The cockpit as an application: its screens, one tick that pulls the View, one way in for actions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.model.notices import Notice
from engine.ports import EngineHandle, LogTail
from tui.action_runner import ActionRunner
from tui.attention import Attention
from tui.base_app import CockpitApp, Options
from tui.messages import ActionAsked, LogFilterChanged
from tui.rows.messages import unacknowledged
from tui.screen_state import ScreenState
from tui.screens.main import MainScreen

if TYPE_CHECKING:
    from rich.console import RenderableType

TWICE = 2.0
"""Seconds within which the second ctrl+c leaves."""
_SETTLE = 1.2
"""Seconds after the last change for which frames are still drawn, so that slow panes catch up."""


def _action_provider() -> type[Provider]:
    from tui.command_palette import ActionProvider

    return ActionProvider


class TStreamApp(CockpitApp):
    """Shows one engine. Never waits for it: commands are handed over, pictures are pulled."""

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
        self._cpu = options.get("cpu", time.thread_time)
        self._bell = options.get("bell", True)
        self._after_first_paint = options.get("after_first_paint")
        self.main = MainScreen(self.theme_styles)
        self._action_runner = ActionRunner(self, self.main)
        self._attention = Attention()
        self._settling = 0.0
        self._owed = False
        self._interrupted = -1e9

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

    # Frames.

    def _tick(self) -> None:
        terminal = self.terminal
        if terminal is not None and terminal.lost:
            self.on_terminal_lost()
            return
        if self._owed and not self._stalled:
            self._owed = False
            self.screen.refresh()
            self.frame_rate.draw_next()
        now = self.clock()
        if self.frame_rate.due(now):
            self._frame(now)

    @property
    def _stalled(self) -> bool:
        return self.terminal is not None and self.terminal.stalled

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        # A paint that the terminal can't take would block the loop sooner or later: it is owed instead.
        if self._stalled:
            self._owed = True
            self.post_display_hook()
            return
        super()._display(screen, renderable)

    def redraw(self) -> None:
        if self.is_running and self.reason is None:
            self._frame(self.clock(), force=True)

    def _frame(self, now: float, force: bool = False) -> None:
        began = self._cpu()
        frame = self.presenter.pull(now, self.frame_rate.note)
        self.shown = frame.state
        if frame.state.view.mode is not self.theme_styles.mode:
            self._apply_theme()
        if frame.changed:
            self._settling = now + _SETTLE
        if self._stalled:
            # Pictures and notices are taken in all the same; what has changed is drawn when there is room.
            self._settling, self._owed = now + _SETTLE, True
        elif force or now < self._settling:
            self._draw(frame.state, now, force)
            self.call_after_refresh(self._painted, began)
        for command in frame.failed:
            self.toast(f"{command.text}; look at alerts and log, then try again", "error")
        self._call_for_attention(frame.new_notices)

    def _draw(self, state: ScreenState, now: float, force: bool) -> None:
        """Draw the screens that can be seen, from the top down to the first that covers all."""
        from tui.screens.confirm import ConfirmScreen
        from tui.screens.page import Page

        for screen in reversed(self.screen_stack):
            if isinstance(screen, ConfirmScreen):
                screen.refresh_words()
            elif isinstance(screen, (MainScreen, Page)):
                screen.draw(state, now, force)
                return

    def _painted(self, began: float) -> None:
        self.frame_rate.add_cost(self._cpu() - began)

    def _call_for_attention(self, notices: Iterable[Notice]) -> None:
        waiting = unacknowledged(self.shown)
        call = self._attention.call(self.shown.view, list(notices), waiting, self.app_focus)
        if call.bell and self._bell:
            self.bell()
        terminal = self.terminal
        if terminal is not None and call.title:
            terminal.show_title(call.title)
        if terminal is not None and call.notification:
            terminal.notify_desktop(call.notification)

    def watch_app_focus(self, focused: bool) -> None:
        self.frame_rate.focused = focused
        if focused:
            self.frame_rate.draw_next()

    def watch_theme(self, _name: str) -> None:
        if self.is_running:
            self._apply_theme()

    def _apply_theme(self) -> None:
        """Give the current theme, and the frames of the current mode, to everything that draws by itself."""
        from tui.screens.page import Page

        self.theme_styles = self.styles_of_theme()
        for screen in (self.main, *self.screen_stack):
            if isinstance(screen, (MainScreen, Page)):
                screen.set_theme_styles(self.theme_styles)

    # What people do.

    def act(self, action_id: str) -> None:
        self._action_runner.run(action_id)

    def on_action_asked(self, event: ActionAsked) -> None:
        self.act(event.action_id)

    def on_log_filter_changed(self, event: LogFilterChanged) -> None:
        self.presenter.choice.log_words = event.words
        self.redraw()

    def action_filter(self) -> None:
        self.act("filter")

    def action_level(self) -> None:
        self.act("log-level")

    async def action_quit(self) -> None:
        self.act("quit")

    def action_interrupt(self) -> None:
        now = self.clock()
        if now - self._interrupted <= TWICE:
            self.leave()
            return
        self._interrupted = now
        held = len(self.presenter.view.positions)
        what = f" ({held} open position{'s' * (held != 1)} stay at the venue)" if held else ""
        self.toast(f"ctrl+c once more to quit{what}", "warning")
