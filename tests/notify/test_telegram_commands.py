"""Commands from Telegram over real sockets: who may, what is done, what is never done."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.common.secret import Secret
from adapters.notify.config import TelegramCommandsConfig
from adapters.notify.telegram_commands import commands as listening
from adapters.notify.telegram_commands.commands import TelegramCommands
from engine.model.commands import AnyCommand, Flatten, Pause, Resume
from engine.model.errors import FatalError, RefusedError
from engine.model.market import NANOS
from engine.model.orders import AccountKind
from tests.notify.scenes import a_position, a_view
from tests.notify.sinks import TOKEN, Reply, TelegramSink, flood, telegram_no
from tests.support.fake_engine import FakeEngine
from tests.support.patience import patient

NOW_S = 1_791_988_937
ME, CHAT = 111, -1002


class Scene:
    """A bot, an engine and a person."""

    def __init__(self, sink: TelegramSink, engine: FakeEngine) -> None:
        self.sink = sink
        self.engine = engine
        self.wall_s = NOW_S
        self.code_s = 0.0
        config = TelegramCommandsConfig(
            token=Secret(TOKEN), chats=frozenset({CHAT}), users=frozenset({ME}), base_url=sink.url, poll_s=1
        )
        commands = TelegramCommands(engine, config, lambda: self.wall_s * NANOS, lambda: self.code_s)
        self.task = asyncio.create_task(commands.run())
        self._next = 9000

    def say(self, text: str | None, *, chat: Any = CHAT, sender: Any = ME, age: int = 0, **more: Any) -> None:
        self._next += 1
        self.sink.say(
            self._next,
            text,
            **{"chat": {"id": chat}, "from": {"id": sender}, "date": self.wall_s - age, **more},
        )

    async def ask(self, text: str, **more: Any) -> str:
        """Say something that is answered; the answer."""
        heard = len(self.sink.got)
        self.say(text, **more)
        return str((await self.sink.wait(heard + 1))[-1].body["text"])

    async def silent(self) -> None:
        """Everything said before has been read, and got no answer."""
        heard = len(self.sink.got)
        assert (await self.ask("/help")).startswith("/status")
        assert len(self.sink.got) == heard + 1


@asynccontextmanager
async def a_scene(*, answers: bool = True, **view: Any) -> AsyncIterator[Scene]:
    async with TelegramSink() as sink:
        made = Scene(sink, FakeEngine(a_view(**view), answers=answers))
        yield made
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with a_scene(positions=(a_position(),)) as made:
        yield made


def kinds(engine: FakeEngine) -> list[type[AnyCommand]]:
    return [type(command) for command in engine.sent]


async def test_status_and_positions_are_answered_in_plain_text(scene: Scene) -> None:
    status = await scene.ask("/status")
    assert "[PRACTICE] ACC-main" in status
    assert "Net: +123.40 USD" in status
    positions = await scene.ask("/positions")
    assert positions == "[PRACTICE] ACC-main MNQ\n  LONG 2 @ 21000.25, stop 20990.25, +19.00 USD"
    assert all("parse_mode" not in got.body for got in scene.sink.got)
    assert scene.engine.sent == []


async def test_pause_and_resume_are_the_keyboards_commands_and_tell_the_engines_answer(scene: Scene) -> None:
    assert await scene.ask("/pause") == "done: pause"
    assert await scene.ask("/resume mnq") == "done: resume"
    first, second = scene.engine.sent
    assert isinstance(first, Pause)
    assert isinstance(second, Resume)
    assert (first.instrument, first.source) == (None, "telegram")
    assert second.instrument == "MNQ"
    assert first.id != second.id


async def test_flatten_needs_its_code(scene: Scene) -> None:
    question = await scene.ask("/flatten MNQ")
    assert question.startswith("PRACTICE: sell 2 MNQ at market, pause entries?")
    assert scene.engine.sent == []
    assert await scene.ask(f"/yes {code_in(question)}") == "done: flatten"
    (command,) = scene.engine.sent
    assert isinstance(command, Flatten)
    assert (command.instrument, command.source) == ("MNQ", "telegram")


def code_in(question: str) -> str:
    found = re.search(r"/yes (\d{6})", question)
    assert found is not None
    return found[1]


async def test_a_code_is_good_once(scene: Scene) -> None:
    code = code_in(await scene.ask("/flatten"))
    await scene.ask(f"/yes {code}")
    assert "nothing was done" in await scene.ask(f"/yes {code}")
    assert kinds(scene.engine) == [Flatten]


async def test_a_code_dies_of_age(scene: Scene) -> None:
    code = code_in(await scene.ask("/flatten"))
    scene.code_s = 60.0
    assert "nothing was done" in await scene.ask(f"/yes {code}")
    assert scene.engine.sent == []


async def test_a_code_dies_of_wrong_answers(scene: Scene) -> None:
    code = code_in(await scene.ask("/flatten"))
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(3):
        assert "nothing was done" in await scene.ask(f"/yes {wrong}")
    assert "nothing was done" in await scene.ask(f"/yes {code}")
    assert scene.engine.sent == []


async def test_a_new_question_voids_the_old_code(scene: Scene) -> None:
    old = code_in(await scene.ask("/flatten"))
    new = code_in(await scene.ask("/flatten ES"))
    if old != new:
        assert "nothing was done" in await scene.ask(f"/yes {old}")
    await scene.ask(f"/yes {new}")
    (command,) = scene.engine.sent
    assert isinstance(command, Flatten)
    assert command.instrument == "ES"


@pytest.mark.parametrize("text", ["/yes", "/yes 1 2", "/yes \u0661\u0662\u0663", "/YES abc"])
async def test_yes_without_a_question_does_nothing(scene: Scene, text: str) -> None:
    assert "nothing was done" in await scene.ask(text)
    assert scene.engine.sent == []


@pytest.mark.parametrize(
    "stranger",
    [
        {"sender": 666},
        {"chat": 666},
        {"chat": ME},
        {"sender": CHAT},
        {"sender": str(ME)},
        {"sender": True},
        {"sender_chat": {"id": CHAT}, "from": None},
        {"from": {"username": "ME"}},
    ],
)
async def test_strangers_get_no_answer_and_do_nothing(
    scene: Scene, stranger: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("/pause", "/flatten", "/status", "/help"):
        scene.say(text, **stranger)
    await scene.silent()
    assert scene.engine.sent == []
    assert caplog.text.count("not whitelisted") == 1


@pytest.mark.parametrize(
    "message",
    [
        {"text": "/pause", "forward_origin": {"type": "user"}},
        {"text": "/pause", "forward_date": 1},
        {"text": "/pause", "via_bot": {"id": 5}},
        {"text": "please /pause"},
        {"text": "/pause " + "x" * 100},
        {"text": "/pause@other_bot"},
        {"text": None, "photo": []},
        {"text": 5},
    ],
)
async def test_what_is_no_command_is_ignored(scene: Scene, message: dict[str, Any]) -> None:
    scene.say(message["text"], **{name: value for name, value in message.items() if name != "text"})
    await scene.silent()
    assert scene.engine.sent == []


async def test_a_groups_command_names_its_bot(scene: Scene) -> None:
    assert await scene.ask("/pause@desk_bot") == "done: pause"


async def test_words_from_outside_are_never_repeated(scene: Scene) -> None:
    answer = await scene.ask("/pause <b>evil")
    assert "evil" not in answer
    assert answer == "Not a contract of this engine. It trades MNQ, ES."
    assert (await scene.ask("/evil")).startswith("/status")
    assert scene.engine.sent == []


async def test_what_was_said_before_the_start_or_long_ago_is_not_done() -> None:
    async with a_scene() as scene:
        scene.say("/flatten", age=30)
        scene.say("/pause", age=3600)
        (got,) = await scene.sink.wait(1)
        assert "not done" in got.body["text"]
        scene.wall_s += 600
        assert "not done" in await scene.ask("/pause", age=61)
        assert await scene.ask("/pause", age=59) == "done: pause"
        assert kinds(scene.engine) == [Pause]


async def test_every_message_is_confirmed_and_done_once(scene: Scene) -> None:
    await scene.ask("/pause")
    await scene.ask("/resume")
    await scene.silent()
    assert kinds(scene.engine) == [Pause, Resume]
    assert scene.sink.polls[-1].body["offset"] >= 9003
    assert scene.sink.polls[-1].body["allowed_updates"] == ["message"]


async def test_a_webhook_is_ended_before_listening(scene: Scene) -> None:
    await scene.silent()
    assert scene.sink.called.index("deleteWebhook") < scene.sink.called.index("getUpdates")


async def test_nonsense_in_updates_is_skipped(scene: Scene) -> None:
    nonsense = [
        "text",
        {"update_id": 9000, "message": "text"},
        {"update_id": "x"},
        {"update_id": 9000, "edited_message": {}},
        {"update_id": 9000, "message": {"chat": 5, "from": [], "text": {}}},
    ]
    scene.sink.poll_script.append(Reply(body={"ok": True, "result": nonsense}))
    assert await scene.ask("/pause") == "done: pause"


async def test_another_listener_is_waited_out_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "BACKOFF_S", (0.01, 0.01))
    conflict = telegram_no(409, "Conflict: terminated by other getUpdates request")
    async with a_scene() as scene:
        scene.sink.poll_script += [
            conflict,
            conflict,
            flood(0),
            telegram_no(502, "Bad Gateway"),
            Reply(drop=True),
        ]
        assert await scene.ask("/pause") == "done: pause"
        assert len(scene.sink.poll_script) == 0
    assert caplog.text.count("another program listens to this bot") == 1


async def test_a_token_that_is_gone_ends_the_listening() -> None:
    async with a_scene() as scene:
        scene.sink.poll_script.append(telegram_no(401, "Unauthorized"))
        with pytest.raises(FatalError, match="@BotFather") as caught:
            await asyncio.wait_for(scene.task, patient(10))
        assert TOKEN not in str(caught.value)


async def test_an_engine_that_does_not_answer_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "ANSWER_S", 0.05)
    async with a_scene(answers=False) as scene:
        assert "has not answered" in await scene.ask("/pause")
        assert kinds(scene.engine) == [Pause]


async def test_a_command_that_a_stopped_engine_does_not_take_is_told() -> None:
    async with a_scene() as scene:
        scene.engine.error = RefusedError("the engine has stopped")
        assert await scene.ask("/pause") == "the engine has stopped"


async def test_an_answer_that_is_not_taken_stops_nothing(scene: Scene) -> None:
    scene.sink.script += [telegram_no(400, "Bad Request: chat not found"), flood(30)]
    await scene.ask("/pause")
    await scene.ask("/resume")
    assert kinds(scene.engine) == [Pause, Resume]
    await scene.silent()


async def test_a_live_account_is_named_in_the_question() -> None:
    async with a_scene(mode=AccountKind.LIVE) as scene:
        assert (await scene.ask("/flatten")).startswith("LIVE: pause entries (everything is flat")


def test_the_config_shows_no_token() -> None:
    config = TelegramCommandsConfig(token=Secret(TOKEN), chats=frozenset({1}), users=frozenset({2}))
    assert "canary" not in repr(config).lower()


async def test_no_log_line_holds_the_token(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await scene.ask("/status")
    scene.sink.poll_script.append(telegram_no(500, f"https://api.telegram.org/bot{TOKEN}/getUpdates"))
    scene.say("/status", sender=5)
    await scene.silent()
    assert "canary" not in "".join(r.getMessage() for r in caplog.records if "adapters" in r.name).lower()
