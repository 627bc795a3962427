"""The alert rooms as the engine sees them: connect, deliver, catch up, begin again, until cancelled.

discord.py is imported when the source runs, beside the loop: it takes a quarter of a second.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.common.redaction import scrub
from adapters.discord.config import DiscordConfig
from adapters.discord.library_log import relayed
from adapters.discord.pacing import ConnectionPacing
from adapters.discord.read_state import ReadState, ReadStateFile
from adapters.discord.reader import MessageReader
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.ports import Clock, Sink

if TYPE_CHECKING:
    from adapters.discord.session import DiscordSession

_log = logging.getLogger(__name__)

LINK = "discord"

TOKEN = re.compile(r"[\w.~-]+", re.ASCII)
NO_TOKEN = (
    "this is no bot token: three parts of letters and digits with dots between, without 'Bot ' before them "
    "(Developer Portal: your application, Bot, Reset Token)"
)
_NOT_INSTALLED = (
    "alert rooms need discord.py: in tstream's folder, .venv/bin/pip install -c constraints.txt -e ."
)


class DiscordSource:
    """Fulfils `AlertSource` for one bot."""

    def __init__(
        self,
        config: DiscordConfig,
        clock: Clock,
        *,
        wall: Clock = time.time_ns,
        rng: random.Random | None = None,
    ) -> None:
        """`clock` is the engine's, `wall` the world's: in practice time alerts are as old as they are."""
        self._config = config
        self._clock = clock
        self._wall = wall
        self._rng = rng if rng is not None else random.Random()
        self._counts: Counter[str] = Counter()
        self._secrets: tuple[str, ...] = ()
        self._told: tuple[LinkState, str] | None = None

    def follow(self, config: DiscordConfig) -> None:
        """Read by this from the next `run` on."""
        self._config = config

    @property
    def counts(self) -> Mapping[str, int]:
        """What came, by what became of it: "alerts", "messages of others", "other channels", ..."""
        return self._counts

    async def run(self, sink: Sink) -> None:
        """Until cancelled. Raises FatalError when it can't begin without a person.

        Once a login has worked, a refused one is waited out, slowly, so that a night isn't lost to it.
        """
        self._told = None
        self._report(sink, LinkState.CONNECTING, "")
        try:
            self._token()
            session_type = await asyncio.to_thread(_load)
            await self._live(sink, session_type)
        except FatalError as error:
            self._report(sink, LinkState.DOWN, str(error))
            raise
        except asyncio.CancelledError:
            self._report(sink, LinkState.DOWN, "stopped")
            raise

    async def _live(self, sink: Sink, session_type: type[DiscordSession]) -> None:
        config = self._config
        file = ReadStateFile(config.read_state, config.timing.save_s)
        read_state = ReadState(await asyncio.to_thread(file.load), file.changed)
        reader = MessageReader(config, read_state, self._counts, self._clock, self._wall, sink)
        saving = asyncio.create_task(file.run(read_state))
        try:
            await self._reconnect(sink, session_type, reader)
        finally:
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            await file.save(read_state)

    async def _reconnect(self, sink: Sink, session_type: type[DiscordSession], reader: MessageReader) -> None:
        config = self._config
        pacing = ConnectionPacing(config.timing, self._rng)
        worked = False

        def report(state: LinkState, detail: str) -> None:
            self._report(sink, state, detail)

        while True:
            await asyncio.sleep(pacing.pause_s())
            session = session_type(config, reader, pacing, report, self._wall)
            try:
                token = self._token()
                with relayed(*self._secrets):
                    await session.run(token)
            except RetryableError as error:
                pause, reason = 0.0, str(error)
            except FatalError as error:
                if not (worked or session.worked):
                    raise
                pause, reason = config.timing.refused_pause_s, str(error)
            worked = worked or session.worked
            pacing.lost()
            again = f"is tried again in {pause:g} s" if pause else "is tried again"
            report(LinkState.DOWN, f"{reason}; it {again}, and what is posted meanwhile is read then")
            await asyncio.sleep(pause)

    def _token(self) -> str:
        token = self._config.token.reveal().strip()
        if not TOKEN.fullmatch(token):
            raise FatalError(NO_TOKEN)
        self._secrets = (token, token.rpartition(".")[2])
        return token

    def _report(self, sink: Sink, state: LinkState, detail: str) -> None:
        detail = scrub(detail, *self._secrets)
        if (state, detail) != self._told:
            self._told = state, detail
            _log.info("Discord %s %s", state, detail)
            sink(LinkChanged(ts_recv=self._clock(), link=LINK, state=state, detail=detail))


def _load() -> type[DiscordSession]:
    """Raises FatalError where discord.py isn't installed."""
    try:
        from adapters.discord.session import DiscordSession
    except ModuleNotFoundError as error:
        if error.name != "discord":
            raise
    else:
        return DiscordSession
    raise FatalError(_NOT_INSTALLED)
