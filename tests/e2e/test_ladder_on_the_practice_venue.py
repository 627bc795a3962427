"""The armed ladder of a running engine on the practice venue: what its keys do to the venue's own orders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from adapters.simulator.exchange.codes import StatusCode, TypeCode
from adapters.simulator.exchange.rows import OrderRow
from tests.support.engine_over_sockets import PRICE, venue_side
from tests.support.waits import until
from tests.tui.cockpit import Clock, grid_text
from tui.app import TStreamApp
from tui.ladder_orders import LadderTerms
from tui.screens.ladder import LadderScreen

BUY = 0


class NoLog:
    def lines(self, after_seq: int) -> Sequence[Any]:
        return ()


def _cursor(line: str) -> bool:
    return "▶" in line


async def test_a_limit_is_placed_with_its_stop_moved_and_taken_back_by_key(tmp_path: Path) -> None:
    async with venue_side(tmp_path) as side, side.engine() as run:
        clock = Clock()
        app = TStreamApp(
            run.engine,
            NoLog(),
            clock=clock,
            cpu=lambda: 0.0,
            key_age=lambda _: 0.0,
            ladder=LadderTerms(2, 24, 48),
        )

        async def press(pilot: Pilot[Any], *keys: str) -> None:
            for key in keys:
                clock.now += 1
                await pilot.press(key)
                screen = app.screen
                await until(lambda screen=screen: not getattr(screen, "pending", 0))  # type: ignore[misc]

        async def shows(words: str, *, at_cursor: bool = False) -> None:
            def seen() -> bool:
                clock.now += 0.1
                app.redraw()
                screen = app.screen
                text = grid_text(screen._grid) if isinstance(screen, LadderScreen) else ""
                return words in (text if not at_cursor else next(filter(_cursor, text.splitlines()), ""))

            await until(seen, look_s=0.05)

        def working() -> list[OrderRow]:
            """The venue's own orders that are not over."""
            rows = side.practice.account.rows.orders.values()
            return [row for row in rows if row.status in (StatusCode.OPEN, StatusCode.SUSPENDED)]

        def entries() -> list[int | None]:
            return [row.limit for row in working() if row.type == TypeCode.LIMIT and row.side == BUY]

        async with app.run_test(size=(60, 20)) as pilot:
            side.market(PRICE)
            await press(pilot, "L")
            await shows("levels")  # the book has come from the venue
            await press(pilot, "j", "j", "b")
            assert entries() == []  # not armed
            await press(pilot, "a")
            await until(lambda: app.screen.__class__.__name__ == "ConfirmScreen")
            clock.now += 1
            app.redraw()
            await press(pilot, "y")
            await shows("ARMED")
            await press(pilot, "b")
            at = PRICE - 2
            await until(lambda: entries() == [at])
            assert [row.stop for row in working() if row.stop] in ([], [at - 24])
            await shows("entry 2", at_cursor=True)
            await press(pilot, "m", "j", "m")
            await until(lambda: entries() == [at - 1])
            await shows("entry 2", at_cursor=True)
            await press(pilot, "x")
            await until(lambda: entries() == [])
