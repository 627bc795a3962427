"""How the connection stands, and what is done when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.discord.pacing import ConnectionPacing
from engine.model.events import AlertKind, LinkState
from tests.discord.fake import FakeDiscord, Reply
from tests.discord.scenes import (
    ALERT,
    ANALYST,
    QUICK,
    STRANGER,
    config_for,
    listening,
)


async def test_live_is_told_only_once_the_history_is_read() -> None:
    async with FakeDiscord() as fake:
        seen: list[list[LinkState]] = []
        async with listening(config_for(fake), live=False) as (_, heard):
            fake.history_script.append(Reply(200, before=lambda: seen.append(list(heard.states()))))
            await heard.live()
        assert seen == [[LinkState.CONNECTING] * 3]
        assert heard.states() == [LinkState.CONNECTING] * 3 + [LinkState.LIVE, LinkState.DOWN]
        assert heard.links()[-1].detail == "stopped"


async def test_a_silent_gateway_is_stale_then_down_and_comes_back() -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, timing=replace(QUICK, beat_s=0.05, close_s=0.1))
        async with listening(config) as (_, heard):
            fake.gateway.silent = True
            stale = await heard.state(LinkState.STALE)
            assert "silent" in stale.detail
            await heard.state(LinkState.DOWN)
            fake.gateway.silent = False
            await heard.live(times=2)
            order = [state for state in heard.states() if state is not LinkState.CONNECTING]
            assert order[:3] == [LinkState.LIVE, LinkState.STALE, LinkState.DOWN]
            fake.post(ANALYST, ALERT)
            assert (await heard.alert()).text == ALERT


async def test_a_gateway_that_answers_late_is_live_again() -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, timing=replace(QUICK, beat_s=0.1))
        async with listening(config) as (_, heard):
            fake.gateway.silent = True
            await heard.state(LinkState.STALE)
            fake.gateway.silent = False
            fake.post(STRANGER, "a sign of life")
            await heard.live(times=2)
            assert LinkState.DOWN not in heard.states()
            assert fake.gateway.connected == 1


async def test_a_frozen_connection_is_left_behind() -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, timing=replace(QUICK, beat_s=0.05, close_s=0.05))
        async with listening(config) as (_, heard):
            fake.gateway.freeze()
            fake.post(ANALYST, ALERT)
            await heard.live(times=2)
            assert heard.told == [(AlertKind.POSTED, ALERT)]
            assert [link.detail for link in heard.links() if link.state is LinkState.DOWN]
            assert heard.states()[-1] is LinkState.LIVE
            fake.gateway.freeze()
        assert heard.links()[-1].detail == "stopped", "and a frozen one does not hold the end up"


async def test_an_outage_at_the_start_is_not_live() -> None:
    async with FakeDiscord() as fake:
        fake.gateway.lost_guilds = True
        async with listening(config_for(fake), live=False) as (_, heard):
            assert "outage" in (await heard.state(LinkState.STALE)).detail
            fake.post(ANALYST, ALERT, told=False)
            fake.gateway.lost_guilds = False
            fake.outage_over()
            await heard.live()
            assert heard.told == [(AlertKind.POSTED, ALERT)]


async def test_an_outage_of_the_server_is_stale_until_it_is_back() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.outage()
        assert "outage" in (await heard.state(LinkState.STALE)).detail
        fake.post(ANALYST, ALERT, told=False)
        fake.outage_over()
        await heard.live(times=2)
        assert heard.told == [(AlertKind.POSTED, ALERT)]


def watch_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause between two attempts, from now on."""
    pauses: list[float] = []
    pause_s = ConnectionPacing.pause_s

    def noted(pacing: ConnectionPacing) -> float:
        pauses.append(pause_s(pacing))
        return pauses[-1]

    monkeypatch.setattr(ConnectionPacing, "pause_s", noted)
    return pauses


async def test_a_gateway_that_hangs_up_at_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeDiscord() as fake:
        fake.gateway.turn_away = [4000, 1006, 1000]
        fake.gateway.refuse = [4000, 4008]
        async with listening(config_for(fake)) as (_, heard):
            assert fake.gateway.connected >= 6
            pauses = watch_pauses(monkeypatch)
            fake.gateway.turn_away = [4000, 4000]
            fake.gateway.close(4000)
            await heard.live(times=2)
            assert len(pauses) >= 3, "each attempt waits its turn"
            assert "close code 4000" in {x.state: x.detail for x in heard.links()}[LinkState.DOWN]


async def test_a_packet_that_makes_no_sense_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        for session in fake.gateway.live:
            assert session.line is not None
            session.line.queue.put_nowait('{"op": ')
        await heard.live(times=2)
        fake.post(ANALYST, ALERT)
        assert (await heard.alert()).text == ALERT
    assert "fell over something" in caplog.text


async def test_rest_that_fails_at_the_login_is_tried_again() -> None:
    async with FakeDiscord() as fake:
        fake.login_script.extend(
            [Reply(503, {"message": "no", "code": 0}), Reply(429, "<html>banned</html>")]
        )
        async with listening(config_for(fake)) as (_, heard):
            down = [link.detail for link in heard.links() if link.state is LinkState.DOWN]
            assert [text.partition(";")[0] for text in down] == [
                "Discord answers HTTP 503 (its own trouble)",
                "Discord answers HTTP 429",
            ]
            assert all("tried again, and what is posted meanwhile is read" in text for text in down)


async def test_nobody_there_is_no_reason_to_give_up() -> None:
    async with FakeDiscord() as fake:
        api_url = fake.api_url
    config = config_for(fake, api_url=api_url)
    async with listening(config, live=False) as (_, heard):
        await heard.until(lambda: heard.states().count(LinkState.DOWN) >= 1)
        assert "can't be reached: nothing listens there" in heard.links()[-1].detail
