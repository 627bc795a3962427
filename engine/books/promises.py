"""Bots that a backtest speaks for, held against it: one that is behind is stopped, with the reason
(docs/scanner.md#behind-its-backtest).
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.books.bots import Bot
from engine.model import records as r
from engine.model.figures import signed
from engine.model.notices import NoticeKind, Severity
from engine.portfolio.expected import Kept, kept
from engine.state.turn import Turn


class Promises:
    """Looks at a bot's results in its shadow when there is one more."""

    def __init__(self, bots: Iterable[Bot], turn: Turn) -> None:
        self._bots = [bot for bot in bots if bot.expectation is not None and bot.config.shadow]
        self._turn = turn
        self._seen: dict[str, int] = {}

    def review(self) -> None:
        """Stop what is behind. Cheap while nothing has ended."""
        for bot in self._bots:
            known = self._turn.state.book(bot.config.shadow).results.get(bot.name)
            count = 0 if known is None else len(known.r)
            if known is None or count == self._seen.get(bot.name):
                continue
            self._seen[bot.name] = count
            rate = bot.config.error_rate
            if rate and bot.name not in self._turn.state.stopped_bots:
                found = kept(known.expected, known.r, rate)
                if found.behind:
                    self._stop(bot, words(found, known.expected.mean_r))

    def _stop(self, bot: Bot, why: str) -> None:
        turn = self._turn
        turn.commit(r.BotSwitched(ts=turn.now, bot=bot.name, running=False, by=f"its backtest: {why}"))
        turn.say(
            NoticeKind.RISK,
            Severity.WARNING,
            f"{bot.words} is paused, it is behind its backtest: {why}; its trades stay managed "
            f"(tstream bots start {bot.name})",
        )


def words(found: Kept, expected_r: float) -> str:
    """ "34 trades at −0.31 R each, +0.30 R expected, p 0.012"."""
    trades = f"{found.trades} trade{'' if found.trades == 1 else 's'}"
    mean = f" at {signed(found.mean_r)} R each" if found.mean_r is not None else ""
    return f"{trades}{mean}, {signed(expected_r)} R expected, p {found.p:.3f}"
