"""Secrets are nowhere but where they belong: a canary key and the venue's tokens, looked for everywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.program import environment, within
from tests.support.patience import patient

CANARY = "canary-9f3c71e0b2-never-to-be-seen"

VENUE = """
import asyncio, sys
from pathlib import Path
from adapters.simulator import server
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.wire.projectx.access import Tokens

issue = Tokens.issue
def noted(self, *args):
    token = issue(self, *args)
    with open(sys.argv[1], "a") as out:
        out.write(token + "\\n")
    return token
Tokens.issue = noted
asyncio.run(server.serve(SimulatorConfig(key=sys.argv[2]), exit_with_parent=True))
"""

PROGRAM = """
import logging, sys
from pathlib import Path
from tstream import cli
from tstream.run import headless as running

tokens, key = Path(sys.argv[1]), sys.argv[2]
told = running._headless

async def careless(*given):
    await told(*given)
    token = tokens.read_text().split()[-1]
    log = logging.getLogger("somebody")
    log.error("GET /hubs/user?access_token=%s failed, Authorization: Bearer %s", token, token)
    log.error("loginKey was sent %s", {"userName": "bob", "apiKey": key})
    try:
        raise ValueError(f"{key} in a cause")
    except ValueError as cause:
        log.exception("with a traceback")
        raise RuntimeError(f"a bug that carries {key} and {token}") from cause

running._headless = careless
sys.argv = ["tstream", "run", "--headless", "--record", "--for", "6s"]
cli.main()
"""


@contextmanager
def venue(tokens: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-c", VENUE, str(tokens), CANARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split(b'"port":')[1].split(b",")[0])
    finally:
        process.terminate()
        process.communicate(timeout=patient(15))


def test_secrets_are_in_no_log_journal_tape_view_answer_or_crash(home: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    home.mkdir()
    with venue(tokens) as port:
        (home / "tstream.toml").write_text(
            'trading = "live"\ncontracts = ["MNQ"]\n[log]\nlevel = "DEBUG"\n[venues.projectx]\n'
            f'api_url = "http://127.0.0.1:{port}"\nrtc_url = "http://127.0.0.1:{port}"\n'
        )
        surroundings = {
            **environment(home),
            "XDG_STATE_HOME": str(tmp_path / "locks"),
            "TSTREAM_PROJECTX_USER": "practice",
            "TSTREAM_PROJECTX_KEY": CANARY,
        }
        run = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tokens), CANARY],
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        answers = []
        while run.poll() is None:
            asked = within(home, "status", "--json")
            answers.append(asked.stdout.encode() + asked.stderr.encode())
            with suppress(subprocess.TimeoutExpired):
                run.wait(0.3)
        assert run.stdout is not None
        printed = run.stdout.read()
        run.stdout.close()
        assert run.returncode == 1, printed

    issued = tokens.read_text(encoding="utf-8").split()
    assert issued
    secrets = [CANARY, *issued, *(token.rsplit(".", 1)[1] for token in issued)]
    found = [path for folder in (home, tmp_path / "locks") for path in folder.rglob("*") if path.is_file()]
    files = {path: path.read_bytes() for path in found}
    # The test looks in the right places: each of them has something in it.
    texts = {path.name: text for path, text in files.items()}
    assert b"unexpected RuntimeError" in printed
    assert b"a bug that carries [redacted]" in texts["crash.log"]
    assert b"loginKey was sent" in texts["tstream.log.jsonl"]
    assert b"account_known" in texts["journal.db"] + texts.get("journal.db-wal", b"")
    assert any("tapes" in path.parts and text for path, text in files.items())
    assert any(b'"books":[{' in answer for answer in answers)
    for secret in map(str.encode, secrets):
        for path, text in files.items():
            assert secret not in text, f"a secret is in {path}"
        assert secret not in printed
        assert all(secret not in answer for answer in answers)
