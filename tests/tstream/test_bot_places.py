"""Whose prices and whose money a JSON bot has: by kinds of venues, those of other packages among them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from engine.model.config import TradingSwitch
from tests.tstream.test_bot_check import GOOD, Write, problems, put, write
from tstream.botfiles.load import load_bots
from tstream.botfiles.places import Money
from tstream.convert.books import book_configs, wanted_books
from tstream.convert.bots import bots
from tstream.convert.risk import paper_books
from tstream.convert.venues import venue_asked
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.settings.load import login_problems
from tstream.venues import known
from tstream.venues.kind import At, VenueAsked

__all__ = ["write"]

PACKAGE = """
from decimal import Decimal
from engine.model.instrument import Instrument, InstrumentKind
from tstream.venues.kind import At, VenueKind

COIN = Instrument(
    symbol="BTCUSDT", root="BTCUSDT", description="Bitcoin", tick_size=Decimal("0.01"),
    tick_value_usd=Decimal("0.0000001"), fee_usd=Decimal(0), commission_usd=Decimal(0),
    kind=InstrumentKind.SPOT, lot_size=Decimal("0.00001"),
    currency="USDT", base="BTC", calendar="always", shortable=False,
    max_quantity=Decimal(100),
)

async def probe(asked, about):
    return ()

async def accounts(asked):
    return ()

def make(asked):
    raise NotImplementedError

MARKET = VenueKind(
    name="coins", about="a market of coins", make=make, probe=probe, accounts=accounts,
    markets=frozenset((InstrumentKind.SPOT,)), instruments={"BTCUSDT": COIN}, contracts=("BTCUSDT",),
    places=(At.PRACTICE, At.DEMO, At.LIVE), needs=("key", "secret"),
)
PRICES = VenueKind(
    name="papers", about="prices of coins", make=make, probe=probe,
    markets=frozenset((InstrumentKind.SPOT, InstrumentKind.EQUITY)),
    instruments={"BTCUSDT": COIN}, contracts=("BTCUSDT",),
    places=(At.LIVE,), unasked=At.LIVE,
)
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with two kinds of venues, as pip would leave it."""
    site = tmp_path / "site"
    about = site / "coin_venues-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "coin_venues.py").write_text(PACKAGE, encoding="utf-8")
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: coin-venues\nVersion: 1.0\n", encoding="utf-8"
    )
    points = "[tstream.venues]\ncoins = coin_venues:MARKET\npapers = coin_venues:PRICES\n"
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    _forget()
    yield
    sys.modules.pop("coin_venues", None)
    _forget()


def _forget() -> None:
    known.kind.cache_clear()
    known._others.cache_clear()


def coin(write: Write, broker: str, source: str = "coins", name: str = "btc.json", **more: Any) -> Path:
    changes = {
        "broker.type": broker,
        "data.data_source": source,
        "data.symbol": "BTCUSDT",
        "trading.symbol": "BTCUSDT",
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    return write(*(put(key, value) for key, value in changes.items()), name=name)


def test_mock_is_play_money_on_the_practice_twin(places: Paths, write: Write) -> None:
    loaded, tables = load_bots(places, None, [coin(write, "mock")])
    settings = loaded.settings
    assert {name: venue.place for name, venue in settings.active.items()} == {"coins": At.PRACTICE}
    assert settings.practice
    assert settings.trading is TradingSwitch.LIVE
    assert settings.contracts == ("BTCUSDT",)
    [(_, words)] = tables.lines()
    assert "BTCUSDT on 15m bars of a market of tstream's own, with 100000 of play money" in words
    [book] = paper_books(settings)
    assert book.paper is not None
    assert (book.name, book.calendar, book.paper.currency) == ("btc", "always", "USDT")
    places.settings_file.write_text('counts_as_usd = ["USDT"]', encoding="utf-8")
    [book] = paper_books(load_bots(places, None, [coin(write, "mock")])[0].settings)
    assert book.paper is not None
    assert book.paper.currency == "USD"


def test_a_folder_may_have_bots_of_several_markets(places: Paths, write: Write) -> None:
    loaded, _ = load_bots(places, None, [coin(write, "mock", "binance"), write()])
    assert {name: venue.kind for name, venue in loaded.settings.active.items()} == {
        "binance": "binance",
        "practice": "practice",
    }
    books = {
        book.name: (book.calendar, book.paper and book.paper.currency)
        for book in paper_books(loaded.settings)
    }
    assert books == {"btc": ("always", "USDT"), "0001": ("cme", "USD")}


@pytest.mark.parametrize(
    ("broker", "source", "symbol", "at"),
    [
        ("mock", "kraken", "BTCUSDT.P", At.PRACTICE),
        ("mock", "bybit", "BTCUSDT.P", At.PRACTICE),
        ("mock", "coinbase", "BTCUSD", At.PRACTICE),
        ("mock", "yahoo", "BTCUSD", At.PRACTICE),
        ("mock", "ibkr", "MNQ", At.PRACTICE),
        ("yahoo_paper", "yahoo", "MNQ", At.LIVE),
        ("ibkr_paper", "ibkr", "MNQ", At.LIVE),
        ("kraken_paper", "kraken", "BTCUSDT.P", At.LIVE),
        ("binance_paper", "binance", "BTCUSDT", At.LIVE),
    ],
)
def test_every_kind_of_venue_is_a_source(
    places: Paths, write: Write, broker: str, source: str, symbol: str, at: At
) -> None:
    path = coin(write, broker, source, trading__symbol=symbol, data__symbol=symbol)
    settings = load_bots(places, None, [path])[0].settings
    [(name, venue)] = settings.active.items()
    assert (name, venue.place) == (source, at)
    assert settings.contracts == (symbol,)
    [book] = paper_books(settings)
    [instrument] = settings.instrument_table()
    assert book.paper is not None
    assert (book.paper.currency, book.calendar) == (instrument.currency, instrument.calendar)


def test_paper_is_play_money_on_real_prices_and_needs_no_login(places: Paths, write: Write) -> None:
    settings = load_bots(places, None, [coin(write, "coins_paper", data__retry_interval=45)])[0].settings
    venue = settings.venues["coins"]
    assert (venue.place, venue.prices_only, venue.retry_seconds) == (At.LIVE, True, 45)
    assert settings.trading is TradingSwitch.PAPER
    assert login_problems(settings, "coins") == []
    assert wanted_books(settings, "coins") == ()
    asked = venue_asked(settings, "coins", lambda: 0)
    assert (asked.books, asked.retry_s, list(asked.instruments)) == ((), 45, ["BTCUSDT"])
    [bot] = bots(settings)
    assert bot.config.books == ("btc",)


@pytest.mark.parametrize(
    ("name", "retries"),
    [
        ("practice", lambda config: config.timing.backoff_cap_s),
        ("binance", lambda config: config.timing.backoff_cap_s),
        ("kraken", lambda config: config.timing.backoff_cap_s),
        ("ibkr", lambda config: config.waits.backoff_cap_s),
        ("bybit", lambda config: config.timing.socket.backoff_cap_s),
        ("coinbase", lambda config: config.timing.socket.backoff_cap_s),
    ],
)
def test_a_connection_is_tried_again_as_often_as_is_said(name: str, retries: Callable[[Any], float]) -> None:
    module = import_module(known.kind(name).make.__module__ if name != "bybit" else "tstream.venues.bybit")
    asked = VenueAsked(name=name, at=At.LIVE, instruments={}, clock=lambda: 0, retry_s=7)
    config = module.config_of(asked) if name != "bybit" else module.config_of("linear", asked)
    assert retries(config) == 7


def test_prices_alone_carry_play_money_only(places: Paths, write: Write) -> None:
    settings = load_bots(places, None, [coin(write, "papers_paper", "papers")])[0].settings
    assert settings.venues["papers"].place is At.LIVE
    [found] = problems(places, coin(write, "papers", "papers"))
    assert (found.key, found.remedy) == ("broker.type", 'write "papers_paper"')
    [found] = problems(places, coin(write, "mock", "papers"))
    assert (found.key, found.remedy) == ("broker.type", 'write "papers_paper"')


def test_real_money_is_asked_for_twice(places: Paths, write: Write) -> None:
    [found] = problems(places, coin(write, "coins"))
    assert found.remedy == 'set trading = "live" in tstream.toml'
    places.settings_file.write_text('trading = "paper"', encoding="utf-8")
    [found] = problems(places, coin(write, "coins"))
    assert found.remedy == 'set trading = "live" in tstream.toml'


REAL = 'trading = "live"\n'


def test_a_login_that_is_missing_is_told_before_the_start(places: Paths, write: Write) -> None:
    places.settings_file.write_text(REAL, encoding="utf-8")
    found = problems(places, coin(write, "coins"))
    assert [one.remedy for one in found] == [
        "set TSTREAM_VENUES__COINS__KEY",
        "set TSTREAM_VENUES__COINS__SECRET",
    ]


def test_a_real_account_has_the_strictest_limits_of_all_that_trade_on_it(places: Paths, write: Write) -> None:
    places.settings_file.write_text(REAL + "[risk]\nmax_exposure_percent = 120\n", encoding="utf-8")
    (places.config / ".env").write_text(
        "TSTREAM_VENUES__COINS__KEY=canary-1\nTSTREAM_VENUES__COINS__SECRET=canary-2\n", encoding="utf-8"
    )
    one = coin(write, "coins", name="one.json")
    two = coin(
        write, "coins", name="two.json", risk_management__max_daily_loss=40, trading__max_drawdown_pct=30
    )
    loaded, tables = load_bots(places, None, [one, two])
    settings = loaded.settings
    assert {place.money for place in tables.places.values()} == {Money.REAL}
    assert [bot.config.books for bot in bots(settings)] == [("coins",), ("coins",)]
    [book] = book_configs(settings, {"coins": wanted_books(settings, "coins")})
    risk = book.risk
    assert (book.name, risk.daily_loss_usd, risk.risk_per_trade_usd) == ("coins", Decimal(40), Decimal(38))
    assert (risk.max_drawdown_percent, risk.max_exposure_percent) == (Decimal(20), Decimal(120))
    assert settings.venues["coins"].place is At.LIVE


ACCOUNTS = """
[venues.firm]
kind = "practice"
[[venues.firm.accounts]]
name = "PRACTICE-1"
book = "a"
risk = { daily_loss_usd = 30, per_trade_usd = 20 }
[[venues.firm.accounts]]
name = "PRACTICE-2"
book = "b"
"""


def test_of_several_accounts_a_file_names_the_book(places: Paths, write: Write) -> None:
    places.settings_file.write_text(ACCOUNTS, encoding="utf-8")
    [found] = problems(places, write(put("broker.type", "practice")))
    assert (found.key, found.remedy) == ("broker.book", "write one of firm-a, firm-b")
    [found] = problems(places, write(put("broker.type", "practice"), put("broker.book", "firm-c")))
    assert (found.key, found.value) == ("broker.book", '"firm-c"')
    one = write(put("broker.type", "practice"), put("broker.book", "firm-a"), name="one.json")
    two = write(put("broker.type", "practice"), put("broker.book", "firm-b"), name="two.json")
    settings = load_bots(places, None, [one, two])[0].settings
    assert [bot.config.books for bot in bots(settings)] == [("firm-a",), ("firm-b",)]
    found_books = book_configs(settings, {"firm": wanted_books(settings, "firm")})
    limits = {book.name: (book.risk.daily_loss_usd, book.risk.risk_per_trade_usd) for book in found_books}
    assert limits == {"firm-a": (Decimal(30), Decimal(20)), "firm-b": (Decimal(50), Decimal("47.5"))}


@pytest.mark.parametrize(
    ("toml", "name", "at"),
    [
        ("", "coins", At.LIVE),
        ('[venues.mine]\nkind = "coins"\nat = "demo"\n', "mine", At.DEMO),
        ('[venues.mine]\nkind = "coins"\nat = "demo"\n[venues.coins]\nenabled = false\n', "coins", At.LIVE),
        ('[venues.coins]\nkind = "papers"\n', "live-coins", At.LIVE),
    ],
)
def test_the_venue_is_one_of_the_settings_or_made(
    places: Paths, write: Write, toml: str, name: str, at: At
) -> None:
    if "enabled" in toml or "papers" in toml:  # two venues have it, so it says which
        symbol = f"BTCUSDT@{name}"
        path = coin(write, "coins_paper", trading__symbol=symbol, data__symbol=symbol)
    else:
        path = coin(write, "coins_paper")
    env = "TSTREAM_VENUES__MINE__KEY=canary-3\nTSTREAM_VENUES__MINE__SECRET=canary-4\n"
    (places.config / ".env").write_text(env, encoding="utf-8")
    places.settings_file.write_text(toml, encoding="utf-8")
    loaded, tables = load_bots(places, None, [path])
    assert (tables.places["btc"].venue, loaded.settings.venues[name].place) == (name, at)


def test_a_symbol_that_two_venues_list_has_to_say_which(places: Paths, write: Write) -> None:
    places.settings_file.write_text('[venues.mine]\nkind = "coins"\nat = "demo"\n', encoding="utf-8")
    other = coin(write, "papers_paper", "papers", name="other.json")
    [found] = problems(places, other)
    assert (found.key, found.origin, found.remedy) == ("trading.symbol", f"{other}", 'write "BTCUSDT@papers"')


def test_the_terms_of_a_share_are_those_of_the_remedy(places: Paths, write: Write) -> None:
    share = coin(write, "papers_paper", "papers", trading__symbol="AAPL", data__symbol="AAPL")
    [found] = problems(places, share)
    said = found.remedy.partition("of a US share ")[2].rstrip(")")
    places.settings_file.write_text(f"[instruments]\nAAPL = {{ {said} }}\n", encoding="utf-8")
    settings = load_bots(places, None, [share])[0].settings
    assert [book.calendar for book in paper_books(settings)] == ["us_equities"]


def test_play_markets_and_real_prices_run_apart(places: Paths, write: Write) -> None:
    play, real = coin(write, "mock", name="play.json"), coin(write, "coins_paper", name="real.json")
    [found] = problems(places, play, real)
    assert (found.key, found.origin, found.remedy) == ("broker.type", f"{play}", "run them apart")


@pytest.mark.parametrize(
    ("symbol", "remedy"),
    [("BTCUSD", 'write "BTCUSDT"'), ("MNQ", "write one of BTCUSDT"), ("DOGE", "[instruments.DOGE]")],
)
def test_a_symbol_is_one_that_the_venue_lists(places: Paths, write: Write, symbol: str, remedy: str) -> None:
    path = coin(write, "mock", trading__symbol=symbol, data__symbol=symbol)
    [found] = problems(places, path)
    assert (found.key, found.value) == ("trading.symbol", f'"{symbol}"')
    assert remedy in found.remedy


def test_the_file_of_the_guide_is_taken_as_it_is(places: Paths, tmp_path: Path) -> None:
    """What others wrote for their bots, but for the venue's name and channels that are not there."""
    said = deepcopy(GOOD) | {"description": "Strategy", "version": "1.0"}
    said["broker"] = {"type": "coins_paper", "initial_balance": 1000.0, "commission": 0.001}
    said["trading"] |= {"symbol": "BTCUSDT", "position_size": 0.1, "max_positions": 1, "max_exposure": 1.0}
    said["data"] = {
        "data_source": "coins",
        "symbol": "BTCUSDT",
        "interval": "1h",
        "lookback_bars": 1000,
        "retry_interval": 60,
    }
    said["strategy"]["position_size"] = 0.1
    said["notifications"] = {
        "enabled": True,
        "telegram": {"enabled": False, "notify_on": ["trade_entry", "trade_exit", "error", "status"]},
        "email": {"enabled": False, "notify_on": ["daily_summary"]},
    }
    said["logging"] = {
        "level": "INFO",
        "save_trades": True,
        "save_equity_curve": True,
        "log_file": "logs/live/trading_bot_0001.log",
    }
    path = tmp_path / "0001.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    settings = load_bots(places, None, [path])[0].settings
    [book] = paper_books(settings)
    assert (book.paper is not None, book.risk.max_open_trades) == (True, 1)


def test_a_size_that_no_order_can_have_is_told_before_anything_runs(places: Paths, write: Write) -> None:
    path = coin(write, "mock", "binance", trading__position_size=0.00001, strategy__position_size=0.00001)
    with pytest.raises(SettingsError) as told:
        load_bots(places, None, [path])
    [problem] = told.value.problems
    assert problem.key == "trading.position_size"
    assert problem.message == "makes trades of 1 USDT, and binance takes none below 5"
    assert problem.remedy == "write 0.000050 or more, or a larger balance"
    enough: dict[str, Any] = {"trading__position_size": 0.00005, "strategy__position_size": 0.00005}
    load_bots(places, None, [coin(write, "mock", "binance", **enough)])
