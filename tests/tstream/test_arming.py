"""Real money is armed once, by typing the name; the kind of account at the venue decides who is asked."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.practice import PracticeVenue
from engine.model.config import ArmedAccount
from engine.model.errors import FatalError, PortError
from engine.model.orders import Account, AccountKind
from tests.tstream.conftest import Reading
from tstream.paths import Paths
from tstream.run.arming import all_armed, armed_accounts, ask_to_arm, remember_armed
from tstream.settings.model import Settings


@pytest.mark.parametrize(
    ("name", "typed", "asked", "armed"),
    [
        ("50KTC-1", "50KTC-1", 1, ("50KTC-1",)),
        ("50KTC-1", " 50KTC-1 ", 1, ("50KTC-1",)),
        ("50KTC-1", "50ktc-1", 2, ()),
        ("50KTC-1", "", 2, ()),
        ("PRAC-1", "PRAC-1", 0, ()),
    ],
)
async def test_who_is_asked_and_what_arms(
    name: str, typed: str, asked: int, armed: tuple[str, ...], reading: Reading, places: Paths
) -> None:
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return typed

    config = SimulatorConfig(accounts=(AccountSpec(name=name),))
    async with PracticeVenue(config) as venue:
        settings = reading(
            f'trading = "live"\n[venues.projectx]\naccounts = "{name}"\n'
            f'api_url = "{venue.url}"\nrtc_url = "{venue.url}"\n',
            f"TSTREAM_PROJECTX_USER={config.user}\nTSTREAM_PROJECTX_KEY={config.key}",
        ).settings
        for _ in range(2):  # the next start asks again only where nothing was armed
            await asyncio.to_thread(ask_to_arm, settings, places, venue.now, answer)
    assert [one.name for one in all_armed(settings, places)] == list(armed)
    assert len(questions) == asked


async def test_each_account_is_armed_by_itself_and_a_dead_venue_stands_in_nobodys_way(
    reading: Reading, places: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("50KTC-1", "PRAC-2", "50KTC-3")
    accounts = tuple(AccountSpec(id=n, name=name) for n, name in enumerate(names, 1))
    config = SimulatorConfig(accounts=accounts)
    async with PracticeVenue(config) as venue:
        settings = reading(
            f'trading = "live"\n[venues.one]\nkind = "projectx"\naccounts = "all"\n'
            f'api_url = "{venue.url}"\nrtc_url = "{venue.url}"\n'
            '[venues.dead]\nkind = "projectx"\naccounts = "X"\n'
            'api_url = "http://127.0.0.1:9"\nrtc_url = "http://127.0.0.1:9"\n',
            f"TSTREAM_VENUES__ONE__USER={config.user}\nTSTREAM_VENUES__ONE__KEY={config.key}\n"
            "TSTREAM_VENUES__DEAD__USER=u\nTSTREAM_VENUES__DEAD__KEY=k",
        ).settings
        typed = iter(("50KTC-1", ""))
        await asyncio.to_thread(ask_to_arm, settings, places, venue.now, lambda _: next(typed))
    assert all_armed(settings, places) == (ArmedAccount("one", "50KTC-1", "1"),)
    out = capsys.readouterr().out
    assert "Account '50KTC-3' at one is not a practice account" in out
    assert "PRAC-2" not in out
    assert [line for line in out.splitlines() if line.startswith("dead: ") and "is only watched" in line]
    only_dead = settings.narrowed(["dead"])
    with pytest.raises(PortError):
        await asyncio.to_thread(ask_to_arm, only_dead, places, venue.now)


async def test_an_account_of_the_same_name_elsewhere_is_another_one(reading: Reading, places: Paths) -> None:
    name = "50KTC-1"
    here = SimulatorConfig(accounts=(AccountSpec(id=1, name=name),))
    there = SimulatorConfig(accounts=(AccountSpec(id=7, name=name),))
    async with PracticeVenue(here) as one, PracticeVenue(there) as two:

        def settings_of(first: str, second: str) -> Settings:
            section = '[venues.{}]\nkind = "projectx"\naccounts = "{}"\napi_url = "{}"\nrtc_url = "{}"\n'
            return reading(
                'trading = "live"\n'
                + section.format("a", name, first, first)
                + section.format("b", name, second, second),
                f"TSTREAM_VENUES__A__USER={here.user}\nTSTREAM_VENUES__A__KEY={here.key}\n"
                f"TSTREAM_VENUES__B__USER={there.user}\nTSTREAM_VENUES__B__KEY={there.key}",
            ).settings

        settings, typed = settings_of(one.url, two.url), iter((name, ""))
        await asyncio.to_thread(ask_to_arm, settings, places, one.now, lambda _: next(typed))
        assert all_armed(settings, places) == (ArmedAccount("a", name, "1"),)
        # The venue's section says another gateway now: what was armed was not that one's.
        assert all_armed(settings_of(two.url, one.url), places) == ()


async def test_a_file_of_before_arms_by_the_name_and_learns_the_rest(reading: Reading, places: Paths) -> None:
    folder = places.venue("projectx")
    folder.mkdir(parents=True)
    (folder / "armed.json").write_bytes(b'["50KTC-1","50KTC-2"]')
    config = SimulatorConfig(accounts=(AccountSpec(id=4, name="50KTC-1"),))
    async with PracticeVenue(config) as venue:
        settings = reading(
            f'trading = "live"\n[venues.projectx]\naccounts = "50KTC-1"\n'
            f'api_url = "{venue.url}"\nrtc_url = "{venue.url}"\n',
            f"TSTREAM_PROJECTX_USER={config.user}\nTSTREAM_PROJECTX_KEY={config.key}",
        ).settings
        before = (ArmedAccount("projectx", "50KTC-1"), ArmedAccount("projectx", "50KTC-2"))
        assert all_armed(settings, places) == before
        await asyncio.to_thread(ask_to_arm, settings, places, venue.now, lambda _: pytest.fail("asked"))
    assert set(all_armed(settings, places)) == {
        ArmedAccount("projectx", "50KTC-2"),
        ArmedAccount("projectx", "50KTC-1", "4"),
    }


def test_what_is_armed_stays_for_its_owner_alone(places: Paths) -> None:
    folder = places.venue("topstepx")
    assert armed_accounts(folder, "v", "topstepx") == ()
    for name in "BAB":
        account = Account(f"number {name}", name, AccountKind.LIVE, Decimal(1), can_trade=True)
        remember_armed(folder, "topstepx", account)
    known = armed_accounts(folder, "v", "https://api.topstepx.com/")
    assert {one.name for one in known} == {"A", "B"}
    assert len(known) == 2
    assert (folder / "armed.json").stat().st_mode & 0o077 == 0
    (folder / "armed.json").write_bytes(b'["A"')
    with pytest.raises(FatalError, match="delete it and arm the account anew"):
        armed_accounts(folder, "v", "topstepx")
