"""Tokens: one login for all, renewal well before expiry, refusals that need a person."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle

import pytest

from adapters.common.secret import Secret
from adapters.projectx import tokens
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkState
from tests.projectx import samples
from tests.projectx.conftest import KEY, NOW, venue_for
from tests.projectx.gateway import HANG, LOGIN, VALIDATE, Gateway, Status
from tests.support.waits import Inbox


async def test_callers_who_come_together_share_a_login(gateway: Gateway, venue: ProjectXVenue) -> None:
    tokens = await asyncio.gather(*(venue.session.token() for _ in range(5)))
    assert len(set(tokens)) == 1
    assert gateway.bodies(LOGIN) == [{"userName": "someone", "apiKey": "very-secret-key-000"}]


async def test_calls_that_are_refused_together_share_a_login(gateway: Gateway, venue: ProjectXVenue) -> None:
    await venue.session.token()
    gateway.tokens.clear()
    await asyncio.gather(*(venue.rest.accounts() for _ in range(4)))
    assert len(gateway.bodies(LOGIN)) == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [(1, "user name"), (3, "API key"), (7, "agreements"), (9, "subscription"), (10, "switched off")],
)
async def test_a_refused_login_needs_a_person(
    gateway: Gateway, venue: ProjectXVenue, code: int, words: str
) -> None:
    gateway.script(LOGIN, samples.failed(code, token=None))
    with pytest.raises(FatalError, match=words):
        await venue.rest.accounts()


@pytest.mark.parametrize(
    "answer",
    [samples.failed(8, token=None), samples.ok(token=None), Status(503, ""), Status(429, ""), "junk"],
)
async def test_a_login_that_fails_for_now(gateway: Gateway, venue: ProjectXVenue, answer: object) -> None:
    gateway.script(LOGIN, answer)
    with pytest.raises(RetryableError):
        await venue.session.token()
    assert await venue.session.token()


@pytest.mark.parametrize(
    "answer",
    [
        samples.failed(3, f"no user with {KEY}", token=None),
        Status(400, {"errors": {"apiKey": [f"{KEY} is too short"]}}),
        Status(500, f"exception for {KEY}"),
    ],
)
async def test_a_key_that_the_venue_echoes_is_not_repeated(
    gateway: Gateway, inbox: Inbox, answer: object
) -> None:
    venue = venue_for(gateway)
    gateway.script(LOGIN, answer)
    async with venue.opened(inbox):
        with pytest.raises((FatalError, RetryableError)) as failed:
            await venue.session.token()
    assert KEY not in f"{failed.value!r} {inbox!r}"


async def test_the_token_is_renewed_before_it_expires(gateway: Gateway, inbox: Inbox) -> None:
    now = NOW
    venue = venue_for(gateway, clock=lambda: now)
    async with venue.opened(inbox):
        first = await venue.session.token()
        now += int(0.89 * 86_400) * 10**9
        await asyncio.wait([asyncio.create_task(gateway.until(lambda: gateway.bodies(VALIDATE), 0.15))])
        assert gateway.bodies(VALIDATE) == []
        now += int(0.02 * 86_400) * 10**9
        await gateway.until(lambda: gateway.bodies(VALIDATE))
        gateway.tokens.discard(first)
        await venue.rest.accounts()
        assert await venue.session.token() != first
    assert len(gateway.bodies(LOGIN)) == 1


@pytest.mark.parametrize("answer", [samples.failed(3, newToken=None), samples.ok(newToken=None), Status(401)])
async def test_a_validation_that_gives_nothing_ends_in_a_login(
    gateway: Gateway, venue: ProjectXVenue, answer: object
) -> None:
    first = await venue.session.token()
    gateway.script(VALIDATE, answer)
    await venue.session.freshen()
    assert await venue.session.token() != first
    assert len(gateway.bodies(LOGIN)) == 2


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


HOUR = 3600 * 10**9


@pytest.mark.parametrize(
    ("token", "due"),
    [
        (jwt(iat=0, exp=36_000), 9 * HOUR),
        (jwt(nbf=500, exp=36_500), 9 * HOUR),
        (jwt(exp=NOW // 10**9 + 36_000), 9 * HOUR),
        (jwt(sub="x"), int(23 * 0.9 * HOUR)),
        ("opaque", int(23 * 0.9 * HOUR)),
        ("a.!!!.c", int(23 * 0.9 * HOUR)),
        (jwt(exp=5), 0),
    ],
)
async def test_when_a_token_is_due(gateway: Gateway, venue: ProjectXVenue, token: str, due: int) -> None:
    assert abs(tokens.life(token, NOW).renew_at - NOW - due) < 10**9


async def test_a_key_that_was_changed_is_not_tried_again_and_again(gateway: Gateway, inbox: Inbox) -> None:
    now = NOW
    venue = venue_for(gateway, clock=lambda: now)
    async with venue.opened(inbox):
        await venue.session.token()
        gateway.defaults[LOGIN] = samples.failed(3, token=None)
        gateway.defaults[VALIDATE] = samples.failed(1, newToken=None)
        now += 25 * HOUR
        await inbox.until(lambda: LinkState.DOWN in inbox.states("token"))
        assert "check user name and API key" in inbox.words("token")[-1]
        validated = len(gateway.bodies(VALIDATE))
        await venue.rest.accounts()  # with the old token, which is still good
        assert (len(gateway.bodies(LOGIN)), len(gateway.bodies(VALIDATE))) == (2, validated)


async def test_the_rest_link_follows_the_gateways_health(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway)
    async with venue.opened(inbox):
        await venue.rest.accounts()
        gateway.script("/api/Account/search", Status(503, ""))
        with pytest.raises(RetryableError):
            await venue.rest.accounts()
        await venue.rest.accounts()
    assert inbox.states("rest") == [LinkState.LIVE, LinkState.DOWN, LinkState.LIVE]


async def test_stopping_while_a_request_hangs(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway)
    gateway.defaults["/api/Contract/available"] = lambda call: HANG
    task = asyncio.create_task(venue.feed.run(inbox))
    await gateway.until(lambda: gateway.bodies("/api/Contract/available"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("abc")
    fetched = Secret(lambda: "from the vault")
    assert f"{secret} {secret!r}".count("abc") == 0
    assert (secret.reveal(), fetched.reveal()) == ("abc", "from the vault")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
