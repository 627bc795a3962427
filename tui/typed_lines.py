"""The lines that a person types at the bottom of the screen: a pane's filter, and the command line."""

from __future__ import annotations

from typing import Protocol

from textual.widget import Widget

from engine.model.market import Timeframe
from tui.base_app import CockpitApp
from tui.command_line import Names, TypedCommand
from tui.screens.main import MainScreen
from tui.things import Thing


class DoAction(Protocol):
    """Does an action, for a row where one is named."""

    def __call__(self, action_id: str, row: Thing | None = None) -> None: ...


class Lines:
    """One line at a time. While it is there, keys are the line's; afterwards they are again the pane's that
    had them."""

    def __init__(self, cockpit: CockpitApp, main: MainScreen, run: DoAction) -> None:
        self._cockpit, self._main, self._run = cockpit, main, run
        self._line: Widget | None = None
        self._before: Widget | None = None
        """What had the keys before."""

    def filter(self) -> None:
        """Of the focused pane; of the log where that one has no rows to filter, and on the log's own page."""
        from tui.widgets.prompt import Prompt

        choice, pane = self._cockpit.presenter.choice, "log"
        if self._cockpit.screen is self._main:
            pane = self._main.filtered_pane
        words = choice.log_words if pane == "log" else choice.filters.get(pane, "")
        prompt = Prompt(pane, words)
        self._open(prompt, prompt)

    def command(self) -> None:
        """Any action by its name."""
        from tui.widgets.command_bar import CommandBar

        bar = CommandBar(self._names)
        self._open(bar, bar.line)

    def _names(self) -> Names:
        presenter = self._cockpit.presenter
        timeframes = [one.value for one in presenter.timeframes]
        return Names.of(presenter.view, timeframes, self._cockpit.theme_registry.themes)

    def _open(self, widget: Widget, line: Widget) -> None:
        """With the keys from this moment on: what is typed at once belongs to it."""
        self.close()
        screen = self._cockpit.screen
        self._line, self._before = widget, screen.focused
        screen.mount(widget)
        screen.set_focus(line)

    def close(self) -> None:
        """The line goes, and keys are the pane's again."""
        line, self._line = self._line, None
        if line is not None and line.is_attached:
            screen = line.screen
            line.remove()
            screen.set_focus(self._before)

    def do(self, asked: TypedCommand) -> None:
        """What was typed at the command line."""
        choice, name = self._cockpit.presenter.choice, asked.name
        if asked.action:
            self._run(asked.action, asked.row)
            return
        match asked.choice:
            case "contract":
                self._main.instrument = name
            case "book":
                choice.book = "" if name == "all" else name
            case "timeframe":
                self._main.timeframe = Timeframe(name)
            case "theme":
                self._cockpit.choose_theme(name)
            case "pane":
                self._main.focus_pane(name)
            case _:
                choice.filter(self._main.filtered_pane, name)
        self._cockpit.redraw()
