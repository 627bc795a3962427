"""Settings that are read again while a run goes on: asked for, or because their files were changed.

They are read and checked as for a start. What is wrong leaves everything as it was. The core takes the rest
as one event; what stands around it (news, logins, the log, the screen) follows once the core has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import to_builtins

from adapters.common.redaction import REDACT
from engine.books.bots import Bot
from engine.model.commands import Reload
from engine.model.config import BookConfig
from engine.model.errors import PortError
from engine.model.events import SettingsReloaded
from engine.model.reload import BookTerms, BotTerms
from engine.strategies.protocol import Following
from tstream.convert.alerts import alert_rooms, check_rooms
from tstream.convert.blackouts import blackout_file, blackouts
from tstream.convert.bots import bots
from tstream.errors import CommandError
from tstream.run.services import Service
from tstream.settings.merging import Merged, merge
from tstream.settings.model import Settings
from tstream.settings.sources import fingerprint

if TYPE_CHECKING:
    from engine.runtime.engine import Engine
    from tstream.paths import Paths
    from tstream.run.startup import SettingsSource

log = logging.getLogger("settings")

FOLDER = "folder"
"""Who asks where files were changed."""
QUIET_MS = 400
"""An editor writes a file in several steps: it is read once nothing has come for so long."""
TAKEN_S = 10.0
"""Within this the core takes settings in, or something is wrong with it."""
LONGEST = 2_000
"""Characters of what is wrong, in the journal and in answers."""

Follow = Callable[[Settings, Settings], Awaitable[None]]
"""Takes what changed outside of the core; given are the settings before and now."""
Terms = Callable[[Settings], tuple[tuple[BookConfig, ...], tuple[BookConfig, ...]]]
"""Books and templates of settings, as the core counts."""


class Reloads:
    """Of one run. `settings` are those that count now."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        source: SettingsSource,
        paths: Paths,
        terms: Terms,
        follow: Follow,
        news: Callable[[str], None],
    ) -> None:
        """`news` tells people, and the access log, of secrets that were exchanged."""
        self.settings = settings
        self._engine = engine
        self._source = source
        self._paths = paths
        self._terms = terms
        self._follow = follow
        self._news = news
        self._queue: asyncio.Queue[Reload] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._sent: SettingsReloaded | None = None
        self._waiting: tuple[str, ...] = ()
        """Keys that were told to wait for the next start."""
        self._seen = ""
        self._blackouts = blackouts(settings, source.file.parent)

    def services(self) -> Iterator[Service]:
        self._seen = self._look()
        self._engine.reloads = self
        yield Service("settings", self.run)
        yield Service("the folder of settings", self.watch)

    # --- of the engine, on its loop ----------------------------------------------------------------------

    def asked(self, command: Reload) -> None:
        """Somebody wants the settings read again; the answer comes by an event."""
        self._queue.put_nowait(command)

    def taken(self, event: SettingsReloaded) -> None:
        """The core counts by it."""
        if event is self._sent:
            self._taken.set()

    # --- the work ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """One after another, for as long as the engine runs."""
        while True:
            command = await self._queue.get()
            await self._reload(command)

    async def watch(self) -> None:
        """Ask for it whenever a file of the settings has changed."""
        from watchfiles import awatch

        file = self._source.file.absolute()
        folders = {file.parent} | ({Path.cwd()} if not self._paths.home else set())
        there = [folder for folder in folders if folder.is_dir()]
        number = 0
        async for _ in awatch(
            *there, watch_filter=_ours, debounce=QUIET_MS * 4, step=QUIET_MS, recursive=False
        ):
            if self.settings.reload.watch and (now := await asyncio.to_thread(self._look)) != self._seen:
                self._seen = now
                number += 1
                self._engine.ask(Reload(id=f"folder-{number}", source=FOLDER))

    def _look(self) -> str:
        """The same for as long as no file of the settings changes."""
        file = self._source.file
        try:
            beside = self._store(file), blackout_file(self.settings, file.parent)
            return fingerprint(self._paths, file) + "".join(map(_stamps, beside))
        except OSError:
            return ""

    def _store(self, file: Path) -> Path | None:
        from tstream.settings.stores import encrypted_path

        section = self.settings.secrets
        return encrypted_path(section, file) if section.store == "file" else None

    async def _reload(self, command: Reload) -> None:
        before = self.settings
        try:
            self._seen = await asyncio.to_thread(self._look)
            merged, event = await asyncio.to_thread(self._read, command)
        except (CommandError, PortError) as error:
            lines = error.lines if isinstance(error, CommandError) else (str(error),)
            self._refuse(command, "; ".join(lines))
            return
        except Exception:
            log.exception("settings can't be read again")
            self._refuse(command, "internal error, see the log")
            return
        same_news = event.blackouts == self._blackouts
        nothing = not merged.changes and merged.waiting == self._waiting and same_news
        if nothing and command.source == FOLDER:
            return
        self._waiting = merged.waiting
        self._taken.clear()
        self._sent = event
        self._engine.hear(event)
        async with asyncio.timeout(TAKEN_S):
            await self._taken.wait()
        self.settings, self._blackouts = merged.settings, event.blackouts
        for secret in merged.settings.secret_values():
            REDACT.add(secret)
        secrets = [one.key for one in merged.changes if not (one.was or one.now)]
        if secrets:
            self._news(f"new secrets by {command.source}: {', '.join(secrets)}")
        await self._follow(before, merged.settings)

    def _refuse(self, command: Reload, why: str) -> None:
        why = REDACT(why)
        text = why if len(why) <= LONGEST else why[:LONGEST] + "…"
        refused = f"settings are not taken: {text}"
        self._engine.hear(SettingsReloaded(ts_recv=self._engine.now(), command=command, refused=refused))

    def _read(self, command: Reload) -> tuple[Merged, SettingsReloaded]:
        """In a thread of its own. Raises CommandError, PortError: nothing is taken."""
        merged = merge(self.settings, self._source.read())
        settings = merged.settings
        if settings.rooms:
            check_rooms(settings)
        books, templates = self._terms(settings)
        return merged, SettingsReloaded(
            ts_recv=self._engine.now(),
            command=command,
            changes=merged.changes,
            waiting=merged.waiting,
            books=tuple(map(_terms, books)),
            templates=tuple(map(_terms, templates)),
            bots=tuple(_bot_terms(bot) for bot in bots(settings)),
            rooms=alert_rooms(settings),
            blackouts=blackouts(settings, self._source.file.parent),
        )


def _terms(book: BookConfig) -> BookTerms:
    return BookTerms(book.name, book.venue, book.risk, book.copy_ratio, book.sizing)


def _bot_terms(bot: Bot) -> BotTerms:
    takes = isinstance(bot.strategy, Following)
    return BotTerms(
        bot.config, to_builtins(getattr(bot.strategy, "config", {}), str_keys=True) if takes else {}
    )


def _ours(_change: object, path: str) -> bool:
    """Not what editors put beside a file, nor folders of ours."""
    name = Path(path).name
    return name.endswith((".toml", ".env", ".json", ".csv", ".ics")) or name == "..data"


def _stamps(path: Path | None) -> str:
    if path is None or not path.is_file():
        return ""
    about = path.stat()
    return f"{about.st_size} {about.st_mtime_ns}"
