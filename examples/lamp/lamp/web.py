"""The switch as a page: on this machine only, and for pages of its own only.

GET /  the page      GET /events  every change, as server-sent events      POST /switch, /say

It listens on the loopback address. A request must name that address and port as its host (a name
that was bound to it by somebody else's DNS does not pass); one that changes something must carry
the token that stands in the page, and no foreign origin. Nothing is loaded from anywhere else.
"""

import hmac
import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lamp.loop import Lamp
from lamp.recorder import Heard, Switched
from partbench.core.errors import ConfigError

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page.html")
LONGEST_BODY = 4096
WATCHERS = 16
"""Pages that may follow the lamp at once."""
HEARTBEAT = 15.0
"""Seconds after which a page that heard nothing hears that the lamp is there."""


class Site:
    """Serves until `close`. `port` 0 takes a free one; ConfigError where it is taken."""

    def __init__(self, lamp: Lamp, port: int) -> None:
        self.lamp = lamp
        self.token = secrets.token_urlsafe(24)
        site = self

        class Handler(_Handler):
            """Knows its site."""

        Handler.site = site
        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except OSError as error:
            raise ConfigError(
                f"--port: {port} cannot be used ({error.strerror}); give another, or 0 for any"
            ) from error
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.watching = threading.BoundedSemaphore(WATCHERS)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        """What a browser names."""
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{self.host}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    site: Site
    server_version, sys_version = "lamp", ""
    timeout = 60

    def do_GET(self) -> None:
        if not self._local():
            return
        if self.path == "/":
            self._page()
        elif self.path == "/events":
            self._events()
        else:
            self._answer(HTTPStatus.NOT_FOUND, "no such page")

    def do_POST(self) -> None:
        if not self._local() or not self._ours():
            return
        order = self._order()
        lamp = self.site.lamp
        if self.path == "/switch" and isinstance(order.get("lit"), bool):
            lamp.put(Switched(order["lit"], "page"))
        elif self.path == "/say" and isinstance(order.get("text"), str) and order["text"].strip():
            lamp.put(Heard(" ".join(order["text"].split())))
        else:
            self._answer(HTTPStatus.BAD_REQUEST, "give /switch a lit of true or false, /say a text")
            return
        self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal belongs to the lamp."""

    def _local(self) -> bool:
        if self.headers.get("Host") == self.site.host:
            return True
        self._answer(HTTPStatus.MISDIRECTED_REQUEST, f"this is {self.site.host} only")
        return False

    def _ours(self) -> bool:
        origin = self.headers.get("Origin")
        token = self.headers.get("X-Lamp-Token", "")
        own = origin in (None, self.site.address.rstrip("/"))
        if own and hmac.compare_digest(token.encode(), self.site.token.encode()):
            return True
        self._answer(HTTPStatus.FORBIDDEN, "only the lamp's own page may do this; load it anew")
        return False

    def _order(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            return {}
        try:
            found = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = PAGE.read_text(encoding="utf-8")
        page = page.replace("{{nonce}}", nonce).replace("{{token}}", self.site.token)
        data = page.encode()
        self.send_response(HTTPStatus.OK)
        self._common("text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(data)

    def _events(self) -> None:
        if not self.site.watching.acquire(blocking=False):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open")
            return
        try:
            self.send_response(HTTPStatus.OK)
            self._common("text/event-stream")
            self.end_headers()
            version = -1
            while not self.site.lamp.ended:
                state = self.site.lamp.changed_since(version, HEARTBEAT)
                if state:
                    version = state["version"]
                line = f"data: {json.dumps(state)}\n\n" if state else ": here\n\n"
                self.wfile.write(line.encode())
                self.wfile.flush()
        except OSError:
            pass  # the page was closed
        finally:
            self.site.watching.release()
        self.close_connection = True

    def _answer(self, status: HTTPStatus, text: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self._common("text/plain; charset=utf-8")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != HTTPStatus.NO_CONTENT:
            self.wfile.write(data)

    def _common(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
