"""A real bash completes commands and options, by what `tstream --show-completion bash` teaches it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import patient

PROGRAM = Path(sys.executable).parent
ASK = """
source <(_TSTREAM_COMPLETE=source_bash tstream)
for line in "tstream fl" "tstream backup re" "tstream service install --pr"; do
  COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  $(complete -p tstream | sed -E 's/.*-F ([^ ]+) .*/\\1/') tstream
  echo "${COMPREPLY[*]}"
done
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_and_options(home: Path) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK],
        env={**os.environ, "PATH": f"{PROGRAM}:{os.environ['PATH']}", "TSTREAM_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=patient(30),
        check=True,
    )
    assert done.stdout.splitlines() == ["flatten", "restore", "--print"]
    assert done.stderr == ""
