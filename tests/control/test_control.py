"""The control socket, over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from adapters.control.address import socket_path
from adapters.control.client import NoEngineError, fetch_view, send_command
from adapters.control.line import look
from adapters.control.protocol import LINE_LIMIT
from adapters.control.server import ControlServer
from engine.model.commands import AnyCommand, BreakEven, CancelEntries, Flatten, Halt, Pause, Resume, Shutdown
from engine.model.errors import FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.market import Timeframe
from tests.control.fake import FakeHandle, a_view, serving
from tests.support.patience import patient

T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


async def asking(call: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """A blocking client call, while the server goes on serving."""
    return await asyncio.wait_for(asyncio.to_thread(call, *arguments, **options), patient(10))


async def lines(path: Path, sent: bytes, count: int) -> list[dict[str, Any]]:
    """What comes back for raw bytes."""
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 24)
    try:
        writer.write(sent)
        await writer.drain()
        return [json.loads(await asyncio.wait_for(reader.readline(), patient(10))) for _ in range(count)]
    finally:
        writer.close()
        await writer.wait_closed()


async def test_the_view_comes_whole_and_fresh_but_without_charts_unless_asked(path: Path) -> None:
    view = a_view()
    async with serving(FakeHandle(view, bars=4_000), path):
        seen = await asking(fetch_view, path)
        assert seen.version > view.version
        assert seen == replace(view, version=seen.version)
        told = json.loads(await asking(look, path))
        assert told == json.loads(msgspec.json.encode(replace(view, version=told["version"])))
        with_charts = json.loads(await asking(look, path, charts=True))
        charts = with_charts.pop("charts")
        assert with_charts == told | {"version": with_charts["version"]}
        assert {symbol: set(found) for symbol, found in charts.items()} == {"MNQ": {*Timeframe}}
        assert len(charts["MNQ"]["1h"]["bars"]) == 4_000


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ('{"instrument":"MNQ","timeframe":"5m"}', {"MNQ": ["5m"]}),
        ('{"timeframe":"1h"}', {"MNQ": ["1h"]}),
        ('{"instrument":"XYZ"}', {"XYZ": []}),
    ],
)
async def test_charts_are_asked_for_by_contract_and_timeframe(
    path: Path, asked: str, found: dict[str, list[str]]
) -> None:
    async with serving(FakeHandle(a_view()), path):
        (reply,) = await lines(path, f'{{"charts":{asked}}}\n'.encode(), 1)
    assert {symbol: list(charts) for symbol, charts in reply["charts"].items()} == found


async def test_an_engine_too_busy_to_draw_shows_its_last_picture(path: Path) -> None:
    view = a_view()

    class Busy(FakeHandle):
        def view(self) -> Any:
            return view

    async with serving(Busy(view), path):
        assert await asking(fetch_view, path) == view


@pytest.mark.parametrize(
    "command",
    [
        Flatten(id="a1", source="cli"),
        Flatten(id="a2", instrument="MNQ"),
        CancelEntries(id="a3"),
        BreakEven(id="a4", instrument="ES"),
        Pause(id="a5"),
        Resume(id="a6"),
        Shutdown(id="a7"),
    ],
)
async def test_a_command_reaches_the_engine_and_its_own_answer_comes_back(
    path: Path, command: AnyCommand
) -> None:
    handle = FakeHandle(a_view())
    async with serving(handle, path):
        notice = await asking(send_command, path, command)
        assert notice.text == f"did {command.id}"
        assert handle.sent == [command]


async def test_commands_at_the_same_time_get_each_its_own_answer(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path):
        commands = [Pause(id=f"p{i}") for i in range(8)]
        answers = await asyncio.gather(*(asking(send_command, path, command) for command in commands))
        assert [answer.text for answer in answers] == [f"did {command.id}" for command in commands]


async def test_a_command_without_an_answer_has_an_unknown_outcome(path: Path) -> None:
    handle = FakeHandle(a_view(), answers=False)
    async with serving(handle, path, answer_s=0.05):
        with pytest.raises(UnknownOutcomeError, match="took the command but has not answered it"):
            await asking(send_command, path, Flatten(id="a1"))
        assert len(handle.sent) == 1
    async with serving(handle, path):
        with pytest.raises(UnknownOutcomeError, match="took the command but has not answered it"):
            await asking(send_command, path, Flatten(id="a2"), timeout=0.2)


async def test_a_command_that_the_engine_can_t_take_is_refused_and_one_unheard_of_unknown(path: Path) -> None:
    async with serving(FakeHandle(a_view(), error=RefusedError("the engine has stopped")), path):
        with pytest.raises(RefusedError, match="the engine has stopped"):
            await asking(send_command, path, Pause(id="a1"))
    async with serving(FakeHandle(a_view(), error=UnknownOutcomeError("nothing was said")), path):
        with pytest.raises(UnknownOutcomeError, match="took the command"):
            await asking(send_command, path, Pause(id="a2"))


async def test_the_protocol_is_plain_json_lines(path: Path) -> None:
    requests = b'{"view":{}}\n{"command":{"command":"pause","id":"x","source":"cli"}}\n{"view":{}}\n'
    async with serving(FakeHandle(a_view()), path):
        view, accepted, notice, again = await lines(path, requests, 4)
    assert view["view"]["contracts"][0]["bid"] == "21000.25"
    assert "charts" not in view["view"]
    assert accepted == {"accepted": "x"}
    assert notice["notice"]["text"] == "did x"
    assert again["view"]["notices"][-1]["text"] == "did x"


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"\n", "not understood: Input data was truncated"),
        (b"flatten everything\n", "not understood: JSON is malformed"),
        (b"\xff\xfe\n", "not understood"),
        (b'{"command":{"command":"pause","id":"\xff"}}\n', "not understood"),
        (b'{"command":' + b'{"x":' * 5_000 + b"\n", "not understood"),
        (b"[]\n", "not understood: Expected `object`, got `array`"),
        (b"{}\n", "a request is one view, or charts, or a command"),
        (
            b'{"view":{},"command":{"command":"pause","id":"1"}}\n',
            "a request is one view, or charts, or a command",
        ),
        (b'{"command":{"command":"buy","id":"1"}}\n', "Invalid value 'buy'"),
        (b'{"command":{"command":"pause"}}\n', "missing required field `id`"),
        (b'{"view":{"charts":true}}\n', "unknown field `charts`"),
        (b'{"charts":{"timeframe":"7m"}}\n', "Invalid enum value '7m'"),
        (b'{"shell":"rm -rf /"}\n', "unknown field `shell`"),
        (b'{"command":{"command":"pause","id":"%s"}}\n' % (b"x" * 101), "an id has at most 100 characters"),
        (b"[" * 60_000 + b"\n", "not understood"),
        (b'{"command":{"command":"pause","id":"1","instrumnt":"MNQ"}}\n', "unknown fields: instrumnt"),
        (
            b'{"command":{"command":"cancel_manual","id":"1","order":"%s"}}\n' % (b"x" * 101),
            "order has at most",
        ),
        (
            b'{"command":{"command":"change_manual","id":"1","order":"x","stop":"NaN"}}\n',
            "stop is a plain number",
        ),
        (b'{"command":{"command":"change_manual","id":"1","order":"x","stop":"1e999"}}\n', "stop is a plain"),
        (
            b'{"command":{"command":"change_manual","id":"1","order":"x","targets":[%s1]}}\n' % (b"1," * 10),
            "targets has at most 10 members",
        ),
    ],
)
async def test_nonsense_is_answered_and_harms_nobody(path: Path, sent: bytes, problem: str) -> None:
    handle = FakeHandle(a_view())
    async with serving(handle, path):
        refusal, view = await lines(path, sent + b'{"view":{}}\n', 2)
        assert list(refusal) == ["error"]
        assert problem in refusal["error"]
        assert "view" in view
        assert handle.sent == []


async def test_an_oversized_request_is_refused_and_hung_up_on(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"view":' + b" " * LINE_LIMIT)
        assert json.loads(await asyncio.wait_for(reader.readline(), patient(10))) == {
            "error": "a request has at most 65536 bytes"
        }
        assert await asyncio.wait_for(reader.read(), patient(10)) == b""
        writer.close()
        assert (await asking(fetch_view, path)).ts == 2


async def test_clients_that_leave_or_linger_harm_nobody(path: Path) -> None:
    handle = FakeHandle(a_view(), bars=10_000)
    async with serving(handle, path):
        idle = [await asyncio.open_unix_connection(path) for _ in range(3)]
        for sent in (b"", b'{"vi', b'{"charts":{}}\n' * 20):
            _, writer = await asyncio.open_unix_connection(path)
            writer.write(sent)
            await writer.drain()
            writer.transport.abort()
        assert (await asking(fetch_view, path)).ts == 2
    for reader, writer in idle:
        assert await asyncio.wait_for(reader.read(), patient(10)) == b""
        writer.close()


async def test_f54_whoever_has_asked_nothing_for_longest_makes_room_for_a_command(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path):
        idle = [await asyncio.open_unix_connection(path) for _ in range(16)]
        for _, writer in idle[1:]:  # the first has never asked for anything
            writer.write(b'{"view":{}}\n')
        for reader, _ in idle[1:]:
            assert b'"view"' in await asyncio.wait_for(reader.readline(), 10)
        for number, command in enumerate((Flatten(id="a"), Pause(id="b"), Halt(id="c"))):
            assert (await asking(send_command, path, command)).text == f"did {command.id}"
            if number == 0:
                assert await asyncio.wait_for(idle[0][0].read(), 10) == b""
        for reader, writer in idle[4:]:
            writer.write(b'{"view":{}}\n')
            assert b'"view"' in await asyncio.wait_for(reader.readline(), 10)
            writer.close()


async def test_f54_a_command_under_way_is_not_hung_up_on(path: Path) -> None:
    handle = FakeHandle(a_view(), answers=False)
    async with serving(handle, path, answer_s=0.3):
        acting = asyncio.create_task(asking(send_command, path, Flatten(id="a")))
        while not handle.sent:  # noqa: ASYNC110 - another thread sends it
            await asyncio.sleep(0.001)
        crowd = [await asyncio.open_unix_connection(path) for _ in range(40)]
        with pytest.raises(UnknownOutcomeError, match="took the command but has not answered it"):
            await acting
        for _, writer in crowd:
            writer.close()


async def test_f54_commands_get_in_whatever_crowd_comes_and_stays(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path):
        crowd = [await asyncio.open_unix_connection(path) for _ in range(300)]
        assert (await asking(send_command, path, Flatten(id="a"))).text == "did a"
        for _, writer in crowd:
            writer.close()


async def test_only_the_owner_may_open_the_socket_and_it_goes_with_the_engine(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path) as server:
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
    assert not server.path.exists()
    await server.stop()
    with pytest.raises(NoEngineError, match=f"no engine is running at {path}; start tstream first"):
        await asking(fetch_view, path)
    with pytest.raises(NoEngineError):
        await asking(send_command, path, Pause(id="1"))


def abandoned(path: Path) -> None:
    """The socket file of an engine that was killed."""
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


async def test_the_socket_of_a_dead_engine_is_replaced(path: Path) -> None:
    abandoned(path)
    with pytest.raises(NoEngineError):
        await asking(fetch_view, path)
    async with serving(FakeHandle(a_view()), path):
        assert (await asking(fetch_view, path)).ts == 2


async def test_a_living_engine_is_not_replaced(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path):
        with pytest.raises(FatalError, match="another tstream engine is running and listens at"):
            await ControlServer(FakeHandle(a_view()), path).start()
        assert (await asking(fetch_view, path)).ts == 2


async def test_the_end_hangs_up_on_a_client_without_a_word(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(FakeHandle(a_view()), path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"view":{}}\n')
        assert await reader.readline()
    assert await reader.read() == b""
    writer.close()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


async def test_another_engines_socket_is_not_removed_at_the_end(path: Path) -> None:
    async with serving(FakeHandle(a_view()), path) as first:
        first.path.unlink()
        second = ControlServer(FakeHandle(a_view()), path)
        await second.start()
    assert (await asking(fetch_view, path)).ts == 2
    await second.stop()


def test_other_files_are_not_replaced(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("notes", encoding="utf-8")

    async def start() -> None:
        await ControlServer(FakeHandle(a_view()), path).start()

    with pytest.raises(FatalError, match="it is no socket: move it away"):
        asyncio.run(start())
    assert path.read_text(encoding="utf-8") == "notes"


async def test_a_path_too_long_for_a_socket_has_a_short_stand_in(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100) / "control.sock"
    async with serving(FakeHandle(a_view()), long) as server:
        assert len(str(server.path)) < 104
        assert server.path == socket_path(long)
        assert server.path != socket_path(long.with_name("other.sock"))
        assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
        assert (await asking(fetch_view, long)).ts == 2


@pytest.mark.parametrize("mine", [True, False])
def test_a_stand_in_folder_that_others_prepared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: bool
) -> None:
    monkeypatch.setattr("adapters.control.address._SHORT", tmp_path)
    prepared = tmp_path / f"tstream-{os.getuid()}"
    if mine:
        prepared.mkdir()
        prepared.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        prepared.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FatalError, match="others could have made or could use it"):
        socket_path(tmp_path / ("x" * 120))


async def test_the_folder_of_the_socket_may_be_linked_to(path: Path) -> None:
    path.parent.mkdir()
    linked = path.parent.with_name("linked")
    linked.symlink_to(path.parent)
    async with serving(FakeHandle(a_view()), linked / path.name):
        assert (await asking(fetch_view, path)).ts == 2


async def test_a_place_that_cant_hold_a_socket_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(FatalError, match="can't open the control socket"):
        await ControlServer(FakeHandle(a_view()), file / "control.sock").start()


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b'{"error":"no"}\n', "^no$"),
        (b"what?\n", "speaks another language"),
        (b'{"accepted":"1"}\n', "answered something else than a view"),
    ],
)
async def test_a_strange_engine_is_told_of(path: Path, reply: bytes, problem: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(reply)
        await writer.drain()
        writer.close()

    path.parent.mkdir()
    async with await asyncio.start_unix_server(answer, path):
        with pytest.raises(RefusedError, match=problem):
            await asking(fetch_view, path)


async def test_an_engine_that_hangs_up_leaves_a_command_unknown(path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    path.parent.mkdir()
    async with await asyncio.start_unix_server(hang_up, path):
        with pytest.raises(UnknownOutcomeError, match="may have taken the command"):
            await asking(send_command, path, Flatten(id="1"))
        with pytest.raises(RetryableError, match="hung up"):
            await asking(fetch_view, path)


def test_views_survive_the_wire() -> None:
    view = a_view()
    assert msgspec.json.decode(msgspec.json.encode(view), type=type(view)) == view
