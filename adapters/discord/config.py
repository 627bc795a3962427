"""Which rooms are read and whom is listened to there: plain values that tstream.convert makes of settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from adapters.common.secret import Secret, travels_readable

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordRoom:
    """Channels that are one room to the trader. A message counts only in these, from these authors."""

    name: str
    """As alerts of the room are labelled."""
    channels: frozenset[int]
    authors: frozenset[int] = frozenset()
    """Ids of people, bots and webhooks."""
    author_names: tuple[str, ...] = ()
    """Account names for authors whose id isn't known yet, with "#1234" where there is one. Second best: a
    bot's name can be taken by another bot. Nicknames, display names and webhooks never count here."""
    replies: bool = True
    """Read answers to other messages too; of those only the author's own words."""
    threads: bool = False
    """Read threads (and forum posts) under the channels too."""
    forwards: bool = True
    """Read messages that an author forwards from elsewhere: the words are then somebody else's."""
    max_age_s: float = 60.0
    """What the history gives that is older than this is told as `caught_up`, too old to trade."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError(f"room {self.name!r} has no channel")
        if not self.authors and not any(name.strip() for name in self.author_names):
            raise ValueError(f"room {self.name!r} has no author: nothing would be read")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordTiming:
    """Waits at Discord, in seconds of the real clock."""

    connect_s: float = 90.0
    """Until the gateway is ready, from the login or from a lost connection on; then all is begun anew."""
    guilds_s: float = 1.0
    """After the last server that the gateway has told of, the list is taken for complete."""
    beat_s: float = 10.0
    """Between our heartbeats. One without an answer is stale, a second one ends the connection."""
    close_s: float = 2.0
    """For a close or a heartbeat to go out."""
    recheck_s: float = 300.0
    """Between two looks into the history of a room that is followed live."""
    retry_s: float = 30.0
    """Until a room that could not be read is tried again."""
    save_s: float = 1.0
    """Until the read state is written after a change."""
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    refused_pause_s: float = 300.0
    """After a refused login, where one has worked before."""
    identify_gap_s: float = 5.0
    """Between two logins at the gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordConfig:
    """One bot and the rooms that it reads."""

    token: Secret
    """Of the bot, as the Developer Portal shows it once; without "Bot " before it."""
    rooms: tuple[DiscordRoom, ...]
    read_state: Path | None = None
    """File that keeps how far each channel was read; None forgets it at the end."""
    look_back: int = 50
    """Newest messages of a channel that are read again for missed edits and deletions."""
    history_limit: int = 500
    """Messages of a channel that are read after a gap, at most."""
    api_url: str = API_URL
    gateway_url: str = GATEWAY_URL
    timing: DiscordTiming = field(default_factory=DiscordTiming)

    def __post_init__(self) -> None:
        taken: dict[int, str] = {}
        for room in self.rooms:
            for channel in room.channels:
                if channel in taken:
                    raise ValueError(f"channel {channel} is in two rooms: {taken[channel]!r}, {room.name!r}")
                taken[channel] = room.name
        for url in (self.api_url, self.gateway_url):
            if travels_readable(url):
                raise ValueError(f"the bot's token would go unencrypted to {urlsplit(url).hostname}")
