"""Questions that change nothing, and their answers."""

from __future__ import annotations

from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.review import JournalAsked, JournalTold

Question = TryAlert | JournalAsked
Reply = AlertTried | JournalTold
