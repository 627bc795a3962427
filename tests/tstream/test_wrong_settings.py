"""What is said about settings that can't be right: one line each, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tstream.venues.known import ours

Complaints = Callable[..., list[str]]


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
