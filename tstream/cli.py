"""The front door: `tstream` alone and `status --json` answer at once, every other command is typer's to read.

Nothing heavy is imported here: the first picture waits for whatever is.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path

from adapters.common.redaction import REDACT, printable
from engine.model.errors import PortError
from tstream import paths, signs
from tstream.errors import CommandError
from tstream.options import COMPLETION, FPS, RATE, RunOptions, speed

_JSON = (["status", "--json"], ["status", "--json", "--charts"])
"""What scripts ask again and again: answered without typer."""
_FLAGS: dict[str, tuple[str, bool]] = {
    "--readonly": ("readonly", True),
    "--fresh": ("fresh", True),
    "--record": ("record", True),
    "--no-record": ("record", False),
    "--api": ("api", True),
    "--no-api": ("api", False),
}
_VALUES: dict[str, Callable[[str], object]] = {
    "--config": Path,
    "--fps": int,
    "--rate": float,
    "--seed": int,
    "--speed": speed,
    "--theme": str,
}


def call(argv: Sequence[str] | None = None) -> int:
    """Run one command line; gives its exit code: 0 done, 1 failed, 2 asked wrongly, 130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if list(words) in _JSON and COMPLETION not in os.environ:
            from tstream.commands.status_json import status_json

            return status_json(charts=len(words) > 2)
        plain = plain_cockpit(words)
        if plain is not None:
            from tstream.run.cockpit import open_cockpit

            return open_cockpit(*plain)
        from tstream.commands.app import run_command

        return run_command(argv)
    except CommandError as error:
        return _complain(error.exit_code, *error.lines)
    except PortError as error:
        return _complain(1, str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _unheard()
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO):
            return _unheard(f"the output can't be written: {error.strerror}")
        return _crashed(error)
    except Exception as error:  # noqa: BLE001 - the last resort: one line here, the rest in a file
        return _crashed(error)


def _unheard(*lines: str) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing left to flush to
    return _complain(1, *lines)


def main() -> None:
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed by the shell: the next file would be taken for it
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # What a Latin-1 terminal can't show is written in what it can, and ends no command.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=signs.REPLACED)
    sys.exit(call())


def plain_cockpit(words: Sequence[str]) -> tuple[Path | None, RunOptions] | None:
    """The settings file and the options of `tstream` without a command.

    None for everything that is not plainly right: that is typer's to carry out, or to refuse in words.
    """
    if COMPLETION in os.environ:
        return None
    given: dict[str, object] = {}
    rest = iter(words)
    try:
        for word in rest:
            if word in _FLAGS:
                name, value = _FLAGS[word]
                given[name] = value
            else:
                given[word.removeprefix("--")] = _VALUES[word](next(rest))
        config = given.pop("config", os.environ.get(paths.CONFIG_VARIABLE))
        options = RunOptions(**given)  # type: ignore[arg-type]
    except (KeyError, StopIteration, ValueError):
        return None
    well = (
        (options.fps is None or FPS[0] <= options.fps <= FPS[1])
        and RATE[0] <= options.rate <= RATE[1]
        and (options.seed is None or options.seed >= 0)
    )
    return (Path(str(config)) if config else None, options) if well else None


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"tstream: {printable(REDACT(line))}\n")
    return code


def _crashed(error: Exception) -> int:
    from tstream.logs import write_crash

    file = paths.find().crash_log
    summary = f"unexpected {type(error).__name__}: {error}".splitlines()[0]
    try:
        write_crash(file, error, REDACT, f"tstream {' '.join(sys.argv[1:])}")
    except OSError as trouble:
        return _complain(1, summary, f"the traceback could not be written to {file}: {trouble.strerror}")
    return _complain(1, summary, f"the traceback is in {file}")
