"""Clients that speak the protocol byte by byte: versions, nonsense, stalls, crowds, and who comes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from adapters.control import attach_protocol as wire
from adapters.control.access import AccessLog
from adapters.control.attach_protocol import Role
from adapters.control.attached import AttachedClient
from adapters.control.client import send_command
from engine.model.commands import Flatten, Pause
from engine.model.errors import RefusedError
from tests.control.attach_scene import (
    Restless,
    Still,
    answer,
    attached,
)
from tests.control.fake import a_view, serving
from tests.support.patience import patient
from tests.support.waits import until

T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


class Client:
    """A client of our own: the bytes of the protocol, one frame after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = msgspec.msgpack.Decoder(wire.FromEngine)

    async def __aenter__(self) -> Client:
        self.reader, self.writer = await asyncio.open_unix_connection(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def say(self, *messages: Any) -> None:
        self.writer.write(b"".join(map(wire.frame, messages)))
        await self.writer.drain()

    async def hear(self, kind: type[T]) -> T:
        """The next message of a kind; others are passed over."""
        async with asyncio.timeout(patient(10)):
            while True:
                said, _ = await wire.read_frame(self.reader, self._decoder, wire.MOST_HEARD)
                if isinstance(said, kind):
                    return said


def hello(**change: Any) -> wire.Hello:
    usual = wire.Hello(wire.PROTOCOL, wire.SCHEMA, wire.VERSION, "c", "me", Role.TRADER, 20.0)
    return replace(usual, **change)


@pytest.mark.parametrize("change", [{"schema": "other", "version": "0.0.1\x1b[2J"}, {"protocol": 99}])
async def test_another_version_is_told_in_words(path: Path, change: dict[str, Any]) -> None:
    async with serving(Still(a_view()), path), Client(path) as client:
        await client.say(hello(**change))
        told = await client.hear(wire.NotWelcome)
        assert told.for_good
        assert f"the engine is tstream {wire.VERSION}" in told.why
        assert "use the same version at both ends" in told.why
        assert "\x1b" not in told.why
        assert await client.reader.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0",
        b"\0\0\0\5\xc1\xc1\xc1\xc1\xc1",
        b"\0\xff\xff\xff",
        b"\0\0\0\1\xc0",
        wire.frame(wire.PictureTaken(1)),
        wire.frame(wire.Bridged("x", Role.TRADER)) * 2,
        wire.frame(hello()) * 2,
        b"\0\0\x40\0" + b"\x91" * 0x4000,
    ],
)
async def test_nonsense_in_frames_is_answered_and_harms_nobody(path: Path, sent: bytes) -> None:
    handle = Still(a_view())
    async with serving(handle, path), attached(path) as other:
        async with Client(path) as client:
            client.writer.write(sent)
            assert "not understood" in (await client.hear(wire.NotWelcome)).why
            assert await asyncio.wait_for(client.reader.read(), patient(10)) == b""
        assert (await answer(other.ask(Pause(id="a")))).text.startswith("did ")
        assert len(handle.sent) == 1


async def test_what_a_bridge_says_bounds_what_its_client_may(path: Path) -> None:
    async with serving(Still(a_view()), path), Client(path) as client:
        await client.say(wire.Bridged("ssh from 10.0.0.5", Role.VIEWER), hello())
        assert (await client.hear(wire.Welcome)).role is Role.VIEWER


async def test_a_stalled_client_has_a_few_pictures_under_way_and_then_gets_the_newest(path: Path) -> None:
    handle = Restless(a_view())
    async with serving(handle, path) as server, Client(path) as client, attached(path) as lively:
        await client.say(hello(client="stalled"))
        pictures = [await client.hear(wire.PictureSent) for _ in range(wire.WINDOW)]
        (stalled,) = [one for one in server.attachments._clients if one._client == "stalled"]
        before = lively.view().version
        await until(lambda: lively.view().version > before + 2)
        assert not stalled.hungry(server.attachments.now() + 60)
        handle.show(venue="moved on")
        await until(lambda: lively.view().venue == "moved on")
        await client.say(wire.PictureTaken(pictures[-1].number))
        newest = await client.hear(wire.PictureSent)
        assert newest.base == pictures[-1].number
        assert newest.body["venue"] == ["moved on"]


async def test_what_is_urgent_goes_before_each_client_s_picture(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    feed = AttachedClient.feed

    async def turn() -> None:
        done.append("urgent")

    def counted(client: AttachedClient, now: float) -> None:
        done.append(client.who.name)
        feed(client, now)

    monkeypatch.setattr(AttachedClient, "feed", counted)
    async with (
        serving(Restless(a_view()), path, caught_up=turn),
        attached(path) as one,
        attached(path) as other,
    ):
        before = one.view().version + other.view().version
        await until(lambda: one.view().version + other.view().version > before + 10)
    assert len(done) > 20
    assert all("urgent" in pair for pair in pairwise(done)), "each waits for a turn of its own"


async def test_f50_a_command_that_was_held_up_on_the_way_is_refused(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, Client(path) as client:
        await client.say(hello())
        picture = await client.hear(wire.PictureSent)

        async def fate(number: int, since_s: float, waited_s: float = 0.0) -> wire.AnswerSent:
            asking = wire.CommandAsked(
                f"{number}", Flatten(id="a"), picture.number, 1000 * since_s, 1000 * waited_s
            )
            await client.say(asking)
            return await client.hear(wire.AnswerSent)

        began = server.attachments.now()
        server.attachments.now = lambda: began + 60.0
        told = await fate(1, 1.0)  # its sender believes that the picture is a second old
        assert told.fate is wire.CommandFate.REFUSED
        assert "on its way, over the 2 s that are allowed: nothing was done" in told.why
        assert (await fate(2, 59.9, waited_s=2.5)).fate is wire.CommandFate.REFUSED
        assert handle.sent == []
        assert (await fate(3, 59.5)).notice is not None
        assert (await fate(1, 59.9)).fate is wire.CommandFate.REFUSED, "asked again it is the same command"
        assert (await fate(3, 0.0)).notice is not None
        assert len(handle.sent) == 1


async def test_f50_a_command_given_without_a_line_is_never_sent_late(path: Path) -> None:
    handle, ahead = Still(a_view()), [0.0]
    async with (
        serving(handle, path) as server,
        attached(path, now=lambda: time.monotonic() + ahead[0]) as remote,
    ):
        await server.stop()
        await until(lambda: remote.view().health.stopped)
        asked = remote.ask(Flatten(id="late"))
        ahead[0] = 2.1  # seconds pass
        again = Still(a_view())
        async with serving(again, path):
            with pytest.raises(
                RefusedError, match="the line to the engine was down for 2 s: nothing was sent"
            ):
                await answer(asked)
            await until(lambda: remote.attached == 2 and not remote.view().health.stopped)
            assert (await answer(remote.ask(Pause(id="in time")))).done is None
            assert [type(command) for command in again.sent] == [Pause]


async def test_an_engine_that_falls_silent_is_told_of_within_two_seconds(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, attached(path) as remote:
        assert server.attachments._feeding is not None
        server.attachments._feeding.cancel()  # it sends nothing any more, and the line stands
        began = asyncio.get_running_loop().time()
        await until(lambda: remote.view().health.stopped)
        assert asyncio.get_running_loop().time() - began < patient(2.2)
        assert "it has said nothing" in remote.view().health.detail


async def test_f54_a_crowd_that_never_introduces_itself_keeps_nobody_out(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, attached(path) as remote:
        crowd = [await asyncio.open_unix_connection(path) for _ in range(200)]
        for _, writer in crowd:
            writer.write(b"\0\0")
        told = await asyncio.to_thread(send_command, path, Flatten(id="a"))
        assert told.text == "did a"
        assert len(server._clients) <= 17
        assert (await answer(remote.ask(Pause(id="b")))).text.startswith("did ")
        for _, writer in crowd:
            writer.close()


async def test_so_many_clients_and_no_more_and_lines_get_in_beside_them(path: Path) -> None:
    handle, now = Still(a_view()), [100.0]
    async with serving(handle, path) as server:
        server.attachments.now = lambda: now[0]
        clients = [await Client(path).__aenter__() for _ in range(16)]
        for number, client in enumerate(clients):
            await client.say(hello(client=f"{number}"))
            await client.hear(wire.Welcome)
        async with Client(path) as more:
            await more.say(hello(client="more"))
            assert not (await more.hear(wire.NotWelcome)).for_good
        told = await asyncio.to_thread(send_command, path, Flatten(id="a"))
        assert told.text == "did a"
        now[0] += 60.0  # all but the first give a sign of life, which is the one that goes
        for client in clients[1:]:
            await client.say(wire.LookingUp(("none",)))
            await client.hear(wire.AnswerSent)
        async with Client(path) as more:
            await more.say(hello(client="more"))
            await more.hear(wire.Welcome)
            async with asyncio.timeout(patient(10)):
                while await clients[0].reader.read(1 << 16):
                    pass
        for client in clients:
            client.writer.close()


async def test_the_kernel_says_who_comes(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with AccessLog(tmp_path / "access", lambda: 0) as access:
        async with serving(Still(a_view()), path, access=access):
            real = socket.socket.getsockopt

            def another(self: socket.socket, level: int, option: int, size: int = 0) -> Any:
                found = real(self, level, option, size) if size else real(self, level, option)
                return struct.pack("iII", 77, os.getuid() + 1, 0) if size == 12 else found

            monkeypatch.setattr(socket.socket, "getsockopt", another)
            reader, writer = await asyncio.open_unix_connection(path)
            assert await asyncio.wait_for(reader.read(), patient(10)) == b""
            writer.close()
    refused = json.loads((tmp_path / "access").read_text().splitlines()[0])
    assert refused["event"] == "refused"
    assert refused["address"] == f"uid {os.getuid() + 1}, process 77"
