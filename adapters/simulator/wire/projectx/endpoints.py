"""What each REST call answers once it is let in (docs/protocols/projectx.md#endpoints)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from adapters.simulator.exchange.account import PracticeAccount, RequestResult
from adapters.simulator.exchange.codes import (
    AccountCode,
    BarsCode,
    ContractCode,
    LoginCode,
    OrderByIdCode,
    StatusCode,
    ValidateCode,
)
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.requests import ModifyRequest, PlaceRequest, RequestBody
from adapters.simulator.exchange.rows import OrderRow
from adapters.simulator.market.candles import DAY, MONTH, SECONDS, TICKS
from adapters.simulator.market.contracts import ContractMonth
from adapters.simulator.market.hours import NANOS
from adapters.simulator.wire.projectx import json_rows as wire
from adapters.simulator.wire.projectx import requests as ask
from adapters.simulator.wire.projectx.access import Tokens
from adapters.simulator.wire.projectx.json_rows import Json, envelope

_MOST_BARS = 20_000


class ServedCall(NamedTuple):
    body: type[RequestBody]
    answer: Callable[[Any, str], Json]
    """Takes the decoded body and the caller's token."""
    needs_token: bool = True


class Endpoints:
    """All calls by lower-case path."""

    def __init__(self, exchange: Exchange, tokens: Tokens, user: str) -> None:
        self._exchange = exchange
        self._tokens = tokens
        self._user = user
        self.by_path: dict[str, ServedCall] = {
            "/api/auth/loginkey": ServedCall(ask.LoginKey, self._login, needs_token=False),
            "/api/auth/validate": ServedCall(ask.Empty, self._validate),
            "/api/auth/logout": ServedCall(ask.Empty, self._logout),
            "/api/account/search": ServedCall(ask.AccountSearch, self._accounts),
            "/api/contract/search": ServedCall(ask.ContractSearch, self._contract_search),
            "/api/contract/searchbyid": ServedCall(ask.ContractById, self._contract_by_id),
            "/api/contract/available": ServedCall(ask.ContractsAvailable, self._contracts_available),
            "/api/history/retrievebars": ServedCall(ask.RetrieveBars, self._bars),
            "/api/order/place": self._of_account(PlaceRequest, self._place, "orderId"),
            "/api/order/modify": self._change(ModifyRequest, lambda a, body, now: a.modify(body, now)),
            "/api/order/cancel": self._change(
                ask.OneOrder, lambda a, body, now: a.cancel(body.order_id, now)
            ),
            "/api/order/search": self._of_account(ask.OrderSearch, self._order_search, "orders"),
            "/api/order/searchopen": self._of_account(ask.OfAccount, self._orders_open, "orders"),
            "/api/order/searchbyid": self._of_account(ask.OneOrder, self._order_by_id, "order"),
            "/api/order/v2/query": self._of_account(
                ask.OrderQuery, self._order_query, "orders", "totalCount"
            ),
            "/api/position/searchopen": self._of_account(ask.OfAccount, self._positions, "positions"),
            "/api/position/closecontract": self._change(
                ask.CloseContract, lambda a, body, now: a.close(body.contract_id, now)
            ),
            "/api/position/partialclosecontract": self._change(
                ask.PartialCloseContract,
                lambda a, body, now: a.partial_close(body.contract_id, body.size, now),
            ),
            "/api/trade/search": self._of_account(ask.TradeSearch, self._trades, "trades"),
        }

    # -- session -----------------------------------------------------------------------------------

    def _login(self, body: ask.LoginKey, _token: str) -> Json:
        if body.user_name.lower() != self._user.lower() or body.api_key != self._tokens.key:
            return envelope({"token": None}, code=LoginCode.INVALID_CREDENTIALS)
        return envelope({"token": self._tokens.issue(self._user, self._exchange.now())})

    def _validate(self, _body: ask.Empty, token: str) -> Json:
        now = self._exchange.now()
        if not self._tokens.valid(token, now):
            return envelope({"newToken": None}, code=ValidateCode.INVALID_SESSION)
        return envelope({"newToken": self._tokens.issue(self._user, now)})

    def _logout(self, _body: ask.Empty, token: str) -> Json:
        self._tokens.revoke(token)
        return envelope()

    def _accounts(self, body: ask.AccountSearch, _token: str) -> Json:
        accounts = self._exchange.accounts.values()
        return envelope(
            {
                "accounts": [
                    wire.account_json(a.row())
                    for a in accounts
                    if a.listed and (a.can_trade or not body.only_active_accounts)
                ]
            }
        )

    # -- contracts and history ---------------------------------------------------------------------

    def _contract_search(self, body: ask.ContractSearch, _token: str) -> Json:
        found = [] if body.live else self._exchange.listing.search(body.search_text or "")
        return envelope({"contracts": [wire.contract_json(c) for c in found]})

    def _contract_by_id(self, body: ask.ContractById, _token: str) -> Json:
        contract = self._exchange.listing.by_id.get(body.contract_id)
        if contract is None:
            return envelope({"contract": None}, code=ContractCode.CONTRACT_NOT_FOUND)
        return envelope({"contract": wire.contract_json(contract)})

    def _contracts_available(self, body: ask.ContractsAvailable, _token: str) -> Json:
        found: Iterable[ContractMonth] = () if body.live else self._exchange.listing.front.values()
        return envelope({"contracts": [wire.contract_json(c) for c in found]})

    def _bars(self, body: ask.RetrieveBars, _token: str) -> Json:
        contract = self._exchange.listing.by_id.get(body.contract_id)
        code = 0
        if contract is None or body.live:
            code = BarsCode.CONTRACT_NOT_FOUND
        elif not SECONDS <= body.unit <= TICKS:
            code = BarsCode.UNIT_INVALID
        elif body.unit_number < 1 or (DAY <= body.unit <= MONTH and body.unit_number != 1):
            code = BarsCode.UNIT_NUMBER_INVALID
        elif not 0 < body.limit <= _MOST_BARS:
            code = BarsCode.LIMIT_INVALID
        if contract is None or code:
            return envelope({"bars": None}, code=code)
        ticker = self._exchange.tickers.get(contract.venue_symbol)
        if ticker is None or ticker.contract.id != contract.id:
            return envelope({"bars": []})
        now = self._exchange.now()
        candles = ticker.candles
        candles.close_until(now)
        found = candles.window(
            body.unit,
            body.unit_number,
            _nanos(body.start_time),
            _nanos(body.end_time),
            body.limit,
            now,
            partial=body.include_partial_bar,
        )
        return envelope({"bars": wire.bars_json(found, contract)})

    # -- orders, positions, trades -----------------------------------------------------------------

    def _of_account(
        self, body: type[RequestBody], answer: Callable[[PracticeAccount, Any], Json], *payload: str
    ) -> ServedCall:
        """An endpoint about one account; without it the payload's fields are null."""

        def asked(about: Any, _token: str) -> Json:
            account = self._exchange.accounts.get(getattr(about, "filter", about).account_id)
            if account is None or not account.listed:
                return envelope(dict.fromkeys(payload), code=AccountCode.ACCOUNT_NOT_FOUND)
            return answer(account, about)

        return ServedCall(body, asked)

    def _change(
        self, body: type[RequestBody], change: Callable[[PracticeAccount, Any, int], RequestResult]
    ) -> ServedCall:
        """An endpoint that changes something and answers with its own code alone."""

        def changed(account: PracticeAccount, about: Any) -> Json:
            answer = change(account, about, self._exchange.now())
            return envelope(code=answer.code, text=answer.text)

        return self._of_account(body, changed)

    def _place(self, account: PracticeAccount, body: PlaceRequest) -> Json:
        answer = account.place(body, self._exchange.now())
        return envelope({"orderId": answer.order_id}, code=answer.code, text=answer.text)

    def _order_search(self, account: PracticeAccount, body: ask.OrderSearch) -> Json:
        start, end = _nanos(body.start_timestamp), _until(body.end_timestamp)
        return self._orders(account, lambda row: start <= row.created <= end)

    def _orders_open(self, account: PracticeAccount, _body: ask.OfAccount) -> Json:
        return self._orders(account, lambda row: row.status == StatusCode.OPEN)

    def _orders(self, account: PracticeAccount, wanted: Callable[[OrderRow], bool]) -> Json:
        """Order rows, oldest first."""
        found = [row for _, row in sorted(account.rows.orders.items()) if wanted(row)]
        return envelope({"orders": [self._order_json(account, row) for row in found]})

    def _order_by_id(self, account: PracticeAccount, body: ask.OneOrder) -> Json:
        row = account.rows.orders.get(body.order_id)
        if row is None:
            return envelope({"order": None}, code=OrderByIdCode.ORDER_NOT_FOUND)
        return envelope({"order": self._order_json(account, row)})

    def _order_query(self, account: PracticeAccount, body: ask.OrderQuery) -> Json:
        chosen = body.filter
        after = 0 if chosen.created_after is None else _nanos(chosen.created_after)
        before = _until(chosen.created_before)
        found = [
            row
            for row in account.rows.orders.values()
            if (chosen.statuses is None or row.status in chosen.statuses)
            and chosen.contract_id in (None, row.contract_id)
            and after <= row.created <= before
        ]
        found.sort(
            key=lambda row: row.id if body.sort_by else (row.created, row.id),
            reverse=body.sort_direction == 1,
        )
        page = found[body.page_offset : body.page_offset + body.page_size]
        rows = [self._order_json(account, row) for row in page]
        return envelope({"orders": rows, "totalCount": len(found) if body.include_total_count else None})

    def _positions(self, account: PracticeAccount, _body: ask.OfAccount) -> Json:
        rows = [
            wire.position_json(row, account.spec.id, self._contract(row.contract_id), stream=False)
            for row in account.holdings.positions.values()
        ]
        return envelope({"positions": rows})

    def _trades(self, account: PracticeAccount, body: ask.TradeSearch) -> Json:
        start = 0 if body.start_timestamp is None else _nanos(body.start_timestamp)
        end = _until(body.end_timestamp)
        rows = [
            wire.trade_json(row, account.spec.id, self._contract(row.contract_id), stream=False)
            for row in reversed(account.rows.trades)
            if start <= row.ts <= end
        ]
        return envelope({"trades": rows})

    # -- inside ------------------------------------------------------------------------------------

    def _contract(self, contract_id: str) -> ContractMonth:
        return self._exchange.listing.by_id[contract_id]

    def _order_json(self, account: PracticeAccount, row: OrderRow) -> Json:
        return wire.order_json(row, account.spec.id, self._contract(row.contract_id), stream=False)


def _nanos(moment: datetime) -> int:
    """Nanoseconds UTC; a time without an offset counts as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NANOS + delta.microseconds * 1000


def _until(moment: datetime | None) -> int:
    """The end of a window; without one, the end of time."""
    return 2**63 if moment is None else _nanos(moment)
