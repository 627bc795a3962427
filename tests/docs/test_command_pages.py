"""The man page and the page of commands say what the commands say."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.docs.pages import DOCS, section, text
from tests.docs.test_readme import ALL
from tstream.commands.pages import man_page, markdown_page

FILE = DOCS / "tstream.1"


def test_both_are_written_from_the_commands() -> None:
    assert text(FILE) == man_page(), "run make docs"
    assert text(DOCS / "commands.md") == markdown_page(), "run make docs"


def test_every_command_and_option_is_in_them() -> None:
    said = text(FILE).replace(r"\-", "-")
    for name, command in ALL.items():
        assert name == "tstream" or f".SS {name}" in said
        for one in command.params:
            if one.param_type_name == "option" and one.help and "completion" not in one.opts[0]:
                assert rf"\fB{one.opts[0]}\fR" in said, (name, one.opts)
                assert one.opts[0] in section(DOCS / "commands.md", name), (name, one.opts)


@pytest.mark.skipif(shutil.which("man") is None, reason="no man here")
def test_man_reads_it_without_a_complaint() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(FILE)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    assert "tstream backup restore BACKUP" in done.stdout
    assert "fI" not in done.stdout.replace("fIlled", ""), "no macro is left"
