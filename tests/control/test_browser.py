"""tstream web in a real browser: it looks, types, resizes, says when keys do nothing, and comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adapters.common.secret import Secret
from adapters.control.web.server import WebServer
from tests.control.chromium import PROGRAM, Chromium, chromium
from tests.control.web_page import config

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no chromium here: apt-get install chromium")


async def test_a_browser(tmp_path: Path) -> None:
    """One for all of it: its start is what takes long."""
    async with chromium(tmp_path / "profile") as browser:
        await _logs_in(browser)
        await _flattens_after_its_question(browser)
        await _looks_types_and_comes_back(browser)


async def _logs_in(browser: Chromium) -> None:
    server = WebServer(config(password=Secret("correct horse battery")))
    await server.start()
    page = await browser.open(server.url)
    await page.holds("Password")
    await page.press(*"wrong password", "Enter")
    await page.holds("That is not the password.")
    await page.press(*"correct horse battery", "Enter")
    await page.shows("size ")
    await page.veiled("")
    await page.close()
    await server.stop()


async def _flattens_after_its_question(browser: Chromium) -> None:
    """The real cockpit on a market of its own."""
    root = Path(__file__).parents[2]
    environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": f"{root}"}
    command = (sys.executable, "-m", "tests.tui.demo")
    server = WebServer(config(command=command, environment={**environment, "PATH": "/usr/bin:/bin"}))
    await server.start()
    page = await browser.open(server.url)
    await page.shows("2 Positions")
    await page.press("F")
    await page.shows("Yes (y)")
    await page.run("new Promise(done => setTimeout(done, 700))")  # it has to be readable before it counts
    await page.press("y")
    await page.shows("flattened, entries stay paused")
    await page.shows("flat: no open position")
    assert not [line for line in page.log if not line.startswith("GET ")]
    await page.close()
    await server.stop()


async def _looks_types_and_comes_back(browser: Chromium) -> None:
    server = WebServer(config())
    await server.start()
    page = await browser.open(server.url)
    text = await page.shows("size ")
    await page.veiled("")
    assert "xterm-256color" in text

    assert (
        await page.run(
            "getComputedStyle([...document.querySelectorAll('.xterm-rows span')]"
            ".find(cell => cell.textContent.includes('green'))).color"
        )
        == "rgb(1, 200, 3)"
    )

    await page.press("f")
    await page.shows("typed b'f'")
    await page.press("Escape")
    await page.shows(r"typed b'\x1b'")
    before = text.splitlines()
    columns = await page.run("document.querySelector('.xterm-rows').children.length")
    await page.resize(700, 400)
    await page.run("new Promise(done => setTimeout(done, 300))")
    assert await page.run("document.querySelector('.xterm-rows').children.length") < columns, before

    second = await browser.open(server.url)
    await second.shows("size ")
    await second.press("b")
    await second.shows("typed b'b'")
    assert "b'b'" not in await page.text()
    assert server.tabs == 2

    await page.run("document.activeElement.blur()")
    await page.veiled("Keys are not active")
    await page.front()
    await page.click()
    await page.veiled("")
    await page.press("c")
    await page.shows("typed b'c'")

    long = "x" * 2_001
    await page.run(
        "(() => { const data = new DataTransfer(); data.setData('text', '" + long + "');"
        "document.activeElement.dispatchEvent(new ClipboardEvent('paste',"
        "{clipboardData: data, bubbles: true, cancelable: true})); })()"
    )
    assert "too long to paste" in await page.run("document.getElementById('toast').textContent")
    assert "xxx" not in await page.text()

    await second.press("q")
    await second.veiled("The cockpit was closed")
    await second.click()
    await second.veiled("")
    await second.close()

    await server.stop()
    await page.veiled("connecting again")
    await page.press("F")
    again = WebServer(config(port=server.port))
    await again.start()
    await page.veiled("")
    text = await page.shows("ready")
    assert "typed" not in text, "what was typed while nobody listened never arrives"

    told = [line for line in page.log + second.log if not line.startswith("GET ")]
    assert not [line for line in told if "Content Security" in line or "exception" in line], told
    asked = {line.split("/")[2] for line in page.log if line.startswith("GET ")}
    assert asked == {f"127.0.0.1:{server.port}"}
    await again.stop()
