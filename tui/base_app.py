"""What screens and actions know of the application: frames, what they share, toasts, and a clean way out."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack, runtime_checkable

from textual import events
from textual.screen import Screen

from engine.model.market import Timeframe
from engine.model.notices import Notice
from engine.model.review import JournalAsked
from engine.model.view import View
from engine.ports import EngineHandle, LogTail, ReplayControls
from themes.loader import DEFAULT
from tui.attention import Attention, Calling
from tui.clipboard import osc52
from tui.frame_rate import FrameRate
from tui.keymap import resolve_keys
from tui.ladder_orders import LadderTerms
from tui.plain_text import plain
from tui.presenter import Presenter
from tui.remembered import Remembered
from tui.rows.messages import unacknowledged
from tui.screen_state import ScreenState
from tui.terminal import CockpitDriver, usable
from tui.theme_registry import ThemeRegistry, textual_theme
from tui.theme_styles import ThemeStyles
from tui.typed_ahead import TypedAhead
from tui.typing_pace import TypingPace
from tui.widgets.grid import LiveGrid
from tui.widgets.line import Line

if TYPE_CHECKING:
    from rich.console import RenderableType

_SSH_FPS = 4.0
_SETTLE = 1.2
"""Seconds after the last change for which frames are still drawn, so that slow panes catch up."""


class ExitReason(StrEnum):
    """Why the cockpit closed; what `run` returns."""

    QUIT = "quit"
    TERMINAL_LOST = "terminal lost"
    TERMINATED = "terminated"
    CRASHED = "crashed"
    HANDED_OVER = "handed over"
    """The engine in this process is to end, and one in a process of its own to go on."""


@runtime_checkable
class Drawn(Protocol):
    """A screen that follows the engine."""

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        """Show the state; `now` is in monotonic seconds, `force` draws what is not due."""


@runtime_checkable
class Question(Protocol):
    """A screen that waits for an answer. One counts only once the question could be read for a while."""

    readable_since: float | None
    """In monotonic seconds; None before it is on the terminal."""

    painted: int | None
    """Up to which write to the terminal its words are; None before they are painted."""

    @property
    def laid_out(self) -> bool:
        """Whether its words have their place on the screen."""

    def hears(self, event: events.Key) -> bool:
        """Whether a key only looks around in it, and is heard at once."""

    def too_soon(self) -> None:
        """Say that what came was no answer."""


class Options(TypedDict, total=False):
    """How a cockpit is to be; all of it may be left out."""

    readonly: bool
    """The keys that trade are off at first."""
    fps: float
    """Frames a second; 10."""
    theme: str | None
    """That of the settings: a name or a TOML file."""
    theme_asked: str | None
    """That of the command line, whatever the settings or a choice of before say."""
    themes: Path | None
    """A folder with more themes."""
    keymap: Mapping[str, str] | None
    refresh: Literal["normal", "ssh"]
    calling: Calling
    """When the bell rings."""
    timeframes: Sequence[Timeframe]
    """Those of the chart that its keys go through; empty for all."""
    ladder: LadderTerms
    """What one key of the ladder places at first."""
    remembered: Path | None
    """The file in which layouts and overlays are kept from run to run; None keeps nothing."""
    quit_note: str
    """What leaving means for the engine, for the question before it."""
    reopened: str
    """Why it was opened anew, in words; empty for the first one of a run."""
    alone: str
    """Why the engine can't be handed over to a process of its own; empty where it can."""
    export: Callable[[JournalAsked], str] | str
    """Writes trades of a range as files; words where that can't be done from here: what can be instead."""
    replay: ReplayControls | None
    """Over the time of what is played; None where it is no replay."""
    after_first_paint: Callable[[], None] | None
    clock: Callable[[], float]
    """Seconds, never going back."""
    key_age: Callable[[events.Key], float]
    """Seconds since a key came in from the terminal."""
    cpu: Callable[[], float]
    """This thread's seconds of CPU."""


def _key_age(event: events.Key) -> float:
    return time.monotonic() - event.time


class CockpitApp(TypedAhead[ExitReason]):
    """Everything but the screens and what keys do, which tui.app adds. Never waits for the engine:
    commands are handed over, pictures are pulled.

    After `run` the reason stands in its result and in `reason`; after CRASHED the error is in `crash`, and
    nothing has been printed.
    """

    def __init__(self, handle: EngineHandle, logs: LogTail, **options: Unpack[Options]) -> None:
        self.remembered = Remembered(options.get("remembered"))
        self._theme_asked, self._theme_set = options.get("theme_asked"), options.get("theme") or ""
        wanted = self._theme_asked or self.remembered.theme_over(self._theme_set) or self._theme_set
        self.theme_registry = ThemeRegistry(wanted, options.get("themes"))
        self.clock = options.get("clock", time.monotonic)
        self.presenter = Presenter(
            handle, logs, readonly=options.get("readonly", False), timeframes=options.get("timeframes", ())
        )
        self.shown = ScreenState(self.presenter.view)
        """What was drawn last."""
        self.keys = resolve_keys(options.get("keymap"))
        fps = options.get("fps", 10)
        self.frame_rate = FrameRate(min(fps, _SSH_FPS) if options.get("refresh") == "ssh" else fps)
        self.ladder = options.get("ladder", LadderTerms())
        self.quit_note = options.get("quit_note", "tstream stops watching")
        self.alone = options.get("alone", "the engine has a process of its own already")
        self.reopened = options.get("reopened", "")
        self.replay = options.get("replay")
        self.export = options.get("export", "there is nothing to write here")
        self.reason: ExitReason | None = None
        self.crash: Exception | None = None
        self.pace = TypingPace()
        self._key_age = options.get("key_age", _key_age)
        self._cpu = options.get("cpu", time.thread_time)
        self._attention = Attention(options.get("calling", Calling()))
        self._settling = 0.0
        self._owed = False
        self._caught: dict[signal.Signals, Any] = {}
        super().__init__(driver_class=CockpitDriver if usable() else None)
        self.theme_registry.reduce(self.console.color_system)
        for known in self.theme_registry.themes.values():
            self.register_theme(textual_theme(known))
        self.theme = self.theme_registry.first
        for name in self.available_themes.keys() - self.theme_registry.themes.keys():
            self.unregister_theme(name)  # Textual's own lack our colours
        self.theme_styles = self._styles_of_theme()

    def follow(self, theme: str | None, calling: Calling) -> None:
        """The settings were read again: wear another theme, if they have another one, and ring or be still.
        It counts over one that was chosen here before; that of the command line counts over it.
        """
        self._attention.calling = calling
        if theme is not None:
            self._theme_set, wanted = theme, theme or DEFAULT
            if wanted in self.theme_registry.themes and not self._theme_asked:
                self.theme = wanted

    def choose_theme(self, name: str) -> None:
        """Wear a theme, and again at the next start, for as long as the settings name no other one."""
        self.theme = name
        self.remembered.change(theme=name, theme_over=self._theme_set)

    def toast(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """A toast. The text is shown as it is, whatever is in it."""
        self.notify(
            plain(text), severity=severity, markup=False, timeout=4 if severity == "information" else 8
        )

    def toast_problems(self) -> None:
        """What was wrong with themes, keys, and the cockpit before this one."""
        if self.reopened:
            self.toast(self.reopened, "error")
        for problem in (*self.theme_registry.problems, *self.keys.problems):
            self.toast(problem, "warning")

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
        self._note_readable(now)
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
        if isinstance(screen, Question) and renderable is not None:
            if screen.painted is None and screen.laid_out:
                screen.painted = 0 if self.terminal is None else self.terminal.handed
            self._note_readable(self.clock())

    def _note_readable(self, now: float) -> None:
        """From here on the question on top can be read, if the terminal has taken its words: what is painted
        after them may go on waiting, as it does on a slow connection."""
        asked = next(reversed(self.screen_stack), None)  # none while the cockpit ends
        if not isinstance(asked, Question) or asked.readable_since is not None or asked.painted is None:
            return
        if self.terminal is None or self.terminal.taken(asked.painted):
            asked.readable_since = now

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            now = self.clock()
            self.pace.press(event.key, now - self._key_age(event), now)
            screen = self.screen
            if (
                isinstance(screen, Question)
                and not screen.hears(event)
                and not self.pace.answers(screen.readable_since)
            ):
                if screen.is_mounted:
                    screen.too_soon()
                return
        await super().on_event(event)

    def copy_text(self, text: str) -> None:
        """Put a text into the clipboard of whoever sits at the terminal."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(osc52(text, tmux=bool(os.environ.get("TMUX"))))

    def redraw(self) -> None:
        """Draw now: somebody pressed a key."""
        if self.is_running and self.reason is None:
            self._frame(self.clock(), force=True)

    def _frame(self, now: float, force: bool = False) -> None:
        began = self._cpu()
        frame = self.presenter.pull(now, self.frame_rate.note)
        self.shown = frame.state
        view, worn = frame.state.view, self.theme_styles
        if (view.mode, bool(view.replay)) != (worn.mode, worn.replay):
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
        self.seen(frame.state.view)

    def seen(self, view: View) -> None:
        """A picture was taken in; whoever asks people something looks here whether there is anything."""

    def _draw(self, state: ScreenState, now: float, force: bool) -> None:
        """Draw the screens that can be seen, from the top down to the first that covers all."""
        for screen in reversed(self.screen_stack):
            # A screen that was opened this moment has no widgets yet: it draws itself when it has.
            if screen.is_mounted and isinstance(screen, Drawn):
                screen.draw(state, now, force)
            if not screen.is_modal:
                return

    def _painted(self, began: float) -> None:
        self.frame_rate.add_cost(self._cpu() - began)

    def _call_for_attention(self, notices: Iterable[Notice]) -> None:
        waiting = unacknowledged(self.shown)
        call = self._attention.call(self.shown.view, list(notices), waiting, self.app_focus)
        if call.bell:
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
        self.theme_styles = self._styles_of_theme()
        for screen in self.screen_stack:
            for widget in (*screen.query(Line), *screen.query(LiveGrid)):
                widget.repaint()

    # Themes.

    def _styles_of_theme(self) -> ThemeStyles:
        """The styles of the theme that is on, with the frames of the View's mode."""
        view = self.presenter.view
        colors = self.theme_registry.themes[self.theme].colors
        return ThemeStyles(colors, view.mode, replay=bool(view.replay))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return self.theme_registry.themes[self.theme_registry.first].colors

    # The way out.

    def catch_signals(self) -> None:
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

    @property
    def terminal(self) -> CockpitDriver | None:
        """The terminal, when it is one that can stall or go away."""
        return self._driver if isinstance(self._driver, CockpitDriver) else None

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
        if self._exception is None:
            self._exception = RuntimeError(f"the screen ended: {' '.join(map(str, renderables))}")
        self._fatal_error()
