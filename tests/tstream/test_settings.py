"""Settings: what is taken from where, and what is said about settings that can't be right."""

from __future__ import annotations

import re
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
from tstream.venues.known import ours

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


# What stands in tstream.toml, and the line about it without the file's name.
BAD = {
    "unknown key": (
        "[risk]\ndayly_loss_usd = 5",
        "risk.dayly_loss_usd = 5: unknown key; did you mean risk.daily_loss_usd?",
    ),
    "key of another section": (
        '[venues.topstepx]\ntrading = "live"',
        'venues.topstepx.trading = "live": unknown key; did you mean trading (above the first [section])?',
    ),
    "unknown section": ("[riks]\nx = 1", "riks: unknown key; did you mean [risk]?"),
    "section of another program": (
        '[telegram]\nbot = "canary-bot"',
        "telegram: unknown key; docs/configuration.md lists all keys",
    ),
    "wrong type": ('[ui]\nfps = "fast"', 'ui.fps = "fast": must be a whole number from 1 to 30'),
    "bool for a number": (
        "[risk]\nmax_trades = true",
        "risk.max_trades = true: must be a whole number from 1 to 1000, or off",
    ),
    "number for a bool": ("[ui]\nbell = 7", "ui.bell = 7: must be true or false"),
    "unknown timeframe": (
        '[ui]\ntimeframes = ["5m", "7m"]',
        'ui.timeframes[1] = "7m": must be a list of 1m, 2m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 1d',
    ),
    "text for a section": ('log = "loud"', 'log = "loud": is a section: write [log] and its keys below it'),
    "out of bounds": (
        "[risk]\ndaily_loss_usd = -800",
        "risk.daily_loss_usd = -800: must be a number above 0, or off",
    ),
    "not a number": (
        "[risk]\nstale_seconds = nan",
        "risk.stale_seconds = NaN: must be a number from 1 to 600",
    ),
    "unknown choice": ('trading = "on"', 'trading = "on": must be one of off, paper, live'),
    "unknown contract": (
        'contracts = ["MNQ", "MNX"]',
        'contracts[1] = "MNX": unknown contract; known are MNQ, NQ, MES, ES, MGC, GC',
    ),
    "contract twice": ('contracts = ["MNQ", "mnq"]', 'contracts = "MNQ": names a contract twice'),
    "no contract": (
        "contracts = []",
        "contracts = []: must be a list of MNQ, NQ, MES, ES, MGC, GC, or of what the venues list",
    ),
    "unknown contract beside one of your own": (
        'contracts = ["MNX"]\n[instruments.CL]\nkind = "future"\ntick_size = 0.01\ntick_value_usd = 10\n'
        'currency = "USD"\ncalendar = "cme"\nfee_usd = 1.4\ncommission_usd = 0',
        'contracts[0] = "MNX": unknown contract; known are MNQ, NQ, MES, ES, MGC, GC, CL',
    ),
    "costs of an unknown contract": (
        "[instruments.EX]\nfee_usd = 1",
        "instruments.EX: is in no table of tstream's (MNQ, NQ, MES, ES, MGC, GC), so all of it has to be "
        "said: kind is missing",
    ),
    "half of a new instrument": (
        '[instruments.BTCUSDT]\nkind = "perpetual"\ntick_size = 0.1\ncurrency = "USDT"\nmaker_percent = 0.02',
        "instruments.BTCUSDT: is in no table of tstream's (MNQ, NQ, MES, ES, MGC, GC), so all of it has to "
        "be said: lot_size, base, calendar, least_notional, taker_percent are missing",
    ),
    "inverse contract": (
        '[instruments.XBTUSD]\nkind = "perpetual"\ntick_size = 0.5\nlot_size = 1\ncurrency = "BTC"\n'
        'base = "BTC"\ncalendar = "always"\nleast_notional = 0\nmaker_percent = 0\ntaker_percent = 0.05',
        'instruments.XBTUSD.currency = "BTC": is BTC, which one unit is of: an inverse contract, settled in '
        "its own coin, is worth 1/price and is not traded; take the one that is settled in USD, USDT or USDC",
    ),
    "a coin at two venues": (
        'contracts = ["BTC-USDT"]\n[venues.alpha]\nkind = "practice"\n[venues.beta]\nkind = "practice"\n'
        '[instruments.BTC-USDT]\nkind = "spot"\ntick_size = 0.1\nlot_size = 0.0001\ncurrency = "USDT"\n'
        'base = "BTC"\ncalendar = "always"\nleast_notional = 5\nmaker_percent = 0\ntaker_percent = 0.1',
        'contracts = "BTC-USDT": is another market at each of alpha, beta: name it BTC-USDT@alpha or '
        "BTC-USDT@beta",
    ),
    "no name of an instrument": (
        "[instruments.'a b']\nfee_usd = 1",
        'instruments.a b: must be a name such as "MNQ" or "BTCUSDT@binance"',
    ),
    "no calendar": (
        '[instruments.ES]\ncalendar = "nyse"',
        'instruments.ES.calendar = "nyse": must be one of cme, always, us_equities',
    ),
    "unknown cost": (
        "[instruments.ES]\nfee = 1",
        "instruments.ES.fee = 1: unknown key; did you mean instruments.ES.fee_usd?",
    ),
    "negative cost": (
        "[instruments.ES]\nfee_usd = -1",
        "instruments.ES.fee_usd = -1: must be a number from 0 to 100",
    ),
    "risk above the day's limit": (
        "[risk]\nper_trade_usd = 900",
        "risk.per_trade_usd = 900: must be below risk.daily_loss_usd (800)",
    ),
    "nought for off": (
        "[risk]\nmax_trades = 0",
        "risk.max_trades = 0: must be a whole number from 1 to 1000, or off",
    ),
    "nought for a limit that is off": (
        "[risk]\nmax_loss_usd = 0",
        "risk.max_loss_usd = 0: must be a number above 0, or off",
    ),
    "bands in the wrong order": (
        "[risk]\nwarn_percent = 85",
        "risk.warn_percent = 85: must be at most risk.reduce_percent (80)",
    ),
    "acting before reducing": (
        "[risk]\nact_percent = 70",
        "risk.reduce_percent = 80: must be at most risk.act_percent (70)",
    ),
    "unknown preset": (
        '[risk]\naccount_preset = "topstep_25k"',
        (
            'risk.account_preset = "topstep_25k": must be one of auto, none, topstep_50k, topstep_100k, '
            "topstep_150k, topstep_50k_dll, topstep_100k_dll, topstep_150k_dll, topstep_xfa_50k, "
            "topstep_xfa_100k, topstep_xfa_150k"
        ),
    ),
    "no sizes": (
        '[risk]\nminis_by_profit = { "1500" = 0 }',
        'risk.minis_by_profit = {"1500": 0}: must be a table of profits in USD and minis',
    ),
    "no profits": (
        "[risk]\nminis_by_profit = { much = 3 }",
        'risk.minis_by_profit = {"much": 3}: must be a table of profits in USD and minis',
    ),
    "a stop that trails too closely": (
        "[risk]\ntrail_ticks = 2",
        "risk.trail_ticks = 2: must be a whole number from 4 to 1000, or off",
    ),
    "entries after the flatten": (
        "[risk]\nflatten_minutes = 20",
        (
            "risk.no_entry_minutes = 15: must be at least risk.flatten_minutes (20), or entries "
            "would be flattened at once"
        ),
    ),
    "second target before the first": (
        "[strategy]\nsecond_target_r = 1.5",
        (
            "strategy.second_target_r = 1.5: must be above risk.reward_to_risk_min (1.5), which is "
            "the first target's"
        ),
    ),
    "half a window": (
        '[risk]\nhours_start = "08:30"',
        "risk.hours_end: is needed where risk.hours_start is set",
    ),
    "empty window": (
        '[risk]\nhours_start = "08:30"\nhours_end = "08:30"',
        'risk.hours_end = "08:30": must differ from risk.hours_start (08:30)',
    ),
    "no time of day": (
        '[risk]\nhours_start = "24:00"\nhours_end = "08:30"',
        'risk.hours_start = "24:00": must be a time of day in hours and minutes, such as "08:30"',
    ),
    "no time zone": (
        '[risk]\nhours_zone = "Mars/Base"',
        ('risk.hours_zone = "Mars/Base": must be a time zone such as "Europe/Helsinki" or "America/Chicago"'),
    ),
    "unknown kind of venue": (
        '[venues.mine]\nkind = "topstep"',
        f'venues.mine.kind = "topstep": must be one of {", ".join(ours())}',
    ),
    "a venue of no kind": (
        "[venues.mine]",
        f"venues.mine.kind: is needed: one of {', '.join(ours())}, or a kind of another package's",
    ),
    "gateway without address": (
        "[venues.projectx]",
        'venues.projectx.api_url: is needed where kind is "projectx", and so is venues.NAME.rtc_url',
    ),
    "address of a known gateway": (
        '[venues.topstepx]\napi_url = "https://api.example.com"',
        (
            'venues.topstepx.api_url = "https://api.example.com": is known for topstepx: leave it out, or '
            'set kind to "projectx"'
        ),
    ),
    "unprotected address": (
        '[venues.projectx]\napi_url = "http://api.example.com"\nrtc_url = "http://127.0.0.1:9"',
        (
            'venues.projectx.api_url = "http://api.example.com": must begin with https://, or the key would '
            "travel readable (http only on this machine)"
        ),
    ),
    "no address": (
        '[venues.projectx]\napi_url = "api.example.com"\nrtc_url = "https://rtc.example.com"',
        'venues.projectx.api_url = "api.example.com": must be a URL such as "https://api.example.com"',
    ),
    "one address of two": (
        '[venues.projectx]\napi_url = "https://api.example.com"',
        'venues.projectx.rtc_url: is needed where kind is "projectx"',
    ),
    "mail without addresses": (
        '[notify]\nmail_server = "mail.example.com"',
        "notify.mail_from: is needed where notify.mail_server is set, and so is notify.mail_to",
    ),
    "a label that is too long": (
        f'[notify]\nlabel = "{"x" * 41}"',
        f'notify.label = "{"x" * 41}": must be text of at most 40 characters',
    ),
    "misspelt secret": (
        '[discord]\ntokn = "canary-key-7"',
        "discord.tokn = **********: unknown key; did you mean TSTREAM_DISCORD_TOKEN in .env or the "
        "environment?",
    ),
    "misspelt login": (
        '[projectx]\nkeyy = "canary-key-8"',
        "projectx.keyy = **********: belongs in .env or the environment, as TSTREAM_PROJECTX_KEY",
    ),
    "misspelt section of the login": (
        '[projctx]\nkey = "canary-key-9"',
        "projctx: unknown key; did you mean TSTREAM_PROJECTX_USER and TSTREAM_PROJECTX_KEY in .env or the "
        "environment?",
    ),
    "secret in the wrong place": (
        '[projectx]\nkey = "canary-key-1"',
        "projectx.key = **********: belongs in .env or the environment, as TSTREAM_PROJECTX_KEY",
    ),
}


@pytest.mark.parametrize(("toml", "line"), BAD.values(), ids=BAD)
def test_each_mistake_is_one_clear_line(complaints: Complaints, toml: str, line: str) -> None:
    assert complaints(toml) == [f"{line} (in ~/tstream.toml)"]


def test_what_a_file_may_not_hold_is_not_offered_for_it(complaints: Complaints) -> None:
    (line,) = complaints("[discord]\nzzzz = 1")
    assert line == "discord.zzzz = 1: unknown key; known here: api_url, gateway_url (in ~/tstream.toml)"


def test_broken_toml_names_file_and_place(complaints: Complaints) -> None:
    (line,) = complaints("trading = off")
    assert re.fullmatch(r"no valid TOML: .*line 1.* \(in ~/tstream\.toml\)", line)


def test_all_mistakes_are_told_at_once(complaints: Complaints) -> None:
    lines = complaints('trading = "on"\n[risk]\nmax_trades = 0\nfoo = 1', "TSTREAM_UI_FPS=99")
    assert [line.split(" =")[0] for line in lines] == ["trading", "risk.max_trades", "risk.foo", "ui.fps"]
    assert lines[-1] == 'ui.fps = "99": must be a whole number from 1 to 30 (in TSTREAM_UI_FPS in ~/.env)'


def test_a_bad_key_does_not_blame_the_defaults_that_follow_from_it(complaints: Complaints) -> None:
    assert len(complaints('[venues.practice]\nkind = "nowhere"\n[ui]\npreset = "fast"')) == 2


def test_variables_nobody_reads_are_mistakes(complaints: Complaints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_RISKS_MAX_TRADES", "3")
    misspelt, secret = complaints(dotenv="TSTREAM_PROJECTX_KEYY=canary-key-2\nOTHER=1")
    assert misspelt == (
        "TSTREAM_RISKS_MAX_TRADES: unknown setting; did you mean TSTREAM_RISK_MAX_TRADES? "
        "(in the environment)"
    )
    assert secret == (
        "projectx.keyy = **********: unknown key; did you mean TSTREAM_PROJECTX_KEY in .env or the "
        "environment? (in TSTREAM_PROJECTX_KEYY in ~/.env)"
    )


def test_a_table_in_a_variable_must_be_json(complaints: Complaints) -> None:
    assert complaints(dotenv="TSTREAM_UI_KEYMAP={pause") == [
        "TSTREAM_UI_KEYMAP: must hold a table as JSON, or set its keys one by one (in ~/.env)"
    ]


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
