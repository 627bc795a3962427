"""The statistics as people read them: names, figures, and what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from engine.portfolio.ruin import Ruin
from engine.portfolio.statistics import Statistics
from tstream.reports.numbers import in_r, lasted, money, percent, ratio, times
from tui.number_format import NONE


class Figure(Struct, frozen=True):
    group: str
    name: str
    text: str


TRADES, SIZE, EQUITY, RISK = "Trades", "Wins and losses", "Equity", "Risk"


def figures(found: Statistics, ruin: Ruin | None = None) -> tuple[Figure, ...]:
    """All of them, in the order in which they are shown."""
    s = found
    of = "at mark" if s.drawdown_at_mark else "closed"
    run = f"{abs(s.run)} {'won' if s.run > 0 else 'lost'}"
    return tuple(
        Figure(*one)
        for one in (
            (TRADES, "trades", f"{s.trades:,}"),
            (TRADES, "won", f"{s.wins:,} ({percent(s.win_rate)})" if s.trades else NONE),
            (TRADES, "net of closed trades", money(s.net_usd)),
            (TRADES, "costs", money(-s.costs_usd)),
            (TRADES, "profit factor", ratio(s.profit_factor)),
            (
                TRADES,
                "expectancy",
                in_r(s.expectancy_r) + (f" of {s.r_trades:,}" if s.r_trades < s.trades else ""),
            ),
            (TRADES, "a trade, on average", money(s.average_usd)),
            (TRADES, "held, on average", lasted(s.average_held_ns)),
            (SIZE, "average win", money(s.average_win_usd)),
            (SIZE, "average loss", money(s.average_loss_usd)),
            (SIZE, "best", money(s.best_usd)),
            (SIZE, "worst", money(s.worst_usd)),
            (SIZE, "most wins in a row", str(s.most_wins_in_a_row)),
            (SIZE, "most losses in a row", str(s.most_losses_in_a_row)),
            (SIZE, "now in a row", run if s.trades else NONE),
            (SIZE, "MAE, on average", money(s.average_mae_usd)),
            (SIZE, "MFE, on average", money(s.average_mfe_usd)),
            (SIZE, "efficiency", percent(s.efficiency)),
            (EQUITY, "days, of them won", f"{s.days:,}, {s.winning_days:,}"),
            (EQUITY, f"max drawdown, {of}", money(_down(s.max_drawdown_usd))),
            (EQUITY, "max drawdown, share", percent(s.max_drawdown)),
            (EQUITY, "longest below a high", lasted(s.longest_drawdown_ns)),
            (EQUITY, "recovery factor", ratio(s.recovery_factor)),
            (EQUITY, "Sharpe", ratio(s.sharpe)),
            (EQUITY, "Sortino", ratio(s.sortino)),
            (EQUITY, "volatility, yearly", percent(s.volatility)),
            (RISK, "VaR 95 %, a day", money(_down(s.var_95_usd))),
            (RISK, "VaR 99 %, a day", money(_down(s.var_99_usd))),
            (RISK, "VaR 95 %, normal", money(_down(s.normal_var_95_usd))),
            (RISK, "VaR 99 %, normal", money(_down(s.normal_var_99_usd))),
            (RISK, "Kelly fraction", percent(s.kelly)),
            *((RISK, name, text) for name, text in _ruin(ruin)),
        )
    )


def groups(of: Iterable[Figure]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Group by group: its name, and (name, figure) of each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in of:
        found.setdefault(one.group, []).append((one.name, one.text))
    yield from found.items()


def _down(loss: Decimal | None) -> Decimal | None:
    return None if loss is None else -loss


def _ruin(ruin: Ruin | None) -> Iterator[tuple[str, str]]:
    if ruin is None:
        yield "risk of ruin", NONE
        return
    yield "risk of ruin", percent(ruin.probability, 2)
    yield "its bounds at 95 %", f"{percent(ruin.low, 2)}, {percent(ruin.high, 2)}"
    yield "floor", f"{ruin.floor_r:.1f} R below"
    yield "over", times(ruin.trades_ahead, "trade")
