"""A cockpit on a market that moves, without an engine: `python -m tests.tui.demo [--theme NAME] [--live]`.

For looking at the screen, and for tests that need the real program in a real terminal.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from concurrent.futures import Future

from msgspec.structs import replace
from textual import events

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Flatten, Pause, Resume
from engine.model.market import NANOS, Bar, Timeframe
from engine.model.notices import Notice
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import ContractView, View
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.fake_engine import FakeEngine
from tui.terminal import CockpitDriver


class MovingEngine(FakeEngine):
    """Moves prices whenever it is looked at, answers commands, flattens what it is told to."""

    def __init__(self, kind: AccountKind) -> None:
        super().__init__(fake.trading_view(kind), fake.logs())
        self._rng = random.Random(1)
        self._began = time.monotonic()
        self._charts: dict[tuple[str, Timeframe], ChartView] = {}

    def view(self) -> View:
        view = self.current
        ts = NOW + int((time.monotonic() - self._began) * NANOS)
        contracts = tuple(self._move(contract) for contract in view.contracts)
        seconds = 42 * 60 + 17 + (ts - NOW) // NANOS
        clock = f"{9 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        self.current = replace(
            view,
            version=view.version + 1,
            ts=ts,
            contracts=contracts,
            session=replace(view.session, exchange_clock=clock),
            health=replace(view.health, prints=view.health.prints + 37),
        )
        return self.current

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        contract = next((one for one in self.current.contracts if one.instrument == instrument), None)
        before = self._charts.get((instrument, timeframe)) or super().chart(instrument, timeframe)
        if contract is None or before is None:
            return None
        self._charts[instrument, timeframe] = _follow(before, contract)
        return self._charts[instrument, timeframe]

    def _move(self, contract: ContractView) -> ContractView:
        ticks = self._rng.choice((0, 0, 0, 1, -1, 2, -2))
        if not ticks or contract.last is None or contract.change is None:
            return replace(contract, age_ns=(contract.age_ns or 0) % (2 * NANOS) + 90_000_000)
        step = ticks * contract.tick_size
        last = contract.last + step
        return replace(
            contract,
            last=last,
            bid=last - contract.tick_size,
            ask=last,
            change=contract.change + step,
            age_ns=40_000_000,
            closes=(*contract.closes[:-1], int(last / contract.tick_size)),
        )

    def ask(self, command: AnyCommand) -> Future[Notice]:
        answer = super().ask(command)
        words = {
            Flatten: "flattened, entries stay paused",
            Pause: "entries paused",
            Resume: "entries allowed",
        }
        self.answer(command.id, words.get(type(command), "done"))
        view = self.current
        if isinstance(command, Flatten):
            here = command.instrument
            self.show(
                replace(
                    view,
                    positions=tuple(p for p in view.positions if here not in (None, p.instrument)),
                    orders=tuple(o for o in view.orders if here not in (None, o.instrument)),
                )
            )
        elif isinstance(command, (Pause, Resume)) and command.instrument is None:
            paused = isinstance(command, Pause)
            state = TradingState.REDUCING if paused else TradingState.ACTIVE
            held = fake.held(state, "paused by keyboard") if paused else {"state": state, "restriction": None}
            books = tuple(replace(b, **held) for b in view.books)
            self.show(replace(view, books=books))
        return answer


def _follow(chart: ChartView, contract: ContractView) -> ChartView:
    """The chart with the forming bar at the last price."""
    assert contract.last is not None
    at = int(contract.last / contract.tick_size)
    bar = chart.forming or chart.bars[-1]
    moved = replace(bar, high=max(bar.high, at), low=min(bar.low, at), close=at, volume=bar.volume + 1)
    return (
        replace(chart, forming=moved)
        if chart.forming is not None
        else replace(chart, forming=_next(moved, at))
    )


def _next(bar: Bar, at: int) -> Bar:
    step = Timeframe(bar.timeframe).nanos
    return replace(bar, open_ts=bar.open_ts + step, open=at, high=at, low=at, close=at, volume=1)


def _fail(_driver: object, message: object) -> None:
    if isinstance(message, events.Key):
        raise OSError("input broke")


def main() -> None:

    from tui.app import TStreamApp

    parser = argparse.ArgumentParser()
    parser.add_argument("--theme")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--readonly", action="store_true")
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--result", help="file for the reason of the exit")
    parser.add_argument("--beat", help="file that grows with every look at the engine")
    args = parser.parse_args()
    engine = MovingEngine(AccountKind.LIVE if args.live else AccountKind.PRACTICE)
    if args.beat:
        look = engine.view
        beat = os.open(args.beat, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

        def view() -> View:
            os.write(beat, b".")
            return look()

        engine.view = view  # type: ignore[method-assign]
    if os.environ.get("TSTREAM_DEMO_INPUT_FAILS"):
        CockpitDriver.process_message = _fail  # type: ignore[assignment,method-assign]
    app = TStreamApp(engine, engine, theme=args.theme, readonly=args.readonly, fps=args.fps)
    reason = app.run()
    if args.result:
        with open(args.result, "w", encoding="utf-8") as file:
            file.write(f"{reason}\n{app.crash!r}\n{engine.sent}\n")


if __name__ == "__main__":
    main()
