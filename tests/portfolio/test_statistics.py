"""Statistics by hand: what is expected is worked out beside each test, from its trades and points."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendars.known import ALWAYS, CME
from engine.model.market import MINUTE, NANOS, Side
from engine.portfolio import daily
from engine.portfolio.ruin import risk_of_ruin, wilson
from engine.portfolio.statistics import Statistics, closed_equity, efficiency, statistics, streaks
from engine.state.position import Trade
from tests.market.feed import T0

HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONDAY = 1_772_409_600 * NANOS
"""2026-03-02 00:00 UTC."""


def trade(net: str, *, at: int = MONDAY, risk: str | None = "50", best: str = "0", worst: str = "0") -> Trade:
    """Net of a dollar of costs; held for ten minutes."""
    return Trade(
        "MNQ", Side.BUY, 1, 1, 1, Decimal(net) + 1, Decimal(1), at - 10 * MINUTE, at, "T1",
        Decimal(worst), Decimal(best), None if risk is None else Decimal(risk),
    )  # fmt: skip


def of(*nets: str) -> Statistics:
    return statistics(
        (trade(net, at=MONDAY + n * HOUR) for n, net in enumerate(nets)), [], Decimal(1000), CME
    )


def test_trades_by_hand() -> None:
    found = of("100", "-50", "-30", "60", "0", "20")
    assert (found.trades, found.wins, found.losses) == (6, 3, 3), "nothing earned is not won"
    assert (found.net_usd, found.costs_usd) == (Decimal(100), Decimal(6))
    assert found.win_rate == 0.5
    assert found.profit_factor == (100 + 60 + 20) / (50 + 30)
    assert found.average_usd == Decimal("16.67")
    assert (found.average_win_usd, found.average_loss_usd) == (Decimal(60), Decimal("-26.67"))
    assert (found.best_usd, found.worst_usd) == (Decimal(100), Decimal(-50))
    assert found.expectancy_r == pytest.approx((2 - 1 - 0.6 + 1.2 + 0 + 0.4) / 6)
    assert (found.most_wins_in_a_row, found.most_losses_in_a_row, found.run) == (1, 2, 1)
    assert found.average_held_ns == 10 * MINUTE
    # 1000 → 1100 → 1050 → 1020 → 1080 → 1080 → 1100: 80 below 1100.
    assert found.max_drawdown_usd == 80
    assert found.max_drawdown == pytest.approx(80 / 1100)
    assert found.longest_drawdown_ns == 5 * HOUR
    assert found.recovery_factor == 100 / 80
    assert not found.drawdown_at_mark
    assert found.kelly is None, "six trades are too few"


def test_excursions_by_hand() -> None:
    trades = [trade("99", best="200", worst="-40"), trade("-51", best="50", worst="-60", risk=None)]
    found = statistics(trades, [], Decimal(0), CME)
    assert (found.average_mae_usd, found.average_mfe_usd) == (Decimal(-50), Decimal(125))
    assert found.efficiency == (100 - 50) / 250, "gross, as the best open result is"
    assert (found.expectancy_r, found.r_trades) == (99 / 50, 1)
    assert [efficiency(one) for one in trades] == [0.5, -1.0]
    assert efficiency(trade("-5")) is None


def test_kelly_by_hand() -> None:
    # 18 of 30 won 20, 12 lost 10: 0.6 − 0.4 / (20 / 10) = 0.4.
    assert of(*["20", "-10", "20", "20", "-10"] * 6).kelly == pytest.approx(0.4)
    # 10 of 30 won 10, 20 lost 10: 1/3 − 2/3 / 1 < 0.
    assert of(*["10", "-10", "-10"] * 10).kelly == 0.0
    assert of(*["10"] * 29).kelly is None


@pytest.mark.parametrize(
    ("won", "told"),
    [("", (0, 0, 0)), ("w", (1, 0, 1)), ("wwlw", (2, 1, 1)), ("lwwlll", (2, 3, -3)), ("ll", (0, 2, -2))],
)
def test_streaks_by_hand(won: str, told: tuple[int, int, int]) -> None:
    assert streaks([one == "w" for one in won]) == told


@given(st.lists(st.booleans(), max_size=40))
def test_streaks_are_the_longest_groups(won: list[bool]) -> None:
    groups = [(win, len(list(group))) for win, group in groupby(won)]
    most = [max((length for one, length in groups if one is win), default=0) for win in (True, False)]
    run = 0 if not groups else groups[-1][1] * (1 if groups[-1][0] else -1)
    assert streaks(won) == (*most, run)


def test_nothing_and_one_trade() -> None:
    found = statistics([], [], Decimal(50_000), CME)
    told = {name: getattr(found, name) for name in found.__struct_fields__}
    counts = {"trades", "wins", "losses", "net_usd", "costs_usd", "r_trades", "run", "days", "winning_days"}
    counts |= {"most_wins_in_a_row", "most_losses_in_a_row", "drawdown_at_mark"}
    assert {name for name, value in told.items() if value is not None} == counts
    one = of("10")
    assert (one.win_rate, one.profit_factor, one.recovery_factor) == (1.0, None, None)
    assert (one.sharpe, one.sortino, one.volatility, one.var_95_usd, one.normal_var_95_usd) == (None,) * 5
    assert (one.max_drawdown_usd, one.max_drawdown) == (Decimal(0), 0.0)


def at_mark(*closes: int, start: int = 1000) -> list[tuple[int, Decimal]]:
    """One point a day, at noon UTC from Monday 2026-03-02 on."""
    return [(MONDAY + n * DAY + 12 * HOUR, Decimal(close)) for n, close in enumerate(closes)]


def test_days_of_futures_leave_the_weekend_out() -> None:
    # Mon 1010, Tue 1000, Wed 1000 (no trade), Thu 1100, Fri 1089, Sat and Sun as before, Mon 1089.
    points = [p for n, p in enumerate(at_mark(1010, 1000, 0, 1100, 1089, 1089, 1089, 1089)) if n != 2]
    days = daily.days_of(points, Decimal(1000), CME)
    assert [f"{day.date:%a %d}" for day in days] == [
        "Mon 02",
        "Tue 03",
        "Wed 04",
        "Thu 05",
        "Fri 06",
        "Mon 09",
    ]
    assert [day.net_usd for day in days] == [10, -10, 0, 100, -11, 0]
    assert days[3].share == pytest.approx(0.1)
    assert days[4].share == pytest.approx(-0.01)
    assert len(daily.days_of(points, Decimal(1000), ALWAYS)) == 8


def test_what_moves_while_nothing_is_open_is_counted_once() -> None:
    saturday = at_mark(1010, 1010, 1010, 1010, 1010, 1040)
    assert sum(day.net_usd for day in daily.days_of(saturday, Decimal(1000), CME)) == 40
    later = [*saturday, (MONDAY + 7 * DAY + 12 * HOUR, Decimal(1050))]
    days = daily.days_of(later, Decimal(1000), CME)
    assert (days[-1].net_usd, f"{days[-1].date:%a}") == (Decimal(40), "Mon")


def test_a_globex_evening_is_of_the_next_date() -> None:
    evening = [(MONDAY + 23 * HOUR + 30 * MINUTE, Decimal(1005))]  # Monday 17:30 in Chicago
    assert [day.date.isoformat() for day in daily.days_of(evening, Decimal(1000), CME)] == ["2026-03-03"]


def test_daily_figures_by_hand() -> None:
    # Ten days of a market that never closes, returns +2 %, −1 % in turn. Mean 0.5 %; each is 1.5 % from it:
    # sd of a sample = √(10 × 0.015² / 9). Downside: √(5 × 0.01² / 10).
    usd, points = Decimal(1000), []
    for n in range(10):
        usd *= Decimal("1.02") if n % 2 == 0 else Decimal("0.99")
        points.append((MONDAY + n * DAY + 12 * HOUR, usd))
    found = statistics([], points, Decimal(1000), ALWAYS)
    sd, down = sqrt(10 * 0.015**2 / 9), sqrt(5 * 0.01**2 / 10)
    assert found.sharpe == pytest.approx(0.005 / sd * sqrt(365))
    assert found.sortino == pytest.approx(0.005 / down * sqrt(365))
    assert found.volatility == pytest.approx(sd * sqrt(365))
    assert (found.days, found.winning_days) == (10, 5)
    assert found.max_drawdown == pytest.approx(0.01)
    assert found.drawdown_at_mark
    assert daily.sharpe([0.02, -0.01] * 5, 252) == pytest.approx(0.005 / sd * sqrt(252))
    unknown = statistics([], points, Decimal(0), ALWAYS)
    assert (unknown.sharpe, unknown.volatility, unknown.max_drawdown) == (None, None, None)
    assert statistics([], points[:9], Decimal(1000), ALWAYS).sharpe is None, "nine days are too few"
    assert daily.sharpe([0.01] * 20, 252) is None, "no spread"
    assert daily.sortino([0.01] * 20, 252) is None, "no loss"


def test_value_at_risk_by_hand() -> None:
    # −1 … −100: 5 days of 100 are worse than the sixth worst, −95; one is worse than −99.
    nets = [Decimal(-n) for n in range(1, 101)]
    assert daily.historical_var(nets, 95) == 95
    assert daily.historical_var(nets, 99) == 99
    assert daily.historical_var(nets[:99], 99) is None
    assert daily.historical_var(nets[:20], 95) == 19
    assert daily.historical_var(nets[:19], 95) is None
    assert daily.historical_var([Decimal(5)] * 100, 95) == 0
    old_losses = [Decimal(-1000)] * 50 + [Decimal(1)] * 250
    assert daily.historical_var(old_losses, 99) == 0, "only the last 250 days count"
    # Mean 1, sd √(10 × 4 / 9) of ten days at −1 and 3; 1.645 and 2.326 are the normal's.
    spread = sqrt(10 * 4 / 9)
    alternating = [Decimal(-1), Decimal(3)] * 5
    for percent, z in ((95, 1.644854), (99, 2.326348)):
        assert float(daily.parametric_var(alternating, percent) or 0) == pytest.approx(
            z * spread - 1, abs=0.006
        )


cents = st.integers(-100_000, 100_000).map(lambda n: Decimal(n) / 100)


@given(st.lists(cents, max_size=30), st.sampled_from([Decimal(0), Decimal(500), Decimal(50_000)]))
def test_drawdown_is_the_deepest_of_all_pairs(steps: list[Decimal], start: Decimal) -> None:
    usd, values = start, [start]
    for step in steps:
        usd += step
        values.append(usd)
    found = daily.drawdown([(T0 + n * MINUTE, v) for n, v in enumerate(values[1:])], start)
    pairs = [(high, low) for n, high in enumerate(values) for low in values[n:]]
    assert found.usd == max(high - low for high, low in pairs)
    if start:
        peaks = [max(values[: n + 1]) for n in range(len(values))]
        shares = [float((peak - v) / peak) for peak, v in zip(peaks, values, strict=True)]
        assert found.share == pytest.approx(max(shares))
    else:
        assert found.share is None


@given(st.lists(cents, max_size=30))
def test_the_curve_of_closed_trades_ends_at_their_sum(nets: list[Decimal]) -> None:
    trades = [trade(str(net), at=MONDAY + n * HOUR) for n, net in enumerate(nets)]
    found = statistics(trades, [], Decimal(1000), CME)
    curve = closed_equity(reversed(trades), Decimal(1000))
    assert ([usd for _, usd in curve] or [Decimal(1000)])[-1] == 1000 + found.net_usd
    days = daily.days_of(curve, Decimal(1000), CME)
    assert sum(day.net_usd for day in days) == found.net_usd == sum(nets)


def test_a_drawdown_that_the_curve_has_no_point_of() -> None:
    found = statistics([], at_mark(1010, 1005, 1020), Decimal(1000), CME, deepest_usd=Decimal(70))
    assert (found.max_drawdown_usd, found.recovery_factor) == (Decimal(70), 20 / 70)


def test_ruin_of_a_fair_coin_is_that_of_the_gamblers() -> None:
    # A fair ±1 walk is at −10 or below at some time within 100 steps with 2 P(S < −10) + P(S = −10), by
    # reflection; P(S = −2k) = C(100, 50 + k) / 2^100.
    from math import comb

    exact = 2 * sum(comb(100, 50 + k) for k in range(6, 51)) / 2**100 + comb(100, 55) / 2**100
    found = risk_of_ruin([1.0, -1.0] * 20, 10, Random(7), ahead=100)
    assert found is not None
    assert found.low < exact < found.high
    assert found.high - found.low < 0.02
    assert found == risk_of_ruin([1.0, -1.0] * 20, 10, Random(7), ahead=100), "the same seed, the same figure"


def test_ruin_where_it_is_sure_and_where_it_cannot_be() -> None:
    lost = risk_of_ruin([-1.0] * 30, 5, Random(1), ahead=10, paths=200)
    assert lost is not None
    assert (lost.probability, lost.median_r) == (1.0, -10.0)
    assert lost.high == pytest.approx(1.0)
    safe = risk_of_ruin([-1.0] * 30, 10.5, Random(1), ahead=10, paths=200)
    assert safe is not None
    assert safe.probability == safe.low == 0.0
    assert 0 < safe.high < 0.02, "none of 200 is not never"
    assert risk_of_ruin([1.0] * 29, 5, Random(1)) is None
    assert risk_of_ruin([1.0] * 30, 0, Random(1)) is None


def test_bounds_of_a_share() -> None:
    # Wilson's of 10 in 20: (0.5 + z²/40 ∓ z √(0.25/20 + z²/1600)) / (1 + z²/20), the middle of which is 0.5.
    z = 1.959964
    middle, half = 0.5, z * sqrt(0.25 / 20 + z * z / 1600) / (1 + z * z / 20)
    assert wilson(10, 20) == pytest.approx((middle - half, middle + half))
