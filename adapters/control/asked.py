"""Commands of attached clients: each carried out once at most, not too late, and only for who may."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass

from msgspec.structs import replace

from adapters.control.access import AccessLog, Visitor
from adapters.control.attach_protocol import LATE_S, AnswerSent, CommandAsked, CommandFate, Role
from adapters.control.bounds import LONGEST, oversized
from engine.model.commands import AnyCommand
from engine.model.errors import PortError, RefusedError
from engine.model.notices import Notice
from engine.ports import EngineHandle

_REMEMBERED = 1_000
"""Commands whose answers are kept for clients that ask again, the newest."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how old what it asks is."""

    client: str
    who: Visitor
    role: Role
    age_s: float | None
    """From what the person saw to now: both ways of the line, and what it waited. None: it can't be known."""


class AskedCommands:
    """All commands of all attached clients; belongs to the loop on which they are served."""

    def __init__(self, handle: EngineHandle, access: AccessLog | None, answer_s: float) -> None:
        self._handle = handle
        self._access = access
        self._answer_s = answer_s
        self._known: OrderedDict[tuple[str, str], asyncio.Task[AnswerSent]] = OrderedDict()

    async def ask(self, asking: CommandAsked, asker: Asker) -> AnswerSent:
        """Carry a command out, or say why not; one that was asked before is answered as it was then."""
        key = asker.client, asking.id
        if key not in self._known:
            command = replace(
                asking.command,
                id=f"{asker.client[:16]}-{asking.id}"[:LONGEST],
                source=asker.who.name or asking.command.source[:LONGEST],
            )
            why = self._against(asking, asker)
            if why:
                if self._access is not None:
                    self._access.refused(asker.who, _named(command), why)
                task = asyncio.create_task(_refused(asking.id, why))
            else:
                task = asyncio.create_task(self._carried_out(asking.id, command, asker.who))
            self._known[key] = task
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return await self._answer(asking.id, self._known[key])

    async def look_up(self, client: str, command_id: str) -> AnswerSent:
        """What came of a command whose answer never arrived."""
        task = self._known.get((client, command_id))
        if task is None:
            return AnswerSent(command_id, fate=CommandFate.NEVER_HEARD)
        return await self._answer(command_id, task)

    def _against(self, asking: CommandAsked, asker: Asker) -> str:
        """Why a command is not carried out; empty where it is."""
        if asker.role is not Role.TRADER:
            return "this client is attached to look only"
        if wrong := oversized(asking.command):
            return f"not understood: {wrong}"
        if asker.age_s is None or asker.age_s > LATE_S:
            late = "too long" if asker.age_s is None else f"{asker.age_s:.1f} s"
            return (
                f"it was {late} on its way, over the {LATE_S:g} s that are allowed: nothing was done. "
                "Look at what is now, and ask again; or use tstream flatten on the engine's machine"
            )
        return ""

    async def _carried_out(self, command_id: str, command: AnyCommand, who: Visitor) -> AnswerSent:
        answer: Future[Notice] = self._handle.ask(command)
        try:
            notice = await asyncio.wrap_future(answer)
            told = AnswerSent(command_id, notice=notice)
        except RefusedError as error:
            told = AnswerSent(command_id, fate=CommandFate.REFUSED, why=str(error))
        except PortError as error:
            told = AnswerSent(command_id, fate=CommandFate.UNKNOWN, why=str(error))
        if self._access is not None:
            said = told.notice.text if told.notice is not None else f"{told.fate}: {told.why}"
            self._access.commanded(who, command, said)
        return told

    async def _answer(self, command_id: str, task: asyncio.Task[AnswerSent]) -> AnswerSent:
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.shield(task)
        except TimeoutError:
            why = "the engine took it, and has not answered"
            return AnswerSent(command_id, fate=CommandFate.UNKNOWN, why=why)

    def close(self) -> None:
        for task in self._known.values():
            task.cancel()


async def _refused(command_id: str, why: str) -> AnswerSent:
    return AnswerSent(command_id, fate=CommandFate.REFUSED, why=why)


def _named(command: AnyCommand) -> str:
    return f"command {command.__struct_config__.tag}"
