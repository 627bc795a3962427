"""What one connection to the user hub carries: orders, fills, positions, the balance."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from adapters.projectx.account import AccountReports
from adapters.projectx.anomalies import Anomalies
from adapters.projectx.link import Silence, Stream
from adapters.projectx.wire import AccountRow, OrderRow, PositionRow, TradeRow, WireError, read_user

_DELETED = 2


class UserStream(Stream):
    """Reads the records of one account and hands every one on, in the order of the wire.

    A trade that a query has shown, and that it does not tell of, speaks against it.

    Records may come twice: when two connections overlap both report, as a lost fill is worse than one told
    twice, and by the gateway's own habit. Silence is normal: an account in which nothing happens says
    nothing, the hub sends no first state, and its pings tell if it is gone.
    """

    def __init__(
        self, account_id: int, reports: AccountReports, anomalies: Anomalies, untold_s: float
    ) -> None:
        self._account = account_id
        self._untold_s = untold_s
        self._reports = reports
        self._anomalies = anomalies
        self._readers = {
            "GatewayUserAccount": self._accounts,
            "GatewayUserOrder": self._orders,
            "GatewayUserPosition": self._positions,
            "GatewayUserTrade": self._trades,
        }

    def subscriptions(self) -> Sequence[tuple[str, tuple[object, ...]]]:
        return [
            ("SubscribeAccounts", ()),
            ("SubscribeOrders", (self._account,)),
            ("SubscribePositions", (self._account,)),
            ("SubscribeTrades", (self._account,)),
        ]

    def go_live(self) -> None:
        self._reports.renewed(self._untold_s)

    def silence(self, now: float) -> Silence | None:
        since = self._reports.untold(now - self._untold_s)
        return (
            None if since is None else Silence("a fill that it ought to have told is known by query", since)
        )

    def receive(self, target: str, arguments: Raw) -> None:
        reader = self._readers.get(target)
        if reader is None:
            return
        try:
            reader(arguments)
        except WireError as error:
            self._anomalies.note(target, error, bytes(arguments)[:200])

    def _accounts(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, AccountRow):
            if row.id == self._account:
                self._reports.account(row)

    def _orders(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, OrderRow):
            if row.account_id == self._account:
                self._reports.deliver(row, row.symbol_id)

    def _positions(self, arguments: Raw) -> None:
        for action, row in read_user(arguments, PositionRow):
            if row.account_id == self._account:
                if action == _DELETED:
                    row.size = 0
                self._reports.deliver(row)

    def _trades(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, TradeRow):
            if row.account_id == self._account:
                self._reports.deliver(row)
