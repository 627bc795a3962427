"""What the command line's own values mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import NANOS
from tstream.options import RunOptions, contract, duration, month, speed, stage, symbol, timeframe, timeframes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("1h0m5s", 3605), (" 5M ", 300)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds * NANOS


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "1m1h", "-5m", "0s", "1.5h", "５m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)


@given(st.integers(0, 99), st.integers(0, 999), st.integers(1, 9999))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: int) -> None:
    assert duration(f"{hours}h{minutes}m{seconds}s") == ((hours * 60 + minutes) * 60 + seconds) * NANOS


def test_speeds() -> None:
    assert speed("max") == "max"
    assert speed("2.5") == 2.5
    for text in ("0.5", "21", "fast", "nan", "inf"):
        with pytest.raises(ValueError, match="is no speed"):
            speed(text)


def test_contracts_and_months() -> None:
    assert contract(" mnq") == "MNQ"
    with pytest.raises(ValueError, match=r"known are MNQ.*did you mean MNQ"):
        contract("MNQX")
    assert [symbol(text) for text in (" mnq", "btcusdt@Binance", "PF_XBTUSD")] == [
        "MNQ", "BTCUSDT@binance", "PF_XBTUSD",
    ]  # fmt: skip
    for text in ("", "M NX", "[b]", "@binance", "X" * 49):
        with pytest.raises(ValueError, match="is no name of a contract"):
            symbol(text)
    assert timeframe("1H") == "1h"
    assert month("201312") == "201312"
    for text in ("2013", "201313", "190000", "20131a"):
        with pytest.raises(ValueError, match="is no contract month"):
            month(text)
    with pytest.raises(ValueError, match="unknown timeframe"):
        timeframe("7m")


def test_steps_and_timeframes_of_a_search() -> None:
    assert timeframes("15m, 5M,5m") == ("5m", "15m")
    assert [stage(word) for word in ("find", "Backtest", "analyze", "full")] == [
        "find", "test", "analyse", "all"
    ]  # fmt: skip
    for wrong in (timeframes, stage):
        with pytest.raises(ValueError, match=r"unknown timeframe|is no step"):
            wrong("7m")
    with pytest.raises(ValueError, match="no timeframe is named"):
        timeframes(" ,")


def test_options_that_shape_the_practice_venue_are_known() -> None:
    assert RunOptions(readonly=True, fps=5, duration_ns=1, record=True).practice_only() == ()
    assert RunOptions(seed=0, speed="max", rate=2.0, fresh=True).practice_only() == (
        "--seed",
        "--speed",
        "--rate",
        "--fresh",
    )
    assert RunOptions(faults=("halt",)).practice_only() == ("--fault",)
