"""A headless Chromium, driven over its own DevTools protocol (chromedevtools.github.io).

Scripts of pages are switched off: what works here works without JavaScript. `evaluate` still runs,
because it is the browser's and not the page's.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import tempfile
from pathlib import Path

from websockets.asyncio.client import connect

from tools.left_out import BROWSERS

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
START_S = 60
WAIT_S = 30
POLL_S = 0.1


def find_chromium() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Chromium:
    """One browser with one tab of a phone's size; `resolver` is its --host-resolver-rules."""

    def __init__(self, resolver: str = "") -> None:
        self._resolver = resolver
        self._numbers = itertools.count(1)

    async def __aenter__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        options = [
            "--headless=new",
            "--no-sandbox",  # the tests may run as root, in a container
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-port=0",
            f"--user-data-dir={self._profile.name}",
        ]
        if self._resolver:
            options.append(f"--host-resolver-rules={self._resolver}")
        self._process = await asyncio.create_subprocess_exec(
            find_chromium(),
            *options,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            browser = await self._find_socket()
            async with connect(browser, max_size=None) as link:
                self._link = link
                target = await self._call("Target.createTarget", url="about:blank")
            page = browser.split("/devtools/")[0] + "/devtools/page/" + target["targetId"]
            self._link = await connect(page, max_size=None)
            await self._call("Emulation.setDeviceMetricsOverride", **PHONE)
            await self._call("Emulation.setScriptExecutionDisabled", value=True)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_):
        await self._link.close()
        await self._end()

    async def _end(self):
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._profile.cleanup()

    async def _find_socket(self):
        file = Path(self._profile.name) / "DevToolsActivePort"
        for _ in range(round(START_S / POLL_S)):
            assert self._process.returncode is None, "Chromium did not start"
            if file.exists() and len(lines := file.read_text().split("\n")) > 1:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(POLL_S)
        raise AssertionError("Chromium did not open its port")

    async def _call(self, method, **parameters):
        number = next(self._numbers)
        await self._link.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await asyncio.wait_for(self._link.recv(), WAIT_S))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    async def open(self, url):
        """Go to `url`."""
        result = await self._call("Page.navigate", url=url)
        assert not result.get("errorText"), result

    async def evaluate(self, expression):
        """Return what a JavaScript expression is worth in the page."""
        answer = await self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True
        )
        return answer["result"].get("value")

    async def wait_for(self, selector, timeout_s=WAIT_S):
        """Wait until the page has an element that the CSS selector finds."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not await self.evaluate(f"!!document.querySelector({json.dumps(selector)})"):
            shown = await self.text()
            assert asyncio.get_running_loop().time() < deadline, f"no {selector} in:\n{shown}"
            await asyncio.sleep(POLL_S)

    async def wait_until_loaded(self):
        """Wait until all of the page has arrived: a toy sends it piece by piece."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while await self.evaluate("document.readyState") != "complete":
            assert asyncio.get_running_loop().time() < deadline, "the page does not arrive"
            await asyncio.sleep(POLL_S)

    async def text(self):
        """Return what can be read on the page."""
        return await self.evaluate("document.body ? document.body.innerText : ''")

    async def type(self, selector, text):
        """Click a field and type into it, in place of what it held.

        Where the page was still moving the click went beside it; a person would click again.
        """
        deadline = asyncio.get_running_loop().time() + WAIT_S
        focused = f"document.activeElement === document.querySelector({json.dumps(selector)})"
        await self.click(selector)
        while not await self.evaluate(focused):
            assert asyncio.get_running_loop().time() < deadline, f"{selector} cannot be clicked"
            await asyncio.sleep(POLL_S)
            await self.click(selector)
        await self.evaluate("document.activeElement.select && document.activeElement.select()")
        await self._call("Input.insertText", text=text)

    async def choose(self, selector, value):
        """Choose an option of a select element by its value."""
        chosen = await self.evaluate(
            f"(e => {{ e.value = {json.dumps(value)}; return e.value }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        assert chosen == value, f"{selector} has no option {value!r}"

    async def click(self, selector):
        """Touch the middle of an element with the mouse."""
        place = await self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2] }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self._call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
            )

    async def picture(self, path: Path):
        """Save a picture of the whole page, a pixel of it for each of CSS."""
        size = await self.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.offsetHeight]"
        )
        answer = await self._call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={
                "x": 0,
                "y": 0,
                "width": size[0],
                "height": size[1],
                "scale": 1 / PHONE["deviceScaleFactor"],
            },
        )
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))
