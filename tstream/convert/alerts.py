"""Settings to what is known of alert rooms: by the reader on Discord, and by the engine."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.rooms import AlertRoom, GradeSizes
from engine.strategies.alerts import rooms
from engine.strategies.alerts.alert import Parser
from tstream.errors import Problem, SettingsError
from tstream.settings.declared import filled
from tstream.settings.model import Settings
from tstream.settings.sizing import sizing_of

if TYPE_CHECKING:
    from adapters.discord.config import DiscordConfig

PLUG_INS = "tstream.alert_parsers"
"""Entry point group of parsers: each a class or function that gives a Parser when called."""


def alert_rooms(settings: Settings) -> tuple[AlertRoom, ...]:
    """What the engine is told of each room; contracts that are not traded here are left out."""
    return tuple(
        filled(
            AlertRoom,
            room,
            name=name,
            contracts={
                root: symbol for root, symbol in room.contracts.items() if symbol in settings.contracts
            },
            sizes=filled(GradeSizes, room),
            sizing=sizing_of(room.sizing),
        )
        for name, room in settings.rooms.items()
    )


def parsers() -> dict[str, Parser]:
    """The plug-ins that are installed, by their names."""
    return {point.name: point.load()() for point in entry_points(group=PLUG_INS)}


def check_rooms(settings: Settings) -> None:
    """Raises SettingsError with everything that is wrong with the rooms."""
    instruments = {instrument.symbol: instrument for instrument in settings.instrument_table()}
    plugins = parsers()
    wrong = [
        Problem(f"rooms.{room.name}", sentence)
        for room in alert_rooms(settings)
        for sentence in rooms.problems(room, instruments, plugins)
    ]
    if wrong:
        raise SettingsError(wrong)


def discord_config(settings: Settings, read_state: Path) -> DiscordConfig:
    """The reader's part. `read_state` is the file that keeps how far each channel was read."""
    from adapters.common.secret import Secret
    from adapters.discord.config import DiscordConfig, DiscordRoom

    return DiscordConfig(
        token=Secret(settings.discord.token.get_secret_value),
        rooms=tuple(
            DiscordRoom(
                name=name,
                channels=frozenset(room.channels),
                authors=frozenset(room.authors),
                author_names=room.author_names,
                replies=room.replies,
                threads=room.threads,
                forwards=room.forwards,
                max_age_s=room.max_age_seconds,
            )
            for name, room in settings.rooms.items()
        ),
        read_state=read_state,
        api_url=settings.discord.api_url,
        gateway_url=settings.discord.gateway_url,
    )
