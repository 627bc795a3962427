"""A program that stands for ssh: it runs on this machine what ssh would run on the other one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.program import TSTREAM
from tstream.paths import SSH_VARIABLE

_SCRIPT = """#!/bin/sh
echo "$@" >> "$0.calls"
[ -e "$0.down" ] && { echo "ssh: connect to host server port 22: Connection refused" >&2; exit 255; }
for command; do :; done
exec sh -c "$command"
"""


def ssh_stand_in(folder: Path) -> Mapping[str, str]:
    """What is added to the environment; the program writes its arguments to `ssh.calls`, and refuses while
    there is a file `ssh.down`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "ssh"
    program.write_text(_SCRIPT, encoding="utf-8")
    program.chmod(0o700)
    return {
        SSH_VARIABLE: str(program),
        "PATH": f"{TSTREAM.parent}:{os.environ['PATH']}",
        "SSH_CONNECTION": "10.0.0.5 50122 10.0.0.1 22",
    }
