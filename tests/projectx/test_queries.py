"""Questions to the gateway: pages, rows that make no sense, gateways that lack a call."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.common import stamps
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import RefusedError, RetryableError
from tests.projectx import samples
from tests.projectx.conftest import NOW
from tests.projectx.gateway import BARS, QUERY, Gateway, Status


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
    all_bars: list[dict[str, Any]] = [
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
