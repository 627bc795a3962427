from __future__ import annotations

import os

import pytest

from engine.model.view import View

# Textual reads these when it is first imported; pictures must not depend on the machine.
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
os.environ.pop("NO_COLOR", None)


@pytest.fixture(autouse=True)
def _pilots_wait_for_what_they_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for a process that uses little CPU. And all colours are there: a plugin has imported Textual before
    its environment was set here. Toasts stay: on a busy machine their time is over before a test looks."""
    import textual.app
    import textual.constants
    import textual.notifications
    import textual.pilot
    from textual._context import active_app

    from tests.tui.settled import settled

    async def wait(_min_sleep: float = 0, _max_sleep: float = 1) -> None:
        await settled(active_app.get())

    monkeypatch.setattr(textual.constants, "COLOR_SYSTEM", "truecolor")
    monkeypatch.setattr(textual.notifications.Notification, "time_left", property(lambda _: 3_600.0))
    monkeypatch.setattr(textual.app, "wait_for_idle", wait)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", wait)


@pytest.fixture(scope="session")
def view() -> View:
    """A good morning."""
    from tests.tui.fake import trading_view

    return trading_view()
