"""A real browser without a window, driven by its DevTools protocol; what it logs and refuses is kept."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.support.patience import patient
from tests.support.waits import until

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
"""Empty where there is none."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--window-size=1100,700", "about:blank",
)  # fmt: skip

_ROWS = "Array.from(document.querySelectorAll('.xterm-rows > div'), row => row.textContent).join('\\n')"
_VEIL = (
    "(veil => !veil ? 'no page yet' : veil.hidden ? '' : veil.textContent)(document.getElementById('veil'))"
)


class BrowserPage:
    """One tab of the browser."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser, self.target, self._session = browser, target, session

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, session=self._session, **params)

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def text(self) -> str:
        """What the terminal shows."""
        return str(await self.run(_ROWS))

    async def veil(self) -> str:
        """What the veil says; empty where there is none."""
        return str(await self.run(_VEIL))

    async def shows(self, words: str) -> str:
        return await self._until(self.text, words)

    async def holds(self, words: str) -> str:
        """Wait until the page itself has these words, and its password the focus."""
        look = "document.activeElement?.id === 'password' ? document.body.innerText : ''"
        return await self._until(lambda: self.run(look), words)

    async def veiled(self, words: str) -> str:
        """Wait until the veil says so; empty words wait until it is gone."""
        return await self._until(self.veil, words)

    async def _until(self, look: Callable[[], Awaitable[str]], words: str) -> str:
        text = ""
        try:
            async with asyncio.timeout(patient(15)):
                while True:
                    text = await look()
                    if (words in text) if words else not text:
                        return text
                    await asyncio.sleep(0.03)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {words!r}; it shows:\n{text}\n{self.log}") from None

    async def press(self, *keys: str) -> None:
        """Keys as a keyboard gives them: a character, or a name such as Enter, Escape, ArrowDown."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = {"Enter": 13, "Escape": 27, "ArrowDown": 40}.get(
                key, ord(key.upper()) if len(key) == 1 else 0
            )
            down = {"type": "keyDown", "key": key, "windowsVirtualKeyCode": code}
            if text:
                down |= {"text": text}
            await self.call("Input.dispatchKeyEvent", **down)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def click(self, x: float = 300, y: float = 300) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def resize(self, width: int, height: int) -> None:
        """Another window, in pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def picture(self, path: Path) -> None:
        found = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))

    async def front(self) -> None:
        await self.call("Page.bringToFront")

    async def close(self) -> None:
        await self._browser.call("Target.closeTarget", targetId=self.target)

    @property
    def log(self) -> list[str]:
        """What the page has logged, and every request that it made to somewhere, by `GET address`."""
        return self._browser.logs.setdefault(self._session, [])


class Chromium:
    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.logs: dict[str, list[str]] = {}

    async def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._number)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        sent = {"id": number, "method": method, "params": params}
        await self._socket.send_json({**sent, "sessionId": session} if session else sent)
        async with asyncio.timeout(patient(20)):
            return await answer

    async def listen(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                return
            said = message.json()
            if (waiting := self._waiting.pop(said.get("id", 0), None)) is not None and not waiting.done():
                if "error" in said:
                    waiting.set_exception(AssertionError(said["error"]))
                else:
                    waiting.set_result(said["result"])
            elif "method" in said:
                self._heard(said)

    def _heard(self, said: dict[str, Any]) -> None:
        log, params = self.logs.setdefault(said.get("sessionId", ""), []), said["params"]
        match said["method"]:
            case "Log.entryAdded":
                log.append(f"{params['entry']['level']}: {params['entry']['text']}")
            case "Runtime.exceptionThrown":
                log.append(f"error: {params['exceptionDetails']}")
            case "Runtime.consoleAPICalled":
                log.append(f"console: {[one.get('value') for one in params['args']]}")
            case "Network.requestWillBeSent":
                log.append(f"GET {params['request']['url']}")
            case "Network.webSocketCreated":
                log.append(f"GET {params['url']}")

    async def open(self, url: str) -> BrowserPage:
        """Another tab, in front."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = BrowserPage(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        await page.front()
        await page.call("Page.navigate", url=url)
        return page


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Chromium]:
    """A browser with a new profile in `folder`."""
    process = subprocess.Popen(  # noqa: ASYNC220
        [PROGRAM, f"--user-data-dir={folder}", *FLAGS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        port_file = folder / "DevToolsActivePort"
        await until(lambda: port_file.exists() and port_file.read_text().count("\n"), 30, look_s=0.05)
        port, path = port_file.read_text().splitlines()[:2]
        async with (
            ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
        ):
            browser = Chromium(socket)
            listening = asyncio.create_task(browser.listen())
            yield browser
            with suppress(Exception):
                await browser.call("Browser.close")
            listening.cancel()
    finally:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
