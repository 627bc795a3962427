"""Models trained anew beside an engine: when, at what priority, and what is said of a failure."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from adapters.models.store import ModelStore
from engine.lab.training.anew import Anew
from engine.model.events import LinkChanged, LinkState
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from tests.support.waits import until
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import find
from tstream.run.retraining import Retraining, command_line, retraining_services
from tstream.settings.model import Settings
from tstream.settings.training import TrainingSettings

TEXT = f"tree\nmax_feature_idx={len(NAMES) - 1}\n\nend of trees\n"
RULES = Anew(hours=24, error=0.02, on_drift=True)
HOUR = 3600 * 10**9


class Trainings:
    """Stands for tstream train: each is a Python process that says and ends as it is told."""

    def __init__(self, folder: Path, *endings: str) -> None:
        self.store = ModelStore(folder, HASH, len(NAMES))
        self.heard: list[LinkChanged] = []
        self.reasons: list[str] = []
        self._endings = list(endings)

    def command(self, why: str) -> Sequence[str]:
        self.reasons.append(why)
        return [sys.executable, "-c", self._endings.pop(0)]

    async def go_on_until(self, count: int) -> None:
        service = Retraining(self.store, RULES, dict, self.command, self.heard.append, lambda: 7)
        task = asyncio.create_task(service.run(0, 0.001, 0.001))
        try:
            await until(lambda: len(self.reasons) >= count and not self._endings)
            await until(lambda: len(self.heard) >= 1)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_training_that_was_ended_from_below_has_the_remedy_of_the_settings(tmp_path: Path) -> None:
    ended = Trainings(tmp_path, "import os; print('OpenBLAS: failed', flush=True); os.abort()")
    await ended.go_on_until(1)
    assert ended.heard[0].detail == (
        "a training failed: OpenBLAS: failed (exit code -6); if memory was short, training.memory_mb gives it"
        " more and training.days less to learn from"
    )


async def test_a_training_that_fails_is_told_and_the_champion_stays(tmp_path: Path) -> None:
    failing = Trainings(tmp_path, "print('tstream: no space left\\ntstream: make some'); raise SystemExit(1)")
    failing.store.save(ModelCard("old", VERSION, HASH, created_ts=wall_ns() - 30 * HOUR), TEXT)
    failing.store.promote("old", "", 1)
    await failing.go_on_until(1)
    (told,) = failing.heard
    assert (told.state, told.detail) == (LinkState.DOWN, "a training failed: no space left")
    assert failing.reasons == ["the last training is 30 h old"]
    assert failing.store.champion() == "old"


async def test_one_that_hangs_ends_with_the_run_and_a_young_model_is_left_alone(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    hangs = f"open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    hanging = Trainings(tmp_path, f"import os, time; {hangs}")
    service = Retraining(hanging.store, RULES, dict, hanging.command, hanging.heard.append, lambda: 7)
    task = asyncio.create_task(service.run(0, 0.001, 0.001))
    await until(lambda: pid.exists() and bool(pid.read_text(encoding="ascii")))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert hanging.reasons == ["nothing has been trained yet"]
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text(encoding="ascii")), 0)
        raise AssertionError("it goes on without the run")

    young = Trainings(tmp_path)
    young.store.save(ModelCard("young", VERSION, HASH, created_ts=wall_ns()), TEXT)
    service = Retraining(young.store, RULES, dict, young.command, young.heard.append, lambda: 7)
    assert await service.why() == ""


def test_it_is_wired_where_it_is_asked_for_and_steps_back(tmp_path: Path) -> None:
    paths = find({"TSTREAM_HOME": str(tmp_path)})

    def services(settings: Settings, options: RunOptions) -> list[str]:
        found = retraining_services(settings, paths, options, dict, lambda told: None, lambda: 0)
        return [one.name for one in found]

    wanted = Settings(training=TrainingSettings(enabled=True))
    assert services(wanted, RunOptions()) == ["training"]
    assert services(Settings(), RunOptions()) == []
    assert services(wanted, RunOptions(demo=True)) == []
    words = command_line(tmp_path / "other.toml")("drift")
    assert words[-4:] == ["--reason", "drift", "--config", str(tmp_path / "other.toml")]
    assert words[-6:-4] == ["tstream", "train"]


def test_the_least_priority_is_taken() -> None:
    """In a process of its own: nobody gets a higher priority back."""
    import subprocess

    look = (
        "import os, resource; from tstream.run.low_priority import bound_memory, step_back;"
        "step_back(); bound_memory(512);"
        "print(os.nice(0), resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["19", "512"]
