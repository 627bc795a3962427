"""JSON bots: what a file comes to in the settings, and every complaint with its path and remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.model.bots import BotConfig
from engine.model.config import PaperConfig, TradingSwitch
from engine.model.sizing import ByEquityNotional
from engine.strategies.indicators.entries import RsiBbVolume
from engine.strategies.indicators.exits import PercentExit, TrailingExit
from tests.docs.pages import DOCS
from tstream.botfiles.load import load_bots
from tstream.botfiles.schema import text as schema_text
from tstream.cli import call
from tstream.convert.bots import bots
from tstream.convert.risk import paper_books
from tstream.errors import Problem, SettingsError
from tstream.paths import Paths

GOOD: dict[str, Any] = {
    "broker": {"type": "mock", "initial_balance": 100000, "commission": 0.001},
    "trading": {
        "symbol": "MNQ",
        "position_size": 0.5,
        "max_positions": 2,
        "max_drawdown_pct": 20.0,
        "max_exposure": 1.5,
    },
    "data": {"data_source": "practice", "symbol": "mnq", "interval": "15m"},
    "strategy": {
        "type": "custom",
        "entry_logic": {
            "name": "RSIBBVolumeEntryMixin",
            "params": {"e_rsi_period": 10, "e_rsi_oversold": 25, "e_bb_period": 30, "e_bb_dev": 2.5},
        },
        "exit_logic": {"name": "RSIBBExitMixin", "params": {"x_rsi_period": 10, "x_rsi_overbought": 80}},
        "position_size": 0.5,
    },
    "risk_management": {
        "stop_loss_pct": 1.5,
        "take_profit_pct": 3.0,
        "trailing_stop": {"enabled": True, "activation_pct": 1.0, "trailing_pct": 0.5},
        "max_daily_trades": 10,
        "max_daily_loss": 50.0,
    },
}

Change = Callable[[dict[str, Any]], object]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of a bot, with changes to the good one."""

    def make(*changes: Change, name: str = "0001.json") -> Path:
        said = deepcopy(GOOD)
        for change in changes:
            change(said)
        path = tmp_path / name
        path.write_text(json.dumps(said), encoding="utf-8")
        return path

    return make


def problems(places: Paths, *files: Path) -> list[Problem]:
    try:
        load_bots(places, None, files)
    except SettingsError as error:
        return list(error.problems)
    return []


def put(path: str, value: Any) -> Change:
    """Set a key, whatever stands there; sections on the way are made."""
    *sections, name = path.split(".")

    def change(said: dict[str, Any]) -> None:
        for section in sections:
            said = said.setdefault(section, {})
        said[name] = value

    return change


def drop(path: str) -> Change:
    *sections, name = path.split(".")

    def change(said: dict[str, Any]) -> None:
        for section in sections:
            said = said[section]
        del said[name]

    return change


def test_a_file_is_a_bot_and_a_book_of_the_settings(places: Paths, write: Write) -> None:
    loaded, _ = load_bots(places, None, [write()])
    settings = loaded.settings
    [bot] = bots(settings)
    assert (bot.name, bot.config.instruments, bot.config.books) == ("0001", ("MNQ",), ("0001",))
    assert bot.config.sizing == ByEquityNotional(Decimal(50))
    assert (bot.config.max_open, bot.config.plans_per_contract, bot.config.max_trades) == (2, 2, 10)
    config = bot.strategy.config  # type: ignore[attr-defined]
    assert config.timeframe == "15m"
    assert config.entry == RsiBbVolume(rsi_length=10, oversold=25, bb_length=30, bb_deviations=2.5)
    percent, trailing = config.exits[1:]
    assert percent == PercentExit(stop_pct=1.5, target_pct=3.0)
    assert trailing == TrailingExit(trail_pct=0.5, activation_pct=1.0)
    [book] = paper_books(settings)
    assert (book.name, book.bots) == ("0001", ("0001",))
    assert book.paper == PaperConfig(Decimal(100_000), commission_percent=Decimal("0.1"), currency="USD")
    risk = book.risk
    assert (risk.daily_loss_usd, risk.risk_per_trade_usd) == (Decimal(50), Decimal("47.50"))
    assert (risk.max_drawdown_percent, risk.max_exposure_percent) == (Decimal(20), Decimal(150))
    assert (risk.max_trades, risk.max_open_trades, risk.plans_per_contract) == (10, 2, 2)
    assert (settings.trading, settings.contracts) == (TradingSwitch.LIVE, ("MNQ",))
    assert list(settings.active) == ["practice"]


def test_a_file_without_limits_has_those_of_the_engine_only(places: Paths, write: Write) -> None:
    path = write(
        drop("risk_management"), put("risk_management.stop_loss_pct", 2), drop("trading.max_exposure")
    )
    [book] = paper_books(load_bots(places, None, [path])[0].settings)
    assert (book.risk.daily_loss_usd, book.risk.max_exposure_percent) == (Decimal(0), Decimal(0))
    assert book.risk.risk_per_trade_usd == 100_000


def test_bots_of_the_settings_stay_and_trade_in_no_book_of_a_file(places: Paths, write: Write) -> None:
    places.settings_file.write_text('contracts = ["ES"]\n[[bots]]\nname = "old"\n', encoding="utf-8")
    settings = load_bots(places, None, [write()])[0].settings
    assert [bot.name for bot in bots(settings)] == ["old", "0001"]
    assert settings.contracts == ("ES", "MNQ")
    [book] = paper_books(settings)
    assert not book.takes("old")
    assert BotConfig("old", "zones").trades("0001")  # it would go to every book, but this one takes it not


def test_a_folder_is_all_its_files(places: Paths, write: Write, tmp_path: Path) -> None:
    write(name="b.json"), write(name="a.json")
    _, tables = load_bots(places, None, [tmp_path])
    assert [one.name for one in tables.bots] == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        (
            [drop("broker")],
            "broker: is needed: an object with type, book, initial_balance",
            'add "broker"',
        ),
        ([drop("trading.symbol")], "trading.symbol: is needed: a symbol such as", 'add "symbol"'),
        ([put("trading.position_size", 0)], "trading.position_size = 0: must be a number above 0", "write a"),
        ([put("trading.position_size", True)], "trading.position_size = true: must be a number", "write a"),
        ([put("trading.position_size", "much")], 'trading.position_size = "much": must be a number', "write"),
        (
            [put("trading.max_positions", 99)],
            "trading.max_positions = 99: must be a whole number from 1 to 20",
            "",
        ),
        ([put("trading", [])], "trading = []: must be an object with symbol,", "write an object"),
        ([put("data.interval", "7m")], 'data.interval = "7m": must be one of 1m, 2m, 3m,', "write one of 1m"),
        ([put("data.symbol", "ES")], 'data.symbol = "ES": differs from trading.symbol (MNQ)', 'write "MNQ"'),
        (
            [put("data.lookback_bars", 20)],
            "data.lookback_bars = 20: is too short: its indicators need 31 bars",
            "write at least 31",
        ),
        (
            [put("data.data_source", "nasdaq")],
            'data.data_source = "nasdaq": is no venue that',
            "write one of practice",
        ),
        (
            [put("broker.type", "bank")],
            'broker.type = "bank": is no broker',
            "write one of mock, practice, practice_p",
        ),
        (
            [put("broker.type", "topstepx_paper")],
            'broker.type = "topstepx_paper": fills at topstepx, and data.data_source is practice',
            'write "data_source": "topstepx"',
        ),
        (
            [put("trading.symbol", "AAPL"), drop("data.symbol")],
            'trading.symbol = "AAPL": is no contract that',
            "write one of",
        ),
        (
            [put("strategy.position_size", 0.4)],
            "strategy.position_size = 0.4: differs from trading.posi",
            "leave one",
        ),
        (
            [drop("strategy.position_size"), drop("trading.position_size")],
            "trading.position_size: is needed",
            'add "position_size"',
        ),
        (
            [put("trading.max_exposure", 0.4)],
            "trading.position_size = 0.5: is more than trading.max_exp",
            "at most 0.4",
        ),
        (
            [put("strategy.entry_logic.name", "MACD")],
            'strategy.entry_logic.name = "MACD": is no entry',
            "RSIBBEntryMixin",
        ),
        (
            [put("strategy.exit_logic.name", "RSIBBEntryMixin")],
            'strategy.exit_logic.name = "RSIBBEntryMixin": is no exit',
            "write one of RSIBBExitMixin, ATRExitMixin,",
        ),
        (
            [put("strategy.entry_logic.params.e_rsi_period", 1)],
            "strategy.entry_logic.params.e_rsi_period = 1: must be a whole number, at least 2, at most 200",
            "write a whole number, at least 2, at most 200",
        ),
        (
            [put("strategy.entry_logic.params.e_macd", 3)],
            "strategy.entry_logic.params.e_macd: is no parameter of RSIBBVolumeEntryMixin",
            "leave it out; there are rsi_length, oversold,",
        ),
        (
            [put("strategy.entry_logic.params.rsi_length", 9)],
            "strategy.entry_logic.params.rsi_length = 9: says rsi_length a second time",
            "leave one of them out",
        ),
        (
            [drop("strategy.entry_logic")],
            "strategy.entry_logic: is needed where the strategy is custom",
            "add one of",
        ),
        (
            [put("strategy.exit_logic", {"name": "ATRExitMixin"}), drop("risk_management.take_profit_pct")],
            "risk_management.stop_loss_pct = 1.5: stands beside ATRExitMixin, which sets stop and target",
            "leave one of the two out",
        ),
        (
            [drop("risk_management.stop_loss_pct")],
            "risk_management.stop_loss_pct: goes with take_profit_pct",
            'add "stop_loss_pct"',
        ),
        (
            [drop("risk_management")],
            "risk_management.stop_loss_pct: is needed: without it a trade has no",
            "add",
        ),
        (
            [put("strategy.exit_logic", {"name": "TrailingStopExitMixin"})],
            "risk_management.trailing_stop: stands beside TrailingStopExitMixin",
            "leave one of the two out",
        ),
        (
            [put("strategy.type", "magic")],
            'strategy.type = "magic": is no strategy',
            "write one of custom, indic",
        ),
        (
            [put("strategy.type", "zones"), put("strategy.params", {"speed": 3})],
            "strategy.params.speed: is no parameter of zones",
            "there are",
        ),
        (
            [put("strategy.type", "zones"), put("strategy.params", {"min_score": 11})],
            "strategy.params.min_score = 11: must be a number from 0 to 10",
            "correct it",
        ),
        (
            [put("strategy.params", {"a": 1})],
            "strategy.params: is for strategies that are not custom",
            "move them",
        ),
        (
            [put("notifications.telegram", {"enabled": True})],
            "notifications.telegram.enabled = true: asks for news that no channel brings",
            "TSTREAM_NOTIFY_TELEGRAM_TOKEN",
        ),
        (
            [put("notifications.telegram", {"notify_on": ["trades"]})],
            'notifications.telegram.notify_on[0] = "trades": must be a list of start, stop,',
            "write a list of",
        ),
        (
            [put("logging.log_file", "/etc/passwd")],
            'logging.log_file = "/etc/passwd": must be a file below',
            "",
        ),
        ([put("logging.log_file", "../../x")], 'logging.log_file = "../../x": must be a file below', ""),
        ([put("colour", 1)], "colour = 1: unknown key; there are name, description,", "leave it out"),
        (
            [put("trading.stop_loss_pct", 1)],
            "trading.stop_loss_pct = 1: unknown key",
            "move it to risk_management.stop",
        ),
        (
            [put("trading.max_position", 1)],
            "trading.max_position = 1: unknown key",
            'call it "max_positions"',
        ),
        (
            [put("broker.api_key", "canary-7")],
            "broker.api_key = **********: is no place for a secret",
            "take it out",
        ),
        ([put("name", "My Bot")], 'name = "My Bot": must be a short name', "write a short name"),
    ],
)
def test_what_is_wrong_is_told_with_its_path_and_its_remedy(
    places: Paths, write: Write, changes: list[Change], said: str, remedy: str
) -> None:
    path = write(*changes)
    [found] = problems(places, path)
    assert found.origin == f"{path}"
    assert str(found).startswith(said)
    assert remedy in found.remedy
    assert found.remedy


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "is no valid JSON at line 1, column 2"),
        (b'{"broker": {"type": "mock", "type": "binance"}}', "broker.type: stands there twice"),
        (b"[]", "must be a JSON object"),
        (b"\xff", "is no UTF-8 at byte 0"),
        (b'{"trading": {"position_size": NaN}}', "NaN is no number"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested too deeply"),
        (b" " * 1_000_001, "is larger than 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_bot_is_told_and_no_traceback(
    places: Paths, tmp_path: Path, raw: bytes, said: str
) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(raw)
    [found] = problems(places, path)
    assert said in str(found)


def test_everything_is_told_at_once_over_all_files(places: Paths, write: Write) -> None:
    one = write(put("trading.position_size", -1), put("data.interval", "9m"), put("x", 1), name="one.json")
    two = write(put("data.symbol", "ES"), drop("risk_management"), name="two.json")
    found = [
        (Path(problem.origin).name, problem.key)
        for problem in problems(places, one, two, one.with_name("no"))
    ]
    assert found == [
        ("one.json", "trading.position_size"),
        ("one.json", "data.interval"),
        ("one.json", "x"),
        ("no", ""),
        ("two.json", "data.symbol"),
        ("two.json", "risk_management.stop_loss_pct"),
    ]


@pytest.mark.parametrize(
    ("toml", "key", "remedy"),
    [
        ('trading = "off"', "broker.type", 'set trading = "paper" in tstream.toml'),
        ('[[bots]]\nname = "0001"', "name", 'add another "name"'),
        ('[[paper]]\nname = "0001"', "name", 'add another "name"'),
    ],
)
def test_what_does_not_go_with_the_settings_is_told(
    places: Paths, write: Write, toml: str, key: str, remedy: str
) -> None:
    places.settings_file.write_text(toml, encoding="utf-8")
    [found] = problems(places, write())
    assert (found.key, found.remedy) == (key, remedy)


def test_two_files_of_one_name_are_refused(places: Paths, write: Write) -> None:
    [found] = problems(places, write(), write(put("name", "0001"), name="b.json"))
    assert (found.key, found.remedy) == ("name", 'give one of them another "name"')


def test_the_command_prints_a_line_each_and_fails(
    write: Write, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    good, bad = write(), write(put("x", 1), put("broker.key", "canary-8"), name="bad.json")
    assert call(["bot", "check", str(good)]) == 0
    assert "0001 trades MNQ on 15m bars of a market of tstream's own" in capsys.readouterr().out
    assert call(["bot", "check", str(good), str(bad)]) == 1
    out = capsys.readouterr().out
    assert out.count("✗") == 2
    assert "→ leave it out" in out
    assert "canary" not in out
    assert "2 problems" in out


def paths_of(said: dict[str, Any], before: str = "") -> list[str]:
    found = [before + name for name in said]
    inner = ((name, one) for name, one in said.items() if isinstance(one, dict))
    return found + [path for name, one in inner for path in paths_of(one, f"{before}{name}.")]


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["mock", "practice", "1m", "MNQ", "RSIBBEntryMixin", "zones", "../x", "1e400", "9" * 40]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(paths_of(GOOD)), ODD, min_size=1, max_size=2))
def test_whatever_stands_in_a_file_is_a_bot_or_a_problem(
    places: Paths, write: Write, odd: dict[str, Any]
) -> None:
    try:
        path = write(*(put(key, value) for key, value in sorted(odd.items(), reverse=True)))
    except (AttributeError, TypeError):
        assume(False)  # what the one would be put into is no object any more
    for found in problems(places, path):
        assert found.message
        assert found.remedy
        assert "\n" not in f"{found}"


def test_the_schema_is_that_of_the_page() -> None:
    assert (DOCS / "json-bot.schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "the cockpit needs a terminal"),
        (("--headless", "--speed", "max"), "--speed max has one book for all bots"),
        (("--headless", "--venue", "mars"), "no venue is called mars"),
    ],
)
def test_a_run_that_can_not_be_is_told(
    write: Write, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert call(["bot", "run", str(write()), *more]) == 2
    assert said in capsys.readouterr().err


def test_a_run_with_a_bad_file_starts_nothing(
    write: Write, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    path = write(put("x", 1))
    assert call(["bot", "run", str(path), "--headless"]) == 2
    assert "x = 1: unknown key" in capsys.readouterr().err
    assert not (home / "data" / "practice").exists()
