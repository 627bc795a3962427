"""Every setting reaches the engine: a key that changes nothing would be a lie."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import asdict, replace

from adapters.projectx.config import ProjectXConfig, WantedAccount
from engine.books.opening import PAPER
from engine.model.config import BookConfig, Brackets, PaperConfig
from engine.model.limits import ForeignPositions, RiskLimits, SingleContract
from engine.model.market import MINUTE, NANOS
from engine.model.rooms import AlertRoom
from engine.strategies.zones import ZoneReactionConfig
from tests.tstream.conftest import Reading
from tstream.clock import wall_ns
from tstream.convert.alerts import alert_rooms
from tstream.convert.risk import paper_books, risk_limits, zone_reaction
from tstream.convert.venues import venue_asked
from tstream.venues.projectx import config_of

CHANGES = {
    "per_trade_usd = 150": {"risk_per_trade_usd": 150},
    "daily_loss_usd = 500.50": {"daily_loss_usd": 500.50},
    "max_contracts = 7": {"max_contracts": 7},
    "max_notional_usd = 90000": {"max_notional_usd": 90000},
    "max_open_trades = 2": {"max_open_trades": 2},
    "plans_per_contract = 3": {"plans_per_contract": 3},
    "max_trades = 9": {"max_trades": 9},
    "reward_to_risk_min = 2.0": {"reward_to_risk_min": 2.0},
    "slippage_ticks = 3": {"slippage_ticks": 3},
    "break_even_after_first_target = false": {"break_even_after_first_target": False},
    'hours_start = "02:00"\nhours_end = "23:00"': {"hours_start": "02:00", "hours_end": "23:00"},
    'hours_zone = "Europe/Helsinki"': {"hours_zone": "Europe/Helsinki"},
    'daily_loss_usd = "off"': {"daily_loss_usd": 0},
    'account_preset = "TopStep_50k_DLL"': {"account_preset": "topstep_50k_dll"},
    "firm_daily_loss_usd = 900": {"firm_daily_loss_usd": 900},
    'max_loss_usd = "off"': {"max_loss_usd": 0},
    "max_loss_usd = 1800": {"max_loss_usd": 1800},
    "start_balance_usd = 0": {"start_balance_usd": 0},
    "high_balance_usd = 51200.75": {"high_balance_usd": Decimal("51200.75")},
    "floor_fixed = true": {"floor_fixed": True},
    "max_drawdown_percent = 12.5": {"max_drawdown_percent": Decimal("12.5")},
    "max_exposure_percent = 150": {"max_exposure_percent": 150},
    "max_minis = 3": {"max_minis": 3},
    'minis_by_profit = { "1500" = 3, "0" = 2 }': {
        "minis_by_profit": ((Decimal(0), 2), (Decimal(1500), 3)),
    },
    "warn_percent = 40": {"warn_percent": 40},
    "reduce_percent = 70": {"reduce_percent": 70},
    "act_percent = 99": {"act_percent": 99},
    'max_trades = "off"': {"max_trades": 0},
    "max_losses_in_a_row = 2": {"max_losses_in_a_row": 2},
    "must_be_flat = false": {"must_be_flat": False},
    "reduce_on_unknown_days = false": {"reduce_on_unknown_days": False},
    "expiry_days = 5": {"expiry_days": 5},
    "break_even_offset_ticks = 3": {"break_even_offset_ticks": 3},
    "trail_ticks = 40": {"trail_ticks": 40},
    "trail_after_r = 1.5": {"trail_after_r": 1.5},
    'single_contract = "hold"': {"single_contract": SingleContract.HOLD},
    'foreign_positions = "flatten"': {"foreign_positions": ForeignPositions.FLATTEN},
    "no_entry_minutes = 30": {"no_entry_before_flat_ns": 30 * MINUTE},
    "flatten_minutes = 2": {"flatten_before_flat_ns": 2 * MINUTE},
    "unprotected_seconds = 2.5": {"unprotected_ns": 2_500_000_000},
    "stale_seconds = 2.5": {"stale_ns": 2_500_000_000},
    "enter_on_delayed_prices = true": {"enter_on_delayed_prices": True},
}


@pytest.mark.parametrize(("toml", "changed"), CHANGES.items(), ids=CHANGES)
def test_a_risk_setting_changes_its_limit_and_no_other(
    reading: Reading, toml: str, changed: dict[str, object]
) -> None:
    before = asdict(risk_limits(reading().settings))
    after = asdict(risk_limits(reading(f"[risk]\n{toml}").settings))
    assert {key: value for key, value in after.items() if value != before[key]} == changed


def test_the_defaults_are_the_engines_own(reading: Reading) -> None:
    settings = reading().settings
    assert risk_limits(settings) == RiskLimits()
    assert zone_reaction(settings) == ZoneReactionConfig()


def test_the_defaults_of_rooms_and_of_the_paper_book_are_the_engines_own(reading: Reading) -> None:
    settings = reading(
        "[paper]\nenabled = true\n[rooms.desk]\nchannels = [1]\nauthors = [2]",
        "TSTREAM_DISCORD_TOKEN=canary-6",
    ).settings
    (room,) = alert_rooms(settings)
    assert room == AlertRoom("desk", {"ES": "MES", "NQ": "MNQ", "GC": "MGC"})
    risk = replace(RiskLimits(), start_balance_usd=Decimal(50_000))
    assert paper_books(settings) == (BookConfig(PAPER, risk=risk, paper=PaperConfig()),)


def test_every_risk_setting_is_tried_here(reading: Reading) -> None:
    tried = {line.split(" =")[0] for toml in CHANGES for line in toml.split("\n")}
    assert tried == set(type(reading().settings.risk).model_fields)


def test_who_keeps_the_stops(reading: Reading) -> None:
    assert reading().settings.venues["practice"].brackets is Brackets.AUTO
    assert reading('[venues.practice]\nbrackets = "own"').settings.venues["practice"].brackets is Brackets.OWN


def test_the_strategys_measures(reading: Reading) -> None:
    settings = reading("[strategy]\nmin_score = 4.2\nsecond_target_r = 3\ncooldown_minutes = 5").settings
    zones = zone_reaction(settings)
    assert zones.min_score_tenths == 42
    assert (zones.second_reward_to_risk, zones.cooldown_ns) == (3.0, 300 * NANOS)
    assert risk_limits(settings).min_score_tenths == 42


def test_topstepx_is_the_adapters_default_gateway(reading: Reading) -> None:
    settings = reading(
        "[venues.topstepx]\naccounts = 26282486",
        "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-4",
    ).settings
    config = config_of(venue_asked(settings, "topstepx", wall_ns))
    bare = ProjectXConfig(user_name="me", api_key=config.api_key, instruments={})
    assert (config.api_url, config.user_hub_url) == (bare.api_url, bare.user_hub_url)
    assert (config.venue, config.user_name) == ("topstepx", "me")
    assert config.accounts == (WantedAccount(book="topstepx", name="26282486"),)
    assert config.api_key.reveal() == "canary-4"
    assert "canary" not in repr(config)


def test_another_gateway_has_its_own_addresses(reading: Reading) -> None:
    said = '[venues.projectx]\napi_url = "https://a.example/"\nrtc_url = "https://r.example"'
    config = config_of(venue_asked(reading(said).settings, "projectx", wall_ns))
    assert config.api_url == "https://a.example"
    assert config.market_hub_url == "https://r.example/hubs/market"
    assert config.user_hub_url == "https://r.example/hubs/user"
    assert config.accounts == (WantedAccount(book="projectx"),)


ELSEWHERE = "[venues.topstepx]\n"


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("", False),
        ("[paper]\nenabled = true", True),
        ('trading = "paper"', False),
        ('trading = "paper"\n' + ELSEWHERE, True),
        ('trading = "paper"\n' + ELSEWHERE + "[paper]\nenabled = false", False),
        ('trading = "live"\n' + ELSEWHERE, False),
        ('trading = "live"\n' + ELSEWHERE + "[paper]\nenabled = true", True),
        ('trading = "off"\n' + ELSEWHERE + "[paper]\nenabled = true", False),
    ],
)
def test_when_there_is_a_paper_book(reading: Reading, text: str, there: bool) -> None:
    assert bool(paper_books(reading(text).settings)) is there


def test_every_key_of_the_paper_book_reaches_it(reading: Reading) -> None:
    (book,) = paper_books(
        reading(
            "[paper]\nenabled = true\nbalance_usd = 25000\nlatency_ms = 80\nslippage_ticks = 2\n"
            'commission_usd = 0.62\ncommission_percent = 0.1\nbots = ["one"]\n[[bots]]\nname = "one"\n'
            "[risk]\nmax_trades = 9\nstart_balance_usd = 150000\n"
            "high_balance_usd = 160000\nfloor_fixed = true"
        ).settings
    )
    assert book.name == PAPER
    found, risk = book.paper, book.risk
    assert found is not None
    assert (found.balance_usd, found.slippage_ticks) == (Decimal(25_000), 2)
    assert found.latency_ns == 80 * NANOS // 1000
    assert (found.commission_usd, found.commission_percent) == (Decimal("0.62"), Decimal("0.1"))
    assert (book.bots, book.takes("one"), book.takes("other")) == (("one",), True, False)
    assert risk.max_trades == 9, "your own limits hold for play money too"
    own = (risk.start_balance_usd, risk.high_balance_usd, risk.floor_fixed)
    assert own == (Decimal(25_000), None, False), "a real account's past is not its"
