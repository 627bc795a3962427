"""The calls over real sockets: envelopes, codes, bad requests, limits."""

from __future__ import annotations

import base64
import json

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.hours import NANOS
from adapters.simulator.wire.projectx.access import RateLimit
from tests.simulator.practice_venue import ACCOUNT, MNQ, START, PracticeDesk, bench

BARS = {
    "contractId": MNQ, "live": False, "startTime": "2026-11-20T00:00:00Z", "endTime": "2026-11-21T00:00:00Z",
    "unit": 2, "unitNumber": 1, "limit": 10, "includePartialBar": True,
}  # fmt: skip
OK = {"success": True, "errorCode": 0, "errorMessage": None}


async def test_login_gives_a_token_with_its_expiry(desk: PracticeDesk) -> None:
    answer = await desk.ask("Auth/loginKey", userName="Practice", apiKey="practice")
    assert answer == {"token": answer["token"]} | OK
    part = answer["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert claims["exp"] - START // NANOS == 86_400


async def test_wrong_credentials_are_a_business_failure(desk: PracticeDesk) -> None:
    answer = await desk.ask("Auth/loginKey", userName="practice", apiKey="wrong")
    assert answer == {"token": None, "success": False, "errorCode": 3, "errorMessage": None}


async def test_tokens_expire_by_the_venues_clock_and_validate_gives_a_new_one(desk: PracticeDesk) -> None:
    new = (await desk.ask("Auth/validate"))["newToken"]
    desk.clock.advance(86_399 * NANOS)
    assert (await desk.post("Account/search", {"onlyActiveAccounts": True}))[0] == 200
    desk.clock.advance(NANOS)
    assert (await desk.post("Account/search", {"onlyActiveAccounts": True}))[0] == 401
    assert (await desk.post("Auth/validate", token=new))[0] == 401


@pytest.mark.parametrize("token", ["none", "a.b.c", ""])
async def test_bad_tokens_get_401(desk: PracticeDesk, token: str) -> None:
    desk.token = "x" if token == "" else desk.token
    status, _ = await desk.post("Account/search", {"onlyActiveAccounts": True}, token=token or None)
    assert status == 401


async def test_all_tokens_can_be_ended_at_once(desk: PracticeDesk) -> None:
    desk.venue.tokens.expire_all()
    assert (await desk.post("Auth/validate"))[0] == 401
    await desk.login()
    assert (await desk.post("Auth/validate"))[0] == 200


async def test_logout_ends_one_token_only(desk: PracticeDesk) -> None:
    other = (await desk.ask("Auth/loginKey", userName="practice", apiKey="practice"))["token"]
    assert await desk.ask("Auth/logout") == OK
    assert (await desk.post("Auth/validate"))[0] == 401
    assert (await desk.post("Auth/validate", token=other))[0] == 200


async def test_ping_and_unknown_paths(desk: PracticeDesk) -> None:
    async with desk.session.get(f"{desk.venue.url}/api/Status/ping") as reply:
        assert await reply.text() == "pong"
    assert (await desk.post("Order/dance"))[0] == 404
    async with desk.session.get(f"{desk.venue.url}/api/Order/place") as reply:
        assert reply.status == 405


async def test_paths_are_case_insensitive(desk: PracticeDesk) -> None:
    assert (await desk.post("account/SEARCH", {"onlyActiveAccounts": True}))[0] == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "accountId"),
        (
            {"accountId": ACCOUNT, "contractId": MNQ, "type": 1, "side": 0, "size": 1, "limitPrice": "5"},
            "$.limitPrice",
        ),
        ({"accountId": "x", "contractId": MNQ, "type": 1, "side": 0, "size": 1}, "$.accountId"),
        (
            {
                "accountId": 1,
                "contractId": MNQ,
                "type": 1,
                "side": 0,
                "size": 1,
                "stopLossBracket": {"type": 4},
            },
            "stopLossBracket.ticks",
        ),
    ],
)
async def test_malformed_bodies_are_problem_details(
    desk: PracticeDesk, body: dict[str, object], field: str
) -> None:
    status, problem = await desk.post("Order/place", body)
    assert status == 400
    assert set(problem) == {"type", "title", "status", "errors", "traceId"}
    assert list(problem["errors"]) == [field]
    assert not await desk.orders()


async def test_a_body_that_is_no_json_is_a_bad_request(desk: PracticeDesk) -> None:
    headers = {"Authorization": f"Bearer {desk.token}"}
    url = f"{desk.venue.url}/api/Order/place"
    async with desk.session.post(url, data="{nonsense", headers=headers) as reply:
        assert reply.status == 400
        assert reply.content_type == "application/problem+json"


async def test_accounts(desk: PracticeDesk) -> None:
    answer = await desk.ask("Account/search", onlyActiveAccounts=True)
    assert answer == {
        "accounts": [
            {
                "id": ACCOUNT, "name": "PRAC-V2-100001-00000001", "balance": 50000, "canTrade": True,
                "isVisible": True, "simulated": True,
            }
        ]
    } | OK  # fmt: skip
    desk.venue.account.can_trade = False
    assert (await desk.ask("Account/search", onlyActiveAccounts=True))["accounts"] == []


async def test_contracts(desk: PracticeDesk) -> None:
    found = (await desk.ask("Contract/search", searchText="NQ", live=False))["contracts"]
    assert [c["id"] for c in found] == [MNQ, "CON.F.US.ENQ.Z26"], "one row a symbol"
    one = (await desk.ask("Contract/searchById", contractId="CON.F.US.EP.U26"))["contract"]
    assert (one["name"], one["activeContract"], one["tickValue"]) == ("ESU6", False, 12.5)
    missing = await desk.ask("Contract/searchById", contractId="CON.F.US.EP.Z99")
    assert (missing["contract"], missing["errorCode"]) == (None, 1)
    available = (await desk.ask("Contract/available", live=False))["contracts"]
    assert len(available) == 6
    for path, body in (("search", {"searchText": "NQ"}), ("available", {})):
        assert await desk.ask(f"Contract/{path}", live=True, **body) == {"contracts": []} | OK


async def test_bars_are_newest_first_with_the_partial_one_on_request(desk: PracticeDesk) -> None:
    desk.trade(118_000, 2)
    desk.wait(60_000)
    desk.trade(118_001, 3)
    answer = await desk.ask("History/retrieveBars", **BARS)
    assert answer["bars"] == [
        {
            "t": "2026-11-20T14:26:00+00:00",
            "o": 29500.25,
            "h": 29500.25,
            "l": 29500.25,
            "c": 29500.25,
            "v": 3,
        },
        {"t": "2026-11-20T14:25:00+00:00", "o": 29500, "h": 29500, "l": 29500, "c": 29500, "v": 2},
    ]
    closed = await desk.ask("History/retrieveBars", **(BARS | {"includePartialBar": False}))
    assert [bar["v"] for bar in closed["bars"]] == [2]
    desk.wait(60_000)
    closed = await desk.ask("History/retrieveBars", **(BARS | {"includePartialBar": False, "limit": 1}))
    assert [bar["v"] for bar in closed["bars"]] == [3]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"contractId": "CON.F.US.XX.Z26"}, 1),
        ({"live": True}, 1),
        ({"unit": 0}, 2),
        ({"unit": 8}, 2),
        ({"unitNumber": 0}, 3),
        ({"limit": 0}, 4),
        ({"limit": 20_001}, 4),
    ],
)
async def test_bars_that_can_not_be_had(desk: PracticeDesk, change: dict[str, object], code: int) -> None:
    answer = await desk.ask("History/retrieveBars", **(BARS | change))
    assert answer == {"bars": None, "success": False, "errorCode": code, "errorMessage": None}


async def test_rest_and_history_have_their_own_limits_which_slide() -> None:
    config = SimulatorConfig(rest_limit=RateLimit(5, 60 * NANOS), bars_limit=RateLimit(2, 30 * NANOS))
    async with bench(config) as desk:
        statuses = [(await desk.post("Account/search", {"onlyActiveAccounts": True}))[0] for _ in range(5)]
        assert statuses == [200, 200, 200, 200, 429], "the login counted too"
        statuses = [(await desk.post("History/retrieveBars", BARS))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        desk.clock.advance(30 * NANOS)
        assert (await desk.post("History/retrieveBars", BARS))[0] == 200
        assert (await desk.post("Account/search", {"onlyActiveAccounts": True}))[0] == 429
        desk.clock.advance(30 * NANOS)
        assert (await desk.post("Account/search", {"onlyActiveAccounts": True}))[0] == 200


async def test_the_default_limits_are_the_documented_ones() -> None:
    config = SimulatorConfig()
    assert (config.rest_limit, config.bars_limit) == (RateLimit(200, 60 * NANOS), RateLimit(50, 30 * NANOS))


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("Order/search", "orders"),
        ("Order/searchOpen", "orders"),
        ("Position/searchOpen", "positions"),
        ("Trade/search", "trades"),
    ],
)
async def test_queries_of_a_strange_account_have_null_for_rows(
    desk: PracticeDesk, path: str, payload: str
) -> None:
    answer = await desk.ask(path, accountId=7, startTimestamp="2026-01-01T00:00:00Z")
    assert answer == {payload: None, "success": False, "errorCode": 1, "errorMessage": None}


async def test_timestamps_may_have_seven_digits_and_offsets(desk: PracticeDesk) -> None:
    await desk.place()
    for start, rows in (("2026-11-20T08:25:00.0000000-06:00", 1), ("2026-11-20T14:25:00.0000010+00:00", 0)):
        found = await desk.ask("Order/search", accountId=ACCOUNT, startTimestamp=start)
        assert len(found["orders"]) == rows, start
