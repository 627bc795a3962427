from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.patience import patient
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")


def _beats_go_on(terminal: Terminal, count: int, seconds: float) -> bool:
    """Whether the cockpit goes on looking at the engine while nobody reads its screen."""
    begun, end = terminal.beats(), time.monotonic() + patient(seconds)
    while terminal.beats() < begun + count:
        if time.monotonic() > end or terminal.ended(0.01):
            return False
    return True


def _fill(terminal: Terminal, keys: str, frames: int) -> None:
    """Have whole frames drawn that nobody reads: each press is followed by a look at the engine."""
    for _ in range(frames):
        terminal.press(keys)
        assert _beats_go_on(terminal, 1, 20)


def _answer(terminal: Terminal) -> None:
    """Press y as a person does who has read the question, and again if that was too soon."""
    end = time.monotonic() + patient(20)
    while terminal.process.poll() is None and time.monotonic() < end:
        terminal.watch(1.2)  # sooner it would be a key that is held
        with suppress(OSError):
            terminal.press("y")


TYPED = (
    b"git Fy stuff", b"Fy", b"f\ry", b"\xe9?", b"\xff\xfe\x80\xc3(F", b"\x1b[1114112u", b"\x1b[55296u",
    b"\x1b[48;99999;99999;9;9t", b"\x1b[<999999999999;99999999999;9M", b"\x1b]52;c;\xe9\x07", b"\x00\x1b",
)  # fmt: skip


def test_f50_f51_it_draws_takes_keys_stays_whatever_is_typed_and_leaves_the_terminal_as_it_was(
    tmp_path: Path,
) -> None:
    with Terminal(tmp_path) as terminal:
        assert terminal.until("PRACTICE")
        assert terminal.until("Chart · MNQZ6 5m")
        terminal.press("n")
        assert terminal.until("Chart · NQZ6 5m")
        for typed in TYPED:
            terminal.press(typed)
            assert _beats_go_on(terminal, 6, 20), typed
        for _ in range(12):
            terminal.press(b"\x1b")  # out of whatever is open
            terminal.watch(0.8)
            terminal.press("q")
            if terminal.until("stay at the venue", 2):
                break
        assert "stay at the venue" in terminal.text, terminal.text
        _answer(terminal)
        assert terminal.drained() == "quit"
        assert terminal.sent() == "[]"
        terminal.read(0.1)
        assert b"\x1b[?1049l" in terminal.raw
        assert b"Traceback" not in terminal.raw


def test_f51_an_end_of_the_screen_has_its_reason(tmp_path: Path) -> None:
    with Terminal(tmp_path, env={"TSTREAM_DEMO_INPUT_FAILS": "1"}) as terminal:
        assert terminal.until("Chart · MNQZ6")
        terminal.press("n")
        assert terminal.drained() == "crashed"
        assert "input broke" in terminal.result.read_text(encoding="utf-8")


def test_a_terminal_that_stops_reading_stops_neither_the_loop_nor_the_exit(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        assert terminal.until("Chart · MNQZ6")
        # Each key makes a whole frame, so that the terminal's buffer and Textual's queue of 30 are full soon.
        _fill(terminal, "nt", 30)
        assert _beats_go_on(terminal, 3, 20), "the loop waits for a terminal that does not read"
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == "terminated"


def test_a_stalled_screen_is_painted_again_when_the_terminal_reads_on(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        assert terminal.until("Chart · MNQZ6")
        _fill(terminal, "n", 31)
        assert terminal.until("Chart · NQZ6")  # 31 steps of six contracts: one further
        assert terminal.until("09:4")


@pytest.mark.parametrize("hangup_ignored", [False, True], ids=["hangup", "hangup-ignored"])
def test_a_terminal_that_goes_away_ends_the_cockpit(tmp_path: Path, hangup_ignored: bool) -> None:
    with Terminal(tmp_path, hangup_ignored=hangup_ignored) as terminal:
        assert terminal.until("Chart · MNQZ6")
        terminal.pull()
        assert terminal.ended() == "terminal lost"


# Sizes that a shell has exported stay as they are when the window changes.
@pytest.mark.parametrize("env", [{}, {"COLUMNS": "100", "LINES": "30"}], ids=["plain", "exported"])
def test_resizing_is_followed(tmp_path: Path, env: dict[str, str]) -> None:
    with Terminal(tmp_path, env=env) as terminal:
        assert terminal.until("Chart · MNQZ6")
        assert terminal.until("7 working"), terminal.text  # a pane that only a window of 120x40 has
        terminal.resize(80, 24)
        assert terminal.until("Positions · 7 orders"), terminal.text
        terminal.resize(50, 18)
        assert terminal.until("tstream needs 60×20"), terminal.text


def test_a_stop_is_dragged_with_the_mouse_and_sent_by_nothing_but_enter(tmp_path: Path) -> None:
    """As a terminal tells of a mouse (SGR): pressed on the line of the stop, let go three rows lower."""
    with Terminal(tmp_path) as terminal:
        assert terminal.until("─ SL ") or terminal.until("╌ SL ")
        row = next(y for y, line in enumerate(terminal.screen(), 1) if "SL " in line)
        terminal.press(f"\x1b[<0;12;{row}M\x1b[<32;12;{row + 1}M\x1b[<32;12;{row + 3}M")
        assert terminal.until("stop → "), terminal.text
        terminal.press(f"\x1b[<0;12;{row + 3}m")
        assert terminal.until("MNQ stop"), terminal.text
        assert terminal.until(" ticks")
        terminal.press("\x1b")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.drained() == "terminated"
        sent = terminal.sent()
        assert "ChangeManual" in sent
        assert "dry_run=False" not in sent
        assert sent.count("ChangeManual(") == sent.count("dry_run=True")
