"""Each way in which a request can fail is one of four errors, and no order goes out twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.projectx import stamps
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import FatalError, RefusedError, RetryableError, UnknownOutcomeError
from tests.projectx import samples
from tests.projectx.conftest import KEY, NOW, config_for, venue_for
from tests.projectx.gateway import DROP, HANG, Gateway, Status

PLACE, CANCEL, MODIFY = "/api/Order/place", "/api/Order/cancel", "/api/Order/modify"
CLOSE, PARTLY = "/api/Position/closeContract", "/api/Position/partialCloseContract"
BARS, QUERY = "/api/History/retrieveBars", "/api/Order/v2/query"
BODY = {"accountId": samples.ACCOUNT, "customTag": "t"}

Act = Callable[[ProjectXVenue], Awaitable[Any]]
ACTS: dict[str, Act] = {
    PLACE: lambda venue: venue.rest.place(BODY, urgent=False),
    MODIFY: lambda venue: venue.rest.modify(BODY),
    CANCEL: lambda venue: venue.rest.cancel(1, 2),
    CLOSE: lambda venue: venue.rest.close(1, "c"),
    PARTLY: lambda venue: venue.rest.close_partly(1, "c", 1),
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
async def test_a_lost_answer_to_an_act_leaves_its_outcome_unknown(
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


PENDING = {PLACE: (6, 7), MODIFY: (4, 5), CANCEL: (4, 5), CLOSE: (6, 7), PARTLY: (7, 8)}
NEW = (0, 42)
REFUSED = {PLACE: (1, 3, 4, 5, 8, 9, 10), MODIFY: (1, 2, 3, 6, 7), CANCEL: (1, 2, 3, 6)} | {
    CLOSE: (1, 3, 4, 5, 8),
    PARTLY: (1, 2, 3, 4, 5, 6, 9),
}


@pytest.mark.parametrize(("path", "code"), [(p, c) for p, codes in PENDING.items() for c in codes + NEW])
async def test_a_code_that_does_not_refuse_is_an_unknown_outcome(
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


async def test_the_order_id_of_a_rejection_is_not_an_order(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.failed(2, "Invalid stop price.", orderId=777))
    with pytest.raises(RefusedError, match="Invalid stop price"):
        await ACTS[PLACE](venue)


async def test_accepted_without_an_id_is_unknown(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.ok(orderId=None))
    with pytest.raises(UnknownOutcomeError):
        await ACTS[PLACE](venue)


async def test_a_used_tag_means_that_it_was_sent_before(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, samples.failed(2, "The custom tag already in use."))
    with pytest.raises(UnknownOutcomeError):
        await ACTS[PLACE](venue)


async def test_position_brackets_come_with_the_remedy(gateway: Gateway, venue: ProjectXVenue) -> None:
    text = "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
    gateway.script(PLACE, samples.failed(2, text))
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
        (PARTLY, UnknownOutcomeError),
        (CANCEL, RetryableError),
        (MODIFY, RetryableError),
        (CLOSE, RetryableError),
        (QUERY, RetryableError),
    ],
)
async def test_429_is_definite_only_where_repeating_does_no_harm(
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
        await venue.rest.place(BODY, urgent=False)
    await venue.rest.cancel(1, 2)
    await venue.rest.place(BODY, urgent=True)
    assert (len(gateway.bodies(PLACE)), len(gateway.bodies(CANCEL))) == (1, 1)


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
            await venue.rest.place(BODY, urgent=True)
        await venue.close()


async def test_a_redirect_is_not_followed(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script(PLACE, Status(307, "", {"Location": f"{gateway.url}{CANCEL}"}))
    with pytest.raises(FatalError, match="redirects"):
        await ACTS[PLACE](venue)
    assert gateway.bodies(CANCEL) == []


async def test_numbers_on_the_wire_are_exact(gateway: Gateway, venue: ProjectXVenue) -> None:
    from decimal import Decimal

    await venue.rest.place({"limitPrice": Decimal("2400.10"), "stopPrice": Decimal("0.30")}, urgent=True)
    assert gateway.bodies(PLACE) == [{"limitPrice": 2400.1, "stopPrice": 0.3}]


async def test_live_orders_are_paged(gateway: Gateway, venue: ProjectXVenue) -> None:
    rows = [samples.order(i, status=8 if i % 2 else 1) for i in range(250)]

    def page(call: Any) -> Any:
        start = call.body["pageOffset"]
        return samples.ok(orders=rows[start : start + call.body["pageSize"]], totalCount=len(rows))

    gateway.defaults[QUERY] = page
    found = await venue.rest.live_orders(samples.ACCOUNT)
    assert [row.id for row in found] == list(range(250))
    assert gateway.bodies(QUERY)[0]["filter"] == {"accountId": samples.ACCOUNT, "statuses": [1, 6, 7, 8]}


async def test_pages_that_do_not_add_up_are_not_the_truth(gateway: Gateway, venue: ProjectXVenue) -> None:
    rows = [samples.order(i) for i in range(100)]
    gateway.defaults[QUERY] = samples.ok(orders=rows, totalCount=150)
    with pytest.raises(RetryableError, match="100 of 150"):
        await venue.rest.live_orders(samples.ACCOUNT)


async def test_a_gateway_without_the_query_is_asked_for_open_orders(
    gateway: Gateway, venue: ProjectXVenue
) -> None:
    gateway.defaults[QUERY] = Status(404)
    gateway.defaults["/api/Order/searchOpen"] = samples.ok(orders=[samples.order(5)])
    assert [row.id for row in await venue.rest.live_orders(1)] == [5]
    assert [row.id for row in await venue.rest.live_orders(1)] == [5]
    assert len(gateway.bodies(QUERY)) == 1


async def test_bars_are_paged_backwards_and_come_oldest_first(
    gateway: Gateway, venue: ProjectXVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.projectx.rest.MOST_BARS", 10)
    minute = 60 * 10**9
    all_bars = [
        {"t": stamps.text(NOW - i * minute), "o": 1, "h": 1, "l": 1, "c": 1, "v": i} for i in range(1, 36)
    ]

    def page(call: Any) -> Any:
        upto, start = stamps.parse(call.body["endTime"]), stamps.parse(call.body["startTime"])
        # The window's end is included, as a gateway may do.
        window = [bar for bar in all_bars if start <= stamps.parse(bar["t"]) <= upto]
        return samples.ok(bars=window[: call.body["limit"]])

    gateway.defaults[BARS] = page
    rows = await venue.rest.bars("c", NOW - 33 * minute, NOW)
    assert [row.v for row in rows] == list(range(33, 0, -1))
    assert len(gateway.bodies(BARS)) == 4
    first = gateway.bodies(BARS)[0]
    assert (first["live"], first["unit"], first["unitNumber"]) == (False, 2, 1)
    assert first["includePartialBar"] is False


async def test_bars_of_a_gateway_that_repeats_itself_end(
    gateway: Gateway, venue: ProjectXVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.projectx.rest.MOST_BARS", 2)
    same = [{"t": stamps.text(NOW - i * 60 * 10**9), "o": 1, "h": 1, "l": 1, "c": 1, "v": 1} for i in (1, 2)]
    gateway.defaults[BARS] = samples.ok(bars=same)
    assert len(await venue.rest.bars("c", 0, NOW)) == 2
    assert len(gateway.bodies(BARS)) == 2


async def test_an_expired_contract_is_looked_up(gateway: Gateway, venue: ProjectXVenue) -> None:
    old = samples.contract(samples.OLD_MNQ, "MNQU1", "F.US.MNQ", 0.25, 0.5, activeContract=False)
    gateway.script("/api/Contract/searchById", samples.ok(contract=old), samples.failed(1, contract=None))
    assert (await venue.rest.contract(samples.OLD_MNQ)).symbol_id == "F.US.MNQ"
    with pytest.raises(RefusedError, match="contract not found"):
        await venue.rest.contract("nothing")


async def test_one_order_by_its_id(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script("/api/Order/searchById", samples.ok(order=samples.order(5)))
    assert (await venue.rest.order(1, 5)).id == 5


async def test_a_failed_query_never_reads_as_empty(gateway: Gateway, venue: ProjectXVenue) -> None:
    gateway.script("/api/Position/searchOpen", samples.failed(1, positions=None))
    with pytest.raises(RefusedError, match="account not found"):
        await venue.rest.positions(1)


async def test_one_bad_row_spoils_a_list_of_orders_but_not_of_contracts(
    gateway: Gateway, venue: ProjectXVenue
) -> None:
    gateway.script("/api/Order/search", samples.ok(orders=[samples.order(), {"id": "x"}]))
    with pytest.raises(RetryableError, match="can't be read"):
        await venue.rest.orders(1, NOW)
    gateway.script("/api/Contract/available", samples.ok(contracts=[*samples.CONTRACTS, {"id": 1}]))
    await venue.contracts.resolve()
    assert venue.anomalies.counts["contract"] == 1


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
            await venue.rest.place(BODY, urgent=True)
        texts += [str(unknown.value), repr(unknown.value.__cause__)]
    await venue.close()
    everything = "\n".join([*texts, caplog.text])
    assert KEY not in everything
    assert token not in everything
