"""Settings that are read again, as files: what is taken, what waits, and that nothing is taken by halves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.changed_settings import drawn, keys_of
from tests.torture.reloads import ReloadTally, change_files
from tests.tstream.conftest import Reading
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.settings.merging import merge
from tstream.settings.problems import walk

BASE = """
trading = "paper"
contracts = ["MNQ", "MES"]
sizing = { kind = "risk", usd = 100 }
[risk]
max_trades = 20
[venues.one]
kind = "topstepx"
accounts = [{ name = "A" }, { name = "B", copy_ratio = 2 }]
[venues.one.risk]
max_contracts = 4
[[paper]]
name = "paper"
[[bots]]
name = "mine"
strategy = "zones"
max_trades = 3
[rooms.alpha]
channels = [1]
authors = [2]
"""
LOGIN = "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-key-1\nTSTREAM_DISCORD_TOKEN=canary-token\n"


@pytest.mark.parametrize(
    ("old", "new", "changes", "waiting"),
    [
        ("max_trades = 20", "max_trades = 7", ["risk.max_trades 20 → 7"], []),
        ("max_trades = 20", "", ["risk.max_trades 20 → 40"], []),
        ("max_contracts = 4", "max_contracts = 9", ["venues.one.risk.max_contracts 4 → 9"], []),
        ("max_contracts = 4", "", ["venues.one.risk.max_contracts 4 → 5"], []),
        ("copy_ratio = 2", "copy_ratio = 3", ["venues.one.accounts.B.copy_ratio 2 → 3"], []),
        (
            "usd = 100",
            "usd = 50",
            ['sizing {"kind": "risk", "usd": "100"} → {"kind": "risk", "usd": "50"}'],
            [],
        ),
        ("max_trades = 3", "max_trades = 4", ["bots.mine.max_trades 3 → 4"], []),
        ("authors = [2]", "authors = [2, 3]", ["rooms.alpha.authors [2] → [2, 3]"], []),
        ("authors = [2]", "authors = [2]\nsize_c = 2", ["rooms.alpha.size_c 1 → 2"], []),
        ('"MNQ", "MES"', '"MNQ"', [], ["contracts"]),
        ('trading = "paper"', 'trading = "live"', [], ["trading"]),
        ('name = "mine"', 'name = "other"', [], ["bots"]),
        ("[rooms.alpha]", "[rooms.beta]", [], ["rooms.alpha", "rooms.beta"]),
        ('{ name = "A" }, ', "", [], ["venues.one.accounts"]),
        (
            "max_trades = 20",
            "max_trades = 7\nsingle_contract = 'hold'",
            ["risk.max_trades 20 → 7"],
            ["risk.single_contract"],
        ),
    ],
)
def test_what_a_change_of_the_file_comes_to(
    reading: Reading, old: str, new: str, changes: list[str], waiting: list[str]
) -> None:
    before = reading(BASE, LOGIN).settings
    assert BASE.count(old) == 1
    found = merge(before, reading(BASE.replace(old, new)).settings)
    assert [one.words for one in found.changes] == changes
    assert list(found.waiting) == waiting


def test_a_key_that_is_exchanged_is_told_without_its_value(reading: Reading) -> None:
    before = reading(BASE, LOGIN).settings
    found = merge(before, reading("", LOGIN.replace("key-1", "key-2")).settings)
    assert [(one.key, one.was, one.now) for one in found.changes] == [("projectx.key", "", "")]
    assert found.settings.projectx.key.get_secret_value() == "canary-key-2"
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "taken"), [("binance", True), ("bybit", True), ("kraken", False), ("coinbase", True)]
)
def test_a_key_is_exchanged_where_the_account_is_known_apart_from_it(
    reading: Reading, kind: str, taken: bool
) -> None:
    toml = f'[venues.mine]\nkind = "{kind}"\n'
    keys = "TSTREAM_VENUES__MINE__KEY={0}\nTSTREAM_VENUES__MINE__SECRET={0}\n"
    found = merge(reading(toml, keys.format("one")).settings, reading("", keys.format("two")).settings)
    assert bool(found.changes) is taken
    assert bool(found.waiting) is not taken


def test_a_login_neither_comes_nor_goes(reading: Reading, places: Paths) -> None:
    """It decides where the venue is: practice or live."""
    toml = '[venues.mine]\nkind = "binance"\n'
    keys = "TSTREAM_VENUES__MINE__KEY=one\nTSTREAM_VENUES__MINE__SECRET=two\n"
    with_key = reading(toml, keys).settings
    without = reading("", "# none\n").settings
    for before, after in ((with_key, without), (without, with_key)):
        found = merge(before, after)
        assert found.settings.venues["mine"].place is before.venues["mine"].place
        assert found.settings.trading is before.trading
        assert "venues.mine.key" in found.waiting


def test_what_goes_with_something_that_waits_is_refused_whole(reading: Reading) -> None:
    """A daily loss that only fits another account's limit, which waits with its account."""
    before = reading("[risk]\nper_trade_usd = 100\n[venues.practice.risk]\nper_trade_usd = 700\n").settings
    after = '[risk]\ndaily_loss_usd = 600\nper_trade_usd = 100\n[venues.other]\nkind = "practice"\n'
    with pytest.raises(SettingsError, match="waits for the next start"):
        merge(before, reading(after).settings)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=set(Phase) - {Phase.shrink},
)
@given(first=drawn(), second=drawn())
def test_never_half_of_any_file(places: Paths, first: dict[str, Any], second: dict[str, Any]) -> None:
    change_files(places.config, ReloadTally(), first, second)


def test_the_drawn_keys_are_keys(reading: Reading) -> None:
    known = dict(walk(type(reading("").settings)))
    assert set(keys_of()) <= set(known)
