from __future__ import annotations

import pytest

from adapters.common import fresh_view as module
from adapters.common.fresh_view import fresh_view
from engine.model.view import View
from tests.control.fake import FakeHandle, a_view


async def test_the_picture_is_one_that_was_drawn_after_the_look() -> None:
    handle = FakeHandle(a_view())
    at_hand = handle.view()
    assert (await fresh_view(handle)).version > at_hand.version + 1


async def test_an_engine_too_busy_to_draw_shows_its_last_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_S", 0.03)
    view = a_view()

    class Busy(FakeHandle):
        def view(self) -> View:
            return view

    assert await fresh_view(Busy(view)) is view
