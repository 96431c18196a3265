"""A local server that speaks the model hub's protocol, with every way to answer badly."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository and how the server behaves; ``log`` holds (method, path, range) of every request."""

    repository: str
    files: dict[str, bytes]
    large: tuple[str, ...] = ()
    licence: str = "mit"
    status: int = 0
    error_code: str = ""
    cut_after: list[int] = field(default_factory=list)
    stall_seconds: float = 0.0
    ignore_range: bool = False
    corrupt: int = 0
    rubbish: bool = False
    log: list[tuple[str, str, str]] = field(default_factory=list)
    endpoint: str = ""

    def info(self) -> dict[str, Any]:
        siblings = []
        for name, data in self.files.items():
            item: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
            if name in self.large:
                item["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            siblings.append(item)
        return {
            "id": self.repository,
            "sha": COMMIT,
            "private": False,
            "gated": False,
            "tags": [f"license:{self.licence}"],
            "cardData": {"license": self.licence},
            "siblings": siblings,
        }


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub = self.hub
        hub.log.append((self.command, self.path.partition("?")[0], self.headers.get("Range", "")))
        try:
            if hub.stall_seconds and not self.path.startswith("/api/"):
                time.sleep(hub.stall_seconds)
            if hub.status:
                self._answer(hub.status, b"{}", {"X-Error-Code": hub.error_code} if hub.error_code else {})
            elif hub.rubbish:
                self._answer(200, b"<html>a login page</html>", {"Content-Type": "text/html"})
            elif self.path.startswith(f"/api/models/{hub.repository}/revision/"):
                self._answer(200, json.dumps(hub.info()).encode(), {"Content-Type": "application/json"})
            elif self.path.startswith(f"/{hub.repository}/resolve/{COMMIT}/"):
                self._resolve(self.path.rpartition("/")[2])
            elif self.path.startswith("/cdn/"):
                self._bytes(self.path.removeprefix("/cdn/"), {})
            else:
                self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _resolve(self, name: str) -> None:
        data = self.hub.files.get(name)
        if data is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"X-Repo-Commit": COMMIT}
        if name in self.hub.large:
            headers |= {
                "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
                "X-Linked-Size": str(len(data)),
                "Location": f"{self.hub.endpoint}/cdn/{name}",
            }
            self._answer(302, b"", headers)
        else:
            self._bytes(name, {**headers, "ETag": f'"{git_sha1(data)}"'})

    def _bytes(self, name: str, headers: dict[str, str]) -> None:
        data = self.hub.files[name]
        if self.command == "GET" and self.hub.corrupt:
            self.hub.corrupt -= 1
            data = b"x" + data[1:]
        asked = self.headers.get("Range", "")
        status, start, stop = 200, 0, len(data)
        if asked and not self.hub.ignore_range:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last or len(data)) + 1, len(data))
            status, headers = 206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
        body = data[start:stop]
        if self.command == "GET" and self.hub.cut_after:
            cut = self.hub.cut_after.pop(0)
            self._answer(status, body[:cut], headers, length=len(body))
            self.close_connection = True
            return
        self._answer(status, body, headers)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve ``hub`` on a free local port and set its ``endpoint``."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
