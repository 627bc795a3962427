"""Orders over REST and on the user hub: checks and life cycle."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec, PlatformRules
from adapters.simulator.market.hours import session
from tests.simulator.practice_venue import (
    ACCOUNT,
    DAY,
    UNAVAILABLE,
    Json,
    PracticeDesk,
    bench,
    enter,
    stop_loss,
    take_profit,
)

FIRST = 3_430_000_000


# -- checks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"accountId": 7}, 1), ({"contractId": "CON.F.US.XX.Z26"}, 8), ({"contractId": "CON.F.US.MNQ.U26"}, 9)],
)
async def test_refusals_that_leave_no_order(desk: PracticeDesk, fields: Json, code: int) -> None:
    answer = await desk.place(**fields)
    assert answer == {"orderId": None, "success": False, "errorCode": code, "errorMessage": None}
    assert not await desk.orders()


async def test_a_locked_account_may_not_trade(desk: PracticeDesk) -> None:
    desk.venue.account.can_trade = False
    assert (await desk.place())["errorCode"] == 4


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": 3}, "invalid order type specified"),
        ({"type": 9}, "invalid order type specified"),
        ({"size": 0}, "invalid order size specified"),
        ({"type": 1, "limitPrice": 29500.1}, "Invalid limit price. Price is not aligned to tick size."),
        ({"type": 4, "stopPrice": 29500.3}, "Invalid stop price. Price is not aligned to tick size."),
        ({"type": 4, "stopPrice": 29400}, "Invalid price. Price is outside allowed range."),
        ({"type": 4, "side": 1, "stopPrice": 29600}, "Invalid price. Price is outside allowed range."),
        (
            stop_loss(40),
            "Invalid stop loss ticks (40). Ticks should be less than zero when longing.",
        ),
        (
            {"side": 1} | take_profit(30),
            "Invalid take profit ticks (30). Ticks should be less than zero when going short.",
        ),
        (
            {"side": 1} | stop_loss(-30),
            "Invalid stop loss ticks (-30). Ticks should be greater than zero when going short.",
        ),
        (stop_loss(-1), "Invalid stop loss ticks (-1). Price should be at least 4 ticks away."),
        (stop_loss(0), "Invalid stop loss ticks (0). Price should be at least 4 ticks away."),
        (take_profit(2000), "Invalid take profit ticks (2000). Ticks should be 1000 ticks or less."),
        (stop_loss(-10, kind=1), "Invalid stop loss type (Limit)"),
        (take_profit(10, kind=4), "Invalid take profit type (Stop)"),
        ({"size": 51}, "Maximum position exceeded."),
    ],
)
async def test_rejected_orders_leave_a_row_and_an_event_without_the_reason(
    desk: PracticeDesk, fields: Json, text: str
) -> None:
    desk.trade(118_000)
    hub = await desk.user_hub()
    answer = await desk.place(**({"customTag": "t"} | fields))
    assert answer == {"orderId": FIRST, "success": False, "errorCode": 2, "errorMessage": text}
    [arguments] = [await hub.event("GatewayUserOrder")]
    [told] = arguments
    assert (told["action"], told["data"]["status"], told["data"]["customTag"]) == (1, 5, "t")
    assert text not in str(told)
    assert (await desk.orders())[FIRST]["status"] == 5
    again = await desk.place(customTag="t")
    assert "custom tag already in use" in again["errorMessage"], "tags of rejected orders stay taken"


async def test_checks_go_in_the_platforms_order(desk: PracticeDesk) -> None:
    """Several things are wrong at once; the first in the order is told."""
    desk.trade(118_000)
    await desk.place(customTag="taken")
    wrong = {"size": 0, "type": 1, "limitPrice": 0.1, "customTag": "taken"} | stop_loss(1, kind=1)
    texts = []
    for repair in (
        {"size": 99},
        {"limitPrice": 29000},
        {"customTag": "free"},
        stop_loss(-1, kind=1),
        stop_loss(-10, kind=1),
        stop_loss(-10),
    ):
        texts.append((await desk.place(**wrong))["errorMessage"].split(".")[0].split(" (")[0])
        wrong |= repair
    texts.append((await desk.place(**(wrong | {"customTag": "free2"})))["errorMessage"])
    assert texts == [
        "invalid order size specified",
        "Invalid limit price",
        "The custom tag already in use",
        "Invalid stop loss ticks",
        "The custom tag already in use",
        "The custom tag already in use",
        "Maximum position exceeded.",
    ]


async def test_brackets_need_the_auto_oco_setting() -> None:
    config = SimulatorConfig(rules=PlatformRules(auto_oco=False, id_on_reject=False))
    async with bench(config) as desk:
        answer = await desk.place(**stop_loss(-10))
        assert answer["errorMessage"].startswith("Brackets cannot be used with Position Brackets.")
        assert answer["orderId"] is None
        assert (await desk.place())["success"]


@pytest.mark.parametrize(("ahead", "accepted"), [(-1, True), (0, False), (3600, False), (110 * 60, True)])
async def test_no_orders_from_15_10_to_17(ahead: int, accepted: bool) -> None:
    async with bench(start=session(DAY - timedelta(days=1)).cut_off + ahead * 1_000_000_000) as desk:
        answer = await desk.place()
        assert answer["success"] is accepted
        assert (answer["errorCode"], answer["errorMessage"]) == ((0, None) if accepted else (2, UNAVAILABLE))


async def test_the_most_contracts_count_all_positions_in_minis() -> None:
    async with bench(SimulatorConfig(accounts=(AccountSpec(max_minis=2),))) as desk:
        desk.quote(30_800, 30_801, "ES")
        desk.quote(118_000, 118_001)
        await desk.place(contractId="CON.F.US.EP.Z26", side=1)
        desk.wait(8)
        assert not (await desk.place(size=11))["success"]
        assert (await desk.place(size=10))["success"]
        desk.wait(8)
        assert not (await desk.place(size=1))["success"]
        assert (await desk.place(size=20, side=1))["success"], "an order that reduces has room"


# -- life cycle ----------------------------------------------------------------------------------------


async def test_a_market_entry_with_bracket_is_told_in_the_captured_order(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    hub = await desk.user_hub()
    answer = await desk.place(customTag="t1", **stop_loss(-40), **take_profit(80))
    assert answer == {"orderId": FIRST, "success": True, "errorCode": 0, "errorMessage": None}
    born = [event[1][0]["data"] for event in await hub.events(3)]
    assert [(row["id"], row["status"]) for row in born] == [(FIRST + 1, 8), (FIRST, 6), (FIRST + 2, 8)]
    assert len({row["creationTimestamp"] for row in born}) == 1
    assert [row.get("customTag") for row in born] == ["t1-SL", "t1", "t1-TP"]
    assert [row.get("parentOrderId") for row in born] == [FIRST, None, FIRST]
    assert [row.get("linkedOrderId") for row in born] == [None, None, FIRST + 1]
    assert all({"limitPrice", "stopPrice", "filledPrice"}.isdisjoint(row) for row in born)
    desk.wait(7.9)
    desk.wait(0.1)
    filled = await hub.events(4)
    assert [target for target, _ in filled] == [
        "GatewayUserTrade",
        "GatewayUserOrder",
        "GatewayUserPosition",
        "GatewayUserAccount",
    ]
    trade, entry, position, account = (arguments[0] for _, arguments in filled)
    assert (trade["action"], trade["data"]["price"], trade["data"]["orderId"]) == (0, 29500.5, FIRST)
    assert "profitAndLoss" not in trade["data"]
    assert (entry["data"]["status"], entry["data"]["filledPrice"], entry["data"]["fillVolume"]) == (
        2,
        29500.5,
        1,
    )
    assert entry["data"]["updateTimestamp"] == entry["data"]["creationTimestamp"]
    assert (position["action"], position["data"]["type"], position["data"]["averagePrice"]) == (1, 1, 29500.5)
    assert account["data"]["balance"] == 49_999.39
    desk.wait(18)
    legs = [arguments[0]["data"] for _, arguments in await hub.events(2)]
    assert [(leg["id"], leg["status"]) for leg in legs] == [(FIRST + 2, 1), (FIRST + 1, 1)]
    assert (legs[0]["limitPrice"], legs[1]["stopPrice"]) == (29520.5, 29490.5)
    assert legs[0]["updateTimestamp"] == "2026-11-20T14:25:00.026+00:00"
    desk.quote(117_962, 117_963)
    desk.trade(117_962, 1)
    desk.wait(8)
    told = await hub.events(4)
    closing = told[0][1][0]["data"]
    assert (closing["price"], closing["profitAndLoss"]) == (29490.25, -20.5)
    gone = told[2][1][0]
    assert (gone["action"], gone["data"]["type"], gone["data"]["size"], gone["data"]["averagePrice"]) == (
        2,
        0,
        0,
        29500.5,
    )
    assert told[3][1][0]["data"]["balance"] == 49_978.28
    desk.wait(13)
    [(_, [sibling])] = await hub.events(1)
    assert (sibling["data"]["id"], sibling["data"]["status"]) == (FIRST + 2, 3)
    assert not await desk.positions()


async def test_rest_rows_have_their_nulls_and_the_update_time_from_before_the_fill(
    desk: PracticeDesk,
) -> None:
    entry = await enter(desk)
    desk.quote(117_962, 117_963)
    desk.trade(117_962, 1)
    desk.wait(21)
    rows = await desk.orders()
    assert list(rows) == [entry, entry + 1, entry + 2]
    assert rows[entry]["limitPrice"] is None
    assert rows[entry]["updateTimestamp"] == rows[entry]["creationTimestamp"] == "2026-11-20T14:25:00+00:00"
    assert rows[entry + 1]["updateTimestamp"] == "2026-11-20T14:25:00.026+00:00"
    assert (rows[entry + 1]["status"], rows[entry + 1]["filledPrice"]) == (2, 29490.25)
    assert (rows[entry + 2]["status"], rows[entry + 2]["updateTimestamp"]) == (
        3,
        "2026-11-20T14:25:00.047+00:00",
    )
    exit_row, entry_row = await desk.trades()
    assert (exit_row["orderId"], entry_row["orderId"]) == (entry + 1, entry)
    assert entry_row["profitAndLoss"] is None
    assert (exit_row["fees"], exit_row["commissions"], exit_row["voided"]) == (0.36, 0.25, False)


async def test_a_limit_entry_works_at_once_and_its_legs_wait(desk: PracticeDesk) -> None:
    desk.quote(118_000, 118_001)
    answer = await desk.place(type=1, limitPrice=29499, **stop_loss(-40), **take_profit(80))
    entry = answer["orderId"]
    opened = (await desk.ask("Order/searchOpen", accountId=ACCOUNT))["orders"]
    assert [row["id"] for row in opened] == [entry], "suspended legs are not shown as open"
    query: Json = {"filter": {"accountId": ACCOUNT, "statuses": [1, 8]}, "includeTotalCount": True}
    found = await desk.ask("Order/v2/query", **query)
    assert {row["id"]: row["status"] for row in found["orders"]} == {entry: 1, entry + 1: 8, entry + 2: 8}
    assert found["totalCount"] == 3
    desk.wait(10)
    desk.trade(117_995)
    desk.wait(18)
    opened = (await desk.ask("Order/searchOpen", accountId=ACCOUNT))["orders"]
    assert {row["id"] for row in opened} == {entry + 1, entry + 2}
    assert [row["customTag"] for row in opened] == [None, None]


async def test_canceling_an_unfilled_entry_takes_its_legs_along(desk: PracticeDesk) -> None:
    entry = (await desk.place(type=1, limitPrice=29499, **stop_loss(-40)))["orderId"]
    assert (await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=entry))["success"]
    desk.wait(8)
    assert {row["status"] for row in (await desk.orders()).values()} == {3}


async def test_moving_a_leg(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    body = {"accountId": ACCOUNT, "orderId": entry + 1}
    desk.trade(118_010)
    assert (await desk.ask("Order/modify", **body, stopPrice=29500.5))["success"]
    assert (await desk.orders())[entry + 1]["stopPrice"] == 29490.5, "it is on its way"
    desk.wait(8)
    rows = await desk.orders()
    assert (rows[entry + 1]["stopPrice"], rows[entry + 2]["limitPrice"]) == (29500.5, 29520.5)
    off_grid = await desk.ask("Order/modify", **body, stopPrice=29500.6)
    assert (off_grid["errorCode"], off_grid["errorMessage"]) == (
        3,
        "Invalid stop price. Price is not aligned to tick size.",
    )
    beyond = await desk.ask("Order/modify", **body, stopPrice=29600)
    assert (beyond["errorCode"], beyond["errorMessage"]) == (
        3,
        "Invalid price. Price is outside allowed range.",
    )
    same = await desk.ask("Order/modify", **body, size=1, limitPrice=5, stopPrice=29500.5)
    assert same["success"], "fields that do not apply or do not change are no error"


async def test_a_trailing_stop_follows_the_market_and_never_goes_back(desk: PracticeDesk) -> None:
    none = await desk.place(type=5, side=1, trailPrice=29_490)
    assert none["errorMessage"] == "Cannot trail without a last price"
    desk.quote(118_000, 118_001)
    desk.trade(118_000)
    for level, text in ((None, "Trail Distance not set."), (29_200, "Trail Distance exceeds maximum (1000)")):
        assert (await desk.place(type=5, side=1, trailPrice=level))["errorMessage"] == text
    order = (await desk.place(type=5, side=1, trailPrice=29_490))["orderId"]
    desk.wait(8)
    for price, stop in ((118_020, 29_495), (118_010, 29_495), (118_030, 29_497.5)):
        desk.trade(price)
        row = (await desk.orders())[order]
        assert (row["type"], row["stopPrice"], row["trailDistance"], row["trailPrice"]) == (5, stop, 40, 10)
    change = {"accountId": ACCOUNT, "orderId": order, "trailPrice": 29_502.5}
    assert (await desk.ask("Order/modify", **change))["success"]
    desk.wait(8)
    assert (await desk.orders())[order]["stopPrice"] == 29_502.5
    desk.quote(118_009, 118_010)
    desk.trade(118_010)
    desk.wait(8)
    assert (await desk.orders())[order]["filledPrice"] == 29_502


async def test_the_stop_of_a_bracket_may_trail(desk: PracticeDesk) -> None:
    entry = await enter(desk, **stop_loss(-40, kind=5))
    desk.trade(118_050)
    row = (await desk.orders())[entry + 1]
    assert (row["type"], row["status"], row["stopPrice"]) == (5, 1, 29_502.5)


@pytest.mark.parametrize(("kind", "side", "price"), [(6, 0, 29_500), (7, 1, 29_500.25)])
async def test_orders_that_join_rest_at_the_touch(
    desk: PracticeDesk, kind: int, side: int, price: float
) -> None:
    assert "Price is not set" in (await desk.place(type=kind, side=side))["errorMessage"]
    desk.quote(118_000, 118_001)
    order = (await desk.place(type=kind, side=side))["orderId"]
    desk.wait(8)
    row = (await desk.orders())[order]
    assert (row["type"], row["status"], row["limitPrice"]) == (kind, 1, price)
    assert (await desk.ask("Order/modify", accountId=ACCOUNT, orderId=order, limitPrice=29_499))["success"]
    desk.wait(8)
    assert (await desk.orders())[order]["limitPrice"] == 29_499


@pytest.mark.parametrize("path", ["Order/modify", "Order/cancel"])
async def test_changes_of_unknown_and_finished_orders(desk: PracticeDesk, path: str) -> None:
    entry = await enter(desk)
    codes = []
    for account, order in ((7, entry), (ACCOUNT, 5), (ACCOUNT, entry)):
        codes.append((await desk.ask(path, accountId=account, orderId=order, size=2))["errorCode"])
    assert codes == [1, 2, 3]


async def test_search_by_id(desk: PracticeDesk) -> None:
    entry = await enter(desk)
    found = await desk.ask("Order/searchById", accountId=ACCOUNT, orderId=entry + 2)
    assert found["order"]["linkedOrderId"] == entry + 1
    missing = await desk.ask("Order/searchById", accountId=ACCOUNT, orderId=1)
    assert (missing["order"], missing["errorCode"]) == (None, 1)


async def test_query_pages_and_sorts(desk: PracticeDesk) -> None:
    for number in range(5):
        await desk.place(type=1, limitPrice=29000 + number)
        desk.wait(1)
    wanted: Json = {"filter": {"accountId": ACCOUNT}, "pageSize": 2}
    newest = await desk.ask("Order/v2/query", **wanted)
    assert [row["id"] - FIRST for row in newest["orders"]] == [4, 3]
    assert newest["totalCount"] is None
    oldest = await desk.ask("Order/v2/query", **wanted, pageOffset=4, sortBy=1, sortDirection=0)
    assert [row["id"] - FIRST for row in oldest["orders"]] == [4]
    status, problem = await desk.post("Order/v2/query", wanted | {"pageSize": 0, "sortBy": 9})
    assert status == 400
    assert set(problem["errors"]) == {"pageSize", "sortBy"}


async def test_accounts_have_their_own_books_and_ids() -> None:
    second = AccountSpec(id=ACCOUNT + 1, name="PRAC-V2-100001-00000002")
    async with bench(SimulatorConfig(accounts=(AccountSpec(), second))) as desk:
        desk.quote(118_000, 118_001)
        hub = await desk.user_hub()
        other = (await desk.place(accountId=second.id, customTag="x"))["orderId"]
        own = (await desk.place(customTag="x"))["orderId"]
        assert (await hub.event("GatewayUserOrder"))[0]["data"]["id"] == own
        desk.wait(8)
        assert list(await desk.orders()) == [own] != [other]
        assert (await hub.event("GatewayUserTrade"))[0]["data"]["accountId"] == ACCOUNT
        assert (await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=other))["errorCode"] == 2
