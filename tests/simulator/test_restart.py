"""What the practice venue remembers, in one process: the book, the market, the time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import date, time
from pathlib import Path

import pytest
from aiohttp import ClientSession
from msgspec import json

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.requests import Bracket, PlaceRequest
from adapters.simulator.exchange.store import StateError, Store
from adapters.simulator.market.hours import LEAD_NS, NANOS, nanos, practice_open
from adapters.simulator.market.scripted import ManualClock
from adapters.simulator.opening import open_market
from adapters.simulator.practice import PracticeVenue
from engine.model.market import MINUTE
from tests.simulator.practice_venue import ACCOUNT, PracticeDesk
from tests.support.patience import patient

FRIDAY = date(2026, 11, 20)
NOON = nanos(FRIDAY, time(12))
BRACKET = {"stopLossBracket": {"ticks": -400, "type": 4}, "takeProfitBracket": {"ticks": 400, "type": 1}}


class Run:
    """One life of an exchange with a state file, on a clock moved by hand."""

    def __init__(self, state: Path, seed: int = 1) -> None:
        config = SimulatorConfig(state=state, seed=seed, rate=0.2)
        self.opening = open_market(config, NOON)
        self.clock = ManualClock(self.opening.source.start_ts)
        self.exchange = Exchange(
            config.exchange(), self.opening.source, self.clock, self.opening.listing, self.opening.storage
        )
        self.account = self.exchange.accounts[ACCOUNT]

    def wait(self, seconds: float) -> None:
        self.clock.advance(int(seconds * NANOS))
        self.exchange.catch_up()

    def keep(self) -> None:
        """What the player does once a second."""
        self.exchange.save(self.clock(), always=True)

    def kill(self) -> None:
        """End without a word: nothing is saved any more, the file is released."""
        assert self.opening.storage is not None
        self.opening.storage.store.close()

    def enter(self, tag: str = "first") -> int:
        """Buy two MES with a wide bracket and let them fill; gives the entry's id."""
        order = PlaceRequest(
            account_id=ACCOUNT,
            contract_id=self.opening.listing.front["MES"].id,
            type=2,
            side=0,
            size=2,
            custom_tag=tag,
            stop_loss_bracket=Bracket(-400, 4),
            take_profit_bracket=Bracket(400, 1),
        )
        answer = self.account.place(order, self.clock())
        assert answer.order_id is not None
        self.wait(1)
        return answer.order_id


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an exchange on a state file; all files are released at the end."""
    runs: list[Run] = []

    def begin(name: str = "state", seed: int = 1) -> Run:
        runs.append(Run(tmp_path / name, seed))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


def test_the_first_start_is_a_little_before_08_25_of_today(start: Start) -> None:
    run = start()
    assert run.clock() == practice_open(FRIDAY) - LEAD_NS


def test_a_killed_venue_comes_back_with_its_book_where_it_stopped(start: Start) -> None:
    first = start()
    first.wait(5)
    entry = first.enter()
    first.wait(61)
    first.keep()
    stopped = first.clock()
    price = first.exchange.tickers["MES"].figures.last
    balance = first.account.holdings.balance_usd
    first.kill()
    second = start()
    assert second.clock() == stopped + 2 * NANOS, "practice time never goes back"
    assert second.account.holdings.balance_usd == balance
    assert second.account.holdings.positions["MES"].qty == 2
    rows = second.account.rows.orders
    assert {order_id: row.status for order_id, row in rows.items()} == {entry: 2, entry + 1: 1, entry + 2: 1}
    assert second.exchange.tickers["MES"].figures.last == price
    assert "first-TP" in second.account.rows.tags, "its tag stays taken"
    second.wait(5)
    assert second.account.holdings.positions["MES"].qty == 2, "no jump of prices filled a leg"
    again = second.enter("second")
    assert again > entry + 2
    trade_ids = [row.id for row in second.account.rows.trades]
    assert len(set(trade_ids)) == len(trade_ids) == 2


def test_a_kill_right_after_an_order_loses_nothing(start: Start) -> None:
    first = start()
    first.wait(5)
    first.enter()
    first.kill()
    second = start()
    assert len(second.account.rows.orders) == 3
    second.wait(1)
    assert second.account.holdings.positions["MES"].qty == 2


def test_a_book_of_the_first_version_is_read_on(start: Start, tmp_path: Path) -> None:
    """There, orders had the parts of their spec beside their ids, and each leg its own offset."""
    first = start()
    first.wait(5)
    first.enter()
    first.keep()
    kept = first.account.venue.state()
    first.kill()
    with closing(sqlite3.connect(tmp_path / "state")) as db, db:
        (value,) = db.execute("SELECT value FROM accounts").fetchone()
        saved = json.decode(value)
        offsets = {"stop": -400, "limit": 400}
        for order in saved["venue"]["orders"]:
            spec = order.pop("spec")
            order |= {name: spec[name] for name in ("side", "type", "qty", "limit", "stop")}
            order["offset"] = None if order["parent"] is None else offsets[order["type"]]
        db.execute("UPDATE accounts SET value = ?", (json.encode(saved),))
        db.execute("PRAGMA user_version = 1")
    second = start()
    assert json.encode(second.account.venue.state()) == json.encode(kept)
    spec = kept.orders[0].spec
    assert (spec.stop_offset, spec.target_offset) == (-400, 400)


def test_f33_a_full_disk_ends_no_market_and_nothing_is_forgotten(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    first = start()
    first.wait(5)
    first.keep()
    assert first.opening.storage is not None
    db = first.opening.storage.store._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(40):
        first.enter(f"tag-{number}")
        first.account.close(first.opening.listing.front["MES"].id, first.clock())
        first.wait(61)
        first.keep()
    assert len(caplog.records) == 1, "said once, not each time"
    assert "is full" in caplog.text
    db.execute("PRAGMA max_page_count = 1000000")
    first.keep()
    assert "what happens is kept again" in caplog.text
    rows, trades = dict(first.account.rows.orders), list(first.account.rows.trades)
    bars = list(first.exchange.tickers["MES"].candles.closed)
    first.kill()
    second = start()
    assert second.account.rows.orders == rows
    assert list(second.account.rows.trades) == trades
    assert list(second.exchange.tickers["MES"].candles.closed)[-40:] == bars[-40:]


def test_an_order_on_its_way_is_still_on_its_way_after_a_restart(start: Start) -> None:
    first = start()
    first.wait(5)
    contract = first.opening.listing.front["ES"].id
    order = PlaceRequest(account_id=ACCOUNT, contract_id=contract, type=2, side=1, size=1)
    first.account.place(order, first.clock())
    first.exchange.save(first.clock())
    first.kill()
    second = start()
    assert not second.account.holdings.positions
    second.wait(2)
    assert second.account.holdings.positions["ES"].qty == -1


def test_bars_of_the_run_are_history_of_the_next(start: Start) -> None:
    first = start()
    first.wait(150)
    first.keep()
    candles = first.exchange.tickers["ES"].candles
    closed, forming = list(candles.closed), candles.forming
    first.kill()
    second = start()
    grown = second.exchange.tickers["ES"].candles
    assert grown.closed == closed
    assert grown.forming == forming
    second.wait(60)
    minute = grown.closed[-1]
    assert forming is not None
    assert minute.open_ts == forming.open_ts
    assert (minute.open, minute.volume >= forming.volume) == (forming.open, True)


def test_a_minute_that_ended_while_the_venue_was_down_is_a_bar(start: Start) -> None:
    first = start()
    first.wait(10 + 119)
    first.keep()
    forming = first.exchange.tickers["ES"].candles.forming
    first.kill()
    second = start()
    assert forming is not None
    candles = second.exchange.tickers["ES"].candles
    assert candles.closed[-1] == forming.bar("ES")
    assert candles.forming is None
    second.keep()
    second.kill()
    assert start().exchange.tickers["ES"].candles.closed[-1] == forming.bar("ES")


def test_after_14_30_the_next_start_is_the_next_day_with_a_flat_book(start: Start) -> None:
    first = start()
    first.wait(5)
    entry = first.enter()
    balance = first.account.holdings.balance_usd
    first.clock.advance(nanos(FRIDAY, time(14, 31)) - first.clock())
    first.keep()
    first.kill()
    second = start()
    assert second.clock() == practice_open(date(2026, 11, 23)) - LEAD_NS
    assert not second.account.holdings.positions
    assert {row.status for row in second.account.rows.orders.values()} == {2, 4}
    closing = second.account.rows.trades[-1]
    assert closing.order_id == entry + 3
    assert closing.pnl is not None
    assert second.account.holdings.balance_usd == balance + closing.balance_change
    bars = second.opening.source.history("ES")
    assert bars[-1].close_ts == second.clock() + LEAD_NS - MINUTE
    starts = [bar.open_ts for bar in bars]
    assert starts == sorted(set(starts))
    second.wait(3)
    assert not second.account.holdings.positions, "nothing of the old day trades in the new one"


def test_another_seed_goes_on_from_the_same_prices_in_another_way(start: Start, tmp_path: Path) -> None:
    first = start()
    first.wait(10)
    first.keep()
    first.kill()
    paths = []
    for seed in (1, 2):
        copy = tmp_path / f"copy{seed}"
        copy.write_bytes((tmp_path / "state").read_bytes())
        run = start(copy.name, seed)
        run.wait(120)
        paths.append([bar.close for bar in run.exchange.tickers["NQ"].candles.since(practice_open(FRIDAY))])
    assert paths[0] != paths[1]


def test_old_bars_are_forgotten(start: Start, tmp_path: Path) -> None:
    first = start()
    assert first.opening.storage is not None
    first.opening.storage.store.prune(first.clock() + 30 * 24 * 60 * MINUTE)
    first.kill()
    with closing(Store(tmp_path / "state")) as store:
        saved = store.load()
    assert saved is not None
    assert saved.bars == {}


def test_files_that_can_not_be_used_are_refused_with_their_name(start: Start, tmp_path: Path) -> None:
    held = start("held")
    held.keep()
    with pytest.raises(StateError, match=r"held.*locked"):
        Store(tmp_path / "held")
    (tmp_path / "text").write_text("this is no database at all, but a text of some length\n" * 100)
    with pytest.raises(StateError, match=r"text.*not a database"):
        Store(tmp_path / "text")
    with closing(sqlite3.connect(tmp_path / "newer")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match=r"newer.*another version"):
        Store(tmp_path / "newer")
    with pytest.raises(StateError, match="taken"):
        Store(tmp_path / "text" / "taken")
    start("broken").kill()
    with closing(sqlite3.connect(tmp_path / "broken")) as db, db:
        db.execute("UPDATE meta SET value = '{}'")
    with closing(Store(tmp_path / "broken")) as store, pytest.raises(StateError, match="broken"):
        store.load()


def test_the_state_file_is_private(start: Start, tmp_path: Path) -> None:
    start("deep/state")
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o600


@asynccontextmanager
async def served(state: Path) -> AsyncIterator[PracticeDesk]:
    async with PracticeVenue(SimulatorConfig(state=state)) as venue, ClientSession() as session:
        yield await PracticeDesk(venue, ManualClock(0), session).login()


async def test_a_graceful_end_keeps_everything(tmp_path: Path) -> None:
    async with served(tmp_path / "state") as desk:
        placed = await desk.place(
            type=1, limitPrice=20_000, customTag="resting", contractId=mnq(desk), **BRACKET
        )
        ended = desk.venue.now()
    async with served(tmp_path / "state") as desk:
        assert desk.venue.now() > ended
        rows = await desk.orders()
        assert {row["status"] for row in rows.values()} == {1, 8}
        cancel = await desk.ask("Order/cancel", accountId=ACCOUNT, orderId=placed["orderId"])
        assert cancel["success"]
        async with asyncio.timeout(patient(5)):
            while {row["status"] for row in (await desk.orders()).values()} != {3}:  # noqa: ASYNC110
                await asyncio.sleep(0)


def mnq(desk: PracticeDesk) -> str:
    return desk.venue.listing.front["MNQ"].id


async def test_a_taken_port_releases_the_state_file(tmp_path: Path) -> None:
    async with PracticeVenue() as holder:
        with pytest.raises(OSError, match="address"):
            async with PracticeVenue(SimulatorConfig(port=holder.port, state=tmp_path / "state")):
                pass
    Store(tmp_path / "state").close()
