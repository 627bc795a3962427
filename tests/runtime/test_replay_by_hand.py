"""A replay's time as people ask for it, and trades by hand in it: nothing here waits for a real clock."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from engine.lab.replay import BOOK
from engine.model.commands import Flatten, NoteTrade, PlaceManual, Shutdown
from engine.model.errors import RefusedError
from engine.model.market import MINUTE, NANOS, Side, Timeframe
from engine.model.playing import Advance, HoldPlay, SetPace, StepPlay, next_pace
from engine.model.records import PlanOpened, decode
from engine.model.review import JournalAsked, JournalTold, Span
from engine.model.view import View
from engine.state.fold import apply
from engine.state.state import State
from tests.market.feed import T0
from tests.support.replay_desk import ReplayDesk, held
from tui.rows.state import state_words
from tui.view_facts import standing

BUY = PlaceManual(
    id="k1", instrument="MES", side=Side.BUY, book=BOOK, qty=2, stop_ticks=40, target_ticks=(80,)
)
AWAY = Flatten(id="k2", instrument="MES")


async def by_hand(desk: ReplayDesk) -> tuple[str, View]:
    """Buy at 100.5 s, leave at 200.25 s."""
    await desk.to(100.5)
    assert (said := await desk.ask(BUY)).done, said.text
    assert not desk.view.positions, "time stands still, and so does the order"
    filled = await desk.to(103)
    assert [(p.qty, p.protected_qty) for p in filled.positions] == [(2, 2)]
    await desk.to(200.25)
    await desk.ask(AWAY)
    flat = await desk.to(210)
    assert not flat.positions
    return desk.hash, flat


async def test_the_same_keys_at_the_same_times_write_the_same_journal_however_one_gets_there() -> None:
    async with held() as desk:
        first, flat = await by_hand(desk)
        (trade,) = flat.trades
        assert trade.net_usd == trade.gross_usd - trade.costs_usd != Decimal(0)
        begun = desk.begun
        # Back to between the two: what was bought then is held again, and what came after is not.
        again = await desk.to(150)
        assert (desk.begun, [p.qty for p in again.positions], again.trades) == (begun + 1, [2], ())
        assert again.version > flat.version
        assert again.playing is not None
        assert again.playing.run == begun
        for seconds in (150.5, 170, 200.25):
            await desk.to(seconds)
        await desk.ask(AWAY)
        await desk.to(210)
        assert desk.hash == first
        # Before both: as if nothing had been commanded; and once more the same by hand.
        assert not (await desk.to(50)).positions
        assert (await by_hand(desk))[0] == first
    async with held() as other:
        assert (await by_hand(other))[0] == first


async def test_time_is_stepped_print_by_print_and_bar_by_bar() -> None:
    async with held() as desk:
        start = await desk.to(61)
        prints = start.health.prints
        one = await desk.wish(StepPlay(Advance.PRINT))
        assert (one.ts, one.health.prints) == (T0 + 62 * NANOS, prints + 1)
        bar = await desk.wish(StepPlay(Advance.BAR, "MES", Timeframe.M1))
        assert bar.ts == T0 + 2 * MINUTE
        chart = desk.replay.chart("MES", Timeframe.M1)
        assert chart is not None
        assert chart.bars[-1].open_ts == T0 + MINUTE
        five = await desk.wish(StepPlay(Advance.BAR, "MES", Timeframe.M5))
        assert five.ts == T0 + 5 * MINUTE


async def test_it_goes_on_at_another_pace_and_stays_at_its_end_from_where_one_can_go_back() -> None:
    async with held() as desk:
        await desk.wish(SetPace(faster=False), "paused ×500")
        await desk.wish(SetPace(faster=True), "paused max")
        ended = await desk.wish(HoldPlay(paused=False), "ended")
        assert ended.health.prints == 300
        assert ended.health.journal_seq == len(desk.records)
        with pytest.raises(RefusedError, match="the recording has ended"):
            await desk.ask(BUY)
        back = await desk.to(300)
        assert back.ts == T0 + 300 * NANOS
        assert (said := await desk.ask(BUY)).done, said.text


@pytest.mark.parametrize(
    ("speed", "faster", "slower"),
    [(1.0, 2.0, 0.5), (0.5, 1.0, 0.5), (8.0, 10.0, 5.0), (500.0, None, 100.0), (None, None, 500.0)],
)
def test_paces(speed: float | None, faster: float | None, slower: float) -> None:
    assert (next_pace(speed, faster=True), next_pace(speed, faster=False)) == (faster, slower)


async def test_what_is_said_of_a_trade_is_in_the_journal_and_so_survives_whatever_ends_the_run() -> None:
    async with held() as desk:
        await desk.to(100.5)
        await desk.ask(BUY)
        await desk.to(103)
        state = desk.replay.core.state
        (position,) = state.book(BOOK).held()
        key = f"MES@{position.opened_ts}"
        early = NoteTrade(id="n1", book=BOOK, trade=key, text="first idea")
        assert (await desk.ask(early)).text == "MES in replay: note kept"
        await desk.to(200.25)
        await desk.ask(AWAY)
        await desk.to(210)
        late = NoteTrade(id="n2", book=BOOK, trade=key, text="left too late #exit #fomo")
        assert (await desk.ask(late)).done
        for wrong, why in (
            (NoteTrade(id="n3", book=BOOK, trade="MES@1", text="x"), "no trade MES@1 is known"),
            (NoteTrade(id="n4", book="other", trade=key, text="x"), "unknown book other"),
            (NoteTrade(id="n5", book=BOOK, trade=key, text="x" * 1001), "at most 1000 characters"),
        ):
            answer = await desk.ask(wrong)
            assert not answer.done
            assert why in answer.text
        told = await desk.look_up(JournalAsked(Span.DAY))
        assert isinstance(told, JournalTold)
        (trade,) = told.trades
        assert (trade.key, trade.note, trade.tags) == (key, late.text, ("exit", "fomo"))
        assert (trade.owner, trade.setup, trade.reasons) == ("manual", "manual", ("by hand",))
        # Bought at market and left by a flatten: only the entry asked for a price.
        (kept,) = state.book(BOOK).trades
        (plan,) = (one.plan for one in map(decode, desk.records) if isinstance(one, PlanOpened))
        assert kept.slip_sum == kept.entry_sum - 2 * plan.reference
        assert trade.slippage_usd == Decimal("1.25") * kept.slip_sum
        records = list(desk.records)
    again = State()
    for raw in records:
        apply(again, decode(raw))
    assert again.book(BOOK).notes == {key: late.text}
    assert again.book(BOOK).trades == [kept]


async def test_until_the_time_that_is_wanted_it_says_that_it_catches_up() -> None:
    since = T0 + 300 * NANOS
    desk = ReplayDesk(0.001, since)
    said = state_words(desk.view, standing(desk.view)).line()
    assert said.startswith("CATCHING UP to ")
    main = asyncio.create_task(desk.replay.main())
    while (view := desk.view).playing is None or view.playing.until:
        assert view.replay == "on its way"
        await asyncio.sleep(0)
    assert view.replay == "×0.001"
    assert since - 2 * NANOS <= view.ts <= since
    assert view.books, "what is seen first is of that time"
    assert "CATCHING UP" not in state_words(view, standing(view)).line()
    back = await desk.to(100)
    assert back.playing is not None
    assert not back.playing.until
    desk.replay.ask(Shutdown(id="end"))
    await main
