"""Bytes of a terminal, however they are cut, and the events that come of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.events import Key, Paste
from textual.message import Message

from tests.tui.test_terminal import TYPED
from tui.terminal_input import PASTE_LONGEST, PASTE_SILENCE, TerminalInput

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


class Terminal:
    """Input whose parser has the clock of the test."""

    def __init__(self) -> None:
        self._input = TerminalInput()

    def take(self, data: bytes, at: float) -> list[Message]:
        CLOCK[0] = at
        return self._input.take(data, at) if data else []

    def wait(self, at: float) -> list[Message]:
        CLOCK[0] = at
        return self._input.wait(at)


CLOCK = [0.0]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual._parser.get_time", lambda: CLOCK[0])


def keys(events: list[Message]) -> list[str]:
    return [event.key for event in events if isinstance(event, Key)]


@pytest.mark.parametrize("typed", [*TYPED, "éü€".encode(), b"\x1b[A\x1bOPq", BEGIN + b"Fy" + END])
def test_f51_however_input_is_cut_the_next_key_is_heard(typed: bytes) -> None:
    for cut in range(len(typed) + 1):
        terminal = Terminal()
        terminal.take(typed[:cut], 1.0)
        terminal.take(typed[cut:], 1.01)
        terminal.wait(2.0)
        assert keys(terminal.take(b"q", 3.0))[-1:] == ["q"], (typed, cut)


@given(st.lists(st.one_of(st.sampled_from([*TYPED, BEGIN, END, b"\x1b", b"["]), st.binary(max_size=6))))
@settings(max_examples=300)
def test_f51_after_any_bytes_and_a_second_of_silence_a_key_is_a_key(parts: list[bytes]) -> None:
    terminal, at = Terminal(), 1.0
    for part in parts:
        at += 0.02
        terminal.take(part, at)
    terminal.wait(at + 1)
    terminal.take(b"\x1b", at + 1)  # ends a character of which only the first bytes came
    terminal.wait(at + 2)
    assert keys(terminal.take(b"q", at + 3)) == ["q"]


def test_f50_what_came_in_at_once_has_one_time_however_long_the_machine_takes_for_it() -> None:
    events = Terminal().take(b"Fy\r", 7.0)
    assert [(event.key, event.time) for event in events if isinstance(event, Key)] == [
        ("F", 7.0), ("y", 7.0), ("enter", 7.0),
    ]  # fmt: skip


def test_an_escape_that_is_alone_came_when_it_came() -> None:
    terminal = Terminal()
    assert terminal.take(b"\x1b", 7.0) == []
    (escape,) = terminal.wait(7.2)
    assert (keys([escape]), escape.time) == (["escape"], 7.0)


def test_a_paste_is_one_event_in_whatever_pieces_it_comes() -> None:
    whole = BEGIN + b"flatten F" + END
    for cut in range(1, len(whole)):
        terminal = Terminal()
        halves = *terminal.take(whole[:cut], 1.0), *terminal.take(whole[cut:], 1.4)
        events = [*halves, *terminal.take(b"q", 1.41)]
        assert [event.text for event in events if isinstance(event, Paste)] == ["flatten F"]
        assert keys(events) == ["q"]


def test_a_paste_that_never_ends_swallows_keys_only_for_a_moment() -> None:
    terminal = Terminal()
    assert terminal.take(BEGIN + b"half a te", 1.0) == []
    assert terminal.take(b"F", 1.0 + PASTE_SILENCE - 0.01) == []
    assert keys(terminal.take(b"F", 1.0 + 2 * PASTE_SILENCE)) == ["F"]


def test_a_person_who_hammers_on_a_key_gets_out_of_a_paste_that_never_ends() -> None:
    terminal, at = Terminal(), 1.0
    terminal.take(BEGIN, at)
    while not keys(terminal.take(b"F", at := at + PASTE_SILENCE / 2)):
        assert at < 1.0 + PASTE_LONGEST
    terminal.take(BEGIN, at := at + 1)
    for _ in range(30):  # a long text over a slow line is still a text
        at += PASTE_SILENCE / 2
        assert terminal.take(b"Fy " * 40, at) == []
