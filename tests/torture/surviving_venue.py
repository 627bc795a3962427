"""The venue's side of the killing day: it lives through all kills, counts what arrives, and never forgets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from datetime import time as wall
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.codes import SideCode, StatusCode, TypeCode
from adapters.simulator.exchange.config import AccountSpec, PlatformRules
from adapters.simulator.exchange.requests import PlaceRequest
from adapters.simulator.exchange.rows import OrderRow
from adapters.simulator.market.hours import NANOS, nanos, session
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.wire.projectx.access import RateLimit
from bench.leaps import LeapingClock
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import Fill

MNQ = CME_FUTURES["MNQ"]
PRICE = 84_000
START_USD = Decimal(50_000)
DAY = date(2031, 10, 7)
OPENING = nanos(DAY - timedelta(days=1), wall(17, 5))
CLOSING = session(DAY).cut_off
"""The session's hours of which a killing day makes use, nanoseconds UTC."""
_BOUNDLESS = RateLimit(1_000_000, 60 * NANOS)
_LIVE = (StatusCode.OPEN, StatusCode.PENDING, StatusCode.SUSPENDED)


class SurvivingVenue:
    """A practice venue with an observer between its gateway and its account."""

    def __init__(self, folder: Path, *, native: bool) -> None:
        """`native`: whether the account takes orders with brackets."""
        self.clock_file = folder / "clock"
        self.clock = LeapingClock(self.clock_file, OPENING)
        self.practice = PracticeVenue(
            SimulatorConfig(
                accounts=(AccountSpec(balance_usd=START_USD),),
                rules=PlatformRules(auto_oco=native),
                rest_limit=_BOUNDLESS,
                bars_limit=_BOUNDLESS,
            ),
            ScriptedMarket([MNQ], OPENING),
            self.clock,
        )
        self.account = self.practice.account
        self.sent: Counter[str | None] = Counter()
        """How often an order with a tag arrived, whatever became of it."""
        self.pass_point: Callable[[str], None] = lambda point: None
        self.login_s: float | None = None
        """Monotonic time of the first accepted login since it was last forgotten."""
        self.busy_s = 0.0
        """Monotonic time of the last request about orders."""
        self.price = PRICE
        self._observe()

    def _observe(self) -> None:
        for name in ("place", "modify", "cancel", "close"):
            setattr(self.account, name, self._observed(getattr(self.account, name)))
        issue = self.practice.tokens.issue

        def issued(*args: Any) -> str:
            self.login_s = self.login_s or time.monotonic()
            return issue(*args)

        setattr(self.practice.tokens, "issue", issued)  # noqa: B010

    def _observed(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(request: Any, now: int) -> Any:
            self.busy_s = time.monotonic()
            if isinstance(request, PlaceRequest):
                self.sent[request.custom_tag] += 1
            self.pass_point("after send")
            answer = act(request, now)
            self.pass_point("before reply")
            return answer

        return acted

    # -- the market --------------------------------------------------------------------------------

    def market(self, price: int) -> None:
        """Quote and trade at a price, now."""
        self.price = price
        now = self.clock()
        self.practice.push(
            Quote(ts_recv=now, ts_venue=now, instrument="MNQ", bid=price, ask=price + 1, last=price),
            Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=50),
        )

    def quiet(self) -> bool:
        """Nothing has arrived for a while, and nothing is under way in the market."""
        under_way = any(row.status == StatusCode.PENDING for row in self.rows())
        return not under_way and time.monotonic() - self.busy_s > 0.03

    # -- the books ---------------------------------------------------------------------------------

    def held(self) -> int:
        position = self.account.holdings.positions.get("MNQ")
        return position.qty if position is not None else 0

    def rows(self) -> list[OrderRow]:
        """Orders that work or may still work."""
        return [row for row in self.account.rows.orders.values() if row.status in _LIVE]

    def stops(self) -> list[tuple[int, int | None]]:
        """(open quantity, price) of the stops at work that would reduce the position."""
        against = SideCode.SELL if self.held() > 0 else SideCode.BUY
        return [
            (row.size - row.filled, row.stop)
            for row in self.rows()
            if (row.type, row.side, row.status) == (TypeCode.STOP, against, StatusCode.OPEN)
        ]

    def protected(self) -> bool:
        """Whether every contract that is held has a working stop."""
        return sum(qty for qty, _ in self.stops()) >= abs(self.held())

    def flat(self) -> bool:
        return not self.held() and not self.rows()

    def fills(self) -> Sequence[Fill]:
        """All half-turns as the engine should know them."""
        return [
            Fill(
                str(row.id),
                str(row.order_id),
                "MNQ",
                Side.BUY if row.side == SideCode.BUY else Side.SELL,
                row.price,
                row.size,
                row.fees + row.commissions,
                row.ts,
            )
            for row in self.account.rows.trades
        ]

    def balance_usd(self) -> Decimal:
        return self.account.holdings.balance_usd
