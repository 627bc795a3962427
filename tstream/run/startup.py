"""What every command that needs settings does first: folders, settings, secrets, the theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adapters.common.redaction import REDACT
from engine.ports import Clock
from tstream import paths
from tstream.errors import CommandError, Problem, SettingsError, UsageError
from tstream.logs import LogOptions, Logs
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.demo import played, sections
from tstream.run.journals import journal_name
from tstream.settings.declared import filled
from tstream.settings.load import Add, Loaded, load, require_credentials
from tstream.settings.model import Settings
from tstream.settings.venues import PRACTICE, AccountSettings, VenueSettings
from tstream.venues import known
from tstream.venues.kind import At

if TYPE_CHECKING:
    from tstream.botfiles.tables import BotTables


def read_settings(
    config: Path | None, add: Add | None = None, *, may_ask: bool = True
) -> tuple[Paths, Loaded]:
    """Find and check the settings, and let the redactor know their secrets; `add` has more than is in the
    file, `may_ask` for the password of a store. Raises SettingsError.
    """
    places = paths.find()
    loaded = load(places, config, add, may_ask=may_ask)
    _hide_secrets(loaded.settings)
    return places, loaded


def _hide_secrets(settings: Settings) -> None:
    for secret in settings.secret_values():
        REDACT.add(secret)


class SettingsSource(NamedTuple):
    """Where the settings of a run are read again."""

    file: Path
    """tstream.toml, which need not be there."""
    read: Callable[[], Settings]
    """As they were for this run, asking nobody. Raises CommandError."""


@dataclass(frozen=True, slots=True)
class Startup:
    """A run that may begin: nothing has connected yet."""

    settings: Settings
    paths: Paths
    notes: tuple[str, ...]
    """What the user should know before it starts."""
    files: BotTables | None = None
    """Bots that are JSON files."""
    source: SettingsSource | None = None

    def journal(self, run: RunOptions) -> str:
        """Under which name the run is locked and keeps its journal. Raises UsageError."""
        return journal_name(self.paths, list(self.settings.active), run)


def prepare(config: Path | None, run: RunOptions, *, may_ask: bool = True) -> Startup:
    """Check settings and options together and make the folders; `may_ask` as read_settings. Raises
    CommandError.
    """
    files = None
    if run.bots:
        from tstream.botfiles.load import load_bots

        places = paths.find()
        loaded, files = load_bots(places, config, run.bots)
        _hide_secrets(loaded.settings)
    else:
        more = sections(run.venue) if run.demo else None
        places, loaded = read_settings(config, more, may_ask=may_ask)
    settings = loaded.settings
    if run.demo:
        settings = played(with_practice_of(settings, run.venue), run.venue)
        places = places.demo
    if run.tape is not None:
        # A tape holds one product, whatever else the settings name.
        settings = settings.model_copy(update={"contracts": (run.contract,)})
    settings = _chosen(settings, run)
    require_credentials(settings)
    if settings.rooms and run.tape is None:
        from tstream.convert.alerts import check_rooms

        check_rooms(settings)
    if settings.bots or settings.scan.enabled:
        from tstream.convert.bots import bots

        bots(settings)
    if settings.blackout.file:
        from tstream.convert.blackouts import blackouts

        blackouts(settings, (config or places.settings_file).parent)
    check_theme(run.theme, "--theme", places)
    check_theme(settings.ui.theme, "ui.theme", places)
    try:
        places.create()
    except OSError as error:
        raise CommandError(f"can't make the folder {error.filename}: {error.strerror}") from error
    notes: tuple[str, ...] = ()
    if settings.practice and loaded.file is None:
        notes = (f"No settings at {places.settings_file}: this is the practice venue, with play money.",)
    if files is not None:
        if files.alone and loaded.file is not None:
            notes += ("[strategy] trades nothing in this run: bots do, each in its own book.",)
        notes += tuple(f"{line}; its files are in {places.bot(one.name)}" for one, line in files.lines())
    source = SettingsSource(config or places.settings_file, partial(_again, config, run))
    return Startup(settings, places, notes, files, source)


def _again(config: Path | None, run: RunOptions) -> Settings:
    return prepare(config, run, may_ask=False).settings


def _chosen(settings: Settings, run: RunOptions) -> Settings:
    """The settings with the venues that the run takes. Raises UsageError."""
    settings = with_practice_of(settings, run.venue)
    if run.venue:
        settings = settings.narrowed(run.venue)
    active = settings.active
    real = [name for name, venue in active.items() if not venue.practice]
    if real and len(real) < len(active):
        raise UsageError(
            "a practice venue lives in a time of its own, and runs alone or with others of its kind",
            f"choose with --venue: {', '.join(active)}; play money beside real accounts is [paper]",
        )
    if (run.accounts or run.venues) and not real:
        settings = _several(settings, run)
    _check_faults(settings, run)
    practice_only = run.practice_only()
    if practice_only and real:
        raise UsageError(
            f"{', '.join(practice_only)}: only the practice venue can do that, and this run is at "
            f"{', '.join(real)}"
        )
    return settings


def with_practice_of(settings: Settings, wanted: Sequence[str]) -> Settings:
    """The settings with the practice venues of kinds that are wanted and have no venue there. Raises
    UsageError.
    """
    added = {}
    for name in wanted:
        if name in settings.venues:
            continue
        playing = known.with_practice(in_runs=True)
        if name not in playing:
            raise UsageError(
                f"no venue is called {name}; the settings know {', '.join(settings.venues)}",
                f"without settings there are practice venues of {', '.join(playing)}",
            )
        added[name] = VenueSettings(kind=name, at=At.PRACTICE)
    return settings.model_copy(update={"venues": {**settings.venues, **added}}) if added else settings


def _check_faults(settings: Settings, run: RunOptions) -> None:
    """Raises UsageError for faults that a practice venue of the run has not."""
    from tstream.venues.faults import check_faults

    for venue in settings.active.values() if run.faults else ():
        if venue.practice:
            check_faults(run.faults, (venue.kind,))


def _several(settings: Settings, run: RunOptions) -> Settings:
    """As many practice venues, and accounts at each, as the options ask for."""
    from adapters.simulator.exchange.config import accounts_of_a_login

    name, first = next(iter(settings.active.items()))
    if run.accounts is not None:
        if not first.about.several_accounts:
            raise UsageError(f"--accounts: a login at {first.kind} is one account")
        specs = accounts_of_a_login(run.accounts) if run.accounts > 1 else ()
        own = tuple(AccountSettings(name=spec.name, book=f"{i}") for i, spec in enumerate(specs, 1))
        first = first.model_copy(update={"accounts": own})
    base = PRACTICE if first.kind == PRACTICE else name
    names = [base, *(f"{base}{number}" for number in range(2, (run.venues or 1) + 1))]
    return settings.model_copy(update={"venues": dict.fromkeys(names, first)})


def log_options(settings: Settings, paths: Paths, *, console: Output | None = None) -> LogOptions:
    """How a run logs. With `console` its lines go there too."""
    return filled(LogOptions, settings.log, file=paths.log(), console=console, told_in=settings.told_in)


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
