"""What one connection to Coinbase's user stream carries: how far each order has come."""

from __future__ import annotations

from collections.abc import Callable

from adapters.coinbase.channels import CoinbaseStream, Token
from adapters.coinbase.wire import CoinbaseRecord, CoinbaseUserEvent, CoinbaseUserOrder, read
from adapters.common.anomalies import Anomalies

Deliver = Callable[[CoinbaseUserOrder], None]


class CoinbaseUserStream(CoinbaseStream):
    """Without products it tells of all of them. It begins with the orders that rest; totals of the same
    order may come again, and fills are asked for elsewhere.
    """

    def __init__(self, token: Token, anomalies: Anomalies, deliver: Deliver) -> None:
        super().__init__(("user",), (), token, anomalies)
        self._deliver = deliver
        self._begun = False

    def missing(self) -> str:
        return "" if self._begun else "the orders that rest"

    def read(self, record: CoinbaseRecord) -> None:
        if record.channel != "user":
            return
        for event in read(record.events, list[CoinbaseUserEvent]):
            for row in event.orders:
                self._deliver(row)
        self._begun = True
