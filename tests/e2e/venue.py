"""The practice venue asked directly, as a second program beside the cockpit would."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from tests.e2e.program import listening_port
from tests.support.patience import patient

Row = dict[str, Any]

IDEAS_SOON = "49"
"""A seed whose day has ideas at 08:26 and the next ones at 08:28. What they open stays open for a while."""

CHICAGO = ZoneInfo("America/Chicago")
OPEN, PENDING, SUSPENDED = 1, 6, 8
LIMIT, STOP = 1, 4
LONG = 1
BUY, SELL = 0, 1

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Venue:
    """REST calls of one practice venue, found by its process; every answer must be a success."""

    def __init__(self, process: psutil.Process, name: str = "practice", account: int = 0) -> None:
        """`name` is the venue's, `account` counts those of its login."""
        port = listening_port(process)
        assert port is not None, "the practice venue does not listen"
        self._url = f"http://127.0.0.1:{port}/api"
        self._token = ""
        key = (Path(process.environ()["TSTREAM_HOME"]) / "data" / name / "key").read_text()
        self._token = self._call("Auth/loginKey", userName="practice", apiKey=key)["token"]
        self.account: int = self._call("Account/search", onlyActiveAccounts=True)["accounts"][account]["id"]

    def positions(self) -> list[Row]:
        found: list[Row] = self._of_account("Position/searchOpen")["positions"]
        return found

    def signed(self) -> dict[str, int]:
        """Net contracts by contract id, short below zero."""
        return {p["contractId"]: p["size"] if p["type"] == LONG else -p["size"] for p in self.positions()}

    def live_orders(self) -> list[Row]:
        """Orders that work or may still work: a suspended bracket leg is one."""
        chosen = {"accountId": self.account, "statuses": [OPEN, PENDING, SUSPENDED]}
        found: list[Row] = self._call("Order/v2/query", filter=chosen, pageSize=1000, sortDirection=0)[
            "orders"
        ]
        return found

    def trades(self) -> list[Row]:
        """All half-turns, oldest first."""
        found: list[Row] = self._of_account("Trade/search", startTimestamp="2000-01-01T00:00:00Z")["trades"]
        return sorted(found, key=lambda row: (row["creationTimestamp"], row["id"]))

    def working(self, contract: str, kind: int) -> int:
        """Contracts in working orders of one type that would reduce the position."""
        side = SELL if self.signed()[contract] > 0 else BUY
        return sum(
            order["size"] - order["fillVolume"]
            for order in self.live_orders()
            if (order["contractId"], order["type"], order["side"], order["status"])
            == (contract, kind, side, OPEN)
        )

    def protected(self) -> dict[str, int]:
        """The positions if each has working stop orders for exactly its size, else nothing yet."""
        held = self.signed()
        return held if all(self.working(c, STOP) == abs(qty) for c, qty in held.items()) else {}

    def _of_account(self, path: str, **body: Any) -> Row:
        return self._call(path, accountId=self.account, **body)

    def _call(self, path: str, **body: Any) -> Row:
        request = urllib.request.Request(
            f"{self._url}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with _DIRECT.open(request, timeout=patient(10)) as response:
            answer: Row = json.load(response)
        assert answer["success"], f"{path}: error {answer['errorCode']} {answer['errorMessage']}"
        return answer


def moment(row: Row) -> datetime:
    """When a row came to be, Chicago time."""
    return datetime.fromisoformat(row["creationTimestamp"]).astimezone(CHICAGO)
