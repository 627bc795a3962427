"""How faults are written, which there are, and that a seed decides what is left to chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.fault_plan.armed import Acted
from adapters.simulator.fault_plan.plan import WHEN, FaultError, FaultKind
from adapters.simulator.faults.catalogue import CATALOGUE, fault, parse
from adapters.simulator.faults.help_text import help_text
from tests.simulator.practice_venue import ACCOUNT, PracticeDesk, bench


def test_a_fault_is_written_as_it_is_read() -> None:
    text = "late-reply:call=modify,seconds=2.5,nth=3"
    assert parse(text) == fault("late-reply", call="modify", seconds=2.5, nth=3)
    assert str(parse(text)) == text
    assert str(parse("lost-reply:hang=yes,call=place")) == "lost-reply:hang=yes"
    assert str(parse(" halt ")) == "halt"


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_every_example_can_be_read_back(kind: FaultKind) -> None:
    example = parse(kind.example)
    assert example.name == kind.name
    assert parse(str(example)) == example
    assert set(WHEN) <= set(kind.options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lost-repyl", "did you mean lost-reply"),
        ("lost_reply", "did you mean lost-reply"),
        ("nonsense", "--list-faults names them all"),
        ("lost-reply:cal=place", "did you mean call?"),
        ("halt:xyzzy=1", "it takes seconds, on, every, nth, times, p, at, lasting"),
        ("lost-reply:call=plaec", "did you mean place?"),
        ("lost-reply:call=xyzzy", "it is one of any, login,"),
        ("lost-reply:hang=maybe", 'hang must be yes or no, not "maybe"'),
        ("lost-reply:nth=1.5", 'nth must be a whole number, not "1.5"'),
        ("lost-reply:nth=0", "nth must be a number from 1 on"),
        ("halt:seconds=soon", 'seconds must be a number, not "soon"'),
        ("halt:seconds=-1", "seconds must be a number from 0 on"),
        ("halt:seconds=nan", "seconds must be a number from 0 on"),
        ("halt:p=0", "p is a probability"),
        ("halt:p=1.1", "p is a probability"),
        ("halt:5", 'write key=value, as in halt:on=fill,seconds=30'),
        ("outside-trade:symbol=MNX", "did you mean MNQ"),
    ],
)  # fmt: skip
def test_a_slip_is_explained(text: str, said: str) -> None:
    with pytest.raises(FaultError) as error:
        parse(text)
    assert said in str(error.value)


def test_the_manual_names_exactly_what_there_is() -> None:
    told = {
        line.strip() for line in help_text().splitlines() if line.startswith("  ") and line[2:3].isalpha()
    }
    names = {line for line in told if ":" not in line}
    assert names == set(CATALOGUE)
    for kind in CATALOGUE.values():
        assert f"example: --fault {kind.example}\n" in help_text()
        for key in kind.options:
            assert f"{key}" in help_text()
    assert max(map(len, help_text().splitlines())) <= 110


def test_every_fault_is_tried_over_sockets() -> None:
    tried = "".join(path.read_text() for path in Path(__file__).parents[1].glob("*/test_faults_*.py"))
    assert not {name for name in CATALOGUE if f'"{name}"' not in tried}


async def _chances(seed: int) -> list[tuple[str, str]]:
    """What a plan of chances does to one run of calls."""
    faults = (
        fault("error-before", call="positions", p=0.5, times=0),
        fault("throttled", call="trades", p=0.3, times=0),
        fault("stale-reply", p=0.2, times=0),
    )
    async with bench(SimulatorConfig(faults=faults, fault_seed=seed)) as desk:
        for _ in range(40):
            await desk.post("Position/searchOpen", {"accountId": ACCOUNT})
            await desk.post("Trade/search", {"accountId": ACCOUNT})
        return [(acted.fault, acted.on) for acted in desk.venue.faults.log]


async def test_a_seed_gives_the_same_faults() -> None:
    first, again, other = await _chances(1), await _chances(1), await _chances(2)
    assert first == again != other
    assert 10 < sum(name == "error-before" for name, _ in first) < 30


async def test_one_fault_more_does_not_move_the_chances_of_the_others(desk: PracticeDesk) -> None:
    async def answers(*more: str) -> list[int]:
        faults = (fault("error-before", call="positions", p=0.5, times=0), *map(parse, more))
        async with bench(SimulatorConfig(faults=faults)) as other:
            return [(await other.post("Position/searchOpen", {"accountId": ACCOUNT}))[0] for _ in range(20)]

    assert await answers() == await answers("throttled:call=trades,p=0.5")


async def test_the_log_says_when_what_and_where(desk: PracticeDesk) -> None:
    armed = desk.venue.faults.add("throttled", call="positions", nth=2)
    for _ in range(3):
        desk.wait(1000)
        await desk.post("Position/searchOpen", {"accountId": ACCOUNT})
    at = desk.clock() - 1_000_000_000
    assert desk.venue.faults.log == [Acted(at, "throttled", "positions")]
    await armed.happened()
