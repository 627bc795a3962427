"""What orders by hand came to: a command that comes twice does nothing twice."""

from __future__ import annotations

from msgspec import Struct

ANSWERS_KEPT = 1000


class Answered(Struct, frozen=True):
    """The answer to a command."""

    text: str
    done: bool


def answered(answers: dict[str, Answered], command_id: str, answer: Answered) -> None:
    """Keep an answer, the newest some; to be called by folds alone."""
    answers[command_id] = answer
    while len(answers) > ANSWERS_KEPT:
        del answers[next(iter(answers))]
