"""Kinds of venues: the table of them, settings that name one, and a kind that another package brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
from msgspec.structs import replace as with_terms

from engine.model.instrument import InstrumentKind
from engine.model.orders import Capabilities
from tests.support.instruments import PERPETUAL, SPOT
from tests.tstream.conftest import Reading
from tstream.clock import wall_ns
from tstream.convert.books import book_configs, wanted_books
from tstream.convert.venues import venue_asked
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.startup import prepare
from tstream.settings.load import login_problems
from tstream.settings.sources import fingerprint
from tstream.venues import known
from tstream.venues.faults import check_faults
from tstream.venues.kind import At, VenueKind
from tstream.venues.projectx import PRACTICE

ALT = with_terms(PERPETUAL, symbol="SOLUSDT.P", root="SOLUSDT", base="SOL")
COINS = replace(
    PRACTICE,
    name="coins",
    about="a venue of coins",
    capabilities=Capabilities(native_brackets=False),
    markets=frozenset({InstrumentKind.PERPETUAL}),
    instruments={PERPETUAL.symbol: PERPETUAL, ALT.symbol: ALT},
    contracts=(PERPETUAL.symbol,),
    places=(At.PRACTICE, At.DEMO, At.LIVE),
    needs=("key", "secret"),
    several_accounts=False,
)
PRICES = replace(
    COINS, name="prices", accounts=None, contracts=(SPOT.symbol,), instruments={SPOT.symbol: SPOT},
    markets=frozenset({InstrumentKind.SPOT, InstrumentKind.PERPETUAL}), needs=(), unasked=At.LIVE,
)  # fmt: skip
BROKEN = "no.such.module:KIND"


@pytest.fixture(autouse=True)
def _other_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here = __name__
    points = (
        EntryPoint("coins", f"{here}:COINS", known.GROUP),
        EntryPoint("prices", f"{here}:PRICES", known.GROUP),
        EntryPoint("broken", BROKEN, known.GROUP),
        EntryPoint("practice", f"{here}:COINS", known.GROUP),
    )
    monkeypatch.setattr(known, "entry_points", lambda group: points if group == known.GROUP else ())
    forget: list[Callable[[], None]] = [known.kind.cache_clear, known._others.cache_clear]
    for one in forget:
        one()
    yield
    for one in forget:
        one()


def test_every_kind_that_comes_with_tstream_can_be_loaded() -> None:
    for name in known.ours():
        found = known.kind(name)
        assert isinstance(found, VenueKind)
        assert found.name == name
        assert found.practice is not None or At.PRACTICE not in found.places  # one may be served alone
        assert found.unasked in found.places
        assert set(found.contracts) <= set(found.instruments)
        assert all(one.kind in found.markets for one in found.instruments.values())


def test_a_kind_of_another_package_is_known_and_ours_can_not_be_replaced() -> None:
    assert known.kind("coins") is COINS
    assert known.kind("practice") is PRACTICE
    assert known.names()[: len(known.ours())] == known.ours()


def test_what_is_wrong_with_a_kind_is_one_line(complaints: Callable[..., list[str]]) -> None:
    assert "must be one of practice, topstepx" in complaints('[venues.a]\nkind = "mars"')[0]
    assert "no.such.module:KIND can't be loaded" in complaints('[venues.a]\nkind = "broken"')[0]
    assert "can't be live where kind is practice" in complaints('[venues.practice]\nat = "live"')[0]
    assert "is one account" in complaints('[venues.coins]\naccounts = ["a", "b"]')[0]
    assert "has prices only" in complaints('[venues.prices]\naccounts = ["a"]')[0]
    assert (
        "is known for coins: leave it out" in complaints('[venues.coins]\napi_url = "https://a.example"')[0]
    )


KEYS = "TSTREAM_VENUES__COINS__KEY=canary-key-77\n"


@pytest.mark.parametrize(
    ("said", "login", "place"),
    [
        ("", "", At.PRACTICE),
        ("", KEYS, At.LIVE),
        ('at = "demo"', KEYS, At.DEMO),
        ('at = "practice"', KEYS, At.PRACTICE),
    ],
)
def test_a_venue_is_live_only_with_a_key(reading: Reading, said: str, login: str, place: At) -> None:
    settings = reading(f"[venues.coins]\n{said}", login).settings
    assert settings.venues["coins"].place is place
    assert settings.practice is (place is At.PRACTICE)
    assert venue_asked(settings, "coins", wall_ns).at is place
    missing = [one.key for one in login_problems(settings, "coins")]
    assert missing == ([] if place is At.PRACTICE else ["venues.coins.secret"])


def test_prices_alone_have_no_book_and_need_no_login(reading: Reading) -> None:
    settings = reading("[venues.prices]").settings
    assert settings.venues["prices"].place is At.LIVE
    assert settings.contracts == (SPOT.symbol,)
    assert wanted_books(settings, "prices") == ()
    assert settings.papers == ()
    assert login_problems(settings, "prices") == []


def test_prices_alone_are_traded_on_paper(reading: Reading) -> None:
    for said in ('trading = "paper"\n[venues.prices]', '[venues.prices]\nat = "practice"'):
        assert [one.name for one in reading(said).settings.papers] == ["paper"]
    both = '[venues.prices]\nat = "practice"\n[venues.coins]\nat = "practice"'
    assert reading(both).settings.papers == ()


def test_a_venues_own_terms_are_known_and_its_books_keep_stops_themselves(reading: Reading) -> None:
    settings = reading("[venues.coins]").settings
    assert settings.instrument_table() == (PERPETUAL,)
    (book,) = book_configs(settings, {"coins": wanted_books(settings, "coins")})[:1]
    assert not book.capabilities.native_brackets
    bound = reading('contracts = ["SOLUSDT.P@coins", "BTCUSDT.P"]\n[venues.coins]').settings
    assert [one.symbol for one in bound.instrument_table()] == ["SOLUSDT.P@coins", "BTCUSDT.P"]
    assert set(venue_asked(bound, "coins", wall_ns).instruments) == {"SOLUSDT.P@coins", "BTCUSDT.P"}


def test_each_venue_of_a_run_gets_what_it_lists(reading: Reading) -> None:
    text = '[venues.practice]\n[venues.coins]\nat = "practice"\n[venues.prices]\nat = "practice"'
    settings = reading(text).settings
    assert settings.contracts == ("MNQ", "NQ", "MES", "ES", "MGC", "GC", PERPETUAL.symbol, SPOT.symbol)
    asked = {name: tuple(venue_asked(settings, name, wall_ns).instruments) for name in settings.active}
    assert asked["practice"] == settings.contracts[:6]
    assert asked["coins"] == (PERPETUAL.symbol,)
    assert asked["prices"] == (SPOT.symbol,)  # the perpetual has a venue that trades it


def test_a_coin_is_that_of_the_venue_whose_table_has_it(reading: Reading) -> None:
    names = ("practice", "kraken", "binance", "coinbase")
    settings = reading("".join(f'[venues.{name}]\nat = "practice"\n' for name in names)).settings
    asked = {name: {*venue_asked(settings, name, wall_ns).instruments} for name in names}
    futures = {one.symbol for one in settings.instrument_table() if one.kind is InstrumentKind.FUTURE}
    assert asked == {name: {*known.kind(name).contracts} or futures for name in names}
    assert sum(map(len, asked.values())) == len(settings.contracts)


def test_a_practice_venue_opens_without_settings() -> None:
    settings = prepare(None, RunOptions(venue=("coins",))).settings
    assert list(settings.active) == ["coins"]
    assert settings.practice
    assert settings.contracts == (PERPETUAL.symbol,)
    with pytest.raises(UsageError, match="no venue is called topstepx"):
        prepare(None, RunOptions(venue=("topstepx",)))


def test_faults_are_those_of_the_kind() -> None:
    check_faults(["lost-reply:call=place"], ["practice"])
    with pytest.raises(UsageError, match="did you mean lost-reply"):
        check_faults(["lost-repyl"])


def test_no_part_of_a_login_is_in_a_fingerprint_or_a_message(
    reading: Reading, complaints: Callable[..., list[str]], places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(places, places.settings_file)
    for key in ("KEY", "SECRET", "PASSPHRASE"):
        monkeypatch.setenv(f"TSTREAM_VENUES__COINS__{key}", f"canary-{key}-one")
        first = fingerprint(places, places.settings_file)
        monkeypatch.setenv(f"TSTREAM_VENUES__COINS__{key}", f"canary-{key}-two")
        assert fingerprint(places, places.settings_file) == first != before
    settings = reading("[venues.coins]").settings
    assert {f"canary-{key}-two" for key in ("KEY", "SECRET", "PASSPHRASE")} <= set(settings.secret_values())
    for key in ("key", "secret", "passphrase"):
        (line,) = complaints(f'[venues.coins]\n{key} = "canary-in-file"')
        assert "canary" not in line
        assert f"TSTREAM_VENUES__COINS__{key.upper()}" in line
