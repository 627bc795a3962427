"""Measures how long bots take: the core never looks at a clock, and hears of it by an event."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter_ns

from engine.books.bots import Bots
from engine.market.bars import BarsClosed
from engine.model.events import BotOverran
from engine.model.market import NANOS
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said, Strategy

BUDGET_NS = NANOS // 10
"""Of one call, real time. Stops and closes of every book wait for as long."""
NEWEST = 10
TOO_OFTEN = 3
"""So many of the newest calls over the budget are no single pause of the collector."""


class WatchedStrategy:
    """A strategy whose calls are timed. Says the same as the one inside, and raises the same."""

    def __init__(
        self,
        inner: Strategy,
        bot: str,
        tell: Callable[[BotOverran], None],
        now: Callable[[], int],
        steady: Callable[[], int] = perf_counter_ns,
        budget_ns: int = BUDGET_NS,
    ) -> None:
        """`now` stamps events, nanoseconds UTC; `steady` measures real time, nanoseconds. Once it has been
        told, the count begins anew.
        """
        self.name = inner.name
        self._inner = inner
        self._bot = bot
        self._tell = tell
        self._now = now
        self._steady = steady
        self._budget_ns = budget_ns
        self._took: deque[int] = deque(maxlen=NEWEST)

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        began = self._steady()
        found = tuple(self._inner.on_bars(closed, board))
        took = self._steady() - began
        self._took.append(took)
        if took > self._budget_ns:
            over = [one for one in self._took if one > self._budget_ns]
            if len(over) >= TOO_OFTEN:
                self._took.clear()
                self._tell(
                    BotOverran(
                        ts_recv=self._now(),
                        bot=self._bot,
                        times=len(over),
                        took_ns=max(over),
                        budget_ns=self._budget_ns,
                    )
                )
        return found


def watch(bots: Bots, tell: Callable[[BotOverran], None], now: Callable[[], int]) -> None:
    """Have every bot's calls timed from now on."""
    for bot in bots.all:
        bot.strategy = WatchedStrategy(bot.strategy, bot.name, tell, now)
