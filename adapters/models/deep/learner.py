"""The deep model behind the face of a learner: fitted to examples with the closes before them, written as
safetensors (docs/models.md#deep-models).

Seeded, on one thread, with deterministic algorithms: on one machine the same examples give the same file,
byte for byte.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from importlib import import_module
from math import cos, pi
from typing import Any, NamedTuple

import msgspec

from adapters.models.deep.weights import KEY, DeepShape, shape_of
from engine.model.errors import FatalError

MISSING = "the deep model needs torch, which is not installed: pip install 'tstream[deep]'"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
HEADS = 2
_BATCH, _TOGETHER = 128, 16
"""Examples of a step, and of them those that follow each other in time: they share most of their rows."""
_SHORTENED = 0.15
"""Of examples that are learned from with fewer closes than there are: after a start and a pause it is so."""
_QUANTILES_COUNT = 1.0
"""What the loss of the quantiles counts beside that of the probability."""
_ASKED = 1_024
_EXPLAINED = 2_000
"""Newest examples that what it looks at is told of."""


def torch_library() -> Any:
    """torch on one thread, with deterministic algorithms. Raises FatalError with what to do where it is not
    installed.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        torch = import_module("torch")
        import_module("safetensors.torch")
    except (ImportError, OSError) as error:
        raise FatalError(f"{MISSING} ({error})") from None
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return torch


def loaded(data: bytes) -> tuple[DeepShape, dict[str, Any]]:
    """A file as a shape and its weights. Raises FatalError for one that is none, or without torch."""
    shape = shape_of(data)
    torch = torch_library()
    weights = import_module("safetensors.torch").load(data)
    if not all(bool(torch.isfinite(one).all()) for one in weights.values()):
        raise FatalError("a number in it is not finite")
    return shape, weights


def ask_one(data: bytes) -> Any:
    """A model as a function of the rows of one example, the oldest first, and of its instrument: the raw
    output. Raises FatalError.
    """
    shape, weights = loaded(data)
    torch, network = torch_library(), _network()
    numbers = {name: n + 1 for n, name in enumerate(shape.instruments)}
    places = torch.arange(shape.window)[None]

    def ask(rows: Sequence[Sequence[float]], instrument: str) -> float:
        count = len(rows)
        if not 1 <= count <= shape.window:
            raise ValueError(f"{count} closes where 1 to {shape.window} are taken")
        given = torch.tensor(rows, dtype=torch.float32)
        known = torch.tensor([numbers.get(instrument, 0)])
        with torch.inference_mode():
            said = network.asked(
                weights, shape, given, places.clamp(max=count - 1), torch.tensor([count]), known
            )
            return float(torch.sigmoid(said.logit)[0])

    return ask


def _network() -> Any:
    return import_module("adapters.models.deep.network")


class DeepHow(NamedTuple):
    """How a network is fitted."""

    hidden: int
    passes: int
    rate: float
    dropout: float
    window: int


class DeepBatch(NamedTuple):
    """Tensors of some examples: what `network.asked` takes."""

    rows: Any
    places: Any
    counts: Any
    instruments: Any


class DeepTable:
    """All rows of a training, and which of them belong to each example."""

    def __init__(
        self,
        features: array[float],
        aside: array[float],
        pasts: array[int],
        width: int,
        instruments: Sequence[str],
    ) -> None:
        """`features` are the rows of examples one after the other, `aside` those of closes that are no
        examples, `width` numbers each. `pasts` are, for each example, equally many places of the closes
        before it, the newest last: n is example n, -1 - n is number n of those aside, and less than all of
        them is none. `instruments` are those of the examples.
        """
        torch = self.torch = torch_library()
        self.width = width
        count = len(instruments)
        both = [torch.frombuffer(one, dtype=torch.float64) for one in (features, aside) if len(one)]
        self.rows = torch.cat(both).to(torch.float32).view(-1, width)
        past = torch.frombuffer(pasts, dtype=torch.int32).view(count, -1).long() if len(pasts) else None
        if past is None:
            past = torch.zeros((count, 0), dtype=torch.long)
        others = self.rows.shape[0] - count
        place = torch.where(past >= 0, past, count - 1 - past)
        self._place = torch.cat((place, torch.arange(count)[:, None]), dim=1)
        self._counts = (past >= -others).sum(dim=1) + 1
        self.instruments = tuple(sorted(set(instruments)))
        self._names = instruments

    @property
    def most(self) -> int:
        """Closes that an example can have, its own among them."""
        return int(self._place.shape[1])

    def numbered(self, instruments: Sequence[str]) -> Any:
        """The place of each example's instrument among these, from 1; 0 where it is none of them."""
        numbers = {name: n + 1 for n, name in enumerate(instruments)}
        return self.torch.tensor([numbers.get(name, 0) for name in self._names])

    def batch(self, positions: Any, window: int, numbers: Any, shortened: Any = None) -> DeepBatch:
        """What is asked about the examples at `positions`, of at most `window` closes each; `shortened` says
        of how few at most.
        """
        torch = self.torch
        counts = self._counts[positions].clamp(max=window)
        if shortened is not None:
            counts = torch.minimum(counts, shortened)
        # Those that count stand at the end of the table's line; here they come first, and padding behind.
        steps = torch.arange(window)[None]
        column = self.most - counts[:, None] + steps
        place = self._place[positions].gather(1, column.clamp(max=self.most - 1))
        used, places = torch.unique(place, return_inverse=True)
        return DeepBatch(self.rows[used], places, counts, numbers[positions])


class DeepModel:
    """A model in memory."""

    def __init__(self, shape: DeepShape, weights: dict[str, Any], table: DeepTable) -> None:
        self.shape = shape
        self._weights, self._table = weights, table
        self._numbers = table.numbered(shape.instruments)

    def raw(self, positions: Sequence[int]) -> list[float]:
        """Its outputs for examples of the table, 0..1; they are no probabilities before they are
        calibrated.
        """
        sigmoid = self._table.torch.sigmoid
        return [float(one) for said in self._said(positions) for one in sigmoid(said.logit).tolist()]

    def quantiles(self, positions: Sequence[int]) -> list[tuple[float, ...]]:
        """Of the result in R, one for each of the shape's quantiles, none above the next."""
        return [tuple(row) for said in self._said(positions) for row in said.quantiles.tolist()]

    def body(self) -> bytes:
        """As safetensors."""
        told = {KEY: msgspec.json.encode(self.shape).decode()}
        found: bytes = import_module("safetensors.torch").save(self._weights, metadata=told)
        return found

    def importance(self, names: Sequence[str]) -> list[tuple[str, float]]:
        """Features and how much their networks count on average, the largest first; they add up to 1."""
        sums, rows = [0.0] * len(names), 0
        for said in self._said(self._newest()):
            for n, one in enumerate(said.variables.sum(dim=0).tolist()):
                sums[n] += one
            rows += int(said.variables.shape[0])
        shares = ((name, one / max(1, rows)) for name, one in zip(names, sums, strict=True))
        return sorted(shares, key=lambda pair: (-pair[1], pair[0]))

    def attention(self) -> tuple[float, ...]:
        """How much each close counts on average where all are there, the newest first; they add up to 1."""
        window = self.shape.window
        sums, count = [0.0] * window, 0
        for said in self._said(self._newest()):
            full = said.attention[said.attention[:, -1] > 0]
            count += int(full.shape[0])
            for n, one in enumerate(reversed(full.sum(dim=0).tolist())):
                sums[n] += one
        return tuple(one / count for one in sums) if count else ()

    def _newest(self) -> Sequence[int]:
        count = len(self._numbers)
        return range(max(0, count - _EXPLAINED), count)

    def _said(self, positions: Sequence[int]) -> Iterator[Any]:
        torch, network = self._table.torch, _network()
        with torch.inference_mode():
            for begin in range(0, len(positions), _ASKED):
                chosen = torch.tensor(list(positions[begin : begin + _ASKED]))
                given = self._table.batch(chosen, self.shape.window, self._numbers)
                yield network.asked(self._weights, self.shape, *given)


class DeepNets:
    """Fits networks to the examples of one table. Raises FatalError where torch is not installed."""

    def __init__(
        self,
        table: DeepTable,
        hits: Sequence[bool],
        results: Sequence[float],
        seed: int,
        quantiles: tuple[float, ...] = QUANTILES,
    ) -> None:
        """`results` are in R; of all examples of the table."""
        self._table, self._seed, self._quantiles = table, seed, quantiles
        torch = table.torch
        self._hits = torch.tensor(hits, dtype=torch.float32)
        self._results = torch.tensor(results, dtype=torch.float32)

    def fit(
        self,
        positions: Sequence[int],
        weights: Sequence[float],
        *,
        hidden: int,
        passes: int,
        rate: float,
        dropout: float,
        window: int = 0,
    ) -> DeepModel:
        """A model of these examples, which rise; `weights` are theirs, in the same order. `window` closes are
        looked at, without it as many as there are. Raises MemoryError.
        """
        try:
            return self._fit(positions, weights, DeepHow(hidden, passes, rate, dropout, window))
        except RuntimeError as error:
            if "allocate memory" in str(error):  # torch's own word for it
                raise MemoryError from None
            raise

    def _fit(self, positions: Sequence[int], weights: Sequence[float], how: DeepHow) -> DeepModel:
        hidden, passes, rate, dropout, window = how
        torch, network, table = self._table.torch, _network(), self._table
        chance = torch.Generator().manual_seed(self._seed)
        shape = DeepShape(
            table.width, window or table.most, hidden, HEADS, self._quantiles, table.instruments
        )
        numbers = table.numbered(shape.instruments)
        chosen, given = torch.tensor(list(positions)), torch.tensor(list(weights), dtype=torch.float32)
        hits, results = self._hits[chosen], self._results[chosen]
        own = _unscaled(given, hits)
        found = network.fresh(shape, chance)
        self._begin(found, chosen, hits, results, given)
        learned = {name: one.requires_grad_() for name, one in found.items() if name not in _KEPT}
        optimizer = torch.optim.AdamW(learned.values(), lr=rate, weight_decay=0.01)
        drop = network.Dropout(dropout, chance) if dropout else network.nothing_left_out
        steps, step = passes * -(-len(chosen) // _BATCH), 0
        for _ in range(passes):
            for part in self._order(len(chosen), chance):
                for group in optimizer.param_groups:
                    group["lr"] = rate * _slowed(step / steps)
                step += 1
                given_now = table.batch(
                    chosen[part], shape.window, numbers, self._shortened(len(part), shape.window, chance)
                )
                said = network.asked(found, shape, *given_now, drop)
                loss = self._loss(said, hits[part], results[part], given[part], own[part])
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(learned.values(), 1.0)
                optimizer.step()
        return DeepModel(shape, {name: one.detach() for name, one in found.items()}, table)

    def loaded(self, data: bytes) -> DeepModel:
        """A model that was kept, over the same table. Raises FatalError for a file that is none, or for one
        of other features or more closes.
        """
        shape, weights = loaded(data)
        if shape.width != self._table.width or shape.window > self._table.most:
            raise FatalError("it was made for other features, or for more closes")
        return DeepModel(shape, weights, self._table)

    def _begin(self, weights: dict[str, Any], chosen: Any, hits: Any, results: Any, given: Any) -> None:
        """Normalization, and outputs that say what is so on average."""
        torch = self._table.torch
        rows = self._table.rows[chosen]
        mean = torch.nanmean(rows, dim=0)
        spread = torch.nanmean((rows - mean) ** 2, dim=0).sqrt()
        weights["mean"] = torch.nan_to_num(mean)
        weights["deviation"] = torch.nan_to_num(spread, nan=1.0).clamp(min=1e-3)
        base = ((given * hits).sum() / given.sum()).clamp(0.01, 0.99)
        usual = torch.quantile(results, torch.tensor(self._quantiles))
        apart = (usual[1:] - usual[:-1]).clamp(min=1e-2)
        weights["head.bias"] = torch.cat((torch.logit(base)[None], usual[:1], torch.log(torch.expm1(apart))))

    def _order(self, count: int, chance: Any) -> Iterator[Any]:
        """Steps of a pass: runs of examples that follow each other, shuffled."""
        torch = self._table.torch
        first = int(torch.randint(_TOGETHER, (1,), generator=chance))
        runs = torch.arange(count).roll(first).split(_TOGETHER)
        order = torch.randperm(len(runs), generator=chance).tolist()
        a_step = _BATCH // _TOGETHER
        for begin in range(0, len(order), a_step):
            yield torch.cat([runs[n] for n in order[begin : begin + a_step]])

    def _shortened(self, count: int, window: int, chance: Any) -> Any:
        torch = self._table.torch
        most = torch.full((count,), window)
        fewer = torch.randint(1, window + 1, (count,), generator=chance)
        return torch.where(torch.rand(count, generator=chance) < _SHORTENED, fewer, most)

    def _loss(self, said: Any, hits: Any, results: Any, given: Any, own: Any) -> Any:
        torch = self._table.torch
        right = torch.nn.functional.binary_cross_entropy_with_logits(said.logit, hits, given, reduction="sum")
        off = results[:, None] - said.quantiles
        levels = torch.tensor(self._quantiles)
        pinball = torch.maximum(levels * off, (levels - 1) * off).mean(dim=1)
        return right / given.sum() + _QUANTILES_COUNT * (own * pinball).sum() / own.sum()


_KEPT = ("mean", "deviation")
"""Weights that are measured and not learned."""


def _unscaled(weights: Any, hits: Any) -> Any:
    """Weights of which hits and misses have as much as there are of them: what results are spread by."""
    own = weights.clone()
    for kind in (hits > 0, hits <= 0):
        if bool(kind.any()):
            own[kind] = weights[kind] / weights[kind].mean()
    return own


def _slowed(share: float) -> float:
    """Of the rate, after that share of all steps: up in the first tenth, then down along a cosine."""
    return share / 0.1 + 0.02 if share < 0.1 else 0.5 * (1 + cos(pi * (share - 0.1) / 0.9)) + 0.02
