"""F52: what has no reader holds up neither a run nor its end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pytest

from adapters.common.redaction import Redactor
from tests.support.patience import patient
from tstream.logs import LogOptions, Logs
from tstream.output import Output


class Pipe:
    """A pipe to write text to; `full` until it is read from."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream: TextIO = open(writer, "w", encoding="latin-1")  # noqa: SIM115 - closed by the fixture

    def fill(self) -> None:
        writer = self.stream.fileno()
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b"." * 512):
                pass
        except BlockingIOError:
            os.set_blocking(writer, True)

    def text(self) -> str:
        return os.read(self.reader, 1 << 20).decode("latin-1")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    with suppress(OSError):
        os.close(made.reader)
    with suppress(OSError):
        made.stream.close()


def test_f52_what_is_written_comes_out_in_order_and_what_cant_be_encoded_is_replaced(pipe: Pipe) -> None:
    with Output(pipe.stream) as out:
        for piece in ("one, ", "twö, ", "✓ 中\n"):
            out.write(piece)
    assert pipe.text() == "one, twö, ok ?\n"


def test_f52_a_reader_that_sleeps_holds_nobody_up(pipe: Pipe) -> None:
    pipe.fill()
    begun = time.monotonic()
    with Output(pipe.stream) as out:
        for _ in range(20_000):  # more than may wait
            out.write("x" * 100)
    assert time.monotonic() - begun < patient(4)


def test_f52_a_reader_that_is_only_slow_gets_everything(pipe: Pipe) -> None:
    pipe.fill()
    out = Output(pipe.stream)
    for number in range(3):
        out.write(f"<{number}>" + "x" * 4000)
    closing = threading.Thread(target=out.close)
    closing.start()
    told = ""
    while "<2>" not in told:
        told += pipe.text()
    closing.join(patient(5))
    assert not closing.is_alive()


def test_f52_a_closed_pipe_ends_quietly(pipe: Pipe, capfd: pytest.CaptureFixture[str]) -> None:
    os.close(pipe.reader)
    with Output(pipe.stream) as out:
        out.write("nobody hears it")
        out.write("nor this")
    assert capfd.readouterr() == ("", "")


def test_f52_the_log_file_goes_on_while_nobody_reads_the_console(pipe: Pipe, tmp_path: Path) -> None:
    pipe.fill()
    file = tmp_path / "log.jsonl"
    with Output(pipe.stream) as out, Logs(LogOptions(file=file, console=out), lambda: 0, Redactor()):
        for number in range(200):
            logging.getLogger("x").warning("%d %s", number, "y" * 1000)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 200


def test_f52_console_and_pane_go_on_while_the_disk_stalls(
    pipe: Pipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Event()
    with Output(pipe.stream) as out:
        logs = Logs(LogOptions(file=tmp_path / "log.jsonl", console=out), lambda: 0, Redactor())
        monkeypatch.setattr(logs._writer, "emit", lambda _record: disk.wait(patient(20)))
        with logs:
            logging.getLogger("x").warning("still here")
            assert "still here" in pipe.text()
            disk.set()
    assert [line.text for line in logs.tail.lines(0)] == ["still here"]
