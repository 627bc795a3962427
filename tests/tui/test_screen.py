from __future__ import annotations

import importlib
import pkgutil
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.notices import LogLine, NoticeKind, Severity
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import View
from tests.support.waits import until
from tests.tui import fake, many, states
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, grid_text, running
from tui import screens
from tui.actions import PANES
from tui.base_app import ExitReason
from tui.panes.base import Pane
from tui.screens.ladder import LadderScreen
from tui.screens.page import Page
from tui.styled_text import text_of
from tui.widgets.line import Line


def _screen_text(cockpit: Cockpit) -> str:
    """Everything that is on the screen, as characters."""
    update = cockpit.app.screen._compositor.render_update(full=True)
    lines: list[Any] = update.strips  # type: ignore[union-attr]
    return "\n".join("".join(segment.text for strip in line for segment in strip) for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (100, 45), (130, 28), (120, 40), (200, 60)])
async def test_what_must_be_known_is_on_every_screen(size: tuple[int, int]) -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit, size):
        text = _screen_text(cockpit)
        for words in (
            " LIVE ",
            "21034.25",
            "+184.20",
            "ACTIVE",
            "LONG  2",
            "f flatten MNQ",
            "? help",
            "q quit",
        ):
            assert words in text, words


for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
    importlib.import_module(module.name)  # each has its pages, which are loaded when they are asked for
PAGES = sorted(Page.__subclasses__(), key=lambda page: page.__name__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.__name__))
async def test_what_must_be_known_is_on_every_page(page: type[Page]) -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit, (80, 24)) as pilot:
        cockpit.app.push_screen(LadderScreen(cockpit.app.ladder) if page is LadderScreen else page())
        await pilot.pause()
        first, _, frame, *_ = lines = _screen_text(cockpit).splitlines()
        assert " LIVE " in first
        assert "ACTIVE" in first
        assert frame.startswith("╭─ ")
        assert lines[-1].rstrip().endswith("╯")


@pytest.mark.parametrize("size", [(59, 24), (80, 19)])
async def test_a_screen_that_is_too_small_says_so(size: tuple[int, int]) -> None:
    cockpit = Cockpit()
    async with running(cockpit, size) as pilot:
        assert f"this window has {size[0]}×{size[1]}" in _screen_text(cockpit)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "Chart · MNQZ6" in _screen_text(cockpit)


async def test_positions_and_orders_share_a_pane_on_a_small_screen() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        assert "sell 2 stop" in cockpit.pane("positions")
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert "sell 2 stop" not in cockpit.pane("positions")
        assert "sell 2 stop" in cockpit.pane("orders")


def _filled(pane: Pane) -> bool:
    return bool(pane.content.rows)


async def test_every_pane_can_be_reached_at_eighty_by_twenty_four() -> None:
    cockpit = Cockpit(many.four_books())
    async with running(cockpit, (80, 24)) as pilot:
        for name, key in PANES.items():
            await cockpit.press(pilot, key)
            pane = cockpit.app.main.pane(name)
            assert pane.display
            assert cockpit.app.focused is pane
            await until(partial(_filled, pane))
            await cockpit.press(pilot, "escape")
            assert cockpit.app.main.pane("positions").display


@pytest.mark.parametrize("name", PANES)
async def test_a_pane_that_gets_its_place_shows_its_content_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame may come before the new layout and find a pane without a size."""
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        monkeypatch.setattr(cockpit.app, "redraw", lambda: None)
        cockpit.app.main.focus_pane(name)
        await pilot.pause()
        assert cockpit.app.main.pane(name).content.rows


async def test_the_alignment_takes_the_place_of_the_chart() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        await cockpit.press(pilot, "a")
        assert "BOS up" in _screen_text(cockpit)
        assert not cockpit.app.main.pane("chart").display
        await cockpit.press(pilot, "a")
        assert cockpit.app.main.pane("chart").display


async def test_switching_the_contract_switches_everything_at_once() -> None:
    view = fake.trading_view()
    other = replace(view.alignment["NQ"], verdict="short 1 refused", direction=-1, score_tenths=31)
    cockpit = Cockpit(replace(view, alignment={**view.alignment, "NQ": other}))
    async with running(cockpit) as pilot:
        await pilot.press("n")
        await pilot.pause()
        assert "NQZ6 21034.50" in cockpit.line("status")
        assert "NQZ6 5m" in cockpit.pane("chart")
        assert "short 1 refused" in cockpit.pane("alignment")
        assert "▼ 3.1/10" in cockpit.pane("alignment")
        assert "flatten NQ" in cockpit.line("keys")


NASTY = "[red]x[/] \x1b[2J\x1b]0;owned\x07 \u202e05.12\u2066 [@click=app.quit]q[/]"
TAME = "[red]x[/] ·[2J·]0;owned· ·05.12· [@click=app.quit]q[/]"


def _nasty(view: View) -> View:
    """A view in which everything that can come from outside does."""
    contracts = tuple(replace(c, description=NASTY) for c in view.contracts)
    shown = replace(view.alignment["MNQ"], verdict=NASTY, reasons=(NASTY,))
    frames = (replace(shown.frames[0], pattern=NASTY), *shown.frames[1:])
    return replace(
        view,
        contracts=contracts,
        venue=NASTY,
        strategy=NASTY,
        alignment={**view.alignment, "MNQ": replace(shown, frames=frames)},
        books=(replace(view.books[0], account=NASTY, **fake.held(TradingState.REDUCING, NASTY)),),
        trades=(replace(view.trades[0], reason=NASTY),),
        links=(replace(view.links[0], detail=NASTY),),
    )


async def test_text_from_outside_is_shown_as_it_is_and_does_nothing() -> None:
    line = LogLine(1, NOW, "ERROR", "adapters", NASTY)
    cockpit = Cockpit(_nasty(fake.trading_view()), [line])
    async with running(cockpit, (250, 70)) as pilot:
        cockpit.engine.happen(NoticeKind.RISK, Severity.CRITICAL, NASTY)
        await cockpit.later(pilot)
        cockpit.app.toast(NASTY)
        await pilot.pause()
        text = _screen_text(cockpit)
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\u2066"}
        assert "[red]x[/] ·[2J" in cockpit.pane("system")
        for name in ("log", "alerts", "alignment"):
            assert TAME.split(" ·05")[0] in cockpit.pane(name), name
        assert cockpit.toasts()[-1] == TAME
        assert "[red]x[/]" in text
        await cockpit.press(pilot, "c")
        assert "[red]x[/]" in _screen_text(cockpit)
        await cockpit.press(pilot, "escape", "d")
        assert TAME in _screen_text(cockpit)
        assert not set(_screen_text(cockpit)) & {"\x1b", "\x07", "\u202e", "\u2066"}


async def test_only_lines_that_changed_are_painted_again() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        painted: dict[str, int] = {}

        def spy(pane: Pane) -> None:
            before = pane.set_content

            def counting(content: Any) -> int:
                lines = before(content)
                painted[pane.NAME] = painted.get(pane.NAME, 0) + lines
                return lines

            pane.set_content = counting  # type: ignore[method-assign]

        for name in PANES:
            spy(cockpit.app.main.pane(name))
        view = cockpit.engine.current
        better = replace(view.positions[1], open_usd=Decimal("10.00"), open_ticks=Decimal(10))
        cockpit.engine.show(replace(view, positions=(view.positions[0], better)))
        await cockpit.later(pilot)
        assert painted["positions"] == 2  # its row, and the sum in the frame
        assert {name: lines for name, lines in painted.items() if lines} == {"positions": 2}


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.later(pilot, 3)
        drawn: list[float] = []
        draw = cockpit.app.main.draw
        cockpit.app.main.draw = lambda state, now, force=False: drawn.append(now) or draw(state, now, force)  # type: ignore[func-returns-value,method-assign]
        cockpit.app._frame(cockpit.clock() + 1.3)
        assert drawn == []
        cockpit.engine.show(cockpit.engine.current)
        cockpit.app._frame(cockpit.clock() + 1.4)
        assert len(drawn) == 1


async def test_the_chart_is_drawn_twice_a_second_at_most() -> None:
    cockpit = Cockpit()
    async with running(cockpit):
        chart, now = cockpit.app.main.pane("chart"), cockpit.clock() + 10
        built: list[float] = []
        build = chart.build
        chart.build = lambda state: built.append(0.0) or build(state)  # type: ignore[func-returns-value,method-assign]
        for i in range(20):
            cockpit.engine.show(cockpit.engine.current)
            cockpit.app._frame(now + i / 10)
        assert len(built) == 4


async def test_the_safety_line_is_painted_again_only_when_it_says_something_else() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        line = cockpit.app.main.query_one("#safety", Line)
        strip = line.render_line(0)
        cockpit.engine.show(cockpit.engine.current)
        await cockpit.later(pilot)
        assert line.render_line(0) is strip
        cockpit.engine.show(states.near_limit())
        await cockpit.later(pilot)
        assert line.render_line(0) is not strip
        assert "61 % WARN" in cockpit.line("safety")


async def test_without_focus_the_rate_falls_to_two() -> None:
    from textual import events

    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        cockpit.app.post_message(events.AppBlur())
        await pilot.pause()
        assert cockpit.app.frame_rate.period == 0.5
        cockpit.app.post_message(events.AppFocus())
        await pilot.pause()
        assert cockpit.app.frame_rate.period == 0.1


async def test_pages_follow_the_engine_and_the_panes_below_rest() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "l")
        cockpit.engine.log.append(LogLine(99, NOW, "INFO", "x", "one more line"))
        await cockpit.later(pilot)
        page = cockpit.app.screen
        assert isinstance(page, Page)
        assert "one more line" in grid_text(page._grid)
        assert "one more line" not in cockpit.pane("log")
        await cockpit.press(pilot, "escape")
        await cockpit.later(pilot)
        assert "one more line" in cockpit.pane("log")


async def test_filtering_the_log_while_typing() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "slash", "f", "i", "l", "l")
        assert "“fill”" in cockpit.pane("log")
        assert "hub" not in cockpit.pane("log")
        await cockpit.press(pilot, "enter", "n")
        assert cockpit.app.main.instrument == "NQ"
        assert "“fill”" in cockpit.pane("log")
        await cockpit.press(pilot, "slash", "escape")
        assert "hub" in cockpit.pane("log")


async def test_a_long_list_scrolls_with_a_mark_in_its_frame() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        await cockpit.press(pilot, "2")
        pane = cockpit.app.main.pane("positions")
        assert "┃" in "".join(segment.text for segment in pane.render_line(1))
        await cockpit.press(pilot, "end")
        seen = "\n".join("".join(segment.text for segment in pane.render_line(y)) for y in range(7))
        assert "contract" in seen  # the head stays
        assert "2666.0" in seen
        assert "LONG" not in seen


async def test_letters_move_in_the_focused_pane_and_acknowledge_nothing() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        await cockpit.press(pilot, "6")
        pane = cockpit.app.main.pane("alerts")
        for n in range(30):
            cockpit.engine.happen(NoticeKind.RISK, Severity.WARNING, f"number {'x' * n}")
        await cockpit.later(pilot)
        known, seen = list(dict.fromkeys(pane.content.things)), []
        for key in ("j", "j", "k", "G", "g", "ctrl+d", "ctrl+u"):
            await cockpit.press(pilot, key)
            seen.append(known.index(pane.selected))
        assert seen == [1, 2, 1, len(known) - 1, 0, 10, 0]
        assert "31 new" in cockpit.pane("alerts")
        await cockpit.press(pilot, "A")
        assert "new" not in text_of(pane.content.note)


@pytest.mark.parametrize("page", ["l", "d"])
async def test_alerts_can_be_acknowledged_on_every_page(page: str) -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, page, "A")
        assert "1 alert acknowledged" in cockpit.toasts()
        assert isinstance(cockpit.app.screen, Page)
        assert "A acknowledge" in grid_text(cockpit.app.screen._grid)


async def test_a_theme_of_the_users_that_is_broken_is_a_toast() -> None:
    cockpit = Cockpit(theme="solarised")
    async with running(cockpit):
        assert cockpit.app.theme == "nightwatch"
        assert cockpit.toasts()[0].startswith("theme = 'solarised': there are nightwatch, daybook")


async def test_the_equity_curve_has_its_scale_and_its_times() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (200, 60)):
        rows = [text_of(row).rstrip() for row in cockpit.app.main.pane("pnl").content.rows]
        assert sum(any("\u2800" < char <= "\u28ff" for char in row) for row in rows) >= 3
        assert any("high +" in row and "low −" in row and "now +184.20" in row for row in rows)
        assert rows[-1].split() == ["08:12", "08:57", "09:42"]
        scale = [row.split()[-1] for row in rows if row.split()[-1].lstrip("+−").isdigit()]
        assert scale[0].startswith("+")
        assert scale[-1].startswith("−")


async def test_an_error_in_the_screen_ends_it_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    cockpit = Cockpit()

    def broken() -> View:
        raise RuntimeError("secret in a local variable")

    async def break_it() -> None:
        async with running(cockpit):
            cockpit.engine.view = broken  # type: ignore[method-assign]
            cockpit.app.call_later(cockpit.app.redraw)
            await cockpit.app._exception_event.wait()

    with pytest.raises(RuntimeError, match="secret"):  # the pilot raises it again for the test
        await break_it()
    assert cockpit.app.reason is ExitReason.CRASHED
    assert isinstance(cockpit.app.crash, RuntimeError)
    captured = capsys.readouterr()
    assert "secret" not in captured.out + captured.err
