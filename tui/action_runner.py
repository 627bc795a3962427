"""Carries out the actions that are not about panes: what trades, dialogs, pages, themes, leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.actions import parse

from tui import confirmations as trades
from tui.actions import ACTIONS, Action, Danger, asks_first, blocked, label_of
from tui.plain_text import plain

if TYPE_CHECKING:
    from tui.app import TStreamApp

DEBOUNCE = 0.3
"""Seconds in which a key that trades counts once."""


class Deeds:
    """One for each cockpit."""

    def __init__(self, app: TStreamApp) -> None:
        self._app = app
        self._last: dict[str, float] = {}

    def do(self, action_id: str) -> None:
        """Do an action of the registry, or say why it can't be done now. Raises KeyError for unknown ids."""
        app, action = self._app, ACTIONS[action_id]
        choice = app.stage.choice
        reason = blocked(action, app.stage.view, choice.instrument, choice.readonly)
        if reason:
            app.say(f"{label_of(action, choice.instrument)}: {reason}", "warning")
            return
        if action.danger is not Danger.NONE:
            self._trade(action)
            return
        _, name, arguments = parse(action.method)
        owner = self if hasattr(self, f"do_{name}") else app.main
        getattr(owner, f"do_{name}")(*arguments)
        app.hurry()

    def _trade(self, action: Action) -> None:
        app, now = self._app, self._app.clock()
        if now - self._last.get(action.id, -1e9) < DEBOUNCE:
            return
        self._last[action.id] = now
        instrument = app.stage.choice.instrument
        if asks_first(action, app.stage.view):
            self._ask(action, instrument)
        else:
            self._send(action, instrument)

    def _ask(self, action: Action, instrument: str) -> None:
        from tui.screens.question import Question

        app = self._app

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            # Things may have changed while the question stood there.
            reason = blocked(action, app.stage.view, instrument, app.stage.choice.readonly)
            if reason:
                app.say(f"{label_of(action, instrument)}: {reason}", "warning")
            else:
                self._send(action, instrument)

        def question() -> trades.Question:
            return trades.question_of(action.id, app.stage.view, instrument)

        app.push_screen(Question(question, app.clock), answered)

    def _send(self, action: Action, instrument: str) -> None:
        desk = self._app.stage.desk
        command, label = trades.command_of(action.id, self._app.stage.view, instrument, desk.new_id())
        desk.ask(command, label, self._app.clock())
        self._app.hurry()

    def do_pick(self) -> None:
        from tui.screens.picker import ContractPicker

        app = self._app
        if not app.stage.view.contracts:
            app.say("no contract is known yet")
            return

        def picked(instrument: str | None) -> None:
            if instrument is not None:
                app.main.instrument = instrument

        app.push_screen(ContractPicker(app.stage.view, app.stage.choice.instrument, app.palette), picked)

    def do_detail(self) -> None:
        from tui.screens.page import DetailScreen

        self._app.push_screen(DetailScreen(self._app.palette))

    def do_full_log(self) -> None:
        from tui.screens.page import LogScreen

        self._app.push_screen(LogScreen(self._app.palette))

    def do_help(self) -> None:
        from tui.screens.help import HelpScreen

        app = self._app
        app.push_screen(HelpScreen(app.scene, app.keys, app.palette))

    def do_filter(self) -> None:
        from tui.widgets.prompt import Prompt

        screen = self._app.screen
        for prompt in screen.query(Prompt):
            prompt.focus()
            return
        prompt = Prompt(self._app.stage.choice.log_words)
        screen.mount(prompt)
        prompt.focus()

    def do_level(self) -> None:
        choice = self._app.stage.choice
        choice.log_level = self._app.stage.step_level()
        self._app.say(f"log: {choice.log_level} and above")

    def do_acknowledge(self) -> None:
        waiting = self._app.stage.acknowledge()
        self._app.say(
            f"{waiting} alert{'s' * (waiting != 1)} acknowledged" if waiting else "no alert was waiting"
        )

    def do_theme(self) -> None:
        app = self._app
        app.theme = app.wardrobe.after(app.theme)
        app.say(f"theme: {app.theme}")

    def do_readonly(self) -> None:
        app, choice = self._app, self._app.stage.choice
        if not choice.readonly:
            choice.readonly = True
            app.say("read-only: the keys that trade are off")
            return
        from tui.screens.question import Question

        def answered(yes: bool | None) -> None:
            if yes:
                choice.readonly = False
                app.hurry()

        what = trades.Question("Read-only off", ("the keys that trade work again",), "switch on")
        app.push_screen(Question(lambda: what, app.clock), answered)

    def do_leave(self) -> None:
        app = self._app
        what = trades.leaving(app.stage.view, plain(app.quit_note))
        if what is None:
            app.leave()
            return
        from tui.screens.question import Question

        if isinstance(app.screen, Question):
            return

        def question() -> trades.Question:
            return trades.leaving(app.stage.view, plain(app.quit_note)) or what

        def answered(yes: bool | None) -> None:
            if yes:
                app.leave()

        app.push_screen(Question(question, app.clock), answered)
