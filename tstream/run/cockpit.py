"""The cockpit on an engine: the first picture at once, settings and engine behind it, one clean way out."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.common.redaction import REDACT, printable
from adapters.store.lock import InstanceLock, lock_name
from engine.model.quantities import quantity
from tstream import paths as places
from tstream.clock import RunClock, wall_ns
from tstream.errors import CommandError, UsageError
from tstream.logs import LogOptions, Logs, write_crash
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.claim import Claim
from tstream.run.engine_thread import EngineThread, Playable
from tstream.run.exporting import exporter
from tstream.run.first_picture import FirstPicture, blank, may_ask, picture_of, recall, remember
from tstream.run.reopening import run_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.view import PositionView, View
    from tstream.run.startup import Startup
    from tstream.settings.model import Settings
    from tstream.settings.sections import ScreenSettings
    from tui.attention import Calling
    from tui.base_app import Options

log = logging.getLogger(__name__)


def needs_terminal() -> None:
    """Raises UsageError where there is none to draw on."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # it draws on stderr
        raise UsageError(
            "the cockpit needs a terminal, and this is none",
            "without one: tstream run --headless trades and prints the log; tstream status --json shows a "
            "running engine",
        )


def open_cockpit(config: Path | None, options: RunOptions) -> int:
    """Open the cockpit; the exit code. Raises CommandError or PortError when nothing could be started."""
    needs_terminal()
    if options.speed == "max":
        raise UsageError("--speed max is for tstream run --headless; the cockpit takes 1 to 20")
    # Loading makes many objects and no garbage: collecting meanwhile only delays the first picture.
    gc.disable()
    try:
        paths = places.find().demo if options.demo else places.find()
        picture = recall(paths, config) if _plain(options) else None
        ready = None
        if picture is None:
            ready, picture = _read_first(config, options)
        for note in picture.notes:
            sys.stdout.write(f"{note}\n")
        sys.stdout.flush()
        name = picture.journal
        with InstanceLock(paths.runtime / lock_name(name), name, wall_ns):
            pass  # another instance is told of before the screen is taken; Claim holds it for the run
        return Cockpit(config, options, paths, ready).show(picture)
    finally:
        gc.enable()


def _plain(options: RunOptions) -> bool:
    """The run is that of the settings: its first picture is the one that is kept."""
    return options.tape is None and not (
        options.demo or options.venue or options.accounts or options.venues or options.bots
    )


def _read_first(config: Path | None, options: RunOptions) -> tuple[Startup, FirstPicture]:
    """Settings before the picture: there is none to show yet, or a person has to be asked before it."""
    from tstream.run.startup import prepare

    ready = prepare(config, options)
    if may_ask(ready.settings):
        from tstream.run.arming import ask_to_arm

        ask_to_arm(ready.settings, ready.paths, wall_ns)
    return ready, picture_of(ready.settings, ready.journal(options), ready.notes)


class Cockpit:
    """One run under the cockpit."""

    def __init__(
        self, config: Path | None, options: RunOptions, paths: Paths, ready: Startup | None = None
    ) -> None:
        """With `ready` the settings are known already; otherwise they are read behind the picture."""
        self.config, self.options, self.paths, self.ready = config, options, paths, ready
        self._clock = RunClock()
        self.logs = Logs(LogOptions(file=paths.log()), self._clock, REDACT)
        self.handing_over = False
        """The person has asked that an engine in a process of its own goes on."""
        self._screen: Callable[[str | None, ScreenSettings], None] = lambda _theme, _ui: None
        """Gives the screen another theme, where there is one, and says when the bell rings; any thread."""
        self._held = ExitStack()
        """Released when engine and screen are both gone."""

    replays = False
    """A recording is played, and time is asked what it should do."""

    @property
    def alone(self) -> str:
        """Why the engine of this cockpit can't go on in a process of its own; empty where it can."""
        return "a recording would begin anew" if self.options.tape is not None else ""

    def show(self, picture: FirstPicture) -> int:
        """Run until the person leaves; the exit code. Raises what kept the engine from starting."""
        with self.logs, self._held:
            code = self._run(picture, EngineThread(self.prepare, blank(picture)))
        if self.handing_over:
            from tstream.run.hand_over import hand_over

            hand_over(self.config, self.options, self.paths)
        return code

    def prepare(self) -> Playable:
        """Everything that the engine needs, checked and claimed. Raises CommandError, PortError."""
        from tstream.run.startup import log_options, prepare

        ready = self.ready or prepare(self.config, self.options)
        settings = ready.settings
        self.logs.follow(log_options(settings, self.paths))
        claim = self._held.enter_context(Claim(settings, self.options, self.paths))
        if _plain(self.options):
            asks = may_ask(settings) or bool(settings.secrets.store)  # a person, before the screen is taken
            picture = None if asks else picture_of(settings, claim.name, ready.notes)
            remember(self.paths, self.config, picture)
        from tstream.run.wiring import Run

        return Run(
            claim,
            settings,
            self.options,
            self.paths,
            self._clock,
            files=ready.files,
            lines=self.logs.tail,
            source=ready.source,
            follow=self._show,
        )

    async def _show(self, before: Settings, settings: Settings) -> None:
        """Log and screen take settings that were read again; on the engine's thread."""
        from tstream.run.startup import log_options

        self.logs.follow(log_options(settings, self.paths))
        theme = settings.ui.theme if settings.ui.theme != before.ui.theme else None
        self._screen(theme, settings.ui)

    def _run(self, picture: FirstPicture, engine: EngineThread) -> int:
        from tui.app import TStreamApp
        from tui.base_app import ExitReason

        shown: tuple[TStreamApp, asyncio.AbstractEventLoop] | None = None

        def tell(what: Callable[..., object], *words: object) -> None:
            if shown is not None:
                with suppress(RuntimeError):  # the screen is gone already
                    shown[1].call_soon_threadsafe(what, shown[0], *words)

        def show(theme: str | None, ui: ScreenSettings) -> None:
            tell(TStreamApp.follow, theme, calling_of(ui))

        def make(note: str) -> TStreamApp:
            def painted() -> None:
                nonlocal shown
                first, shown = shown is None, (app, asyncio.get_running_loop())
                if first:
                    gc.freeze()
                    gc.enable()
                    self._screen = show
                    engine.start(lambda: tell(TStreamApp.leave))
                elif engine.wait(0):  # it ended while there was no screen to tell
                    app.leave()

            options = how.copy()
            options["after_first_paint"], options["reopened"] = painted, note
            app = TStreamApp(engine, self.logs.tail, **options)
            return app

        def failed(error: Exception) -> None:
            write_crash(paths.crash_log, error, REDACT, "cockpit")
            log.error("the cockpit failed, the engine goes on: %s", paths.crash_log)

        paths, how = self.paths, screen_options(self.options, self.paths, picture)
        how["alone"] = self.alone
        how["replay"] = engine if self.replays else None
        if self.replays:
            how["export"] = (
                "leave the replay; tstream journal export --type daily --date DAY writes its trades then"
            )
        else:
            how["export"] = exporter(lambda: paths.journal(picture.journal))
        try:
            reason = run_app(make, failed).reason
            self.handing_over = reason is ExitReason.HANDED_OVER
            if reason is ExitReason.CRASHED:
                with Output(sys.stderr) as out:
                    out.write(
                        f"The cockpit failed (see {paths.crash_log}). The engine goes on: tstream status "
                        "shows it, tstream flatten closes everything, Ctrl+C here stops it.\n"
                    )
                _until_told(engine)
            else:
                log.info("cockpit closed: %s", reason.value if reason is not None else "ended")
        finally:  # whatever happened here: an engine that nobody can stop any more must not go on
            engine.stop()
        if engine.refusal is not None:
            raise engine.refusal
        if engine.failure is not None:
            raise CommandError(f"the engine has stopped: {engine.failure}", f"see {self.logs.file}")
        with Output(sys.stdout) as out:
            out.write("".join(f"{line}\n" for line in last_lines(engine.view())))
        return 0


def screen_options(options: RunOptions, paths: Paths, picture: FirstPicture) -> Options:
    """How a cockpit is to look, by its command line and the settings."""
    from tui.attention import Calling
    from tui.ladder_orders import LadderTerms

    return {
        "readonly": options.readonly,
        "fps": options.fps if options.fps is not None else picture.fps,
        "theme": picture.theme or None,
        "theme_asked": options.theme,
        "themes": paths.themes,
        "remembered": paths.screen_choices,
        "keymap": picture.keymap,
        "refresh": picture.preset,
        "calling": Calling(picture.bell, frozenset(picture.bell_on), picture.quiet),
        "timeframes": picture.timeframes,
        "ladder": LadderTerms(*picture.ladder),
    }


def calling_of(ui: ScreenSettings) -> Calling:
    """When the bell of a cockpit rings."""
    from tui.attention import Calling

    return Calling(ui.bell, frozenset(ui.bell_on), (ui.quiet_from, ui.quiet_until))


def last_lines(view: View) -> list[str]:
    """What is left in the shell: for each book the day's result, what is held, and its stops."""
    lines = []
    for book in view.books:
        held = [
            f"{p.instrument} {quantity(view, p.instrument, p.qty, signed=True)} ({_stop(view, p)})"
            for p in view.positions
            if p.book == book.book
        ]
        flat = "flat" if book.reconciled else "nothing known to be open, which the venue has not confirmed"
        lines.append(f"{book.book}: day {book.day_usd:+.2f} {book.currency}, {', '.join(held) or flat}")
    return [printable(line) for line in lines]


def _stop(view: View, position: PositionView) -> str:
    stops = quantity(view, position.instrument, position.protected_qty)
    part = "" if position.protected_qty >= abs(position.qty) else f" for {stops}"
    return f"stop {position.stop}{part}" if position.protected_qty else "NO STOP"


def _until_told(engine: EngineThread) -> None:
    """Keep the engine running without a screen until SIGINT or SIGTERM."""
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: told.append(got))
    while not told and not engine.wait(0.2):
        pass
