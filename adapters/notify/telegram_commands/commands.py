"""Commands from Telegram: the same ones as on the keyboard, from whitelisted people in whitelisted chats.

Long polling (docs/protocols/telegram.md#getupdates). Who is not on both lists gets no answer, so that the bot
tells strangers nothing. Text from outside chooses among the commands below and is never shown or repeated.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.common.fresh_view import fresh_view
from adapters.common.pacing import Backoff
from adapters.notify.channels.bot_api import BotApi
from adapters.notify.channels.channel import RateLimitedError
from adapters.notify.channels.telegram import LIMIT
from adapters.notify.config import TelegramCommandsConfig
from adapters.notify.content.chunks import packed, pieces, utf16_units
from adapters.notify.content.sanitize import sanitize
from adapters.notify.telegram_commands.confirmation import Asker, Confirmations
from adapters.notify.telegram_commands.replies import HELP, flatten_question, positions_text, status_text
from engine.model.commands import AnyCommand, Flatten, Pause, Resume
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import NANOS
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

SOURCE = "telegram"
ANSWER_S = 10.0
"""The engine's answer to a command is waited for so long."""
_LONGEST_TEXT = 64
"""A longer message is no command."""
BACKOFF_S = 1.0, 60.0
"""Pauses after failures in a row: the first, and the longest."""
_CONFLICT = 409
_BATCH = 50
_STRANGERS = 100
"""So many different strangers are named in the log, by id, once each."""

_SKEW_S = 300
"""A message from so far in the future is believed: clocks differ."""

_TAKE_A_CONTRACT = {"pause", "resume", "flatten"}


@dataclass(frozen=True, slots=True)
class _Request:
    """A message that counts: who sent which command word, and what came behind it."""

    asker: Asker
    word: str
    rest: tuple[str, ...]


class TelegramCommands:
    """One bot's inbox, tied to an engine."""

    def __init__(
        self,
        handle: EngineHandle,
        config: TelegramCommandsConfig,
        wall: Clock,
        code_clock: Callable[[], float] | None = None,
    ) -> None:
        """`wall` gives the real time, ns UTC; `code_clock` seconds for codes (the loop's, if not given)."""
        self._handle = handle
        self._config = config
        self._wall = wall
        self._bot = BotApi(config.base_url, config.token, config.secrets)
        self._codes = Confirmations(config.code_s, code_clock or _loop_time)
        self._name = ""
        self._started_s = 0
        self._offset: int | None = None
        self._strangers: set[tuple[Any, Any]] = set()

    async def run(self) -> None:
        """Listen until cancelled. Raises FatalError when the bot can't be used any more."""
        self._started_s = self._wall() // NANOS
        backoff, failing = Backoff(*BACKOFF_S), False
        try:
            while True:
                try:
                    if not self._name:
                        await self._identify()
                    await self._poll()
                    failing = False
                    backoff.worked()
                except FatalError:
                    raise
                except PortError as error:
                    if not failing:
                        log.warning("Telegram commands: %s; trying again", error)
                    failing = True
                    if isinstance(error, RateLimitedError):
                        await asyncio.sleep(error.after_s)
                    else:
                        await asyncio.sleep(backoff.pause_s())
        finally:
            await self._bot.close()

    async def _identify(self) -> None:
        """Learn the bot's name, and end a webhook that would keep messages from us."""
        name = await self._bot.name()
        await self._bot.call("deleteWebhook", {"drop_pending_updates": False})
        self._name = name.lower()
        log.info("Telegram commands are taken by @%s", sanitize(name))

    async def _poll(self) -> None:
        wait_s = self._config.poll_s
        body: dict[str, Any] = {"timeout": wait_s, "limit": _BATCH, "allowed_updates": ["message"]}
        if self._offset is not None:
            body["offset"] = self._offset
        said = await self._bot.call("getUpdates", body, wait_s + 10.0)
        if said.code == _CONFLICT:
            raise RetryableError("another program listens to this bot: stop it, or give this one its own bot")
        if not said.ok:
            raise RetryableError(f"Telegram: {said.description}")
        requests: list[_Request] = []
        late: set[int] = set()
        for update in said.result if isinstance(said.result, list) else ():
            number = update.get("update_id") if isinstance(update, dict) else None
            if not isinstance(number, int):
                continue
            self._offset = max(self._offset or 0, number + 1)
            message = update.get("message")
            request = self._read(message) if isinstance(message, dict) else None
            if request is None:
                continue
            if self._in_time(message):
                requests.append(request)
            else:
                late.add(request.asker[0])
        for chat in late:
            await self._reply(
                chat, f"Too old when it came (over {self._config.max_age_s} s): not done. Say it again."
            )
        for request in requests:
            await self._execute(request)

    # --- who said what ---------------------------------------------------------------------------------

    def _read(self, message: dict[str, Any]) -> _Request | None:
        """The command in a message that counts; None for anything else."""
        chat, sender = _id(message.get("chat")), _id(message.get("from"))
        if chat not in self._config.chats or sender not in self._config.users:
            self._note_stranger(chat, sender)
            return None
        text = message.get("text")
        borrowed = any(name in message for name in ("forward_origin", "forward_date", "via_bot"))
        if not isinstance(text, str) or borrowed or len(text) > _LONGEST_TEXT or not text.startswith("/"):
            return None
        word, *rest = text[1:].split()[:3] or [""]
        word, _, addressee = word.lower().partition("@")
        if addressee and addressee != self._name:
            return None  # for another bot of the group
        assert chat is not None
        assert sender is not None
        return _Request((chat, sender), word, tuple(rest))

    def _in_time(self, message: dict[str, Any]) -> bool:
        """Whether it was said lately and since we listen: what came before a restart is not done after it."""
        date = message.get("date")
        if not isinstance(date, int):
            return False
        age_s = self._wall() // NANOS - date
        return date >= self._started_s and -_SKEW_S <= age_s <= self._config.max_age_s

    def _note_stranger(self, chat: int | None, sender: int | None) -> None:
        if (chat, sender) not in self._strangers and len(self._strangers) < _STRANGERS:
            self._strangers.add((chat, sender))
            log.warning("a Telegram message of user %s in chat %s is ignored: not whitelisted", sender, chat)

    # --- what is done ----------------------------------------------------------------------------------

    async def _execute(self, request: _Request) -> None:
        chat = request.asker[0]
        view = self._handle.view()
        if request.word in _TAKE_A_CONTRACT:
            known = [contract.instrument for contract in view.contracts]
            scope = request.rest[0].upper() if request.rest else None
            if len(request.rest) > 1 or (scope is not None and scope not in known):
                await self._reply(chat, f"Not a contract of this engine. It trades {', '.join(known)}.")
                return
            log.info("Telegram user %d: %s %s", request.asker[1], request.word, scope or "everything")
            if request.word == "flatten":
                code = self._codes.ask(request.asker, scope or "")
                now = await fresh_view(self._handle)
                await self._reply(chat, flatten_question(now, scope, code, self._config.code_s))
                return
            kind = Pause if request.word == "pause" else Resume
            await self._carry_out(chat, kind(id=_command_id(), source=SOURCE, instrument=scope))
        elif request.word == "yes":
            confirmed = self._codes.answer(request.asker, request.rest[0] if len(request.rest) == 1 else "")
            if confirmed is None:
                await self._reply(chat, "That is no code that is open now: nothing was done. Begin anew.")
                return
            log.info("Telegram user %d: flatten confirmed", request.asker[1])
            flatten = Flatten(id=_command_id(), source=SOURCE, instrument=confirmed or None)
            await self._carry_out(chat, flatten)
        else:
            text = {"status": status_text, "positions": positions_text}.get(request.word)
            await self._reply(chat, text(await fresh_view(self._handle)) if text is not None else HELP)

    async def _carry_out(self, chat: int, command: AnyCommand) -> None:
        """Hand a command to the engine and tell its answer."""
        try:
            async with asyncio.timeout(ANSWER_S):
                told = sanitize((await asyncio.wrap_future(self._handle.ask(command))).text)
        except RefusedError as error:
            told = sanitize(f"{error}")
        except (TimeoutError, UnknownOutcomeError):
            told = f"Sent, but the engine has not answered within {ANSWER_S:g} s: look at /status."
        await self._reply(chat, told)

    async def _reply(self, chat: int, text: str) -> None:
        """Answer in plain text. A lost answer is only a lost answer: it is logged, and never sent twice."""
        lines = (piece for line in text.split("\n") for piece in pieces(line, LIMIT, utf16_units))
        for block in packed(lines, LIMIT, utf16_units):
            body = {"chat_id": chat, "text": block, "link_preview_options": {"is_disabled": True}}
            try:
                said = await self._bot.call("sendMessage", body)
            except FatalError:
                raise
            except PortError as error:
                log.warning("an answer to a Telegram command was not sent: %s", error)
                return
            if not said.ok:
                log.warning("an answer to a Telegram command was refused: %s", said.description)
                return


def _id(party: object) -> int | None:
    number = party.get("id") if isinstance(party, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _command_id() -> str:
    return f"telegram-{secrets.token_hex(6)}"
