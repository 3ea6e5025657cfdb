"""A headless Chromium, driven over its pipe as DevTools do it."""

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# A page that waits for more than this is broken, also on a busy machine.
SECONDS = 20
# Chromium reads commands from descriptor 3 and writes to 4; a shell can't move one of two digits there.
LAUNCH = """
import os, sys
ends = [os.dup(int(end)) for end in sys.argv[1:3]]
for number, end in zip((3, 4), ends):
    os.dup2(end, number)
    os.set_inheritable(number, True)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page. What an element shows is asked for until it shows it."""

    def __init__(self, process: subprocess.Popen[bytes], commands: int, events: int) -> None:
        self._process, self._commands, self._events = process, commands, events
        self._unread, self._number = b"", 0
        self._context, self._session = "", ""

    def fresh(self) -> None:
        """Another person's browser: a page that shares no cookie with the one before."""
        if self._context:
            self.call("Target.disposeBrowserContext", browserContextId=self._context)
        self._session = ""
        self._context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def click(self, selector: str) -> None:
        self.shows(selector)
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, **fields: str) -> None:
        """Types into the fields of these names."""
        for name, text in fields.items():
            self.shows(f"input[name={name}]")
            self.run(f"document.querySelector('input[name={name}]').value = {json.dumps(text)}")

    def choose(self, selector: str, path: Path) -> None:
        """Takes a file, as from the browser's own dialogue."""
        self.shows(selector)
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=found["result"]["objectId"])

    def shows(self, selector: str, text: str = "") -> str:
        """The text of a visible element once it has `text` in it."""
        found = ""
        asked = f"(e => e?.checkVisibility() ? e.innerText : null)(document.querySelector({json.dumps(selector)}))"
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = self.run(asked)
            if found is not None and text in found:
                return str(found)
            time.sleep(0.05)
        raise AssertionError(f"{selector} shows {found!r} and not {text!r}: {self.run('document.body.innerText')}")

    def run(self, script: str) -> Any:
        """The value of a script in the page; None while the page is replaced by another."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return answer.get("result", {}).get("value")

    def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("Storage.getCookies", browserContextId=self._context)["cookies"]
        return found

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        session = {"sessionId": self._session} if self._session and not method.startswith(("Target", "Storage")) else {}
        command = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (message := self._message()).get("id") != self._number:
            pass
        # A page that goes away takes its context with it.
        return message.get("result") or {}

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._events], [], [], SECONDS)
            chunk = os.read(self._events, 65536) if ready else b""
            assert chunk, "Chromium does not answer"
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    theirs_in, commands = os.pipe()
    events, theirs_out = os.pipe()
    arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--remote-debugging-pipe",
        "--window-size=1100,900",
        f"--user-data-dir={profile}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), "chromium", *arguments],
        pass_fds=(theirs_in, theirs_out),
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out):
        os.close(end)
    try:
        page = Browser(process, commands, events)
        page.fresh()
        yield page
    finally:
        process.kill()
        process.wait()
        for end in (commands, events):
            os.close(end)
