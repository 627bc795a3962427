"""The gateway's calls: path, error codes, and what a failure of each may mean."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from adapters.common.rate_budget import Priority
from adapters.projectx import codes

KIB = 1024


class Endpoint(Struct, frozen=True, kw_only=True):
    name: str
    """As people are told of it."""
    path: str
    codes: type[IntEnum]
    acts: bool = False
    """It changes something: after a lost answer the outcome is unknown, and it is not sent again."""
    unclear: frozenset[int] = frozenset()
    """Codes by which the gateway itself does not say whether it happened (pending, unknown error)."""
    limited_is_unsent: bool = True
    """HTTP 429 counts as "certainly not done".

    How the gateway's limiter works is not published. For queries, and for calls that do no harm when
    repeated (modify, cancel, close the whole position), the question is idle. For place a wrong
    guess would double an order, so there the outcome counts as unknown until it is looked up.
    """
    priority: Priority = Priority.QUERY
    """Who goes first when requests are scarce; HISTORY counts against the venue's smaller limit for bars."""
    public: bool = False
    """Needs no token. The request holds the key instead, so nothing of the answer's text is quoted."""

    @property
    def most_bytes(self) -> int:
        """Of an answer, unpacked. The largest of history, 20,000 bars, has about 2.5 MB."""
        if self.acts or self.public:
            return 256 * KIB
        return 8192 * KIB if self.priority is Priority.HISTORY else 4096 * KIB


LOGIN = Endpoint(
    name="login", path="/api/Auth/loginKey", codes=codes.Login, public=True, priority=Priority.CLOSE
)
VALIDATE = Endpoint(
    name="renewal of the login", path="/api/Auth/validate", codes=codes.Validate, priority=Priority.PROTECT
)
LOGOUT = Endpoint(name="logout", path="/api/Auth/logout", codes=codes.Logout)

ACCOUNTS = Endpoint(name="accounts", path="/api/Account/search", codes=codes.Generic)

CONTRACTS_AVAILABLE = Endpoint(name="contracts", path="/api/Contract/available", codes=codes.Contract)
CONTRACT_SEARCH = Endpoint(name="search of a contract", path="/api/Contract/search", codes=codes.Contract)
CONTRACT_BY_ID = Endpoint(name="contract", path="/api/Contract/searchById", codes=codes.Contract)

BARS = Endpoint(name="history", path="/api/History/retrieveBars", codes=codes.Bars, priority=Priority.HISTORY)

ORDERS = Endpoint(name="orders", path="/api/Order/search", codes=codes.Generic)
ORDERS_OPEN = Endpoint(name="open orders", path="/api/Order/searchOpen", codes=codes.Generic)
ORDERS_QUERY = Endpoint(name="live orders", path="/api/Order/v2/query", codes=codes.Generic)
POSITIONS = Endpoint(name="positions", path="/api/Position/searchOpen", codes=codes.Generic)
TRADES = Endpoint(name="trades", path="/api/Trade/search", codes=codes.Generic)

PLACE = Endpoint(
    name="place",
    path="/api/Order/place",
    codes=codes.PlaceErrorCode,
    acts=True,
    priority=Priority.ENTRY,
    unclear=frozenset({codes.PlaceErrorCode.ORDER_PENDING, codes.PlaceErrorCode.UNKNOWN_ERROR}),
    limited_is_unsent=False,
)
MODIFY = Endpoint(
    name="change",
    path="/api/Order/modify",
    codes=codes.ModifyErrorCode,
    acts=True,
    priority=Priority.PROTECT,
    unclear=frozenset({codes.ModifyErrorCode.PENDING, codes.ModifyErrorCode.UNKNOWN_ERROR}),
)
CANCEL = Endpoint(
    name="cancel",
    path="/api/Order/cancel",
    codes=codes.CancelErrorCode,
    acts=True,
    priority=Priority.CLOSE,
    unclear=frozenset({codes.CancelErrorCode.PENDING, codes.CancelErrorCode.UNKNOWN_ERROR}),
)
CLOSE = Endpoint(
    name="close",
    path="/api/Position/closeContract",
    codes=codes.Close,
    acts=True,
    priority=Priority.CLOSE,
    unclear=frozenset({codes.Close.ORDER_PENDING, codes.Close.UNKNOWN_ERROR}),
)

PING_PATH = "/api/Status/ping"
