"""tstream check: is everything there that a run needs? One line for each finding, with the remedy."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from adapters.common.finding import Check
from adapters.common.redaction import REDACT, printable
from adapters.discord.probe import probe as probe_discord
from engine.model.decision import OpinionUse
from engine.model.orders import Account
from engine.risk.presets import PRESETS, resolve
from tstream.clock import wall_ns
from tstream.commands.check_instruments import of_instruments
from tstream.convert.alerts import check_rooms, discord_config
from tstream.convert.bots import bots
from tstream.convert.risk import limits_of
from tstream.convert.venues import on_practice, venue_asked
from tstream.errors import SettingsError, UsageError
from tstream.paths import Paths, find
from tstream.run.startup import check_theme, read_settings
from tstream.settings.load import login_problems
from tstream.settings.model import Settings
from tstream.venues.kind import AccountCheck, VenueAsked, VenueKind
from tui.keymap import resolve_keys

LEAST_FREE_MB = 100
"""Less may not last for a day's journal and log."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check(config: Path | None) -> int:
    """Print all findings; gives 0 when all is well and 1 otherwise."""
    console = Console(highlight=False, soft_wrap=True)
    well = True
    for finding in findings(config):
        well = well and finding.ok
        console.print(line_of(finding))
    return 0 if well else 1


def findings(config: Path | None) -> Iterator[Check]:
    """One after another, as they are found; ends where nothing more can be found out."""
    try:
        places, loaded = read_settings(config)
        settings = loaded.settings
        check_theme(settings.ui.theme, "ui.theme", places)
        check_rooms(settings)
        bots(settings)
    except SettingsError as error:
        yield from (Check("settings", False, str(problem), problem.remedy) for problem in error.problems)
        yield from _folders(find())
        return
    yield Check("settings", True, f"{loaded.file or f'all defaults; they belong in {places.settings_file}'}")
    keys = resolve_keys(settings.ui.keymap)
    for problem in keys.problems:
        # its own words say which key stays
        yield Check("keymap", False, problem.replace("keys.", "ui.keymap.", 1), "choose another key")
    if not keys.problems:
        changed = f"{len(keys.overrides)} changed by ui.keymap" if keys.overrides else "all as they come"
        yield Check("keymap", True, f"{len(keys.keys)} actions, each with a key of its own; {changed}")
    yield from (secrecy(file) for file in loaded.dotenv)
    if loaded.store:
        yield Check("secrets", True, f"{loaded.store} answers")
    yield from _folders(places)
    yield from of_instruments(settings, wall_ns())
    if settings.history.url or settings.redis.url:
        from tstream.commands.check_kept import of_kept

        yield from of_kept(settings)
    if settings.opinion.use is not OpinionUse.OFF:
        from tstream.commands.check_opinion import of_opinion

        yield from of_opinion(settings, places)
    yield from _venues(settings)
    if settings.rooms:
        yield from asyncio.run(
            probe_discord(discord_config(settings, places.venue("check") / "discord.json"))
        )


def secrecy(file: Path) -> Check:
    """Whether a file with secrets in it is its owner's alone."""
    mode = file.stat().st_mode
    if mode & _OTHERS:
        return Check("secrets", False, f"others may read {file}", f"chmod 600 {file}")
    return Check("secrets", True, f"{file}, yours alone")


def _folders(places: Paths) -> Iterator[Check]:
    try:
        places.create()
    except OSError as error:
        yield Check("folders", False, f"can't make {error.filename}: {error.strerror}", "set TSTREAM_HOME")
        return
    except UsageError as error:
        for line in error.lines:
            told, _, remedy = line.rpartition(": ")
            yield Check("folders", False, told, remedy)
        return
    for folder in (places.data, places.state, places.runtime):
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Check("folders", False, f"can't write in {folder}", "make it yours, or set TSTREAM_HOME")
            return
    free_mb = shutil.disk_usage(places.data).free // 1_000_000
    room = f"{places.data}, {free_mb:,} MB free"
    yield Check("folders", free_mb >= LEAST_FREE_MB, room, "make room: orders have to be written down")


def _venues(settings: Settings) -> Iterator[Check]:
    several = len(settings.active) > 1
    for name, venue in settings.active.items():
        found = _practice(settings, name) if venue.practice else _venue(settings, name)
        for one in found:
            yield replace(one, name=f"{name}: {one.name}") if several else one


def _practice(settings: Settings, name: str) -> Iterator[Check]:
    unused = settings.projectx.user or settings.projectx.key.get_secret_value()
    more = ", and leaves yours alone: [venues.topstepx] would use them" if unused else ""
    yield Check("credentials", True, f"the practice venue needs none{more}")
    yield from asyncio.run(_probe_practice(settings, name))


def _venue(settings: Settings, name: str) -> Iterator[Check]:
    if wrong := login_problems(settings, name):
        yield from (Check("credentials", False, f"{one.key} {one.message}") for one in wrong)
        return
    about = settings.venues[name].about
    needs = f"{' and '.join(about.needs)} are set" if about.needs else "it needs none"
    yield Check("credentials", True, needs)
    yield from asyncio.run(
        _probe(about, venue_asked(settings, name, wall_ns), partial(_limits, settings, name))
    )
    if not about.prices_only:
        yield Check("trading", True, f'trading = "{settings.trading}"')


async def _probe(about: VenueKind, asked: VenueAsked, limits: AccountCheck) -> Sequence[Check]:
    return await about.probe(asked, limits)


async def _probe_practice(settings: Settings, name: str) -> Sequence[Check]:
    """Start a practice venue that keeps nothing, and look at it as at any other."""
    venue = settings.venues[name]
    assert venue.about.practice is not None
    try:
        async with venue.about.practice.open(len(venue.accounts)) as listening:
            asked = on_practice(venue_asked(settings, name, listening.clock), listening)
            found = await venue.about.probe(asked, partial(_limits, settings, name))
            return [finding for finding in found if finding.name != "clock"]  # practice time is its own
    except OSError as error:
        return [Check("practice venue", False, f"can't listen on loopback: {error}", "free a port")]


def _limits(settings: Settings, venue: str, account: Account) -> Check:
    """What counts for the account that was found, and where it comes from."""
    limits = limits_of(settings, venue, account)
    found = resolve(limits, account)
    parts = [
        f"daily loss {found.daily_loss_usd} USD" if found.daily_loss_usd else "no daily loss limit",
        f"maximum loss {found.max_loss_usd} USD" if found.max_loss_usd else "no maximum loss limit",
        f"{found.max_minis} minis at a time" if found.max_minis else "any number of contracts",
    ]
    preset = PRESETS.get(found.preset.partition(" ")[0])
    source = f"; {found.preset}, as of {preset.as_of}" if preset is not None else "; no preset"
    acts = f"acting at {limits.act_percent} %"
    whose = f"{account.name}: " if len(settings.venues[venue].accounts) > 1 else ""
    return Check("limits", True, f"{whose}{', '.join(parts)}, {acts}{source}")


def line_of(finding: Check) -> Text:
    """One finding as it is printed."""
    mark = ("✗ ", "bold red") if not finding.ok else ("! ", "yellow") if finding.soon else ("✓ ", "green")
    line = Text.assemble(mark, f"{finding.name}: ", printable(REDACT(finding.detail)))
    if finding.remedy and (finding.soon or not finding.ok):
        line.append(f" → {printable(finding.remedy)}")
    return line
