"""The cockpit as an application: one tick that pulls the View, one way in for actions, a clean way out."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.theme import Theme

from engine.ports import EngineHandle, LogTail
from tui.action_runner import Deeds
from tui.actions import resolve_keys
from tui.attention import Attention
from tui.frame_rate import Pace
from tui.messages import ActionAsked, LogFilterChanged
from tui.plain_text import plain
from tui.presenter import Stage
from tui.rows.messages import unacknowledged
from tui.screen_state import Scene
from tui.screens.main import MainScreen
from tui.styles import Palette
from tui.terminal import CockpitDriver, usable
from tui.theme_registry import Wardrobe, textual_theme

if TYPE_CHECKING:
    from rich.console import RenderableType

TWICE = 2.0
"""Seconds within which the second ctrl+c leaves."""
_SETTLE = 1.2
"""Seconds after the last change for which frames are still drawn, so that slow panes catch up."""
_SSH_FPS = 4.0


class ExitReason(StrEnum):
    """Why the cockpit closed; what `run` returns."""

    QUIT = "quit"
    TERMINAL_LOST = "terminal lost"
    TERMINATED = "terminated"
    CRASHED = "crashed"


def _action_provider() -> type[Provider]:
    from tui.command_palette import ActionProvider

    return ActionProvider


class TStreamApp(App[ExitReason]):
    """Shows one engine. Never waits for it: commands are handed over, pictures are pulled.

    After `run` the reason stands in its result and in `reason`; after CRASHED the error is in `crash`, and
    nothing has been printed.
    """

    TITLE = "tstream"
    CSS_PATH = "styles.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_action_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Quit (twice)", show=False),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        handle: EngineHandle,
        logs: LogTail,
        *,
        readonly: bool = False,
        fps: float = 10,
        theme: str | None = None,
        themes: Path | None = None,
        keymap: Mapping[str, str] | None = None,
        refresh: Literal["normal", "ssh"] = "normal",
        bell: bool = True,
        quit_note: str = "tstream stops watching",
        after_first_paint: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """`theme` is a name or a TOML file, `themes` a folder with more; `clock` and `cpu` count seconds."""
        self.wardrobe = Wardrobe(theme, themes)
        self.clock, self._cpu = clock, cpu
        self.stage = Stage(handle, logs, readonly=readonly)
        self.keys = resolve_keys(keymap)
        self.pace = Pace(min(fps, _SSH_FPS) if refresh == "ssh" else fps)
        self.quit_note = quit_note
        self._after_first_paint = after_first_paint
        self.scene = Scene(self.stage.view)
        self.reason: ExitReason | None = None
        self.crash: Exception | None = None
        super().__init__(driver_class=CockpitDriver if usable() else None)
        if self.console.color_system == "256":
            self.wardrobe.reduce()
        self.palette = Palette(self.wardrobe.themes[self.wardrobe.first].colors, self.stage.view.mode)
        for worn in self.wardrobe.themes.values():
            self.register_theme(textual_theme(worn))
        self.theme = self.wardrobe.first
        self.main = MainScreen(self.palette)
        self._deeds = Deeds(self)
        self._attention = Attention()
        self._bell = bell
        self._settling = 0.0
        self._owed = False
        self._interrupted = -1e9
        self._caught: dict[signal.Signals, Any] = {}

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Ours and the user's; Textual's own lack our colours and serve only until ours are registered."""
        known = super().available_themes
        return {name: theme for name, theme in known.items() if name in self.wardrobe.themes} or known

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return self.wardrobe.themes[self.wardrobe.first].colors

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield SystemCommand("choose theme", "All themes by name", self.action_change_theme)
        yield SystemCommand(
            "screenshot", "Save this screen as SVG", lambda: self.set_timer(0.1, self.deliver_screenshot)
        )

    # Life.

    def on_mount(self) -> None:
        if self.keys.overrides:
            self.set_keymap(self.keys.overrides)
        self._catch_signals()
        self.set_interval(1 / self.pace.wanted, self._tick)
        if self._after_first_paint is not None:
            self.call_after_refresh(self._after_first_paint)
        for problem in (*self.wardrobe.problems, *self.keys.problems):
            self.say(problem, "warning")

    def _catch_signals(self) -> None:
        """SIGHUP, SIGTERM and SIGINT close the cockpit in an orderly way; its caller decides what follows."""
        if self.is_headless or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for name in ("SIGHUP", "SIGTERM", "SIGINT"):
            number = getattr(signal, name, None)
            if number is not None and hasattr(loop, "add_signal_handler"):
                self._caught[number] = signal.getsignal(number)
                lost = name == "SIGHUP"
                reason = ExitReason.TERMINAL_LOST if lost else ExitReason.TERMINATED
                loop.add_signal_handler(number, self.leave, reason)

    def on_unmount(self) -> None:
        for number, before in self._caught.items():
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, before)

    def on_terminal_lost(self) -> None:
        """The terminal went away. The engine has its own thread and does not notice."""
        self.leave(ExitReason.TERMINAL_LOST)

    def leave(self, reason: ExitReason = ExitReason.QUIT) -> None:
        """Close the cockpit; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self.exit(reason)

    def _handle_exception(self, error: Exception) -> None:
        # Errors of widgets that are being torn down are no news once the cockpit is closing.
        if self.reason is None:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables; whoever runs the cockpit logs `crash` instead.
        self.crash = self._exception
        self.reason = ExitReason.CRASHED
        self._return_value = ExitReason.CRASHED
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        self._fatal_error()

    # Frames.

    @property
    def terminal(self) -> CockpitDriver | None:
        """The terminal, when it is one that can stall or go away."""
        return self._driver if isinstance(self._driver, CockpitDriver) else None

    def _tick(self) -> None:
        terminal = self.terminal
        if terminal is not None and terminal.lost:
            self.on_terminal_lost()
            return
        if self._owed and not self._stalled:
            self._owed = False
            self.screen.refresh()
            self.pace.hurry()
        now = self.clock()
        if self.pace.due(now):
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

    def hurry(self) -> None:
        """Draw now: somebody pressed a key."""
        if self.is_running and self.reason is None:
            self._frame(self.clock(), force=True)

    def _frame(self, now: float, force: bool = False) -> None:
        began = self._cpu()
        frame = self.stage.look(now, self.pace.note)
        self.scene = frame.scene
        if frame.scene.view.mode is not self.palette.mode:
            self._wear()
        if frame.changed:
            self._settling = now + _SETTLE
        if self._stalled:
            # Pictures and notices are taken in all the same; what has changed is drawn when there is room.
            self._settling, self._owed = now + _SETTLE, True
        elif force or now < self._settling:
            self._draw(frame.scene, now, force)
            self.call_after_refresh(self._painted, began)
        for asked in frame.troubles:
            advice = "look at alerts and log, then try again"
            self.say(f"{asked.words}; {advice}", "error")
        self._call(frame.fresh)

    def _draw(self, scene: Scene, now: float, force: bool) -> None:
        """Draw the screens that can be seen, from the top down to the first that covers all."""
        from tui.screens.page import Page
        from tui.screens.question import Question

        for screen in reversed(self.screen_stack):
            if isinstance(screen, Question):
                screen.refresh_words()
            elif isinstance(screen, (MainScreen, Page)):
                screen.draw(scene, now, force)
                return

    def _painted(self, began: float) -> None:
        self.pace.spent(self._cpu() - began)

    def _call(self, fresh: Iterable[Any]) -> None:
        call = self._attention.call(self.scene.view, list(fresh), unacknowledged(self.scene), self.app_focus)
        if call.bell and self._bell:
            self.bell()
        terminal = self.terminal
        if terminal is not None and call.title:
            terminal.show_title(call.title)
        if terminal is not None and call.notification:
            terminal.notify_desktop(call.notification)

    def watch_app_focus(self, focused: bool) -> None:
        self.pace.focused = focused
        if focused:
            self.pace.hurry()

    def watch_theme(self, _name: str) -> None:
        if self.is_running:
            self._wear()

    def _wear(self) -> None:
        """Give the current theme, and the frames of the current mode, to everything that draws by itself."""
        from tui.screens.page import Page

        self.palette = Palette(self.wardrobe.themes[self.theme].colors, self.stage.view.mode)
        for screen in (self.main, *self.screen_stack):
            if isinstance(screen, (MainScreen, Page)):
                screen.set_palette(self.palette)

    # What people do.

    def act(self, action_id: str) -> None:
        """Do an action of the registry."""
        self._deeds.do(action_id)

    def on_action_asked(self, event: ActionAsked) -> None:
        self.act(event.action_id)

    def on_log_filter_changed(self, event: LogFilterChanged) -> None:
        self.stage.choice.log_words = event.words
        self.hurry()

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
        held = len(self.stage.view.positions)
        what = f" ({held} open position{'s' * (held != 1)} stay at the venue)" if held else ""
        self.say(f"ctrl+c once more to quit{what}", "warning")

    def say(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """A toast. The text is shown as it is, whatever is in it."""
        self.notify(
            plain(text), severity=severity, markup=False, timeout=4 if severity == "information" else 8
        )
