"""Yahoo and Interactive Brokers as kinds of venues: from settings to what their adapters want to know."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from adapters.yahoo.venue import YahooVenue
from engine.model.errors import FatalError
from engine.model.events import BarReported, LinkState
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Timeframe
from engine.ports import OpenVenue
from tests.support.patience import patient
from tests.support.waits import until
from tests.tstream.conftest import Reading
from tests.yahoo.markets import QUICK, Heard
from tstream.convert.books import wanted_books
from tstream.venues import ibkr, yahoo
from tstream.venues.kind import AskedBook, At, VenueAsked
from tstream.venues.known import kind


def asked(name: str, **more: object) -> VenueAsked:
    about = kind(name)
    known = about.instruments or {"MES": CME_FUTURES["MES"]}
    return replace(
        VenueAsked(name=name, at=At.LIVE, instruments=known, clock=lambda: 0),
        **more,  # type: ignore[arg-type]
    )


def test_yahoo_has_prices_alone(reading: Reading) -> None:
    settings = reading('[venues.yahoo]\nat = "live"').settings
    assert settings.venues["yahoo"].about.prices_only
    assert wanted_books(settings, "yahoo") == ()
    made = kind("yahoo").make(asked("yahoo"))
    assert made.brokers == ()
    assert isinstance(made, YahooVenue)
    assert made.config.symbols == {"BTCUSD": "BTC-USD", "ETHUSD": "ETH-USD", "SOLUSD": "SOL-USD"}
    assert made.config.hosts[0].startswith("https://query1.")


def test_a_future_keeps_its_usual_name() -> None:
    config = yahoo.config_of(asked("yahoo", instruments={"NQ": CME_FUTURES["NQ"]}))
    assert config.symbols == {}
    assert config.name_of(CME_FUTURES["NQ"]) == "NQ=F"


def test_interactive_brokers_is_where_the_settings_say(reading: Reading) -> None:
    settings = reading('[venues.ibkr]\napi_url = "http://127.0.0.1:4002"\naccounts = "DU1"').settings
    venue = settings.venues["ibkr"]
    assert not venue.practice
    config = ibkr.config_of(
        asked("ibkr", api_url=venue.api_url, books=(AskedBook("ibkr", "DU1"),), at=At.LIVE)
    )
    assert (config.host, config.port, config.account, config.book) == ("127.0.0.1", 4002, "DU1", "ibkr")
    with pytest.raises(FatalError, match="one account"):
        ibkr.config_of(asked("ibkr", books=(AskedBook("a"), AskedBook("b"))))
    assert ibkr.config_of(asked("ibkr")).book == ""


def test_making_a_venue_imports_no_library_of_its_own() -> None:
    code = (
        "import sys; from tstream.venues.known import kind;"
        "from tests.tstream.test_yahoo_and_ibkr import asked;"
        "kind('ibkr').make(asked('ibkr')); sys.exit('ib_async' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_the_practice_twin_of_yahoo_prices_coins() -> None:
    practice = kind("yahoo").practice
    assert practice is not None
    async with practice.open(1) as at:
        wanted = asked("yahoo", api_url=at.url, clock=at.clock, at=At.PRACTICE)
        config = replace(yahoo.config_of(wanted), polling=QUICK)
        venue = YahooVenue(config, at.clock)
        open_venue: OpenVenue = venue
        assert open_venue.feed is not None
        now = at.clock()
        bars = await venue.feed.history("BTCUSD", now - 60 * MINUTE, now)
        assert len(bars) > 50
        assert all(bar.close_ts <= now for bar in bars)
        days = await venue.feed.history("ETHUSD", now - 3 * Timeframe.D1.nanos, now, Timeframe.H1)
        assert {bar.timeframe for bar in days} == {Timeframe.H1}
        heard = Heard()
        task = asyncio.create_task(venue.feed.run(heard))
        await until(lambda: heard.state is LinkState.LIVE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not [event for event in heard.events if isinstance(event, BarReported)]
        checks = await kind("yahoo").probe(wanted, lambda account: pytest.fail(str(account)))
        assert [check.ok for check in checks] == [True] * 3


def test_a_run_on_prices_alone_is_a_run() -> None:
    """Minutes come from the twin over sockets, ten times a minute of its time."""
    line = [sys.executable, "-m", "tstream", "run", "--headless", "--venue", "yahoo", "--speed", "20"]
    done = subprocess.run(
        [*line, "--for", "1m"], check=False, capture_output=True, text=True, timeout=patient(60)
    )
    assert done.returncode == 0, done.stderr
    assert "market link live: minutes of Yahoo" in done.stderr + done.stdout


def test_interactive_brokers_without_a_word_is_its_practice_twin(reading: Reading) -> None:
    assert reading("[venues.ibkr]").settings.venues["ibkr"].practice
    for live in ('api_url = "http://127.0.0.1:7497"', 'accounts = "DU1"', 'at = "live"'):
        assert not reading(f"[venues.ibkr]\n{live}").settings.venues["ibkr"].practice
    assert reading('[venues.ibkr]\nat = "practice"\naccounts = "DU1234567"').settings.venues["ibkr"].practice
