"""Each way in which a request can fail is one of four errors, and no order goes out twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority, RateBudget
from adapters.projectx.config import RateLimits, Timing
from adapters.projectx.transport import Transport
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from tests.projectx import samples
from tests.projectx.conftest import KEY, NOW, config_for, venue_for
from tests.projectx.gateway import BARS, CANCEL, CLOSE, DROP, HANG, MODIFY, PLACE, QUERY, Gateway, Status

BODY = {"accountId": samples.ACCOUNT, "customTag": "t"}

Act = Callable[[ProjectXVenue], Awaitable[Any]]
ACTS: dict[str, Act] = {
    PLACE: lambda venue: venue.rest.place(BODY, protects=False),
    MODIFY: lambda venue: venue.rest.modify(BODY),
    CANCEL: lambda venue: venue.rest.cancel(1, 2),
    CLOSE: lambda venue: venue.rest.close(1, "c"),
}
READS: dict[str, Act] = {
    "/api/Account/search": lambda venue: venue.rest.accounts(),
    "/api/Contract/available": lambda venue: venue.rest.contracts(),
    "/api/Contract/search": lambda venue: venue.rest.search_contracts("x"),
    "/api/Order/search": lambda venue: venue.rest.orders(1, NOW),
    QUERY: lambda venue: venue.rest.live_orders(1),
    "/api/Order/searchOpen": lambda venue: venue.rest.open_orders(1),
    "/api/Position/searchOpen": lambda venue: venue.rest.positions(1),
    "/api/Trade/search": lambda venue: venue.rest.trades(1, NOW),
    BARS: lambda venue: venue.rest.bars("c", NOW - 60 * 10**9, NOW),
}

LOST = {
    "time-out after acting": HANG,
    "cut after acting": DROP,
    "500": Status(500, "oops"),
    "502": Status(502, {"title": "Bad gateway"}),
    "408": Status(408, ""),
    "not JSON": "<html>busy</html>",
    "no envelope": {"orderId": 5},
    "null": "null",
    "empty": "",
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("path", ACTS)
async def test_f03_a_lost_answer_to_an_act_leaves_its_outcome_unknown(
    gateway: Gateway, venue: ProjectXVenue, path: str, answer: Any
) -> None:
    gateway.script(path, answer)
    with pytest.raises(UnknownOutcomeError):
        await ACTS[path](venue)
    assert len(gateway.bodies(path)) == 1


@pytest.mark.parametrize("answer", [Status(500, "x"), DROP, "nonsense"], ids=["500", "cut", "not JSON"])
@pytest.mark.parametrize("path", READS)
async def test_a_lost_answer_to_a_query_can_be_asked_again(
    gateway: Gateway, venue: ProjectXVenue, path: str, answer: Any
) -> None:
    gateway.script(path, answer)
    with pytest.raises(RetryableError):
        await READS[path](venue)
    assert len(gateway.bodies(path)) == 1
    await READS[path](venue)


PENDING = {PLACE: (6, 7), MODIFY: (4, 5), CANCEL: (4, 5), CLOSE: (6, 7)}
NEW = (0, 42)
REFUSED = {PLACE: (1, 3, 4, 5, 8, 9, 10), MODIFY: (1, 2, 3, 6, 7), CANCEL: (1, 2, 3, 6)} | {
    CLOSE: (1, 3, 4, 5, 8),
}


@pytest.mark.parametrize(("path", "code"), [(p, c) for p, codes in PENDING.items() for c in codes + NEW])
async def test_f03_a_code_that_does_not_refuse_is_an_unknown_outcome(
    gateway: Gateway, venue: ProjectXVenue, path: str, code: int
) -> None:
    gateway.script(path, samples.failed(code))
    with pytest.raises(UnknownOutcomeError):
        await ACTS[path](venue)
    assert len(gateway.bodies(path)) == 1


@pytest.mark.parametrize(("path", "code"), [(p, c) for p, codes in REFUSED.items() for c in codes])
async def test_a_business_failure_is_a_refusal_with_its_code(
    gateway: Gateway, venue: ProjectXVenue, path: str, code: int
) -> None:
    gateway.script(path, samples.failed(code, "said the venue"))
    with pytest.raises(RefusedError, match="said the venue") as refused:
        await ACTS[path](venue)
    assert refused.value.code == code


@pytest.mark.parametrize("path", READS)
async def test_a_query_is_refused_by_any_code(gateway: Gateway, venue: ProjectXVenue, path: str) -> None:
    gateway.script(path, samples.failed(42))
    with pytest.raises(RefusedError, match="code 42"):
        await READS[path](venue)


async def test_the_same_code_has_another_name_elsewhere(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.failed(2))
    with pytest.raises(RefusedError, match="order rejected"):
        await ACTS[PLACE](venue)
    gateway.script(CANCEL, samples.failed(2))
    with pytest.raises(RefusedError, match="order not found"):
        await ACTS[CANCEL](venue)


async def test_closing_what_is_not_there_is_success(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(CLOSE, samples.failed(2))
    await ACTS[CLOSE](venue)
    assert len(gateway.bodies(CLOSE)) == 1


async def test_the_order_id_of_a_rejection_is_not_an_order(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.failed(2, "Invalid stop price.", orderId=777))
    with pytest.raises(RefusedError, match="Invalid stop price"):
        await ACTS[PLACE](venue)


async def test_accepted_without_an_id_is_unknown(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.ok(orderId=None))
    with pytest.raises(UnknownOutcomeError):
        await ACTS[PLACE](venue)


POSITION_BRACKETS = "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
UNAVAILABLE = "Trading is currently unavailable. The instrument is not in an active trading status."

CAUSES = [
    (PLACE, 2, POSITION_BRACKETS, Cause.NO_BRACKETS),
    (PLACE, 2, "The custom tag already in use.", Cause.TAKEN),
    (PLACE, 2, UNAVAILABLE, Cause.CLOSED),
    (PLACE, 2, "Outside of trading hours.", Cause.CLOSED),
    (PLACE, 5, None, Cause.CLOSED),
    (PLACE, 2, "Invalid stop price. Price is not aligned to tick size.", Cause.OTHER),
    (PLACE, 9, None, Cause.OTHER),
    (MODIFY, 2, None, Cause.GONE),
    (MODIFY, 3, UNAVAILABLE, Cause.CLOSED),
    (MODIFY, 3, None, Cause.OTHER),
    (CANCEL, 2, None, Cause.GONE),
    (CANCEL, 6, "Follower accounts cannot cancel orders", Cause.OTHER),
    (CLOSE, 5, UNAVAILABLE, Cause.CLOSED),
    (CLOSE, 5, None, Cause.OTHER),
]


@pytest.mark.parametrize(("path", "code", "text", "cause"), CAUSES)
async def test_a_refusal_tells_its_cause(
    gateway: Gateway, venue: ProjectXVenue, path: str, code: int, text: str | None, cause: Cause
) -> None:
    gateway.script(path, samples.failed(code, text, orderId=777))
    with pytest.raises(RefusedError) as refused:
        await ACTS[path](venue)
    assert (refused.value.cause, refused.value.code) == (cause, code)


async def test_position_brackets_come_with_the_remedy(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.failed(2, POSITION_BRACKETS))
    with pytest.raises(RefusedError, match="platform's settings"):
        await ACTS[PLACE](venue)


async def test_success_gives_the_id_as_text(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.ok(orderId=3_408_995_735))
    assert await ACTS[PLACE](venue) == "3408995735"


async def test_an_envelope_in_pascal_case_with_numbers_as_text(
    gateway: Gateway, venue: ProjectXVenue
) -> None:
    gateway.script(PLACE, {"OrderId": "17", "Success": True, "ErrorCode": "0", "ErrorMessage": None})
    assert await ACTS[PLACE](venue) == "17"


@pytest.mark.parametrize("path", ACTS)
async def test_400_was_not_done(gateway: Gateway, venue: ProjectXVenue, path: str) -> None:
    problem = {"title": "One or more errors.", "status": 400, "errors": {"size": ["must be an integer"]}}
    gateway.script(path, Status(400, problem))
    with pytest.raises(RefusedError, match="size: must be an integer") as refused:
        await ACTS[path](venue)
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (PLACE, UnknownOutcomeError),
        (CANCEL, RetryableError),
        (MODIFY, RetryableError),
        (CLOSE, RetryableError),
        (QUERY, RetryableError),
    ],
)
async def test_f03_429_is_definite_only_where_repeating_does_no_harm(
    gateway: Gateway, venue: ProjectXVenue, path: str, error: type[Exception]
) -> None:
    gateway.script(path, Status(429, "", {"Retry-After": "7"}))
    with pytest.raises(error, match="7 s"):
        await (ACTS | READS)[path](venue)
    assert len(gateway.bodies(path)) == 1


async def test_after_429_entries_wait_and_cancels_go(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script("/api/Trade/search", Status(429, "", {"Retry-After": "60"}))
    with pytest.raises(RetryableError):
        await venue.rest.trades(1, NOW)
    with pytest.raises(RetryableError, match="not sent"):
        await venue.rest.place(BODY, protects=False)
    await venue.rest.cancel(1, 2)
    await venue.rest.place(BODY, protects=True)
    assert (len(gateway.bodies(PLACE)), len(gateway.bodies(CANCEL))) == (1, 1)


async def test_every_call_queues_by_what_it_is_for(
    gateway: Gateway, venue: ProjectXVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes risk away before what protects, before entries, before questions."""
    asked: list[Priority] = []
    take = RateBudget.take

    async def note(budget: RateBudget, priority: Priority, patience_s: float, who: str = "") -> None:
        asked.append(priority)
        await take(budget, priority, patience_s, who)

    monkeypatch.setattr(RateBudget, "take", note)
    await venue.session.token()
    for path in (CANCEL, CLOSE, MODIFY, PLACE, QUERY, BARS):
        await (ACTS | READS)[path](venue)
    await venue.rest.place(BODY, protects=True)
    await venue.session.freshen()
    assert "".join(priority.name[0] for priority in asked) == "CCCPEQHPP"


@pytest.mark.parametrize("path", ACTS)
async def test_401_was_not_done_so_after_a_new_login_it_is_sent_again(
    gateway: Gateway, venue: ProjectXVenue, path: str
) -> None:
    await venue.rest.accounts()
    gateway.tokens.clear()
    await ACTS[path](venue)
    assert len(gateway.bodies(path)) == 2
    assert len(gateway.bodies("/api/Auth/loginKey")) == 2


async def test_401_for_a_fresh_token_is_not_tried_for_ever(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, Status(401), Status(401), Status(401))
    with pytest.raises(RetryableError, match="401"):
        await ACTS[PLACE](venue)
    assert len(gateway.bodies(PLACE)) == 2


async def test_refused_connection_was_certainly_not_sent(gateway: Gateway) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        venue = venue_for(gateway, api_url=f"http://127.0.0.1:{port}")
        venue.session._adopt(gateway.token())
        with pytest.raises(RetryableError, match="can't be reached"):
            await venue.rest.place(BODY, protects=True)
        await venue.close()


async def test_a_redirect_is_not_followed(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, Status(307, "", {"Location": f"{gateway.url}{CANCEL}"}))
    with pytest.raises(FatalError, match="redirects"):
        await ACTS[PLACE](venue)
    assert gateway.bodies(CANCEL) == []


async def test_numbers_on_the_wire_are_exact(gateway: Gateway, venue: ProjectXVenue) -> None:
    await venue.rest.place({"limitPrice": Decimal("2400.10"), "stopPrice": Decimal("0.30")}, protects=True)
    assert gateway.bodies(PLACE) == [{"limitPrice": 2400.1, "stopPrice": 0.3}]


async def test_logout_drops_the_token(gateway: Gateway, venue: ProjectXVenue) -> None:
    await venue.rest.accounts()
    await venue.session.log_out()
    assert len(gateway.bodies("/api/Auth/logout")) == 1
    await venue.rest.accounts()
    assert len(gateway.bodies("/api/Auth/loginKey")) == 2


async def test_secrets_are_in_no_text(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    venue = venue_for(gateway)
    config = config_for(gateway)
    token = await venue.session.token()
    texts = [repr(config), str(config.api_key), f"{config.api_key}", repr(venue.session)]
    gateway.script(PLACE, Status(500, f"Bearer {token} access_token={token}"), DROP)
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError) as unknown:
            await venue.rest.place(BODY, protects=True)
        texts += [str(unknown.value), repr(unknown.value.__cause__)]
    await venue.close()
    everything = "\n".join([*texts, caplog.text])
    assert KEY not in everything
    assert token not in everything


async def test_80_percent_of_what_the_venue_allows_is_used() -> None:
    transport = Transport("http://x", Timing(), RateLimits(), Anomalies(), lambda ok, text: None)
    assert transport.used() == "0 of 160 requests in 60 s, 0 of 40 of history in 30 s"
