from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.commands import (
    BreakEven,
    CancelEntries,
    ChangeManual,
    Flatten,
    Halt,
    Pause,
    ReduceManual,
    Resume,
    ReverseManual,
)
from engine.model.market import Timeframe
from engine.model.orders import AccountKind
from engine.model.restrictions import RestrictionEnd, TradingState
from engine.model.view import FlattenStep, FlattenView
from tests.tui import fake, states
from tests.tui.cockpit import Cockpit, running
from tui.actions import ACTIONS, PANES, Danger
from tui.base_app import ExitReason
from tui.layout import arrange
from tui.screens.alert_try import AlertTryScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.equity import EquityScreen
from tui.screens.help import HelpScreen
from tui.screens.journal import JournalScreen
from tui.screens.ladder import LadderScreen
from tui.screens.looks import LayoutPicker, OverlayPicker, ThemePicker
from tui.screens.main import MainScreen
from tui.screens.moving import MoveScreen
from tui.screens.page import DashboardScreen, DetailScreen, LogScreen, WhyScreen
from tui.screens.picker import ContractPicker
from tui.screens.tape import TapeScreen
from tui.screens.ticket import TicketScreen
from tui.styled_text import text_of
from tui.widgets.line import SurfaceLine
from tui.widgets.prompt import Prompt

Check = Callable[[Cockpit], object]
SMALL = (80, 24)


async def do(cockpit: Cockpit, pilot: Pilot[object], action: str) -> None:
    """By its key, or by name where it has none."""
    if ACTIONS[action].keys:
        await cockpit.press(pilot, ACTIONS[action].keys)
    else:
        cockpit.clock.now += 1
        cockpit.app.action_act(action)
        await pilot.pause()


def _moved(cockpit: Cockpit) -> tuple[str, int]:
    """What the bar moves, and by how many ticks, or to where it was nowhere before."""
    screen = cockpit.app.screen
    assert isinstance(screen, MoveScreen)
    return screen.move.what.value, screen.move.at - (screen.move.was or 0)


# What each action that looks does, seen after its key was pressed once on the main screen at 120x40.


LOOKS: dict[str, Check] = {
    "next-contract": lambda c: c.app.main.instrument == "NQ" and "NQZ6" in c.pane("chart"),
    "previous-contract": lambda c: c.app.main.instrument == "GC" and "GCZ6" in c.pane("chart"),
    "pick-contract": lambda c: isinstance(c.app.screen, ContractPicker),
    "next-timeframe": lambda c: c.app.main.timeframe is Timeframe.M10 and "[10m]" in c.pane("chart"),
    "previous-timeframe": lambda c: c.app.main.timeframe is Timeframe.M3 and "[3m]" in c.pane("chart"),
    "row": lambda c: any("no row is under the cursor" in toast for toast in c.toasts()),
    "show-row": lambda c: any("no row is under the cursor" in toast for toast in c.toasts()),
    "note": lambda c: any("which trade?" in toast for toast in c.toasts()),
    "copy-row": lambda c: any("no row is under the cursor" in toast for toast in c.toasts()),
    "command-line": lambda c: bool(c.app.screen.query("#command-bar Input")),
    "detail": lambda c: isinstance(c.app.screen, DetailScreen),
    "why": lambda c: isinstance(c.app.screen, WhyScreen),
    "dashboard": lambda c: isinstance(c.app.screen, DashboardScreen),
    "journal": lambda c: isinstance(c.app.screen, JournalScreen),
    "try-alert": lambda c: isinstance(c.app.screen, AlertTryScreen),
    "ladder": lambda c: isinstance(c.app.screen, LadderScreen) and not c.app.screen.armed,
    "tape": lambda c: isinstance(c.app.screen, TapeScreen),
    "zoom": lambda c: c.app.main.pane("chart").size.width == 120 and not c.app.main.pane("log").display,
    "swap": lambda c: "chart and alignment are both here: 1 and 4" in c.toasts(),
    "full-log": lambda c: isinstance(c.app.screen, LogScreen),
    "filter": lambda c: isinstance(c.app.focused, Prompt),
    "log-level": lambda c: (
        c.app.presenter.choice.log_level == "WARNING" and "log: WARNING and above" in c.toasts()
    ),
    "acknowledge": lambda c: "1 alert acknowledged" in c.toasts() and "1 new" not in c.pane("alerts"),
    "help": lambda c: isinstance(c.app.screen, HelpScreen),
    "theme": lambda c: isinstance(c.app.screen, ThemePicker),
    "equity": lambda c: isinstance(c.app.screen, EquityScreen),
    "crosshair": lambda c: "14 Oct 09:40" in c.pane("chart") and c.app.main.pane("chart").has_focus,
    "overlays": lambda c: isinstance(c.app.screen, OverlayPicker),
    "second-chart": lambda c: any("no room for two charts here" in told for told in c.toasts()),
    "taller": lambda c: c.app.main.pane("chart").size.height == arrange(120, 40)["chart"].height + 1,
    "smaller": lambda c: c.app.main.pane("chart").size.height == arrange(120, 40)["chart"].height - 1,
    "next-layout": lambda c: c.app.main.pane("chart").size.width == 120,
    "layouts": lambda c: isinstance(c.app.screen, LayoutPicker),
    "readonly": lambda c: c.app.presenter.choice.readonly and "read-only" in c.line("status"),
    "ticket": lambda c: isinstance(c.app.screen, TicketScreen),
    "reverse": lambda c: isinstance(c.engine.sent[0], ReverseManual) and isinstance(c.app.screen, MainScreen),
    "price-down": lambda c: _moved(c) == ("stop", -1),
    "price-up": lambda c: _moved(c) == ("stop", 1),
    "price-down-ten": lambda c: _moved(c) == ("stop", -10),
    "price-up-ten": lambda c: _moved(c) == ("stop", 10),
    "trail": lambda c: _moved(c) == ("trail", 56),
    "add-target": lambda c: _moved(c) == ("new target", 84255),
    "add-to-trade": lambda c: _moved(c) == ("add", 1),
    "hand-over": lambda c: "hand over: the engine has a process of its own already" in c.toasts(),
    "quit": lambda c: isinstance(c.app.screen, ConfirmScreen) and c.app.reason is None,
}

TRADES: dict[str, Check] = {
    "flatten": lambda c: c.engine.sent == [Flatten(id="ui-1", instrument="MNQ")],
    "flatten-all": lambda c: c.engine.sent == [Flatten(id="ui-1")],
    "cancel-entries": lambda c: c.engine.sent == [CancelEntries(id="ui-1", instrument="MNQ")],
    "cancel-all-entries": lambda c: c.engine.sent == [CancelEntries(id="ui-1")],
    "break-even": lambda c: c.engine.sent == [BreakEven(id="ui-1", instrument="MNQ")],
    "close-half": lambda c: c.engine.sent[0] == ReduceManual(id="ui-1", instrument="MNQ", book="practice"),
    "close-one": lambda c: (
        c.engine.sent[0] == ReduceManual(id="ui-1", instrument="MNQ", book="practice", qty=1)
    ),
    "drop-target": lambda c: (
        c.engine.sent[0]
        == ChangeManual(id="ui-1", order="1-1", book="practice", drop_targets=(Decimal("21052.00"),))
    ),
    "pause": lambda c: c.engine.sent == [Pause(id="ui-1")],
    "pause-contract": lambda c: c.engine.sent == [Pause(id="ui-1", instrument="MNQ")],
    "halt": lambda c: c.engine.sent == [Halt(id="ui-1")],
}
"""What each action that trades hands to the engine."""


def test_every_action_is_tried() -> None:
    several = {a for a in ACTIONS if ACTIONS[a].several}  # tests/tui/test_books.py
    several |= {a for a in ACTIONS if ACTIONS[a].replay}  # tests/tui/test_replay.py
    assert set(LOOKS) | set(TRADES) | several | {f"focus-{name}" for name in PANES} == set(ACTIONS)
    assert {a for a in ACTIONS if ACTIONS[a].danger is not Danger.NONE} == set(TRADES)


BY_HAND = ("reverse", "ticket", "price-down", "price-up", "price-down-ten", "price-up-ten")
PAGES = (
    *("pick-contract", "detail", "why", "dashboard", "full-log", "help", "quit"),
    *("trail", "add-target", "add-to-trade"),
)
"""What opens a screen of its own; escape leaves it."""


_ALONE = [[a] for a in LOOKS if a not in (*BY_HAND, *PAGES)]


@pytest.mark.parametrize("actions", [BY_HAND, PAGES, *_ALONE], ids=lambda a: a[0])
async def test_looking(actions: Sequence[str]) -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        for action in actions:
            await do(cockpit, pilot, action)
            assert LOOKS[action](cockpit), action
            assert all(getattr(one, "dry_run", False) for one in cockpit.engine.sent)
            await cockpit.press(pilot, "escape")


async def test_going_to_a_pane() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        for name in set(PANES) - {"books"}:
            cockpit.app.main.set_focus(None)  # a pane may have another meaning for the key
            await cockpit.press(pilot, ACTIONS[f"focus-{name}"].keys)
            assert cockpit.app.focused is cockpit.app.main.pane(name)
            assert cockpit.app.main.pane(name).display


async def test_trading() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        for action in TRADES:
            assert "sent" not in cockpit.line("keys")
            await do(cockpit, pilot, action)
            if ACTIONS[action].danger is Danger.CONFIRMED:
                assert isinstance(cockpit.app.screen, ConfirmScreen)
                assert cockpit.engine.sent == []
                await cockpit.press(pilot, "y")
            assert isinstance(cockpit.app.screen, MainScreen)
            cockpit.engine.sent[:] = [replace(command, id="ui-1") for command in cockpit.engine.sent]
            assert TRADES[action](cockpit), action
            assert "sent" in cockpit.line("keys")
            cockpit.engine.sent.clear()
            await cockpit.later(pilot, 7)


async def test_on_a_live_account_everything_that_trades_takes_two_steps() -> None:
    cockpit = Cockpit(fake.trading_view(AccountKind.LIVE))
    async with running(cockpit, SMALL) as pilot:
        for action in TRADES:
            await do(cockpit, pilot, action)
            assert isinstance(cockpit.app.screen, ConfirmScreen)
            assert cockpit.app.screen.query(".serious")
            await cockpit.press(pilot, "escape")
        assert cockpit.engine.sent == []


async def test_keys_typed_at_once_act_one_after_the_other() -> None:
    cockpit = Cockpit(fake.trading_view())
    async with running(cockpit) as pilot:
        for action in ("focus-alerts", "zoom"):
            cockpit.app.action_act(action)
        await pilot.pause()
        assert cockpit.app.main.pane("alerts").size.width == 120
        assert not cockpit.app.main.pane("chart").display


async def test_the_halt_key_lifts_a_halt_and_nothing_else_does() -> None:
    cockpit = Cockpit(states.halted())
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "p")
        assert cockpit.engine.sent == []
        assert any("the halt key lifts it" in toast for toast in cockpit.toasts())
        await cockpit.press(pilot, "exclamation_mark")
        assert cockpit.engine.sent == []
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Resume(id="ui-1", halted=True)]


async def test_a_lock_can_not_be_lifted_by_a_key() -> None:
    cockpit = Cockpit(states.locked())
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "p")
        assert cockpit.engine.sent == []
        assert any("locked: daily loss limit reached; only time ends it" in t for t in cockpit.toasts())


@pytest.mark.parametrize("page", ["", "l", "d", "9"])
async def test_the_safety_line_stands_on_every_page(page: str) -> None:
    cockpit = Cockpit(states.locked())
    async with running(cockpit, (80, 24)) as pilot:
        if page:
            await cockpit.press(pilot, page)
        await cockpit.later(pilot)
        bars = [text_of(bar.row) for bar in cockpit.app.screen.query(SurfaceLine)]
        assert any("■ LOCKED until 17:00 CT (in 7h 17m): daily loss" in bar for bar in bars)


async def test_a_read_only_cockpit_sends_nothing_and_says_why() -> None:
    cockpit = Cockpit(readonly=True)
    async with running(cockpit, SMALL) as pilot:
        for count, action in enumerate(TRADES, 1):
            await do(cockpit, pilot, action)
            assert isinstance(cockpit.app.screen, MainScreen)
            assert len(cockpit.toasts()) == count
            assert cockpit.toasts()[-1].endswith("this cockpit is read-only")
        assert cockpit.engine.sent == []


async def test_the_pause_key_resumes() -> None:
    view = fake.trading_view()
    paused = replace(
        view.books[0], **fake.held(TradingState.REDUCING, "paused by keyboard", RestrictionEnd.RESUME)
    )
    cockpit = Cockpit(replace(view, books=(paused,)))
    async with running(cockpit, SMALL) as pilot:
        assert "p resume" in cockpit.line("keys")
        await cockpit.press(pilot, "p")
        assert cockpit.engine.sent == [Resume(id="ui-1")]


async def test_a_command_is_shown_from_sent_to_acknowledged() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "p")
        assert "pause: sent" in cockpit.line("keys")
        cockpit.engine.answer("ui-1", "entries paused")
        await cockpit.later(pilot, 0.2)
        assert "pause: acknowledged, entries paused" in cockpit.line("keys")
        await cockpit.later(pilot, 7)
        assert "pause:" not in cockpit.line("keys")


async def test_a_command_without_answer_is_a_toast_with_advice() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "p")
        await cockpit.later(pilot, 2.1)
        assert cockpit.toasts() == ["pause: no answer after 2 s; look at alerts and log, then try again"]


async def test_a_flatten_is_not_flat_before_the_view_says_so() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "F", "y")
        view = cockpit.engine.current
        book = replace(view.books[0], flatten=FlattenView(("MNQ", "ES"), FlattenStep.CANCEL_ENTRIES))
        changed = replace(view, books=(book,), positions=view.positions[:1])
        cockpit.engine.show(changed)
        await cockpit.later(pilot)
        assert "▼ flattening…" in cockpit.line("status")
        assert "▼ FLATTENING · 1/4 cancel entries · open: MNQ +2" in cockpit.line("safety")
        assert "flattening… not yet proven flat: MNQ, ES" in cockpit.pane("positions")
        assert "flat: no open position" not in cockpit.pane("positions")
        cockpit.engine.show(replace(view, positions=(), orders=()))
        await cockpit.later(pilot)
        assert "flat: no open position" in cockpit.pane("positions")


async def test_an_empty_list_claims_nothing_before_the_venue_was_asked() -> None:
    view = fake.trading_view()
    unsure = replace(view, positions=(), orders=(), books=(replace(view.books[0], reconciled=False),))
    cockpit = Cockpit(unsure)
    async with running(cockpit, SMALL):
        assert "not yet verified with the venue" in cockpit.pane("positions")
    cockpit = Cockpit(fake.empty_view())
    async with running(cockpit, SMALL):
        assert "waiting for the account" in cockpit.pane("positions")


async def test_keys_from_the_settings() -> None:
    cockpit = Cockpit(keymap={"next-contract": "j", "flaten": "g"})
    async with running(cockpit, SMALL) as pilot:
        assert cockpit.toasts() == ["keys.flaten: no such action (did you mean flatten?)"]
        await cockpit.press(pilot, "n")
        assert cockpit.app.main.instrument == "MNQ"
        await cockpit.press(pilot, "j")
        assert cockpit.app.main.instrument == "NQ"
        assert "j contract" in cockpit.line("keys")


async def test_the_palette_does_what_the_key_does() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await pilot.press("ctrl+p", *"flatten all")
        await pilot.app.workers.wait_for_complete()
        await cockpit.press(pilot, "down", "enter")
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Flatten(id="ui-1")]


async def test_a_click_on_a_hint_does_what_the_key_does() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        at = cockpit.line("keys").index("n contract")
        await pilot.click("#keys", offset=(at + 2, 0))
        await pilot.pause()
        assert cockpit.app.main.instrument == "NQ"


async def test_a_click_on_a_quote_shows_the_contract() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (200, 60)) as pilot:
        await pilot.click("#quotes", offset=(5, 4))
        await pilot.pause()
        assert cockpit.app.main.instrument == "MES"
        assert "MESZ6" in cockpit.line("status")


async def test_picking_a_contract_by_number() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "c", "5")
        assert cockpit.app.main.instrument == "MGC"


async def test_leaving_with_open_positions_asks() -> None:
    cockpit = Cockpit(quit_note="the engine goes on")
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "ctrl+q")
        words = str(cockpit.app.screen.query_one("#words").render())
        assert "2 positions (MNQ +2, MGC −1) stay at the venue" in words
        assert "the engine goes on" in words
        await cockpit.press(pilot, "n")
        assert cockpit.app.reason is None
        await cockpit.press(pilot, "q", "y")
    assert cockpit.app.return_value is ExitReason.QUIT


async def test_leaving_flat_asks_nothing() -> None:
    cockpit = Cockpit(replace(fake.trading_view(), positions=(), orders=()))
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "q")
    assert cockpit.app.return_value is ExitReason.QUIT


async def test_ctrl_c_twice_leaves() -> None:
    cockpit = Cockpit()
    async with running(cockpit, SMALL) as pilot:
        await cockpit.press(pilot, "ctrl+c")
        assert cockpit.toasts() == ["ctrl+c once more to quit (2 open positions stay at the venue)"]
        cockpit.clock.now += 5
        await cockpit.press(pilot, "ctrl+c")
        assert cockpit.app.reason is None
        await cockpit.press(pilot, "ctrl+c")
    assert cockpit.app.return_value is ExitReason.QUIT
