"""Settings: what is taken from where."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.config import TradingSwitch
from engine.model.instrument import CME_FUTURES
from tests.support.instruments import PERPETUAL, SHARE, SPOT
from tests.tstream.conftest import Reading
from tstream.convert.notify import notify_config
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.run.virtual import virtual_core
from tstream.settings.load import load, require_credentials
from tstream.settings.model import Settings
from tstream.settings.problems import nearest, shown, variable, walk

Complaints = Callable[..., list[str]]


def test_nothing_set_is_the_practice_venue_with_trading_on(reading: Reading) -> None:
    loaded = reading()
    assert loaded.file is None
    assert loaded.settings.practice
    assert loaded.settings.trading is TradingSwitch.LIVE
    assert loaded.settings.contracts == ("MNQ", "NQ", "MES", "ES", "MGC", "GC")
    require_credentials(loaded.settings)


def test_trading_is_off_elsewhere_until_it_is_switched_on(reading: Reading) -> None:
    assert reading("[venues.topstepx]").settings.trading is TradingSwitch.OFF
    assert reading('trading = "live"\n[venues.topstepx]').settings.trading is TradingSwitch.LIVE


def test_environment_beats_dotenv_beats_file(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_RISK_MAX_TRADES", "3")
    settings = reading(
        "[risk]\nmax_trades = 1\nmax_contracts = 1\nslippage_ticks = 4",
        "TSTREAM_RISK_MAX_TRADES=2\nTSTREAM_RISK_MAX_CONTRACTS=2",
    ).settings
    assert (settings.risk.max_trades, settings.risk.max_contracts, settings.risk.slippage_ticks) == (3, 2, 4)


def test_another_settings_file_can_be_named(places: Paths, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('contracts = ["es"]', encoding="utf-8")
    assert load(places, other).settings.contracts == ("ES",)
    with pytest.raises(SettingsError, match="there is no settings file"):
        load(places, tmp_path / "absent.toml")


def test_the_working_folders_dotenv_counts_unless_a_home_is_set(
    places: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TSTREAM_RISK_MAX_TRADES=7\nOTHER_PROGRAM=1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load(places).settings.risk.max_trades == 40
    without_home = Paths(places.config, places.data, places.state, places.runtime)
    assert load(without_home).settings.risk.max_trades == 7


def test_lists_in_the_environment_are_separated_by_commas(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSTREAM_CONTRACTS", "mnq, ES")
    assert reading().settings.contracts == ("MNQ", "ES")


def test_empty_variables_count_as_unset(reading: Reading) -> None:
    settings = reading(dotenv="TSTREAM_PROJECTX_USER=\nTSTREAM_RISK_MAX_TRADES=").settings
    assert settings.risk.max_trades == 40


def test_own_costs_replace_the_built_in_ones(reading: Reading) -> None:
    table = reading(
        'contracts = ["MES", "ES"]\n[instruments.MES]\nfee_usd = 0.62'
    ).settings.instrument_table()
    assert [instrument.symbol for instrument in table] == ["MES", "ES"]
    assert (table[0].fee_usd, table[0].commission_usd) == (Decimal("0.62"), Decimal("0.25"))
    assert table[1].fee_usd == Decimal("1.40")


OTHERS = """
contracts = ["MNQ", "BTCUSDT.p", "ethusdt@Practice", "ACME"]
[instruments."BTCUSDT.P"]
kind = "perpetual"
root = "BTCUSDT"
tick_size = 0.1
lot_size = 0.0001
currency = "USDT"
base = "BTC"
calendar = "always"
least_notional = 5
maker_percent = 0.02
taker_percent = 0.05
margin_percent = 10
[instruments."ETHUSDT@practice"]
kind = "spot"
tick_size = 0.01
lot_size = 0.0001
currency = "USDT"
base = "ETH"
calendar = "always"
least_notional = 5
maker_percent = 0.1
taker_percent = 0.1
[instruments.ACME]
kind = "equity"
tick_size = 0.01
currency = "USD"
calendar = "us_equities"
fee_usd = 0
commission_usd = 0.0035
"""


def test_instruments_of_any_kind_can_be_added(reading: Reading) -> None:
    mnq, btc, eth, acme = reading(OTHERS).settings.instrument_table()
    assert mnq == CME_FUTURES["MNQ"]
    assert btc == replace(PERPETUAL, description="BTCUSDT.P")
    assert eth == replace(SPOT, symbol="ETHUSDT@practice", description="ETHUSDT@practice")
    assert acme == replace(SHARE, description="ACME")


def test_a_coin_counts_as_dollars_where_a_person_says_so(reading: Reading) -> None:
    table = reading('counts_as_usd = "usdt"\n' + OTHERS).settings.instrument_table()
    assert [i.currency for i in table] == ["USD"] * 4


def test_rates_are_exact_and_of_other_currencies_than_dollars(
    reading: Reading, complaints: Complaints
) -> None:
    assert reading("[rates]\neur = 1.08").settings.rates == {"EUR": Decimal("1.08")}
    for wrong in ("EUR = 0", "EUR = -1", 'EUR = "x"', "EUR = true", "USD = 1", "1 = 2", "EUR = inf"):
        [line] = complaints(f"[rates]\n{wrong}")
        assert "rates" in line, wrong


@pytest.mark.parametrize(
    ("toml", "zone"),
    [
        ("", "America/Chicago"),
        ("[venues.binance]", "UTC"),
        ("[venues.practice]\n[venues.binance]", "America/Chicago"),
        ('[venues.binance]\n[ui]\ntimezone = "Europe/Helsinki"', "Europe/Helsinki"),
    ],
)
def test_times_are_told_in_one_zone(reading: Reading, toml: str, zone: str) -> None:
    settings = reading(toml).settings
    assert settings.told_in == zone
    assert notify_config(settings.notify, settings.told_in).zone == zone


def test_a_zone_that_is_none_is_refused(complaints: Complaints) -> None:
    [line] = complaints('[ui]\ntimezone = "Mars/Olympus"')
    assert "ui.timezone" in line
    assert "Europe/Helsinki" in line


def test_the_ssh_preset_draws_less_often_unless_told(reading: Reading) -> None:
    assert reading().settings.ui.fps == 10
    assert reading('[ui]\npreset = "ssh"').settings.ui.fps == 4
    assert reading('[ui]\npreset = "ssh"\nfps = 8').settings.ui.fps == 8


def test_times_of_day_are_read_in_both_ways(reading: Reading) -> None:
    risk = reading('[risk]\nhours_start = 08:30:00\nhours_end = "9:05"').settings.risk
    assert (risk.hours_start, risk.hours_end) == ("08:30", "09:05")


def test_a_byte_order_mark_is_no_mistake(places: Paths) -> None:
    places.settings_file.write_bytes(b'\xef\xbb\xbftrading = "off"\r\n')
    assert load(places).settings.trading is TradingSwitch.OFF


def test_files_that_are_no_text_are_named(places: Paths) -> None:
    places.settings_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="it is not UTF-8 text"):
        load(places)


def test_a_gateway_needs_a_login(reading: Reading) -> None:
    settings = reading("[venues.topstepx]", "TSTREAM_PROJECTX_USER=somebody").settings
    with pytest.raises(SettingsError) as caught:
        require_credentials(settings)
    assert caught.value.lines == (
        'projectx.key: is needed for the venue "topstepx": set TSTREAM_PROJECTX_KEY in .env or the '
        "environment",
    )
    assert caught.value.exit_code == 2


def test_secrets_show_themselves_nowhere(reading: Reading) -> None:
    settings = reading(dotenv="TSTREAM_PROJECTX_KEY=canary-key-3").settings
    assert settings.secret_values() == ("canary-key-3",)
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_are_frozen(reading: Reading) -> None:
    settings = reading().settings
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings.risk, "max_trades", 1)  # noqa: B010 - mypy does not know the keys


def test_every_key_says_what_it_is_and_when_a_change_takes_hold() -> None:
    for key, field in walk(Settings):
        assert field.description, key
        assert isinstance(field.json_schema_extra, dict), key
        assert field.json_schema_extra["reload"] in ("live", "restart"), key


def test_addresses_with_a_password_are_not_shown() -> None:
    assert shown("https://me:hunter2@host") == "**********"
    assert shown("x" * 100) == '"' + "x" * 58 + "…"
    assert shown("\x1b[2J") == '"\\u001b[2J"'


@given(st.sampled_from([key for key, _ in walk(Settings)]), st.data())
def test_a_letter_left_out_is_understood(key: str, data: st.DataObject) -> None:
    section, _, name = key.rpartition(".")
    drop = data.draw(st.integers(0, len(name) - 1))
    misspelt = f"{section}.".lstrip(".") + name[:drop] + name[drop + 1 :]
    known = [known for known, _ in walk(Settings)]
    if len(name) > 6 and misspelt not in known:
        assert key in nearest(misspelt, known)
        assert variable(key) in nearest(misspelt, known, [key])


def test_a_replay_tells_times_as_a_person_wants_them(reading: Reading) -> None:
    settings = reading('[ui]\ntimezone = "Europe/Helsinki"\n[rates]\nEUR = 1.08').settings
    config = virtual_core(settings, (CME_FUTURES["MNQ"],), "tape").config
    assert (config.told_in, config.rates) == ("Europe/Helsinki", {"EUR": Decimal("1.08")})
