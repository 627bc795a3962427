"""tstream reload: the running engine reads its settings again; what it would loosen is asked for here too."""

from __future__ import annotations

import sys

import typer

from adapters.common.redaction import printable
from adapters.control.client import fetch_view, send_command
from engine.model.commands import AnswerLoosening, Reload
from engine.model.reload import LooseningView
from tstream import paths
from tstream.commands.orders import SOURCE, new_id, say
from tstream.errors import CommandError

_READ_S = 30.0
"""A store of secrets may be far away."""


def reload(sure: bool) -> int:
    """The exit code: 0 where everything is taken, or waits for a start. Raises PortError, CommandError."""
    socket = paths.find().control_socket
    notice = send_command(socket, Reload(id=new_id(), source=SOURCE), timeout=_READ_S)
    question = fetch_view(socket).loosening
    if notice.done is False and question is None:
        raise CommandError(notice.text)
    for line in notice.text.split("; "):
        say(line)
    if question is None:
        return 0
    if not sure and not sys.stdin.isatty():
        raise CommandError("limits on live accounts are not loosened: answer in the cockpit, or say --yes")
    yes = sure or _agreed(question)
    answer = AnswerLoosening(id=new_id(), source=SOURCE, asked=question.number, yes=yes)
    notice = send_command(socket, answer)
    say(notice.text)
    return 0 if notice.done else 1


def _agreed(question: LooseningView) -> bool:
    limits = "\n".join(f"  {printable(one.words)}" for one in question.loosened)
    return typer.confirm(f"On live accounts this would be loosened:\n{limits}\nLoosen it?", default=False)
