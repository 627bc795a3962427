"""Real money is armed once, by typing the name; the kind of account at the venue decides who is asked."""

from __future__ import annotations

import asyncio

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.practice import PracticeVenue
from engine.model.errors import FatalError, PortError
from tests.tstream.conftest import Reading
from tstream.paths import Paths
from tstream.run.arming import all_armed, armed_accounts, ask_to_arm, remember_armed


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
    assert armed_accounts(places.venue("projectx")) == armed
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
    assert armed_accounts(places.venue("one")) == all_armed(settings, places) == ("50KTC-1",)
    out = capsys.readouterr().out
    assert "Account '50KTC-3' at one is not a practice account" in out
    assert "PRAC-2" not in out
    assert [line for line in out.splitlines() if line.startswith("dead: ") and "is only watched" in line]
    only_dead = settings.narrowed(["dead"])
    with pytest.raises(PortError):
        await asyncio.to_thread(ask_to_arm, only_dead, places, venue.now)


def test_what_is_armed_stays_for_its_owner_alone(places: Paths) -> None:
    folder = places.venue("topstepx")
    assert armed_accounts(folder) == ()
    remember_armed(folder, "B")
    remember_armed(folder, "A")
    assert armed_accounts(folder) == ("A", "B")
    assert (folder / "armed.json").stat().st_mode & 0o077 == 0
    (folder / "armed.json").write_bytes(b'["A"')
    with pytest.raises(FatalError, match="delete it and arm the account anew"):
        armed_accounts(folder)
