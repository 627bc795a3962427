"""Bodies of the ProjectX REST calls but for those of orders (`exchange.requests`)."""

from __future__ import annotations

from datetime import datetime

from adapters.simulator.exchange.requests import RequestBody


class LoginKey(RequestBody, frozen=True):
    user_name: str
    api_key: str


class Empty(RequestBody, frozen=True):
    """A call without arguments."""


class AccountSearch(RequestBody, frozen=True):
    only_active_accounts: bool


class ContractSearch(RequestBody, frozen=True):
    live: bool
    search_text: str | None = None


class ContractById(RequestBody, frozen=True):
    contract_id: str


class ContractsAvailable(RequestBody, frozen=True):
    live: bool


class RetrieveBars(RequestBody, frozen=True):
    contract_id: str
    live: bool
    start_time: datetime
    end_time: datetime
    unit: int
    unit_number: int
    limit: int
    include_partial_bar: bool


class OneOrder(RequestBody, frozen=True):
    """Cancel, and search by id."""

    account_id: int
    order_id: int


class OfAccount(RequestBody, frozen=True):
    """Open orders, open positions."""

    account_id: int


class OrderSearch(RequestBody, frozen=True):
    account_id: int
    start_timestamp: datetime
    end_timestamp: datetime | None = None


class TradeSearch(RequestBody, frozen=True):
    account_id: int
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None


class OrderFilter(RequestBody, frozen=True):
    account_id: int
    statuses: list[int] | None = None
    contract_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class OrderQuery(RequestBody, frozen=True):
    filter: OrderFilter
    page_size: int = 100
    page_offset: int = 0
    sort_by: int = 0
    """0 by creation, 1 by id."""
    sort_direction: int = 1
    """0 ascending, 1 descending."""
    include_total_count: bool = False


class CloseContract(RequestBody, frozen=True):
    account_id: int
    contract_id: str


class PartialCloseContract(RequestBody, frozen=True):
    account_id: int
    contract_id: str
    size: int
