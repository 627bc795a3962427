"""The process that asks a model: questions on stdin, answers on stdout, a line of JSON each.

It holds nothing that is worth anything, and may die or hang at any time: `WorkerPredictor` looks after it.
LightGBM and torch are imported here and nowhere else in a run.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from math import isfinite, nan
from queue import SimpleQueue
from typing import Any

import msgspec
from msgspec import Struct

from engine.model.errors import FatalError

MISSING = "LightGBM is not installed: pip install 'tstream[models]'"

_UNUSED = ("dask", "distributed", "matplotlib", "pandas", "pyarrow", "sklearn")
"""LightGBM imports these where they are installed; without them it is there in a quarter of the time, with
half of the memory."""

Rows = list[list[float]]
Ask = Callable[[Rows, str], Any]
"""Of the rows of closes, the oldest first, and of an instrument."""


class LoadModel(Struct, frozen=True):
    """The first line on stdin."""

    text: str
    """LightGBM's; empty for a deep model."""
    features: int
    weights: bytes = b""
    """Of a deep model."""


class ModelLoaded(Struct, frozen=True):
    """The first line on stdout."""

    problem: str = ""
    """Why it can't be asked; empty where it can."""


class ModelQuestion(Struct, frozen=True):
    id: str
    x: list[float | None]
    """None where a feature is not known."""
    past: list[list[float | None]] = []
    """The same of closes before it, the oldest first; a model of one close is given none."""
    instrument: str = ""


class ModelAnswer(Struct, frozen=True):
    id: str
    y: float | None
    """As the model says it; None where it says no finite number."""


def main() -> int:
    """Until stdin ends."""
    read, write = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what LightGBM prints is no answer

    def say(what: Struct) -> None:
        write.write(msgspec.json.encode(what) + b"\n")
        write.flush()

    library = "LightGBM"
    try:
        load = msgspec.json.decode(read.readline(), type=LoadModel)
        library = "torch" if load.weights else library
        ask = deep(load) if load.weights else booster(load)
        if not isfinite(ask([[0.0] * load.features], "")):
            raise ValueError("no number")
    except FatalError as error:
        say(ModelLoaded(str(error)))
        return 1
    except ImportError:
        say(ModelLoaded(MISSING))
        return 1
    except Exception:  # noqa: BLE001  # whatever LightGBM says of a file that it can't take
        say(ModelLoaded(f"the model can't be loaded: its file is none that {library} takes"))
        return 1
    say(ModelLoaded())
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(read, questions), daemon=True).start()
    decoder = msgspec.json.Decoder(ModelQuestion)
    while True:
        question = decoder.decode(questions.get())
        rows = [[nan if one is None else one for one in row] for row in (*question.past, question.x)]
        number = float(ask(rows, question.instrument))
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

    def ask(rows: Rows, instrument: str) -> float:
        row[0] = rows[-1]
        return float(model.predict(row, num_threads=1)[0])

    return ask


def deep(load: LoadModel) -> Ask:
    """A deep model as a function. Raises FatalError without torch, and for a file that is none."""
    from adapters.models.deep.learner import ask_one

    ask: Ask = ask_one(load.weights)
    return ask


def _listen(read: Any, questions: SimpleQueue[bytes]) -> None:
    """When our parent has ended, so do we, whatever the model is doing."""
    for line in iter(read.readline, b""):
        questions.put(line)
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
