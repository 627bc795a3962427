"""Work beside an engine, in processes of their own: nobody gets a higher priority back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SESSION = Path("/proc/self/autogroup")
STAND_BACK = (
    "import os; from adapters.common.standing_back import stand_back; stand_back(19);"
    f"print(os.nice(0), open('{SESSION}').read().split()[-1])"
)


@pytest.mark.skipif(not SESSION.exists(), reason="this system shares no processor between sessions")
@pytest.mark.parametrize(("alone", "of_the_session"), [(True, "19"), (False, "0")])
def test_what_stands_back_says_so_for_a_session_of_its_own_and_for_no_other(
    alone: bool, of_the_session: str
) -> None:
    command = [sys.executable, "-c", STAND_BACK]
    if not alone:  # in one that another process leads
        command = ["sh", "-c", '"$@"; exit', "sh", *command]
    told = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
    assert told.stdout.split() == ["19", of_the_session]
