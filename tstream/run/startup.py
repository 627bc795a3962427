"""What every command that needs settings does first: folders, settings, secrets, the theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.common.redaction import REDACT
from engine.ports import Clock
from tstream import paths
from tstream.errors import CommandError, Problem, SettingsError, UsageError
from tstream.logs import LogOptions, Logs
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.journals import journal_name
from tstream.settings.declared import filled
from tstream.settings.load import Loaded, load, require_credentials
from tstream.settings.model import Settings
from tstream.settings.venues import AccountSettings


def read_settings(config: Path | None) -> tuple[Paths, Loaded]:
    """Find and check the settings, and let the redactor know their secrets. Raises SettingsError."""
    places = paths.find()
    loaded = load(places, config)
    for secret in loaded.settings.secrets():
        REDACT.add(secret)
    return places, loaded


@dataclass(frozen=True, slots=True)
class Startup:
    """A run that may begin: nothing has connected yet."""

    settings: Settings
    paths: Paths
    notes: tuple[str, ...]
    """What the user should know before it starts."""

    def journal(self, run: RunOptions) -> str:
        """Under which name the run is locked and keeps its journal. Raises UsageError."""
        return journal_name(self.paths, list(self.settings.active), run)


def prepare(config: Path | None, run: RunOptions) -> Startup:
    """Check settings and options together and make the folders. Raises CommandError."""
    places, loaded = read_settings(config)
    settings = loaded.settings
    if run.tape is not None:
        # A tape holds one product, whatever else the settings name.
        settings = settings.model_copy(update={"contracts": (run.contract,)})
    settings = _chosen(settings, run)
    require_credentials(settings)
    if settings.rooms and run.tape is None:
        from tstream.convert.alerts import check_rooms

        check_rooms(settings)
    if settings.bots:
        from tstream.convert.bots import bots

        bots(settings)
    check_theme(run.theme, "--theme", places)
    check_theme(settings.ui.theme, "ui.theme", places)
    try:
        places.create()
    except OSError as error:
        raise CommandError(f"can't make the folder {error.filename}: {error.strerror}") from error
    notes: tuple[str, ...] = ()
    if settings.practice and loaded.file is None:
        notes = (f"No settings at {places.settings_file}: this is the practice venue, with play money.",)
    return Startup(settings, places, notes)


def _chosen(settings: Settings, run: RunOptions) -> Settings:
    """The settings with the venues that the run takes. Raises UsageError."""
    unknown = [name for name in run.venue if name not in settings.venues]
    if unknown:
        raise UsageError(
            f"no venue is called {', '.join(unknown)}; the settings know {', '.join(settings.venues)}"
        )
    if run.venue:
        settings = settings.narrowed(run.venue)
    kinds = {name: venue.kind for name, venue in settings.active.items()}
    real = [name for name, kind in kinds.items() if kind != "practice"]
    if real and len(real) < len(kinds):
        raise UsageError(
            "a practice venue lives in a time of its own, and runs alone or with others of its kind",
            f"choose with --venue: {', '.join(kinds)}; play money beside real accounts is [paper]",
        )
    if (run.accounts or run.venues) and not real:
        settings = _several(settings, run)
    practice_only = run.practice_only()
    if practice_only and real:
        raise UsageError(
            f"{', '.join(practice_only)}: only the practice venue can do that, and this run is at "
            f"{', '.join(real)}"
        )
    return settings


def _several(settings: Settings, run: RunOptions) -> Settings:
    """As many practice venues, and accounts at each, as the options ask for."""
    from adapters.simulator.exchange.config import accounts_of_a_login

    first, *_ = settings.active.values()
    if run.accounts is not None:
        specs = accounts_of_a_login(run.accounts) if run.accounts > 1 else ()
        own = tuple(AccountSettings(name=spec.name, book=f"{i}") for i, spec in enumerate(specs, 1))
        first = first.model_copy(update={"accounts": own})
    names = ["practice", *(f"practice{number}" for number in range(2, (run.venues or 1) + 1))]
    return settings.model_copy(update={"venues": dict.fromkeys(names, first)})


def log_options(settings: Settings, paths: Paths, *, console: Output | None = None) -> LogOptions:
    """How a run logs. With `console` its lines go there too."""
    return filled(LogOptions, settings.log, file=paths.log(), console=console)


def open_logs(settings: Settings, paths: Paths, clock: Clock, *, console: Output | None = None) -> Logs:
    """The logging of a run; a context manager."""
    return Logs(log_options(settings, paths, console=console), clock, REDACT)


def check_theme(name: str | None, key: str, places: Paths) -> None:
    if not name:
        return
    from themes.loader import builtin_themes, user_themes

    known = [*builtin_themes(), *user_themes(places.themes)[0]]
    if name not in known:
        raise SettingsError([Problem(key, f"unknown theme; known are {', '.join(known)}", f'"{name}"')])
