"""The process that asks a model: questions on stdin, answers on stdout, a line of JSON each.

It holds nothing that is worth anything, and may die or hang at any time: `WorkerPredictor` looks after it.
LightGBM is imported here and nowhere else in a run.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import msgspec
from msgspec import Struct

MISSING = "LightGBM is not installed: pip install 'tstream[models]'"

_UNUSED = ("dask", "distributed", "matplotlib", "pandas", "pyarrow", "sklearn")
"""LightGBM imports these where they are installed; without them it is there in a quarter of the time, with
half of the memory."""

Ask = Callable[[list[float]], Any]


class LoadModel(Struct, frozen=True):
    """The first line on stdin."""

    text: str
    features: int


class ModelLoaded(Struct, frozen=True):
    """The first line on stdout."""

    problem: str = ""
    """Why it can't be asked; empty where it can."""


class ModelQuestion(Struct, frozen=True):
    id: str
    x: list[float | None]
    """None where a feature is not known."""


class ModelAnswer(Struct, frozen=True):
    id: str
    y: float | None
    """As the model says it; None where it says no finite number."""


def main() -> int:
    """Until stdin ends."""
    read, write = sys.stdin.buffer, sys.stdout.buffer

    def say(what: Struct) -> None:
        write.write(msgspec.json.encode(what) + b"\n")
        write.flush()

    try:
        load = msgspec.json.decode(read.readline(), type=LoadModel)
        ask = booster(load)
        ask([0.0] * load.features)
    except ImportError:
        say(ModelLoaded(MISSING))
        return 1
    except Exception:  # noqa: BLE001  # whatever LightGBM says of a file that it can't take
        say(ModelLoaded("the model can't be loaded: its file is none that LightGBM takes"))
        return 1
    say(ModelLoaded())
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(read, questions), daemon=True).start()
    decoder = msgspec.json.Decoder(ModelQuestion)
    while True:
        question = decoder.decode(questions.get())
        given = [float("nan") if one is None else one for one in question.x]
        number = float(ask(given))
        say(ModelAnswer(question.id, number if number == number and abs(number) < 1e300 else None))


def booster(load: LoadModel) -> Ask:
    """A model as a function of one row. Raises ImportError without LightGBM, and what it raises."""
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # it is not imported then
    import lightgbm
    import numpy

    model = lightgbm.Booster(params={"verbosity": -1}, model_str=load.text)
    if model.num_feature() != load.features:
        raise ValueError("another number of features")
    row = numpy.empty((1, load.features), dtype=numpy.float64)

    def ask(values: list[float]) -> float:
        row[0] = values
        return float(model.predict(row, num_threads=1)[0])

    return ask


def _listen(read: Any, questions: SimpleQueue[bytes]) -> None:
    """When our parent has ended, so do we, whatever the model is doing."""
    for line in iter(read.readline, b""):
        questions.put(line)
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
