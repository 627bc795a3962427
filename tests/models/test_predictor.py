"""The worker that asks a model: whatever becomes of it, the engine hears of it and waits for nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from math import e, nan
from pathlib import Path

import msgspec
import pytest

from adapters.models.files import champion, set_champion, write_model
from adapters.models.predictor import COMMAND, WorkerPredictor
from engine.model.effects import AskPrediction
from engine.model.errors import FatalError
from engine.model.events import AnyEvent, Predicted, PredictorTold
from engine.model.market import Side, Timeframe
from engine.model.opinion import ModelCard
from engine.model.opinion_events import PredictorState
from tests.models.workers import BEGIN, DOES, STUMP, worker
from tests.support.waits import until

HASH = "abc"
CARD = ModelCard("first", 1, HASH, calibration=((0.0, 0.1), (1.0, 0.9)), mean_win_r=1.5, mean_loss_r=-1.0)
TEXT = "tree\nversion=v4\nmax_feature_idx=1\n"


class Heard(list[AnyEvent]):
    def states(self) -> list[str]:
        return [one.state.value for one in self if isinstance(one, PredictorTold)]

    def answers(self) -> list[Predicted]:
        return [one for one in self if isinstance(one, Predicted)]


@asynccontextmanager
async def predictor(
    folder: Path,
    command: Sequence[str] = COMMAND,
    text: str | bytes = TEXT,
    card: ModelCard = CARD,
    hash_: str = HASH,
    features: int = 2,
) -> AsyncIterator[tuple[WorkerPredictor, Heard]]:
    """One at work on the champion of a folder, which is `card` unless that has one."""
    if champion(folder) is None:
        write_model(folder, card, text)
        set_champion(folder, card.name)
    heard = Heard()
    one = WorkerPredictor(
        lambda: champion(folder), hash_, features, lambda: 7, retrain_ns=10, command=command,
        patience_s=0.2, look_s=0.05, first_wait_s=0.01,
    )  # fmt: skip
    running = asyncio.create_task(one.run(heard.append))
    try:
        yield one, heard
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def question(model: str, n: int = 1) -> AskPrediction:
    return AskPrediction(f"q{n}", model, "MNQ", Timeframe.M5, Side.BUY, (0.25, nan))


async def ready(heard: Heard, times: int = 1) -> PredictorTold:
    await until(lambda: heard.states().count("ready") >= times)
    return [one for one in heard if isinstance(one, PredictorTold) and one.card is not None][-1]


async def test_an_answer_is_calibrated_and_comes_with_the_models_hash(tmp_path: Path) -> None:
    async with predictor(tmp_path, worker("answers")) as (one, heard):
        told = await ready(heard)
        assert told.card is not None
        plain = msgspec.structs.replace(told.card, file_hash="")
        assert (plain, told.retrain_ts) == (CARD, CARD.created_ts + 10)
        one.ask(question(told.hash))
        await until(heard.answers)
        assert heard.answers() == [
            Predicted(ts_recv=7, request="q1", hash=told.hash, probability=0.5, expected_r=0.25)
        ]
        one.ask(question("another model"))
        assert not one._waiting


@pytest.mark.parametrize("does", [name for name in DOES if name != "answers"])
async def test_a_worker_that_fails_is_told_of_and_started_again(
    tmp_path: Path, does: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with predictor(tmp_path, worker(does)) as (one, heard):
        told = await ready(heard)
        one.ask(question(told.hash))
        await ready(heard, 2)
        assert heard.states()[:3] == ["ready", "down", "ready"]
        (down,) = [it for it in heard if isinstance(it, PredictorTold) and it.state is PredictorState.DOWN]
        assert down.detail
        assert "\n" not in down.detail
        assert all(answer.probability is None and answer.problem for answer in heard.answers())
    assert not [one for one in caplog.records if one.name == "asyncio"], "each child is waited for once"


async def test_a_worker_that_never_gets_ready_is_started_again_and_told_of_once(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    script = f"import sys; sys.stdin.readline(); open({str(tries)!r}, 'a').write('x')"
    async with predictor(tmp_path, (sys.executable, "-c", script)) as (_, heard):
        await until(lambda: tries.exists() and len(tries.read_text()) >= 3, seconds=20)
        assert heard.states() == ["down"]
        write_model(tmp_path, msgspec.structs.replace(CARD, feature_hash="old"), TEXT)
        await until(lambda: heard.states() == ["down", "refused"])


async def test_another_champion_takes_over_and_none_is_said(tmp_path: Path) -> None:
    async with predictor(tmp_path, worker("answers")) as (one, heard):
        first = await ready(heard)
        write_model(tmp_path, msgspec.structs.replace(CARD, name="second"), TEXT)
        set_champion(tmp_path, "second")
        second = await ready(heard, 2)
        assert second.card is not None
        assert (second.card.name, second.hash != first.hash) == ("second", True)
        set_champion(tmp_path, None)
        await until(lambda: heard.states()[-1] == "absent")
        one.ask(question(second.hash))
        assert not heard.answers()


@pytest.mark.parametrize(
    ("card", "command", "says"),
    [
        (msgspec.structs.replace(CARD, feature_hash="old"), worker("answers"), "train it again"),
        (CARD, (*COMMAND[:1], "-c", "import sys; sys.modules['lightgbm'] = None\n"
                "from adapters.models.worker import main; main()"), "LightGBM is not installed: pip install"),
        (CARD, (*COMMAND[:1], "-c", "from adapters.models import worker\n"
                "def bad(load): raise ValueError(1)\n"
                "worker.booster = bad; worker.main()"), "the model can't be loaded: its file is none"),
    ],
)  # fmt: skip
async def test_what_only_a_person_can_mend_is_said_once_in_one_line(
    tmp_path: Path, card: ModelCard, command: Sequence[str], says: str
) -> None:
    async with predictor(tmp_path, command, card=card) as (_, heard):
        await until(heard.states, seconds=20)
        await asyncio.sleep(0)
        assert heard.states() == ["refused"]
        (told,) = heard
        assert isinstance(told, PredictorTold)
        assert says in told.detail
        assert "\n" not in told.detail


async def test_secrets_of_the_environment_do_not_reach_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSTREAM_PROJECTX_KEY", "secret-in-env")
    out = tmp_path / "environment"
    script = BEGIN.replace("print", f"open({str(out)!r}, 'w').write(str(dict(os.environ)))\nprint", 1)
    async with predictor(tmp_path, (sys.executable, "-c", script + DOES["answers"])) as (_, heard):
        await ready(heard)
    assert "secret-in-env" not in out.read_text()
    assert os.environ["TSTREAM_PROJECTX_KEY"] == "secret-in-env"


async def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    script = """
import os
from adapters.models import worker
def loud(load):
    def ask(rows, instrument):
        os.write(1, b"[LightGBM] [Warning] whatever it says\\n")
        print("and Python too", flush=True)
        return 0.5
    return ask
worker.booster = loud
worker.main()
"""
    async with predictor(tmp_path, (sys.executable, "-c", script)) as (one, heard):
        await until(lambda: "ready" in heard.states(), seconds=20)
        one.ask(question((await ready(heard)).hash))
        await until(heard.answers, seconds=20)
        assert [answer.probability for answer in heard.answers()] == [0.5]
        assert heard.states() == ["ready"]


async def test_lightgbm_itself_is_asked(tmp_path: Path) -> None:
    if find_spec("lightgbm") is None:
        pytest.skip("LightGBM is not installed")
    plain = msgspec.structs.replace(CARD, calibration=())
    async with predictor(tmp_path, text=STUMP, card=plain) as (one, heard):
        await until(lambda: "ready" in heard.states(), seconds=60, look_s=0.05)
        one.ask(question((await ready(heard)).hash))
        await until(heard.answers)
        assert heard.answers()[0].probability == pytest.approx(1 / (1 + e))


def test_what_names_the_champion_may_be_broken(tmp_path: Path) -> None:
    def broken() -> Path | None:
        raise FatalError("champion names no model")

    one = WorkerPredictor(broken, HASH, 2, lambda: 7)
    assert one._sign().path is None
