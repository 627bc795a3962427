"""What a search came to, as it is written down (docs/discovery.md#the-file)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.lab.edges.candidates import BOTH, Candidate, EdgeFigures
from engine.lab.overfitting import Overfitting
from engine.model.market import Timeframe


class Stage(StrEnum):
    """How far it is."""

    FIND = "find"
    TEST = "test"
    ANALYSE = "analyse"


class Edge(Struct, frozen=True, kw_only=True):
    """One candidate that was found, and what became of it. Figures of steps that are to come are None."""

    signal: str
    instrument: str
    timeframe: Timeframe
    direction: str
    """"long", "short", or "both ways": whichever the pattern points."""
    pattern: str
    context: str
    required_rr: float
    in_sample: EdgeFigures
    deflated_sharpe_probability: float | None
    """In sample: that it is better than the best of the eligible trials would be by luck, 0..1."""
    out_of_sample: EdgeFigures | None = None
    aimless_r: float | None = None
    """Mean result of entries at regular intervals in the same direction out of sample, R: what above zero the
    edge has to beat.
    """
    p_value: float | None = None
    p_holm: float | None = None
    p_benjamini_hochberg: float | None = None
    walk_forward_r: tuple[float, ...] = ()
    """What it made in each part of the time, R."""
    failed: str = ""
    """Why it is none; empty while it may be one."""

    @property
    def candidate(self) -> Candidate:
        direction = {"long": 1, "short": -1}.get(self.direction, BOTH)
        return Candidate(self.timeframe, self.pattern, direction, self.context)


class WalkForward(Struct, frozen=True):
    """The search itself, repeated and traded step by step."""

    folds: int
    chosen: int
    """Candidates that were traded, all folds together."""
    result: EdgeFigures
    p_value: float | None
    """None where nothing was traded."""


_NS = {"start_ts": "start_ns_utc", "end_ts": "end_ns_utc", "split_ts": "split_ns_utc"}


class Analysis(Struct, frozen=True, kw_only=True, rename=_NS):
    """A whole search. Times are nanoseconds UTC."""

    stage: Stage = Stage.FIND
    source: str
    instrument: str
    bars: int
    bar_timeframe: Timeframe
    start_ts: int
    end_ts: int
    split_ts: int = 0
    """Where what is searched ends and what tests it begins."""
    timeframes: tuple[Timeframe, ...]
    seed: int
    error_rate: float
    costs: bool
    occurrences: int = 0
    """Patterns that were seen, over all timeframes."""
    trials: int = 0
    """Candidates that were tried in sample."""
    trials_eligible: int = 0
    """Those of them with trades enough to be chosen: among these the best was sought."""
    trials_sharpe_variance: float = 0.0
    """How much the Sharpe ratios (of one trade) of the eligible ones vary in sample."""
    looks: int = 1
    """How many different searches have been tested in this very time: p-values are multiplied by it."""
    edges: tuple[Edge, ...] = ()
    """What was found in sample, the most convincing first."""
    walk_forward: WalkForward | None = None
    overfitting: Overfitting | None = None

    @property
    def data_key(self) -> str:
        """Names the data and the time of them that is searched and tested in."""
        data = self.source, self.instrument, self.bar_timeframe, self.bars, self.start_ts, self.end_ts
        return " ".join(map(str, data))

    @property
    def search_key(self) -> str:
        """Names the search: what may differ in it, of the same data."""
        costs = "with costs" if self.costs else "without costs"
        return f"{','.join(self.timeframes)} {costs} seed {self.seed} error rate {self.error_rate:g}"

    def same_search(self, other: Analysis) -> bool:
        """Whether it is the same search of the same data, however far each has come."""
        return (self.data_key, self.search_key) == (other.data_key, other.search_key)

    @property
    def validated(self) -> tuple[Edge, ...]:
        """Those that stood every test; none before all are done."""
        if self.stage is not Stage.ANALYSE:
            return ()
        return tuple(edge for edge in self.edges if not edge.failed)

    @property
    def verdict(self) -> str:
        """In one sentence, with the numbers."""
        searched = f"{self.trials:,} candidates tried, {len(self.edges)} shortlisted"
        if self.stage is Stage.FIND:
            return f"{searched}; nothing is tested yet"
        standing = [edge for edge in self.edges if not edge.failed]
        if self.stage is Stage.TEST:
            return f"{searched}, {len(standing)} stood the test; they are not analysed yet"
        if not standing:
            return f"no edge found: {searched}, none stood every test"
        return f"{len(standing)} edge{'s' * (len(standing) != 1)} found: {searched}"
