"""--demo, and Binance's login by the names that other programs give its variables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tstream.conftest import Reading
from tstream.clock import wall_ns
from tstream.convert.venues import venue_asked
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.startup import prepare
from tstream.settings.sources import fingerprint
from tstream.venues.kind import At

PLAIN = "BINANCE_API_KEY=canary-key-1\nBINANCE_API_SECRET=canary-secret-1\n"
OURS = "TSTREAM_VENUES__BINANCE__KEY=canary-key-2\nTSTREAM_VENUES__BINANCE__SECRET=canary-secret-2\n"
GATEWAY = "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-gateway\n"


@pytest.fixture(autouse=True)
def _no_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
        "BINANCE_TESTNET",
        "NEWS_API_KEY",
        "TWITTER_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("toml", "dotenv", "place", "key"),
    [
        ("", PLAIN, At.DEMO, "canary-key-1"),
        ("", f"{PLAIN}BINANCE_TESTNET=true\n", At.DEMO, "canary-key-1"),
        ("", f"{PLAIN}BINANCE_TESTNET=false\n", At.LIVE, "canary-key-1"),
        ('at = "live"', PLAIN, At.LIVE, "canary-key-1"),
        ("", f"{PLAIN}{OURS}", At.LIVE, "canary-key-2"),
        ("", f"{OURS}BINANCE_TESTNET=True\n", At.DEMO, "canary-key-2"),
        ('at = "practice"', f"{PLAIN}BINANCE_TESTNET=false\n", At.PRACTICE, "canary-key-1"),
        ("", "BINANCE_API_KEY=canary-key-1\n", At.PRACTICE, ""),
        ("", "BINANCE_TESTNET=true\n", At.PRACTICE, ""),
    ],
)
def test_where_binance_is_by_plain_names(
    reading: Reading, toml: str, dotenv: str, place: At, key: str
) -> None:
    settings = reading(f"[venues.binance]\n{toml}\n", dotenv).settings
    assert settings.venues["binance"].place is place
    assert settings.login("binance").key.get_secret_value() == key


@pytest.mark.parametrize(
    ("toml", "testnet", "said"),
    [
        ('at = "live"', "true", 'says true, and [venues.binance] at = "live": let one of them go'),
        ('at = "demo"', "false", 'says false, and [venues.binance] at = "demo": let one of them go'),
        ("", "maybe", '"maybe": must be true or false'),
    ],
)
def test_what_contradicts_itself_does_not_start(
    complaints: Callable[..., list[str]], toml: str, testnet: str, said: str
) -> None:
    (line,) = complaints(f"[venues.binance]\n{toml}\n", f"{PLAIN}BINANCE_TESTNET={testnet}\n")
    assert said in line


def test_without_a_venue_of_binance_its_login_waits(reading: Reading) -> None:
    assert [*reading("", PLAIN).settings.venues] == ["practice"]


def test_keys_of_news_are_read_and_kept_secret(reading: Reading) -> None:
    settings = reading("", "NEWS_API_KEY=canary-news\nTWITTER_API_KEY=canary-x\n").settings
    assert {"canary-news", "canary-x"} <= set(settings.secret_values())


def test_the_first_picture_is_drawn_anew_where_a_plain_name_changed(
    places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(places, places.settings_file)
    monkeypatch.setenv("BINANCE_TESTNET", "false")
    assert fingerprint(places, places.settings_file) != before


# --- --demo ---


def demo(*venues: str) -> RunOptions:
    return RunOptions(demo=True, venue=venues)


def test_a_demo_without_settings_is_the_practice_venue_in_a_folder_of_its_own(places: Paths) -> None:
    ready = prepare(None, demo())
    assert (ready.settings.practice, [*ready.settings.active], ready.settings.trading) == (
        True,
        ["practice"],
        "live",
    )
    assert ready.paths.data.is_relative_to(places.data)
    assert ready.paths.journal("practice") != places.journal("practice")
    assert ready.paths.files != places.files
    assert ready.paths.control_socket == places.control_socket


def test_nothing_of_a_demo_goes_to_a_database(reading: Reading) -> None:
    reading("", "DATABASE_URL=postgresql://me:canary-pw@127.0.0.1/x\nREDIS_URL=redis://127.0.0.1\n")
    settings = prepare(None, demo()).settings
    assert (settings.history.url.get_secret_value(), settings.redis.url.get_secret_value()) == ("", "")


def test_a_demo_plays_every_venue_of_the_settings_and_knows_no_login(reading: Reading) -> None:
    reading(
        'trading = "off"\ncontracts = ["MNQ"]\n[venues.topstepx]\naccounts = ["50K-1", "50K-2"]\n'
        '[venues.binance]\nat = "live"\naccounts = "me"\n',
        GATEWAY + OURS,
    )
    settings = prepare(None, demo()).settings
    assert {name: one.place for name, one in settings.active.items()} == {
        "topstepx": At.PRACTICE, "binance": At.PRACTICE
    }  # fmt: skip
    assert settings.trading == "live", "all of it is play money"
    assert not any(one.accounts or one.key.get_secret_value() for one in settings.active.values())
    assert settings.venues["topstepx"].kind == "practice"


@pytest.mark.parametrize("login", [PLAIN, OURS, f"{PLAIN}BINANCE_TESTNET=false\n"])
@pytest.mark.parametrize("section", ["", '[venues.binance]\nat = "live"\n'])
def test_a_venue_that_is_named_is_at_its_testnet_where_its_key_is_set(
    reading: Reading, login: str, section: str
) -> None:
    reading(section, login)
    ready = prepare(None, demo("binance"))
    (only,) = ready.settings.active.values()
    assert only.place is At.DEMO
    assert ready.settings.trading == "paper", "what the settings do not say is no more than practice accounts"
    assert venue_asked(ready.settings, "binance", wall_ns).login.key.reveal().startswith("canary-key")


def test_a_venue_that_is_named_is_its_twin_without_a_key(places: Paths) -> None:
    (only,) = prepare(None, demo("binance")).settings.active.values()
    assert only.place is At.PRACTICE
    (only,) = prepare(None, demo("kraken")).settings.active.values()
    assert only.place is At.PRACTICE


def test_a_venue_that_nobody_knows_is_refused(places: Paths) -> None:
    with pytest.raises(UsageError, match="no venue is called nowhere"):
        prepare(None, demo("nowhere"))
