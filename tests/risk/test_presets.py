"""Presets are dated data; an account's name is a guess, and an explicit setting wins over both."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from engine.model.limits import RiskLimits
from engine.model.orders import Account, AccountKind, AccountStage
from engine.risk.presets import PRESETS, guess, resolve


def named(name: str) -> Account:
    """An account as the venue would tell of one with this name."""
    kind = AccountKind.PRACTICE if name.startswith("PRAC-") else AccountKind.LIVE
    return Account("1", name, kind, Decimal(50_000), can_trade=True)


@pytest.mark.parametrize(
    ("account", "preset"),
    [
        ("50KTC-V2-645601-97590973", "topstep_50k"),
        ("50KTC-V2-DLL-645601-97590973", "topstep_50k_dll"),
        ("100KTC-V2-645601-1", "topstep_100k"),
        ("150KTC-V2-DLL-645601-1", "topstep_150k_dll"),
        ("150ktc-v2-1", "topstep_150k"),
        ("EXPRESS-V2-50K-1", "topstep_xfa_50k"),
        ("50K-XFA-1", "topstep_xfa_50k"),
        ("EXPRESS-V2-DLL-100K-1", "topstep_xfa_100k"),
        ("PRAC-V2-645601-47191819", "none"),
        ("PRAC-50KTC-1", "none"),
        ("EXPRESS-V2-645601", "none"),
        ("250KTC-V2-1", "none"),
        ("", "none"),
    ],
)
def test_what_a_name_stands_for(account: str, preset: str) -> None:
    assert guess(named(account)) == preset


@pytest.mark.parametrize(
    ("name", "max_loss", "daily", "minis"),
    [
        ("topstep_50k", 2000, 0, 5),
        ("topstep_100k", 3000, 0, 10),
        ("topstep_150k", 4500, 0, 15),
        ("topstep_50k_dll", 2000, 1000, 5),
        ("topstep_100k_dll", 3000, 2000, 10),
        ("topstep_150k_dll", 4500, 3000, 15),
    ],
)
def test_the_firms_numbers(name: str, max_loss: int, daily: int, minis: int) -> None:
    preset = PRESETS[name]
    assert (preset.max_loss_usd, preset.daily_loss_usd) == (Decimal(max_loss), Decimal(daily))
    assert preset.max_minis == minis
    assert preset.size_usd == Decimal(name.split("_")[1].removesuffix("k")) * 1000


@pytest.mark.parametrize(
    ("account", "preset", "stage"),
    [
        ("50KTC-V2-1", "auto", AccountStage.EVAL),
        ("150KTC-DLL-7", "auto", AccountStage.EVAL),
        ("50K-EXPRESS-1", "auto", AccountStage.FUNDED),
        ("XFA-9", "auto", AccountStage.FUNDED),
        ("XFA-9", "topstep_50k", AccountStage.FUNDED),
        ("7731", "topstep_xfa_50k", AccountStage.FUNDED),
        ("7731", "topstep_100k_dll", AccountStage.EVAL),
        ("7731", "auto", None),
        ("50KTC-V2-1", "none", None),
    ],
)
def test_a_name_or_a_preset_says_what_an_account_is_about(
    account: str, preset: str, stage: AccountStage | None
) -> None:
    assert resolve(RiskLimits(account_preset=preset), named(account)).stage is stage
    play = structs.replace(named(account), kind=AccountKind.PRACTICE)
    assert resolve(RiskLimits(account_preset=preset), play).stage is None


def test_every_preset_says_since_when_and_by_whom() -> None:
    assert all(date(2026, 1, 1) <= p.as_of <= date(2026, 12, 31) and p.source for p in PRESETS.values())


def test_a_guess_is_called_one() -> None:
    guessed = resolve(RiskLimits(), named("50KTC-V2-1"))
    assert guessed.preset == "topstep_50k (guessed from the account's name)"
    assert resolve(RiskLimits(account_preset="topstep_100k"), named("50KTC-V2-1")).preset == "topstep_100k"
    assert resolve(RiskLimits(account_preset="none"), named("50KTC-V2-1")).preset == ""


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"max_loss_usd": Decimal(1500)}, "max_loss_usd", Decimal(1500)),
        ({"max_loss_usd": Decimal(0)}, "max_loss_usd", Decimal(0)),
        ({"max_minis": 2}, "max_minis", 2),
        ({"max_minis": 0}, "max_minis", 0),
        ({"firm_daily_loss_usd": Decimal(0)}, "daily_loss_usd", Decimal(800)),
        ({"firm_daily_loss_usd": Decimal(400)}, "daily_loss_usd", Decimal(400)),
        ({"daily_loss_usd": Decimal(0)}, "daily_loss_usd", Decimal(1000)),
        ({"daily_loss_usd": Decimal(1200)}, "daily_loss_usd", Decimal(1000)),
        ({}, "daily_loss_usd", Decimal(800)),
    ],
)
def test_an_explicit_setting_wins(changes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(resolve(RiskLimits(**changes), named("50KTC-V2-DLL-1")), field) == value


@pytest.mark.parametrize(("own", "firms"), [(800, False), (1000, False), (1200, True), (0, True)])
def test_it_is_known_whose_daily_limit_is_the_stricter_one(own: int, firms: bool) -> None:
    limits = RiskLimits(daily_loss_usd=Decimal(own))
    assert resolve(limits, named("50KTC-V2-DLL-1")).firm_daily is firms


@pytest.mark.parametrize(
    ("profit", "minis"), [(-500, 2), (0, 2), (1499, 2), (1500, 3), (1999, 3), (2000, 5), (90_000, 5)]
)
def test_a_funded_account_grows_with_its_profit(profit: int, minis: int) -> None:
    assert resolve(RiskLimits(), named("EXPRESS-V2-50K-1")).minis(Decimal(profit)) == minis


def test_a_size_of_ones_own_is_meant_as_it_is_said() -> None:
    funded = "EXPRESS-V2-50K-1"
    assert resolve(RiskLimits(max_minis=4), named(funded)).minis(Decimal(0)) == 4
    assert resolve(RiskLimits(max_minis=0), named(funded)).minis(Decimal(0)) == 0
    steps = ((Decimal(100), 1), (Decimal(200), 7))
    own = resolve(RiskLimits(minis_by_profit=steps), named(funded))
    assert [own.minis(Decimal(p)) for p in (0, 100, 200)] == [1, 1, 5]


@pytest.mark.parametrize(
    ("account", "balance", "start"),
    [
        ("50KTC-V2-1", "50000", 50_000),
        ("50KTC-V2-1", "48100.50", 50_000),
        ("50KTC-V2-1", "57000", 50_000),
        ("EXPRESS-V2-50K-1", "0", 0),
        ("EXPRESS-V2-50K-1", "-1500", 0),
        ("EXPRESS-V2-50K-1", "9000", 0),
        ("EXPRESS-V2-50K-1", "50400", 50_000),
        ("PRAC-V2-1", "149831.92", "149831.92"),
    ],
)
def test_the_frame_of_a_balance_is_told_by_the_nearer_start(
    account: str, balance: str, start: object
) -> None:
    assert resolve(RiskLimits(), named(account)).start_usd(Decimal(balance)) == Decimal(str(start))
