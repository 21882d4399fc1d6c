"""A headless Chromium, driven through its DevTools protocol over a web socket."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def executable() -> str | None:
    """The browser of this machine, if it has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page."""

    def __init__(self, address: str) -> None:
        import websocket

        self.socket = websocket.create_connection(address, timeout=60, suppress_origin=True)
        self.number = 0
        self.asked_for: list[str] = []
        self.messages: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's answer; requests and messages that come meanwhile are kept."""
        self.number += 1
        order = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(order))
        while True:
            got = json.loads(self.socket.recv())
            if got.get("id") == self.number:
                assert "error" not in got, got
                return got["result"]
            if got.get("method") == "Network.requestWillBeSent":
                self.asked_for.append(got["params"]["request"]["url"])
            if got.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.messages.append(json.dumps(got["params"]))

    def value(self, script: str) -> Any:
        """What a script comes to in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, script: str, seconds: float = 60.0) -> None:
        """Wait until a script is true in the page."""
        end = time.monotonic() + seconds
        while not self.value(f"Boolean({script})"):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """With the mouse, in the middle of an element, which is scrolled into sight first."""
        script = (
            f"(e => (e.scrollIntoView({{block: 'center'}}), e.getBoundingClientRect()))"
            f"(document.querySelector({selector!r}))"
        )
        script = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({script})"
        x, y = self.value(script)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def key(self, key: str, code: int, text: str) -> None:
        """One key."""
        for kind in ("keyDown", "keyUp"):
            down = {"text": text} if kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **down,
            )

    def look(self, width: int, height: int, scheme: str) -> None:
        """A size of window, and light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, path: Path) -> None:
        """A screenshot."""
        path.write_bytes(b64decode(self.call("Page.captureScreenshot")["data"]))


def loopback() -> str:
    """The address of this machine for itself."""
    return str(socket.getaddrinfo(None, 0, family=socket.AF_INET)[0][4][0])


@contextmanager
def opened(address: str) -> Iterator[Tab]:
    """The address in a fresh browser, which is ended afterwards."""
    found = executable()
    assert found
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [found, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        browser = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            host = urlsplit(address).hostname or loopback()
            tab = Tab(_tab(Path(folder), browser, host))
            tab.call("Page.navigate", url=address)
            yield tab
            tab.socket.close()
        finally:
            browser.terminate()
            try:
                browser.wait(timeout=20)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()


def _tab(folder: Path, browser: "subprocess.Popen[bytes]", host: str, seconds: float = 90.0) -> str:
    """The web socket of the first tab, once the browser is up and listens on this machine."""
    import http.client

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert browser.poll() is None, "the browser ended"
        try:
            port = int((folder / "DevToolsActivePort").read_text().split()[0])
            connection = http.client.HTTPConnection(host, port, timeout=10)
            connection.request("GET", "/json/list")
            tabs = json.loads(connection.getresponse().read())
            connection.close()
            return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        except (OSError, ValueError, IndexError, StopIteration):
            time.sleep(0.1)
    raise AssertionError("the browser did not come up")


CONTRAST = """
(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (channels(color).length === 3) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("main *")]
    .filter((node) => [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .filter((node) => node.getClientRects().length)
    .map((node) => [light(getComputedStyle(node).color), light(ground(node))])
    .map(([a, b]) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
})()
"""
"""The contrast of every text in the page's main part with what is behind it."""
