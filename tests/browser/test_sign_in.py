"""Signing in by OpenID Connect, with a provider of the test's own: who is not signed in sees no page, and an operator is one."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from tests.serving import ROOT, Server, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
KEY = RSAKey.generate_key(2048, {"kid": "test"})


class Provider(ThreadingHTTPServer):
    """Vouches at once for whoever `email` names."""

    email = "ada@example.org"
    nonce = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to say."""

    def _json(self, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        base = self.server.address
        parts = urllib.parse.urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            self._json({"issuer": base, **{name: base + path for name, path in places.items()}})
        elif parts.path == "/keys":
            self._json({"keys": [KEY.as_dict(private=False, alg="RS256", use="sig")]})
        elif parts.path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(parts.query))
            self.server.nonce = asked.get("nonce", "")
            back = urllib.parse.urlencode({"code": "yes", "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        now = int(time.time())
        claims = {"iss": self.server.address, "sub": "1", "aud": "locuscope", "iat": now, "exp": now + 600, "nonce": self.server.nonce}
        token = jwt.encode({"alg": "RS256", "kid": "test"}, {**claims, "email": self.server.email, "email_verified": True}, KEY)
        self._json({"access_token": "x", "token_type": "Bearer", "id_token": token})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    server = Provider(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("signed-in")
    secrets = folder / "secrets.toml"
    _configure(secrets, provider.address)
    with served(
        ROOT / "app.py",
        folder,
        LOCUSCOPE_OFFLINE="1",
        LOCUSCOPE_OPERATORS="ada@example.org",
        STREAMLIT_SECRETS_FILES=str(secrets),
    ) as running:
        yield running


def _configure(secrets: Path, provider: str) -> None:
    """As docs/hosting.md says."""
    secrets.write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "a secret of the test, forty characters long"
client_id = "locuscope"
client_secret = "of the test"
server_metadata_url = "{provider}/.well-known/openid-configuration"
""",
        encoding="utf-8",
    )


def test_who_is_not_signed_in_sees_no_page_and_who_is_may_be_an_operator(page: Page, server: Server, provider: Provider) -> None:
    page.goto(f"{server.address}/status")
    page.get_by_role("button", name="Sign in").wait_for()
    expect(page.get_by_role("link", name="Explorer")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Status").click()
    page.get_by_text("Status of this server").wait_for()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_text("Signed in as ada").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    provider.email = "ben@example.org"
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Show").first.wait_for()
    expect(page.get_by_role("link", name="Models")).to_have_count(1)
    expect(page.get_by_role("link", name="Status")).to_have_count(0)
    page.goto(f"{server.address}/status")
    expect(page.get_by_text("This page is for whoever runs this server: ")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_role("link", name="Status")).to_have_count(0)
