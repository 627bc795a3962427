"""The whole engine over real sockets: strategy, core, SQLite journal, ProjectX adapter, practice venue."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from engine.market.calendars.known import CME
from engine.model.chart import ChartView, OlderBars
from engine.model.commands import Flatten
from engine.model.events import HistoryLoaded, LinkChanged, LinkState, SnapshotTaken, TimeAdvanced
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.view import HealthView
from engine.runtime.history_loader import WARM_UP_NS
from engine.runtime.view_builder import picture
from tests.support.engine_over_sockets import LONG, MNQ, PRICE, START, Run, placed, venue_side
from tests.support.waits import until


async def test_from_an_idea_to_flat_at_the_venue(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        await run.enter()
        assert [p["size"] for p in await f.positions()] == [5]
        assert len(await f.working()) == 4
        # The first target fills: the runner's stop goes to break-even at the venue itself.
        f.market(PRICE + 95)
        entry = next(iter(run.book.plans.values())).legs[1]
        even = -(-entry.entered_sum // entry.entered)
        await until(lambda: [(qty, stop >= even) for qty, stop in run.stops()] == [(3, True)])
        rows = f.practice.account.rows.orders
        await until(lambda: [(3, o.stop) for o in rows.values() if o.status == 1 and o.stop] == run.stops())
        run.engine.ask(Flatten(id="f"))
        await until(lambda: run.qty() == 0 and not run.book.flattening, 10)
        assert (await f.positions(), await f.working()) == ([], [])
        assert run.book.plans == {}
    assert run.book.trades[-1].reason == "manual"


async def test_a_crash_with_an_open_position_costs_no_protection(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            await run.enter()
            stops = run.stops()
            await run.crash()
        before = await f.working()
        async with f.engine() as again:
            await until(lambda: again.stops() == stops)
            assert again.qty() == 5
            # Past every grace and retry pause, and after looking at the venue anew: nothing is placed twice.
            f.clock.skip(2 * MINUTE)
            taken, seconds = again.count(SnapshotTaken), again.count(TimeAdvanced)
            await until(
                lambda: again.count(SnapshotTaken) > taken and again.count(TimeAdvanced) > seconds + 2
            )
            assert placed(again) == 0
            after = await f.working()
            assert [o["id"] for o in after] == [o["id"] for o in before]
            # The stop is hit while this run watches.
            f.market(PRICE - 60)
            await until(lambda: again.qty() == 0 and not again.book.plans)
            await until(lambda: again.book.live_orders() == [])
        assert (await f.positions(), await f.working()) == ([], [])
    assert again.book.trades[-1].reason == "stop"


async def test_a_hub_dropped_while_a_stop_is_hit(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        await run.enter()
        hubs = f.practice.hubs
        for connection in (*hubs.user.connections, *hubs.market.connections):
            connection.abort()
        f.market(PRICE - 60)
        await until(lambda: run.qty() == 0 and not run.book.plans, 10)
        await until(lambda: all(b.orders.reconciled for b in run.core.books.values()), 10)
        assert (await f.positions(), await f.working()) == ([], [])
        assert placed(run) == 2
        assert run.core.state.restrictions == {}
    assert run.book.trades[-1].reason == "stop"


async def test_f18_a_silent_market_is_stale_blinds_its_bars_and_blocks_entries(tmp_path: Path) -> None:
    async with (
        venue_side(tmp_path) as f,
        f.engine(quote_silence_s=0.8, behind_s=30.0, first_message_s=1.5) as run,
    ):
        opened = f.clock.to_end_of_next_minute(3 * NANOS // 2)
        f.market(PRICE)
        await until(lambda: run.core.market.bars.forming("MNQ", Timeframe.M1))
        f.practice.controls.silence_market()
        # The next connection is taken, and brings nothing either.
        f.practice.faults.add("lost-subscription", stream="quotes")
        stale = await until(lambda: run.told("market", LinkState.STALE))
        assert "no quote for 0.8 s while the market is open" in stale.detail
        assert 0 < stale.ts_venue < stale.ts_recv - NANOS // 4
        run.strategy.say(LONG)
        await run.closed(opened)
        assert run.core.market.bars.bars("MNQ", Timeframe.M1)[-1].gap
        assert run.core.entries.refusals["market data is stale"] == 1
        assert run.link("market") is LinkState.STALE
        loads = f.practice.faults.log
        assert [acted.fault for acted in loads] == ["lost-subscription"]
        down = await until(lambda: run.told("market", LinkState.DOWN))
        assert "subscribed, but nothing came" in down.detail
        await until(run.ready)
        # Whole again, and trading again.
        run.strategy.say(LONG)
        await run.enter()
        assert [bar.gap for bar in run.core.market.bars.bars("MNQ", Timeframe.M1)][-1] is False


async def test_f32_a_rotated_password_blocks_entries_and_leaves_the_stop_at_the_venue(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG) as run:
        await run.enter()
        f.practice.controls.rotate_key("another")
        f.practice.controls.expire_tokens()
        f.practice.controls.drop_hubs("user")
        down = await until(lambda: run.told("token", LinkState.DOWN))
        assert "check user name and API key" in down.detail
        # The open market hub outlives its token: what it shows is refused, and people are told what to do.
        run.strategy.say(LONG)
        await run.minute()
        assert run.core.entries.refusals["the venue is not connected"] == 1
        await until(lambda: any("check user name and API key" in n.text for n in run.engine.view().notices))
        f.market(PRICE - 60)
        f.practice.pump()
        f.practice.controls.rotate_key("practice")
        await until(lambda: run.link("token") is LinkState.LIVE, 10)
        await until(lambda: run.qty() == 0 and not run.book.plans, 10)
        await until(run.ready, 10)
        await f.login()
        assert (await f.positions(), await f.working()) == ([], [])
        assert placed(run) == 2
    assert run.book.trades[-1].reason == "stop"


async def test_f64_a_month_that_is_held_over_the_roll_is_subscribed_and_named_also_after_a_restart(
    tmp_path: Path,
) -> None:
    def position(run: Run, price: int = PRICE) -> tuple[str, Decimal | None]:
        """Month and mark as people see them while the old month trades at a price."""
        f.market(price)
        [held] = picture(run.core, 1, HealthView(ok=True)).positions
        return held.contract, held.mark

    async with venue_side(tmp_path) as f:
        async with f.engine(LONG) as run:
            await run.enter()
            old, _ = position(run)
            f.practice.controls.roll("MNQ", 400)
            f.practice.controls.drop_hubs("market")
            await until(lambda: run.core.state.month("MNQ")[1] != old, 10)
            await until(lambda: position(run, PRICE + 8) == (old, MNQ.price(PRICE + 8)), 10)
            assert run.core.market.quotes["MNQ"].bid == PRICE + 408
            await run.crash()
        async with f.engine() as again:
            await until(lambda: position(again, PRICE + 12) == (old, MNQ.price(PRICE + 12)), 10)


async def test_f62_a_flatten_by_hand_finds_a_login_that_works_again_while_the_rest_still_waits(
    tmp_path: Path,
) -> None:
    async with venue_side(tmp_path) as f, f.engine(LONG, refused_first_s=0.1, refused_pause_s=300.0) as run:
        await run.enter()
        stops = run.stops()
        f.practice.faults.add("refused-login", times=0)
        f.practice.controls.expire_tokens()
        f.practice.controls.drop_hubs("user")
        await until(lambda: run.told("token", LinkState.DOWN))
        run.engine.ask(Flatten(id="f"))

        def longest_wait() -> int:
            """Seconds until what is neither a close nor asked for by a person tries again."""
            details = (e.detail for e in run.events if isinstance(e, LinkChanged) and e.link == "token")
            waits = (
                re.search(r"next try comes in (\d+) s, in 0 s for what closes", text) for text in details
            )
            return max((int(found[1]) for found in waits if found), default=0)

        await until(lambda: longest_wait() > 20)
        assert (run.qty(), run.stops(), placed(run)) == (5, stops, 2), "nothing is made up meanwhile"
        f.practice.faults.clear()
        await until(lambda: run.qty() == 0 and not run.book.flattening)
        await until(lambda: run.link("token") is LinkState.LIVE)
        await f.login()
        assert (await f.positions(), await f.working()) == ([], [])
    assert run.book.trades[-1].reason == "manual"


async def test_older_bars_come_over_the_socket_into_the_chart_alone(tmp_path: Path) -> None:
    """Page by page to where the venue's history begins; a page that is refused is told and had again."""
    opened = range(START - 14 * 24 * 60 * MINUTE, START, 5 * MINUTE)
    past = [
        Bar("MNQ", Timeframe.M1, ts, PRICE, PRICE + 2, PRICE - 2, PRICE, 3)
        for ts in opened
        if CME.is_open(ts)
    ]
    frame = Timeframe.M5
    async with venue_side(tmp_path, past) as f, f.engine() as run:

        def chart() -> ChartView:
            found = run.engine.chart("MNQ", frame)
            assert found is not None
            return found

        await until(lambda: len(run.core.market.bars.bars("MNQ", frame)) >= 600)
        await until(lambda: all(load.done() for load in run.engine._history.tasks))
        kept = run.core.market.bars.bars("MNQ", frame)
        signals = run.core.market.board.frame("MNQ", frame).index
        f.practice.faults.add("refused-call", call="bars", code=1, times=1)
        run.engine.load_older("MNQ", frame)
        await until(lambda: chart().older is OlderBars.FAILED)
        assert chart().bars == kept
        pages = 0
        while chart().older is not OlderBars.NONE:
            before, pages = len(chart().bars), pages + 1
            run.engine.load_older("MNQ", frame)
            await until(lambda b=before: len(chart().bars) > b or chart().older is OlderBars.NONE)  # type: ignore[misc]
        bars = chart().bars
        assert [bar.open_ts for bar in bars if bar.open_ts < START] == [bar.open_ts for bar in past]
        assert 2 <= pages <= 6
        told = [event.bars for event in run.events if isinstance(event, HistoryLoaded)]
        minutes = [bar.open_ts for bars in told for bar in bars if bar.timeframe is Timeframe.M1]
        assert min(minutes) >= START - WARM_UP_NS > past[0].open_ts
        assert run.core.market.board.frame("MNQ", frame).index == signals
        assert run.core.market.bars.bars("MNQ", frame) == kept
