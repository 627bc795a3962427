"""The command line as it is typed: what it refuses, what it says, and what it costs to start."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from adapters.common.redaction import REDACT
from tests.support.patience import patient
from tests.tstream.running import Engine, serving
from tests.tui.fake import trading_view
from tstream import cli
from tstream.cli import call
from tstream.errors import CommandError, SettingsError, UsageError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run import startup

Out = pytest.CaptureFixture[str]


def test_version(capsys: Out) -> None:
    assert call(["--version"]) == 0
    assert re.fullmatch(r"tstream \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_help_teaches(capsys: Out) -> None:
    assert call(["--help"]) == 0
    out = capsys.readouterr().out
    for command in ("run", "status", "flatten", "pause", "resume", "check", "bars", "journal", "simulate"):
        assert f"│ {command} " in out
    assert "Examples" in out
    assert call(["run", "--help"]) == 0
    more = capsys.readouterr().out
    assert "--for" in more
    assert "<bool>" not in out + more


REFUSED = {
    "unknown command": (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
    "misspelt option": (["run", "--sede", "1"], "No such option: --sede (Possible options: "),
    "no number": (["run", "--seed", "x"], "Invalid value for '--seed': must be a valid integer"),
    "out of range": (["--fps", "99"], "Invalid value for '--fps': must be less than or equal to 30"),
    "no duration": (
        ["run", "--headless", "--for", "10"],
        "Invalid value for '--for': \"10\" is no duration: write 90s, 10m, 2h or 1h30m",
    ),
    "no speed": (
        ["run", "--headless", "--speed", "50"],
        "Invalid value for '--speed': \"50\" is no speed: write a number from 1 to 20, or max",
    ),
    "no contract": (
        ["flatten", "M NX", "--yes"],
        "Invalid value for '[CONTRACT]': \"M NX\" is no name of a contract: write one such as MNQ or ",
    ),
    "unknown contract": (
        ["bars", __file__, "--contract", "MNX"],
        "Invalid value for '--contract': unknown contract \"MNX\"; known are MNQ, NQ, MES, ES, MGC, GC",
    ),
    "absent tape": (
        ["run", "--headless", "--tape", "/absent", "--contract", "ES"],
        "Invalid value for '--tape': file '/absent' does not exist.",
    ),
    "tape without contract": (
        ["run", "--headless", "--tape", __file__],
        "--tape needs --contract NAME: a recording does not say which product it holds",
    ),
    "contract without tape": (
        ["run", "--headless", "--contract", "ES"],
        "--contract says what a tape holds: give --tape FILE too",
    ),
    "rate of a tape": (
        ["run", "--headless", "--tape", __file__, "--contract", "ES", "--rate", "2"],
        "--rate is for the generated market; a tape has its own quotes and trades",
    ),
    "option before the command": (
        ["--seed", "3", "run", "--headless"],
        "put the options behind the command: tstream run ...",
    ),
    "unknown timeframe": (
        ["bars", __file__, "--contract", "GC", "--timeframe", "7m"],
        "Invalid value for '--timeframe': unknown timeframe \"7m\"; known are 1m, 2m, 3m, 5m, 10m, 15m, "
        "30m, 1h, 2h, 4h, 1d",
    ),
    "absent settings": (
        ["run", "--headless", "--config", "/absent.toml"],
        "there is no settings file /absent.toml",
    ),
    "unknown theme": (
        ["run", "--headless", "--theme", "pink"],
        '--theme = "pink": unknown theme; known are nightwatch',
    ),
    "cockpit without a terminal": ([], "the cockpit needs a terminal, and this is none"),
    "run without a terminal": (["run"], "the cockpit needs a terminal, and this is none"),
}


@pytest.mark.parametrize(("argv", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_asked_wrongly_ends_with_2_and_a_clear_line(argv: list[str], said: str, capsys: Out) -> None:
    assert call(argv) == 2
    out, err = capsys.readouterr()
    assert err.splitlines()[0].startswith(f"tstream: {said}")
    assert "Traceback" not in out + err


def test_bad_settings_end_every_start_with_2_and_one_line_each(places: Paths, capsys: Out) -> None:
    places.settings_file.write_text('contracts = ["MNX"]\n[risk]\nmax_trades = -1', encoding="utf-8")
    assert call(["run", "--headless"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["tstream: contracts[0]", "tstream: risk.max_trades"]


def test_a_config_before_the_command_counts(tmp_path: Path, capsys: Out) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("nonsense = 1", encoding="utf-8")
    assert call(["--config", str(bad), "run", "--headless"]) == 2
    assert (
        f"nonsense = 1: unknown key; docs/configuration.md lists all keys (in {bad})"
        in capsys.readouterr().err
    )


def test_the_practice_venues_options_need_it(places: Paths) -> None:
    places.settings_file.write_text('[venue]\nname = "topstepx"', encoding="utf-8")
    (places.config / ".env").write_text(
        "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-1", encoding="utf-8"
    )
    with pytest.raises(UsageError, match="--seed, --fresh: only the practice venue"):
        startup.prepare(None, RunOptions(seed=1, fresh=True))
    assert startup.prepare(None, RunOptions()).notes == ()
    assert REDACT("canary-1") != "canary-1"


def test_a_gateway_without_a_login_does_not_start(places: Paths) -> None:
    places.settings_file.write_text('[venue]\nname = "topstepx"', encoding="utf-8")
    with pytest.raises(SettingsError, match="TSTREAM_PROJECTX_USER"):
        startup.prepare(None, RunOptions())


def test_no_settings_is_said(home: Path) -> None:
    ready = startup.prepare(None, RunOptions())
    assert ready.notes == (
        f"No settings at {home}/tstream.toml: this is the practice venue, with play money.",
    )
    assert home.is_dir()


def test_a_theme_of_ones_own_is_known(places: Paths, home: Path) -> None:
    source = Path(startup.__file__).parents[2] / "themes" / "data" / "nightwatch.toml"
    places.themes.mkdir()
    mine = source.read_text(encoding="utf-8").replace('name = "nightwatch"', 'name = "mine"')
    (places.themes / "mine.toml").write_text(mine, encoding="utf-8")
    assert startup.prepare(None, RunOptions(theme="mine"))


def test_a_home_that_cannot_be_made_is_named(home: Path, capsys: Out) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way", encoding="utf-8")
    assert call(["run", "--headless"]) == 2
    assert f"can't read it: Not a directory (in {home}/tstream.toml)" in capsys.readouterr().err


def test_the_unexpected_is_one_line_and_a_traceback_on_file(
    places: Paths, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def boom(*_: object) -> int:
        raise ZeroDivisionError("by\ncanary-2\x1b[2J")

    REDACT.add("canary-2")
    monkeypatch.setattr("tstream.commands.check.check", boom)
    assert call(["check"]) == 1
    assert capsys.readouterr().err == (
        f"tstream: unexpected ZeroDivisionError: by\ntstream: the traceback is in {places.crash_log}\n"
    )
    crash = places.crash_log.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in crash
    assert "in boom" in crash
    assert "canary-2" not in crash


def test_other_ends(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def ending(error: BaseException) -> int:
        def raises(*_: object) -> int:
            raise error

        monkeypatch.setattr("tstream.commands.check.check", raises)
        return call(["check"])

    assert ending(KeyboardInterrupt()) == 130
    assert ending(CommandError("one", "two")) == 1
    assert capsys.readouterr().err == "tstream: one\ntstream: two\n"


# -- as a process -----------------------------------------------------------------------------------------


def process(*argv: str, program: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *argv],
        capture_output=True,
        text=True,
        timeout=patient(60),
        stdin=subprocess.DEVNULL,
        cwd=Path(cli.__file__).parent.parent,
        check=False,
    )


@pytest.mark.parametrize("coding", ["latin-1", "ascii"])
def test_a_terminal_that_knows_few_signs_gets_words(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", coding)
    done = process("-m", "tstream", "check", "--config", "/absent.toml")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith(
        "NO settings: there is no settings file /absent.toml -> name a file that is there"
    )
    assert second.startswith("ok folders: ")


@pytest.mark.parametrize(
    ("redirected", "ends"),
    [
        (">/dev/full", (1, "tstream: the output can't be written: No space left on device\n")),
        (">&-", (0, "")),
    ],
    ids=["full", "closed"],
)
def test_f52_an_output_that_takes_nothing_is_no_accident(
    places: Paths, redirected: str, ends: tuple[int, str]
) -> None:
    done = process(
        "-c", f'exec "$0" -m tstream simulate --list-faults {redirected}', sys.executable, program="sh"
    )
    assert (done.returncode, done.stderr) == ends
    assert not places.crash_log.exists()


HEAVY = ("textual", "aiohttp", "pydantic", "pydantic_settings", "websockets", "asyncio", "plotext", "discord")


def importing(heavy: tuple[str, ...], *argv: str) -> subprocess.CompletedProcess[str]:
    """The command line carried out well, with nothing heavy imported."""
    code = (
        "import sys; from tstream.cli import call; code = call(sys.argv[1:]); "
        f"print(*[name for name in {heavy!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = process("-c", code, *argv)
    assert (done.returncode, done.stderr) == (0, "\n")
    return done


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_import_nothing_heavy(argument: str) -> None:
    assert importing(HEAVY, argument).stdout


@pytest.mark.parametrize("more", [(), ("--charts",)])
def test_what_scripts_ask_again_and_again_is_told_as_it_came_without_anything_heavy(
    places: Paths, more: tuple[str, ...]
) -> None:
    with serving(Engine(trading_view()), places.control_socket):
        heavy = (*HEAVY, "typer", "rich", "msgspec", "platformdirs")
        done = importing(heavy, "status", "--json", *more)
    told = json.loads(done.stdout)
    assert ("charts" in told) is bool(more)
    assert told["contracts"] == json.loads(msgspec.json.encode(trading_view().contracts))


def test_a_reader_that_leaves_early_is_no_accident(tmp_path: Path) -> None:
    times = (f"2024-03-08T{hour:02}:{minute:02}:00Z" for hour in range(24) for minute in range(60))
    tape = tmp_path / "tape.csv"
    rows = "".join(f"{time},1,1,1,1,1\n" for time in times)
    tape.write_text(f"time,open,high,low,close,volume\n{rows}", encoding="utf-8")
    bars = f"{sys.executable} -m tstream bars {tape} --contract ES --stamp open --csv -"
    done = process("-c", f"{bars} | head -1; echo ${{PIPESTATUS[0]}}", program="bash")
    first, code = done.stdout.splitlines()
    assert first == "time,open,high,low,close,volume"
    assert code in ("0", "1")
    assert done.stderr == ""
