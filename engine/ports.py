"""What the engine needs from the world, as Protocols. Adapters fulfil them; nothing here does anything.

Only the four errors of engine.model.errors may leave these calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Protocol, runtime_checkable

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.effects import (
    AnyRequest,
    AskPrediction,
    CancelOrder,
    ClosePosition,
    ModifyOrder,
    PlaceOrder,
)
from engine.model.equity import EquityHistory
from engine.model.events import (
    AnyEvent,
    BarReported,
    Predicted,
    PredictorTold,
    Print,
    Quote,
    SnapshotTaken,
)
from engine.model.history import HistoryBatch, HistoryCheckpoint, HistoryMark, QueryResult
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.orders import Capabilities
from engine.model.playing import PlayWish
from engine.model.questions import Question, Reply
from engine.model.view import View

Sink = Callable[[AnyEvent], None]
"""Takes an event into the engine's inbox; never blocks."""

Clock = Callable[[], int]
"""Nanoseconds UTC of the clock that the engine lives by (practice time on the practice venue)."""


class MarketFeed(Protocol):
    async def run(self, sink: Sink) -> None:
        """Connect, resolve contracts (ContractResolved), stream, reconnect; until cancelled."""

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars of [start, end), oldest first: minutes, or half hours (30m) for the longer past, of
        which a venue may have none. Raises RetryableError, RefusedError.
        """


@runtime_checkable
class TellsDepth(Protocol):
    """A feed that tells order books, of what is looked at alone."""

    def watch_depth(self, instruments: frozenset[str]) -> None:
        """From now on `Depth` of these comes, over reconnects too, and of no others. Never blocks, and may
        be called before `run` and after it.
        """


class AlertSource(Protocol):
    """Alert rooms somewhere: reads what whitelisted authors post there."""

    async def run(self, sink: Sink) -> None:
        """Connect, deliver AlertReceived and LinkChanged, catch up after a disconnect; until cancelled."""


class Predictor(Protocol):
    """A trained model, asked from outside the core. Nothing of a run needs one."""

    async def run(self, sink: Sink) -> None:
        """Load the model that counts, deliver PredictorTold when that changes or fails, and Predicted; until
        cancelled.
        """

    def ask(self, question: AskPrediction) -> None:
        """Hand a question over; never blocks. The answer is a Predicted, or never comes."""


class PromptPredictor(Protocol):
    """A Predictor for virtual time: whoever asks has the answer in the same instant, and the same question
    has the same answer in every run.
    """

    def state(self, now: int) -> PredictorTold:
        """What the worker of a Predictor would tell at the start of a run, nanoseconds UTC."""

    def answer(self, question: AskPrediction, now: int) -> Predicted:
        """At once. Raises FatalError where the model fails: nobody knows what it would have said."""


class Broker(Protocol):
    """One account at one venue. `book` names it in every event."""

    book: str
    capabilities: Capabilities

    async def run(self, sink: Sink) -> None:
        """Adopt the account (AccountAdopted), stream order events, reconnect; until cancelled."""

    async def place(self, order: PlaceOrder) -> str:
        """Send once; gives the venue's order id. Raises RefusedError, UnknownOutcomeError, RetryableError."""

    async def modify(self, change: ModifyOrder) -> None: ...

    async def cancel(self, order: CancelOrder) -> None: ...

    async def close(self, position: ClosePosition) -> None:
        """Close the net position. A position that is not there is success."""

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        """The venue's truth: working, pending and suspended orders, all orders and fills since `since`.

        What is `urgent` goes before other questions where requests are scarce.
        """


@runtime_checkable
class Preparing(Protocol):
    """A broker that can get a request ready to leave while its intent is still being written down.

    No broker has to: it gains time. Nothing of a request may leave before it is really asked for.
    """

    def prepare(self, request: AnyRequest) -> None:
        """The very same request will probably be asked for in a moment."""

    def forget(self, request: AnyRequest) -> None:
        """It will not."""


class OpenVenue(Protocol):
    """One venue of a run, as its adapter made it. Nothing connects before its feed and its brokers run."""

    @property
    def feed(self) -> MarketFeed | None:
        """None where it has no prices."""

    @property
    def brokers(self) -> Sequence[Broker]:
        """One for each account that is traded; none where there are prices only."""

    async def close(self) -> None:
        """Close every connection. It can be used again after it."""


@runtime_checkable
class FindsAccounts(Protocol):
    """A venue whose login has several accounts, which are found there where all of them are wanted."""

    async def find_accounts(self, name: Callable[[str], str] | None = None) -> Sequence[Broker]:
        """Add a broker for each other account that may trade; gives all. `name` names the book of an account.

        Raises RetryableError, FatalError where the login needs a person.
        """

    async def new_accounts(self) -> Sequence[str]:
        """Names of accounts that have come since, each told once. Raises as `find_accounts`."""


class Journal(Protocol):
    def append(self, records: Sequence[bytes], first_seq: int) -> Awaitable[None]:
        """Make records durable, in order, numbered from `first_seq`. Raises RetryableError when it can't."""

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep the encoded state as of record `seq`, so that the next start is short. Raises as `append`."""


class EmergencyLog(Protocol):
    """Takes records while the journal can't."""

    async def write(self, records: Sequence[bytes], first_seq: int) -> None:
        """Make records durable, which the journal will number from `first_seq`. Raises RetryableError."""

    async def clear(self) -> None:
        """The journal has them all now. Raises RetryableError."""


class History(Protocol):
    """What journals tell, kept as SQL tables. Each call connects where it has to, and raises RetryableError
    where the database can't be reached now, FatalError where a person has to change something.
    """

    async def mark(self, journal: str) -> HistoryMark:
        """How far it goes; `NOTHING_KEPT` where nothing of that journal is there."""

    async def checkpoint(self, journal: str) -> HistoryCheckpoint | None:
        """The newest one of a journal; None where there is none."""

    async def write(self, batch: HistoryBatch) -> None:
        """Keep the rows and the new mark, all or nothing. Where the mark is that of the batch already, it was
        kept before, and nothing happens. Raises RefusedError where it is neither that nor the one before.
        """

    async def forget(self, journal: str) -> None:
        """Take out everything of a journal."""

    async def counts(self, journal: str) -> dict[str, int]:
        """Rows by table."""

    async def query(self, sql: str, limit: int, wait_s: float) -> QueryResult:
        """At most `limit` rows of one question that changes nothing. Raises RefusedError for any other, for
        one that is wrong, and where the answer takes longer than `wait_s`.
        """

    async def close(self) -> None: ...


class EngineHandle(Protocol):
    """The engine as people hold it, from any thread."""

    def view(self) -> View:
        """The newest picture; cheap to call often."""

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        """A chart as of now, drawn for whoever asks: ask for what is looked at, not for all.

        Waits some 30 ms at most. None for unknown contracts, and where the engine is too busy to draw it.
        """

    def depth(self, instrument: str) -> DepthView | None:
        """The order book of an instrument, drawn a moment ago; never waits. It is subscribed at the venue
        from the first time on that somebody asks, and for a while after the last: None until it is drawn, and
        for unknown contracts.
        """

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        """The newest prints and the delta of each bar of a timeframe; as `depth`, without a subscription."""

    def equity(self, book: str) -> EquityHistory | None:
        """A book's total P&L over its days, as of now. Waits as `chart` does, and is None where that is."""

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        """Ask for bars older than those of a chart; never blocks. They come into that chart and nowhere else,
        and `ChartView.older` says how far that is. Asking again meanwhile changes nothing.
        """

    def ask(self, command: AnyCommand) -> Future[Notice]:
        """Hand a command over; never blocks. The result is the engine's answer, a Notice of kind COMMAND. It
        comes once what the command has done is written down; where that can't be, its text says so.

        Its exception is a RefusedError where the engine has stopped, so that it is certainly not carried out,
        and an UnknownOutcomeError where it was taken and nothing was said of it. It may never come: bound the
        wait. Cancelling does not call the command back.
        """

    def look_up(self, question: Question) -> Future[Reply]:
        """Ask something that changes nothing; never blocks. The exception is a RefusedError with the reason
        where there is no answer. It may never come: bound the wait.
        """

    def notices(self, after_seq: int) -> Sequence[Notice]:
        """Notices newer than `after_seq`, oldest first, as far as they are still kept."""


@runtime_checkable
class ReplayControls(Protocol):
    """The time of a replay as people hold it, from any thread."""

    def control(self, wish: PlayWish) -> None:
        """Ask something of time; never blocks. Nothing happens where nothing is played."""


class SecretStore(Protocol):
    """Where logins, tokens and passwords are kept, by the names of environment variables. It may block: never
    ask on the engine's loop. All raise RetryableError where the store can't answer now, and FatalError where
    a person has to act; no error holds a value.
    """

    kind: str
    """As the settings name it: "vault"."""

    @property
    def where(self) -> str:
        """What it is and where, in words."""

    def read(self, names: Iterable[str]) -> dict[str, str]:
        """The values of those names that it has."""

    def names(self) -> Sequence[str]:
        """All that it has, sorted."""

    def set(self, name: str, value: str) -> None:
        """Keep a value, durably once this returns. Raises RefusedError for one that it can't hold."""

    def remove(self, name: str) -> None:
        """Forget a value; nothing where there is none. Raises RefusedError where it can only be read."""


class LogTail(Protocol):
    def lines(self, after_seq: int) -> Sequence[LogLine]:
        """Log lines newer than `after_seq`, oldest first, as far as they are still kept."""


class MarketSource(Protocol):
    """A market to play: generated or recorded. What the practice venue and a replay run on."""

    instruments: Sequence[Instrument]
    start_ts: int
    """Nanoseconds UTC at which play begins."""

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first."""

    def events(self) -> Iterator[Quote | Print]:
        """From `start_ts` on in time order, `ts_recv` equal to `ts_venue`; may be endless."""


class PastMarket(Protocol):
    """A market of the past, which may be told in bars alone. What a backtest runs on."""

    @property
    def instruments(self) -> Sequence[Instrument]: ...

    @property
    def start_ts(self) -> int:
        """Nanoseconds UTC at which play begins."""

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first."""

    def events(self) -> Iterator[Quote | Print] | Iterator[BarReported]:
        """From `start_ts` on in time order."""
