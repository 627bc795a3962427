"""The gateway's REST calls, typed. Each raises the four errors; queries never UnknownOutcomeError."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import Raw

from adapters.common import stamps
from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from adapters.projectx import codes, endpoints
from adapters.projectx.endpoints import Endpoint
from adapters.projectx.mapping import LIVE_STATUSES
from adapters.projectx.session import Session
from adapters.projectx.transport import NOT_FOUND, Leave
from adapters.projectx.wire import (
    BarRow,
    ContractRow,
    Reply,
    WireAccount,
    WireError,
    WireOrder,
    WirePosition,
    WireTrade,
    read,
    read_rows,
)
from engine.model.errors import Cause, RefusedError, RetryableError, UnknownOutcomeError

MOST_BARS = 20_000
_PAGE = 100
_MOST_PAGES = 100
_MINUTE_UNIT = 2
_ROWS_AT_ONCE = 1_000

T = TypeVar("T")
BadRow = Callable[[WireError], None]


class Rest:
    def __init__(
        self, session: Session, anomalies: Anomalies, rank: Priority | None = None, who: str = ""
    ) -> None:
        """`rank` is the priority of all questions, instead of the calls' own; `who` the book that asks."""
        self._session = session
        self._anomalies = anomalies
        self._rank = rank
        self._who = who
        self._has_query = True

    async def accounts(self, *, active: bool = True, bad: BadRow | None = None) -> list[WireAccount]:
        """The login's accounts; one that is locked may count as not active."""
        reply = await self._ask(endpoints.ACCOUNTS, {"onlyActiveAccounts": active})
        return self._rows(endpoints.ACCOUNTS, reply.accounts, WireAccount, bad)

    async def contracts(self, bad: BadRow | None = None) -> list[ContractRow]:
        """Every contract of the simulated-data entitlement, which practice and evaluation keys have."""
        reply = await self._ask(endpoints.CONTRACTS_AVAILABLE, {"live": False})
        return self._rows(endpoints.CONTRACTS_AVAILABLE, reply.contracts, ContractRow, bad)

    async def search_contracts(self, text: str, bad: BadRow | None = None) -> list[ContractRow]:
        """Up to 20 contracts whose name resembles the text: filter by exact symbol id."""
        reply = await self._ask(endpoints.CONTRACT_SEARCH, {"searchText": text, "live": False})
        return self._rows(endpoints.CONTRACT_SEARCH, reply.contracts, ContractRow, bad)

    async def contract(self, contract_id: str) -> ContractRow:
        """One contract, expired ones too. Raises RefusedError if there is none such."""
        reply = await self._ask(endpoints.CONTRACT_BY_ID, {"contractId": contract_id})
        return self._row(endpoints.CONTRACT_BY_ID, reply.contract, ContractRow)

    async def bars(self, contract_id: str, start: int, end: int, minutes: int = 1) -> list[BarRow]:
        """Closed bars of so many minutes that open in [start, end), nanoseconds UTC, oldest first.

        The gateway gives the newest of a window first and at most MOST_BARS of them, so long windows are
        fetched backwards by moving their end.
        """
        found: dict[int, BarRow] = {}
        upto = end
        while upto > start:
            body = {
                "contractId": contract_id,
                "live": False,
                "startTime": stamps.text(start),
                "endTime": stamps.text(upto),
                "unit": _MINUTE_UNIT,
                "unitNumber": minutes,
                "limit": MOST_BARS,
                "includePartialBar": False,
            }
            reply = await self._ask(endpoints.BARS, body)
            rows = self._rows(endpoints.BARS, reply.bars, BarRow)
            page = await _by_time(rows)
            found |= {ts: row for ts, row in page.items() if start <= ts < end}
            # A window may include its end or not: only a page that reaches further back leads on.
            if len(rows) < MOST_BARS or min(page) >= upto:
                break
            upto = min(page)
        return [found[ts] for ts in sorted(found)]

    async def place(self, body: dict[str, Any], *, protects: bool, leave: Leave | None = None) -> str:
        """The venue's order id. An id beside a failure is the record of a rejection, not an order.

        A refusal's cause TAKEN says that an order with this tag exists or existed; a tag is ours alone, so
        whoever gets it has to look the order up.
        """
        rank = Priority.PROTECT if protects else Priority.ENTRY
        try:
            reply = await self._session.call(endpoints.PLACE, body, rank, leave, self._who)
        except RefusedError as error:
            if error.cause is Cause.NO_BRACKETS:
                remedy = "switch the account to Auto OCO Brackets in the platform's settings"
                raise RefusedError(f"{error}: {remedy}", error.code, error.cause) from None
            raise
        if reply.order_id is None:
            raise UnknownOutcomeError(f"{endpoints.PLACE.name}: accepted, but no order id was given")
        return str(reply.order_id)

    async def modify(self, body: dict[str, Any], leave: Leave | None = None) -> None:
        await self._session.call(endpoints.MODIFY, body, leave=leave, who=self._who)

    async def cancel(self, account_id: int, order_id: int, leave: Leave | None = None) -> None:
        body = {"accountId": account_id, "orderId": order_id}
        await self._session.call(endpoints.CANCEL, body, leave=leave, who=self._who)

    async def close(self, account_id: int, contract_id: str, leave: Leave | None = None) -> None:
        """Close the net position at market. None there is success."""
        body = {"accountId": account_id, "contractId": contract_id}
        try:
            await self._session.call(endpoints.CLOSE, body, leave=leave, who=self._who)
        except RefusedError as error:
            if error.code != codes.Close.POSITION_NOT_FOUND:
                raise

    async def orders(self, account_id: int, since: int) -> list[WireOrder]:
        """Orders created since a time (nanoseconds UTC), oldest first; without suspended bracket legs."""
        body = {"accountId": account_id, "startTimestamp": stamps.text(since)}
        reply = await self._ask(endpoints.ORDERS, body)
        return self._rows(endpoints.ORDERS, reply.orders, WireOrder)

    async def live_orders(self, account_id: int) -> list[WireOrder]:
        """Orders that can still trade, suspended legs too; an older gateway gives open ones only."""
        if self._has_query:
            try:
                return await self._query_live(account_id)
            except RefusedError as error:
                if error.code != NOT_FOUND:
                    raise
                self._has_query = False
        return await self.open_orders(account_id)

    async def open_orders(self, account_id: int) -> list[WireOrder]:
        """Orders of status 1; a suspended leg is not among them."""
        reply = await self._ask(endpoints.ORDERS_OPEN, {"accountId": account_id})
        return self._rows(endpoints.ORDERS_OPEN, reply.orders, WireOrder)

    async def positions(self, account_id: int) -> list[WirePosition]:
        reply = await self._ask(endpoints.POSITIONS, {"accountId": account_id})
        return self._rows(endpoints.POSITIONS, reply.positions, WirePosition)

    async def trades(self, account_id: int, since: int) -> list[WireTrade]:
        """Half-turns since a time (nanoseconds UTC), newest first."""
        body = {"accountId": account_id, "startTimestamp": stamps.text(since)}
        reply = await self._ask(endpoints.TRADES, body)
        return self._rows(endpoints.TRADES, reply.trades, WireTrade)

    async def _ask(self, endpoint: Endpoint, body: dict[str, Any]) -> Reply:
        return await self._session.call(endpoint, body, self._rank, who=self._who)

    def _rows(self, endpoint: Endpoint, raw: Raw, shape: type[T], bad: BadRow | None = None) -> list[T]:
        with self._counting(endpoint):
            return read_rows(raw, shape, bad)

    def _row(self, endpoint: Endpoint, raw: Raw, shape: type[T]) -> T:
        with self._counting(endpoint):
            return read(raw, shape)

    @contextmanager
    def _counting(self, endpoint: Endpoint) -> Iterator[None]:
        """What can't be read is counted, and the answer is none."""
        try:
            yield
        except WireError as error:
            self._anomalies.note(endpoint.path, error)
            raise RetryableError(f"{endpoint.name}: an answer that can't be read ({error})") from None

    async def _query_live(self, account_id: int) -> list[WireOrder]:
        found: dict[int, WireOrder] = {}
        for page in range(_MOST_PAGES):
            body = {
                "filter": {"accountId": account_id, "statuses": list(LIVE_STATUSES)},
                "pageSize": _PAGE,
                "pageOffset": page * _PAGE,
                "sortBy": 1,
                "sortDirection": 0,
                "includeTotalCount": True,
            }
            reply = await self._ask(endpoints.ORDERS_QUERY, body)
            rows = self._rows(endpoints.ORDERS_QUERY, reply.orders, WireOrder)
            before = len(found)
            found |= {row.id: row for row in rows}
            # Whether the offset counts rows or pages is not published: rows we know already end the walk.
            if len(rows) < _PAGE or len(found) == before:
                break
        if page and reply.total_count is not None and len(found) < reply.total_count:
            raise RetryableError(f"{len(found)} of {reply.total_count} live orders could be listed")
        return list(found.values())


async def _by_time(rows: list[BarRow]) -> dict[int, BarRow]:
    """Bars by open time; in pieces, so that nothing else on the loop waits for days of history."""
    page: dict[int, BarRow] = {}
    try:
        for number, row in enumerate(rows, 1):
            page[stamps.parse(row.t)] = row
            if number % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
    except ValueError as error:
        raise RetryableError(f"{endpoints.BARS.name}: {error}") from None
    return page
