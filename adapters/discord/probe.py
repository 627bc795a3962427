"""Whether the bot can log in at Discord and read its rooms: asked by REST, without discord.py."""

from __future__ import annotations

import aiohttp
import msgspec

from adapters.common.finding import Check
from adapters.common.plain_words import in_words
from adapters.discord.config import DiscordConfig
from adapters.discord.source import NO_TOKEN, TOKEN

_WAIT_S = 15.0
_MOST_BYTES = 1_000_000
_RESET = "Developer Portal: your application, Bot, Reset Token; then TSTREAM_DISCORD_TOKEN in .env"
_CHANNELS = {
    403: ("the bot may not read", "give it View Channel and Read Message History there"),
    404: ("Discord knows no channel", "correct the id: Developer Mode, right click, Copy Channel ID"),
}


class _User(msgspec.Struct):
    username: str = "a bot"


async def probe(config: DiscordConfig) -> list[Check]:
    """Log in and look at the newest message of each channel; posts and changes nothing. Raises nothing."""
    token = config.token.reveal().strip()
    if not TOKEN.fullmatch(token):
        return [Check("discord", False, NO_TOKEN, _RESET)]
    timeout = aiohttp.ClientTimeout(total=_WAIT_S)
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, headers={"Authorization": f"Bot {token}"}, raise_for_status=False
        ) as http:
            return await _findings(config, http)
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
        told = in_words(error, token)
        return [Check("discord", False, f"Discord can't be asked: {told}", "check the network")]


async def _findings(config: DiscordConfig, http: aiohttp.ClientSession) -> list[Check]:
    base = config.api_url.rstrip("/")
    async with http.get(f"{base}/users/@me") as answer:
        if answer.status == 401:
            return [Check("discord", False, "Discord refuses the bot's token", _RESET)]
        if answer.status != 200:
            return [Check("discord", False, f"Discord answers {answer.status}", "try again later")]
        me = msgspec.json.decode(await answer.content.read(_MOST_BYTES), type=_User)
    found = [Check("discord", True, f"logged in as {me.username}")]
    for room in config.rooms:
        for channel in sorted(room.channels):
            async with http.get(f"{base}/channels/{channel}/messages", params={"limit": "1"}) as answer:
                found.append(_channel(room.name, channel, answer.status))
    return found


def _channel(room: str, channel: int, status: int) -> Check:
    if status == 200:
        return Check(f"room {room}", True, f"channel {channel} can be read")
    what, remedy = _CHANNELS.get(status, (f"Discord answers {status} about", "try again later"))
    return Check(f"room {room}", False, f"{what} {channel}", remedy)
