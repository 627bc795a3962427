"""Bodies of the ProjectX REST calls but for those of orders (`exchange.requests`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters.simulator.exchange.codes import StatusCode
from adapters.simulator.exchange.requests import RequestBody

_LARGEST_PAGE = 1000


class BadRequestError(Exception):
    """The body does not make sense: HTTP 400 with the names of the fields and what is wrong with them."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


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

    def __post_init__(self) -> None:
        """Raises BadRequestError."""
        errors: dict[str, str] = {}
        if not 0 < self.page_size <= _LARGEST_PAGE:
            errors["pageSize"] = f"The field PageSize must be between 1 and {_LARGEST_PAGE}."
        if self.page_offset < 0:
            errors["pageOffset"] = "The field PageOffset must not be negative."
        if self.sort_by not in (0, 1):
            errors["sortBy"] = "The field SortBy is invalid."
        if self.sort_direction not in (0, 1):
            errors["sortDirection"] = "The field SortDirection is invalid."
        if any(not 0 <= status <= StatusCode.SUSPENDED for status in self.filter.statuses or ()):
            errors["filter.statuses"] = "The field Statuses holds an unknown status."
        if errors:
            raise BadRequestError(errors)


class CloseContract(RequestBody, frozen=True):
    account_id: int
    contract_id: str


class PartialCloseContract(RequestBody, frozen=True):
    account_id: int
    contract_id: str
    size: int
