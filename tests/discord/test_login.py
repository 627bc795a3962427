"""What only a person can mend, said in words; and the token, which nobody may see."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import traceback
from dataclasses import replace
from typing import Any

import discord.gateway
import discord.http
import pytest
from yarl import URL

from adapters.common.redaction import MASK
from adapters.common.secret import Secret
from adapters.discord.config import API_URL, GATEWAY_URL, DiscordConfig, DiscordRoom
from adapters.discord.library_log import relayed
from adapters.discord.source import DiscordSource
from engine.model.errors import FatalError
from engine.model.events import LinkState
from tests.discord.fake import CHANNEL, TOKEN, FakeDiscord, Reply
from tests.discord.scenes import ALERT, ANALYST, QUICK, ROOM, Heard, config_for, listening
from tests.support.patience import patient
from tests.support.waits import PATIENCE_S

WRONG = "MTExMTExMTExMTExMTExMTEx.Wr0ngT.anotherCanaryThatNobodyMayEverSee11"


async def fatal(config: DiscordConfig) -> tuple[FatalError, Heard]:
    """The error in which a run ends, which is also the last word on the link."""
    heard = Heard()
    with pytest.raises(FatalError) as caught:
        async with asyncio.timeout(patient(PATIENCE_S)):
            await DiscordSource(config, lambda: 0).run(heard)
    assert (heard.links()[-1].state, heard.links()[-1].detail) == (LinkState.DOWN, str(caught.value))
    return caught.value, heard


async def test_a_token_that_rest_refuses_is_fatal_with_the_remedy() -> None:
    async with FakeDiscord() as fake:
        error, _ = await fatal(config_for(fake, token=Secret(WRONG)))
    assert "Reset Token" in str(error)


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        ({"token": "another"}, "Reset Token"),
        ({"message_content": False}, "Message Content Intent"),
        ({"refuse": [4010]}, "update discord.py"),
        ({"refuse": [4011]}, "too many servers"),
        ({"refuse": [4012]}, "update discord.py"),
        ({"refuse": [4013]}, "update discord.py"),
    ],
)
async def test_what_the_gateway_will_always_refuse_is_fatal_with_the_remedy(
    gateway: dict[str, Any], words: str
) -> None:
    async with FakeDiscord() as fake:
        vars(fake.gateway).update(gateway)
        error, _ = await fatal(config_for(fake))
        assert len(fake.gateway.identified) == 1, "asking on would only count against the bot"
    assert words in str(error)


@pytest.mark.parametrize("token", ["", "Bot abc.def.ghi", "abc…def", 'abc.def"', "abc\ndef"])
async def test_what_is_no_token_is_not_even_sent(token: str) -> None:
    async with FakeDiscord() as fake:
        error, _ = await fatal(config_for(fake, token=Secret(token)))
        assert fake.requests == []
    assert "no bot token" in str(error)
    assert not token or token not in str(error)


async def test_a_login_that_worked_once_is_waited_for() -> None:
    tokens = [WRONG, TOKEN, TOKEN, TOKEN]
    # taken from the end: the check before the first login, the login, one that is refused, a new one
    async with FakeDiscord() as fake, listening(config_for(fake, token=Secret(tokens.pop))) as (_, heard):
        fake.token = fake.gateway.token = WRONG
        fake.gateway.close(4004)
        assert "Reset Token" in (await heard.state(LinkState.DOWN, "token")).detail
        await heard.live(times=2)
        assert not tokens


async def test_without_the_library_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "discord"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("session", "client", "history"):
        monkeypatch.delitem(sys.modules, f"adapters.discord.{name}", raising=False)
    async with FakeDiscord() as fake:
        error, _ = await fatal(config_for(fake))
    assert "pip install -c constraints.txt -e ." in str(error)


def test_the_library_is_imported_only_when_the_source_runs() -> None:
    code = "import sys, adapters.discord.source; sys.exit('discord' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_the_token_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    async with FakeDiscord() as fake:
        config = config_for(fake)
        shown += [repr(config), str(config), repr(DiscordSource(config, lambda: 0))]
        fake.login_script.append(Reply(503, {"message": f"what is Bot {TOKEN}?", "code": 0}))
        fake.history_script.append(Reply(400, {"message": f"what is {TOKEN}?", "code": 1}))
        fake.gateway.turn_away = [4000]
        async with listening(config) as (_, heard):
            fake.post(ANALYST, ALERT)
            await heard.alert()
            for session in fake.gateway.live:
                assert session.line is not None
                session.line.queue.put_nowait(f'{{"op": {TOKEN}')
            await heard.live(times=2)
            fake.gateway.close(4009)
            await heard.live(times=3)
        shown += map(repr, heard)
        for token in (Secret(WRONG), Secret(TOKEN)):
            fake.gateway.message_content = False
            error, heard = await fatal(replace(config, token=token))
            shown += map(repr, heard)
            shown += traceback.format_exception(error)
    shown += [caplog.text, *(str(vars(record)) for record in caplog.records)]
    secrets = [TOKEN, WRONG, *(token.rpartition(".")[2] for token in (TOKEN, WRONG))]
    assert caplog.records
    assert not [secret for secret in secrets for text in shown if secret in text]
    assert any("HTTP 400" in text for text in shown), "the places where it could have shown were visited"


async def test_the_words_of_others_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("discord").setLevel(logging.DEBUG)
    try:
        async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
            fake.post(replace(ANALYST, id=1), "my private words")
            fake.post(ANALYST, ALERT)
            await heard.alert()
        assert "private" not in caplog.text
        assert logging.getLogger("discord").level == logging.DEBUG
    finally:
        logging.getLogger("discord").setLevel(logging.NOTSET)


async def test_nothing_of_the_library_is_changed_for_others() -> None:
    before = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    library = logging.getLogger("discord")
    state = library.level, library.propagate, list(library.handlers)
    async with FakeDiscord() as fake, listening(config_for(fake)):
        assert before == (discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    assert (library.level, library.propagate, library.handlers) == state
    assert before == (API_URL, URL(GATEWAY_URL))


def test_the_librarys_lines_come_under_ours_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    library = logging.getLogger("discord.gateway")
    with relayed("first-secret"), relayed("second-secret"):
        library.warning("first-secret and second-secret")
        library.info("routine")
        library.debug("a packet")
        library.error("failed", exc_info=ValueError("of second-secret"))
    library.debug("later")
    lines = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    ours = "adapters.discord.library_log"
    assert lines[:-1] == [
        (ours, "WARNING", f"{MASK} and {MASK}"),
        (ours, "DEBUG", "routine"),
        (ours, "ERROR", f"failed: of {MASK}"),
    ]
    assert lines[-1][0] == "discord.gateway"


async def test_the_bot_asks_for_no_more_than_it_needs() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)):
        asked = fake.gateway.identified[0]["intents"]
    assert asked == 1 << 0 | 1 << 9 | 1 << 15, "servers, their messages, message content"


async def test_the_heart_beats_more_often_than_the_gateway_asks() -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, timing=replace(QUICK, beat_s=0.02))
        async with listening(config) as (_, heard):
            await fake.until(lambda: fake.gateway.beats >= 4)
            assert heard.states()[-1] is LinkState.LIVE


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="no author"):
        DiscordRoom(name="a", channels=frozenset({1}), author_names=(" ",))
    with pytest.raises(ValueError, match="no channel"):
        DiscordRoom(name="a", channels=frozenset(), authors=frozenset({1}))
    with pytest.raises(ValueError, match="two rooms"):
        DiscordConfig(token=Secret(TOKEN), rooms=(ROOM, replace(ROOM, name="again")))
    with pytest.raises(ValueError, match=r"unencrypted to example\.org"):
        DiscordConfig(token=Secret(TOKEN), rooms=(ROOM,), api_url="http://example.org/api/v10")
    with pytest.raises(ValueError, match="unencrypted"):
        DiscordConfig(token=Secret(TOKEN), rooms=(ROOM,), gateway_url="ws://127.0.0.1.example.org/")
    assert CHANNEL in DiscordConfig(token=Secret(TOKEN), rooms=(ROOM,)).rooms[0].channels
