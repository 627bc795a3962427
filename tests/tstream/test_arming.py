"""Real money is armed once, by typing the name; the kind of account at the venue decides who is asked."""

from __future__ import annotations

import asyncio

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.practice import PracticeVenue
from engine.model.errors import FatalError
from tests.tstream.conftest import Reading
from tstream.paths import Paths
from tstream.run.arming import armed_accounts, ask_to_arm, remember_armed


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
