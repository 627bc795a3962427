"""What the command line says when it can't do as asked. Plain: raising one imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class CommandError(Exception):
    """Ends a command with clear lines on stderr and no traceback."""

    exit_code = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UsageError(CommandError):
    """The command, as it was given, can't be carried out: nothing was started."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the settings."""

    key: str
    """Dotted: "risk.daily_loss_usd"; empty when a whole file is meant."""
    message: str
    """What is allowed, or what to do."""
    value: str | None = None
    """As it was written, shortened; masked where it may be a secret; None when there is none to show."""
    origin: str = ""
    """The file or environment variable that set it."""
    remedy: str = "correct it"
    """What tstream check advises."""

    def __str__(self) -> str:
        shown = self.key if self.value is None else f"{self.key} = {self.value}"
        where = f" (in {self.origin})" if self.origin else ""
        return f"{shown}: {self.message}{where}" if shown else f"{self.message}{where}"


class SettingsError(UsageError):
    """Settings that can't be used; one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(*(str(problem) for problem in problems))
        self.problems = tuple(problems)
