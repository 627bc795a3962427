"""tstream check: one line for each finding, with its remedy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import accounts_of_a_login
from adapters.simulator.practice import PracticeVenue
from engine.model.market import NANOS
from tests.discord.fake import CHANNEL, TOKEN, FakeDiscord
from tests.projectx import samples
from tests.projectx.gateway import Gateway
from tests.support.patience import patient
from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.commands.check_instruments import of_instruments
from tstream.paths import Paths

Out = pytest.CaptureFixture[str]
KEY = "canary-check-key"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway().serve() as gateway:
        yield gateway


def points_at(places: Paths, url: str, more: str = "", key: str = KEY) -> None:
    """Settings of a gateway at a URL."""
    places.settings_file.write_text(
        f'contracts = ["MNQ", "ES"]\n[venues.projectx]\napi_url = "{url}"\nrtc_url = "{url}"\n{more}',
        encoding="utf-8",
    )
    secrets = places.config / ".env"
    secrets.write_text(f"TSTREAM_PROJECTX_USER=someone\nTSTREAM_PROJECTX_KEY={key}\n", encoding="utf-8")
    secrets.chmod(0o600)


async def checked(capsys: Out) -> tuple[int, list[str]]:
    """The exit code and the lines."""
    code = await asyncio.wait_for(asyncio.to_thread(call, ["check"]), patient(30))
    out, err = capsys.readouterr()
    assert err == ""
    assert KEY not in out
    return code, out.splitlines()


async def test_a_disk_that_is_nearly_full_is_told(
    places: Paths, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(places.config)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=3_500_000))
    code, lines = await checked(capsys)
    assert code == 1
    assert f"✗ folders: {places.data}, 3 MB free → make room: orders have to be written down" in lines


async def test_the_practice_venue_is_tried_for_real(places: Paths, capsys: Out) -> None:
    code, lines = await checked(capsys)
    assert code == 0
    assert [line.split(":")[0] for line in lines] == [
        "✓ settings",
        "✓ keymap",
        "✓ folders",
        "✓ instruments",
        "✓ calendar cme",
        "✓ credentials",
        "✓ venue reachable",
        "✓ login",
        "✓ account",
        "✓ limits",
        "✓ contracts",
    ]
    assert all(name in lines[-1] for name in ("MNQ is MNQ", "GC is GC"))


async def test_each_account_is_looked_at_with_its_own_limits(places: Paths, capsys: Out) -> None:
    """Two venues, one with two accounts: the login of one is refused, the other is told of all the same."""
    config = SimulatorConfig(key="canary-check-2", accounts=accounts_of_a_login(2))
    one, two = (spec.name for spec in config.accounts)
    async with PracticeVenue(config) as venue:
        places.settings_file.write_text(
            "[venues.a]\n"
            f'kind = "projectx"\napi_url = "{venue.url}"\nrtc_url = "{venue.url}"\n'
            f'accounts = [{{ name = "{one}" }}, {{ name = "{two}", risk = {{ daily_loss_usd = 300 }} }}]\n'
            f'[venues.b]\nkind = "projectx"\napi_url = "{venue.url}/"\nrtc_url = "{venue.url}"\n',
            encoding="utf-8",
        )
        logins = {"A": (config.user, config.key), "B": ("nobody", "canary")}
        secrets = places.config / ".env"
        lines = [
            f"TSTREAM_VENUES__{n}__USER={u}\nTSTREAM_VENUES__{n}__KEY={k}\n" for n, (u, k) in logins.items()
        ]
        secrets.write_text("".join(lines), encoding="utf-8")
        secrets.chmod(0o600)
        code, lines = await checked(capsys)
    assert code == 1
    found = [line for line in lines if line.startswith("✓ a: account")]
    assert [one in found[0], two in found[1]] == [True, True]
    limits = [line for line in lines if line.startswith("✓ a: limits")]
    assert limits[0].startswith(f"✓ a: limits: {one}: daily loss 800 USD")
    assert limits[1].startswith(f"✓ a: limits: {two}: daily loss 300 USD")
    assert any(line.startswith("✗ b: login: ") for line in lines)


async def test_a_gateway_with_everything_right(gateway: Gateway, places: Paths, capsys: Out) -> None:
    points_at(places, gateway.url)
    code, lines = await checked(capsys)
    assert code == 0, lines
    assert "✓ login: logged in as someone" in lines
    assert "✓ contracts: MNQ is MNQZ1, ES is ESZ1" in lines
    assert lines[-1] == '✓ trading: trading = "off"'


async def test_secrets_that_others_may_read(gateway: Gateway, places: Paths, capsys: Out) -> None:
    points_at(places, gateway.url)
    secrets = places.config / ".env"
    secrets.chmod(0o644)
    code, lines = await checked(capsys)
    assert code == 1
    assert f"✗ secrets: others may read {secrets} → chmod 600 {secrets}" in lines


async def test_a_refused_login_names_the_remedy(gateway: Gateway, places: Paths, capsys: Out) -> None:
    gateway.script("/api/Auth/loginKey", samples.failed(3))
    points_at(places, gateway.url)
    code, lines = await checked(capsys)
    assert code == 1
    assert any(line.startswith("✗ login: ") and "→ check user name and API key" in line for line in lines)


async def test_a_gateway_that_is_not_there(gateway: Gateway, places: Paths, capsys: Out) -> None:
    points_at(places, "http://127.0.0.1:9")
    code, lines = await checked(capsys)
    assert code == 1
    assert any(line.startswith("✗ venue reachable: ") for line in lines)


async def test_missing_credentials_are_a_line(places: Paths, gateway: Gateway, capsys: Out) -> None:
    points_at(places, gateway.url, key="")
    code, lines = await checked(capsys)
    assert code == 1
    assert lines[-1].startswith("✗ credentials: projectx.key is needed")
    assert not gateway.calls


async def test_bad_settings_are_lines(places: Paths, gateway: Gateway, capsys: Out) -> None:
    points_at(places, gateway.url, "[risk]\nmax_trades = 0\nfoo = 1")
    code, lines = await checked(capsys)
    assert code == 1
    assert [line.split(" = ")[0] for line in lines[:2]] == [
        "✗ settings: risk.max_trades",
        "✗ settings: risk.foo",
    ]
    assert not gateway.calls


async def test_a_keymap_that_clashes_is_told(gateway: Gateway, places: Paths, capsys: Out) -> None:
    points_at(places, gateway.url, '[ui]\nkeymap = { pause = "F", nonsense = "f9" }\n')
    code, lines = await checked(capsys)
    assert code == 1
    told = [line for line in lines if line.startswith("✗ keymap: ")]
    assert told == [
        "✗ keymap: ui.keymap.nonsense: no such action → choose another key",
        "✗ keymap: ui.keymap.pause: F already means flatten-all; p stays → choose another key",
    ]


async def test_credentials_without_a_venue_are_told(places: Paths, gateway: Gateway, capsys: Out) -> None:
    points_at(places, gateway.url)
    places.settings_file.write_text("", encoding="utf-8")
    code, lines = await checked(capsys)
    assert code == 0, lines
    (line,) = [line for line in lines if line[2:].startswith("credentials")]
    assert line == (
        "✓ credentials: the practice venue needs none, and leaves yours alone: "
        "[venues.topstepx] would use them"
    )


COIN = """
[instruments."BTCUSDT@one"]
kind = "perpetual"
tick_size = 0.1
lot_size = 0.001
currency = "USDT"
base = "BTC"
calendar = "always"
least_notional = 5
maker_percent = 0.02
taker_percent = 0.04

[instruments.ES]
commission_usd = 1

[instruments.AAPL]
kind = "equity"
tick_size = 0.01
currency = "USD"
calendar = "us_equities"
fee_usd = 0
commission_usd = 0
"""


def test_where_instruments_come_from_and_until_when_their_holidays_are_known(reading: Reading) -> None:
    address = 'kind = "projectx"\napi_url = "https://b.example"\nrtc_url = "https://b.example"\naccounts = '
    settings = reading(
        'contracts = ["MNQ", "ES", "BTCUSDT@one", "AAPL"]\ntrading = "paper"\n'
        f'{COIN}[venues.one]\n{address}"A"\n[venues.two]\n{address}"B"\n',
        "".join(f"TSTREAM_VENUES__{n}__USER={n}\nTSTREAM_VENUES__{n}__KEY=k\n" for n in ("ONE", "TWO")),
    ).settings

    def found(day: str) -> list[tuple[str, bool, bool, str]]:
        now = int(datetime.fromisoformat(f"{day}T15:00:00+00:00").timestamp()) * NANOS
        return [(one.name, one.ok, one.soon, one.detail) for one in of_instruments(settings, now)]

    terms, cme, always, shares, paper = found("2026-11-30")
    assert terms[3] == (
        "MNQ as tstream knows them; ES with terms of yours ([instruments]); "
        "BTCUSDT@one, AAPL by your terms alone ([instruments]); prices from one, or else two; "
        "of BTCUSDT@one from that venue alone"
    )
    assert cme == ("calendar cme", True, False, "MNQ, ES; holidays are known until 2028-12-31")
    assert always == ("calendar always", True, False, "BTCUSDT@one; never closed, no holidays")
    assert shares[3] == "AAPL; holidays are known until 2028-12-31"
    assert paper[3] == "the book paper, 50000 USD of play money"
    assert found("2028-12-01")[1] == (
        "calendar cme", True, True, "MNQ, ES; holidays are known until 2028-12-31, 30 days more",
    )  # fmt: skip
    over = found("2029-01-02")[1]
    assert over[:3] == ("calendar cme", False, False)
    assert over[3].endswith("2028-12-31: nothing is entered")


ROOM = "[rooms.desk]\nchannels = [{channels}]\nauthors = [1]\n"


def has_room(places: Paths, discord: FakeDiscord, channels: str, token: str = TOKEN) -> None:
    """Settings of the practice venue and a room."""
    address = f'[discord]\napi_url = "{discord.api_url}"\ngateway_url = "{discord.gateway_url}"\n'
    places.settings_file.write_text(address + ROOM.format(channels=channels), encoding="utf-8")
    secrets = places.config / ".env"
    secrets.write_text(f"TSTREAM_DISCORD_TOKEN={token}\n", encoding="utf-8")
    secrets.chmod(0o600)


async def test_a_room_that_can_be_read_and_those_that_cannot(places: Paths, capsys: Out) -> None:
    async with FakeDiscord() as discord:
        discord.channels[5] = discord.channels[CHANNEL]
        discord.hidden.add(5)
        has_room(places, discord, f"{CHANNEL}, 5, 77")
        code, lines = await checked(capsys)
    assert code == 1
    assert lines[-4].startswith("✓ discord: logged in as ")
    assert lines[-3:] == [
        "✗ room desk: the bot may not read 5 → give it View Channel and Read Message History there",
        "✗ room desk: Discord knows no channel 77 → correct the id: Developer Mode, right click, Copy "
        "Channel ID",
        f"✓ room desk: channel {CHANNEL} can be read",
    ]


@pytest.mark.parametrize(
    ("token", "said"),
    [("a.b.wrong", "Discord refuses the bot's token"), ("Bot two words", "this is no bot token")],
)
async def test_a_bots_token_that_is_wrong(token: str, said: str, places: Paths, capsys: Out) -> None:
    async with FakeDiscord() as discord:
        has_room(places, discord, f"{CHANNEL}", token)
        code, lines = await checked(capsys)
    assert code == 1
    assert lines[-1].startswith(f"✗ discord: {said}")
    assert "TSTREAM_DISCORD_TOKEN in .env" in lines[-1]
    assert token not in "".join(lines)


async def test_a_room_that_could_not_be_traded_is_told_as_a_start_would(places: Paths, capsys: Out) -> None:
    async with FakeDiscord() as discord:
        has_room(places, discord, f"{CHANNEL}")
        with places.settings_file.open("a", encoding="utf-8") as file:
            file.write('parser = "nonsense"\n')
        code, lines = await checked(capsys)
    assert code == 1
    assert lines[0].startswith("✗ settings: rooms.desk")


async def test_f55_a_folder_in_which_others_may_write_is_told_with_its_remedy(
    places: Paths, capsys: Out
) -> None:
    places.runtime.chmod(0o777)
    code, lines = await checked(capsys)
    assert code == 1
    assert (
        f"✗ folders: others may write in {places.runtime} (mode 0777) → chmod go-w {places.runtime}" in lines
    )
