"""A Vault on loopback: the KV engine of version 2 and AppRole, as its HTTP API documents them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, ROLE, SECRET = "canary-vault-token-4711", "canary-role-id-4711", "canary-secret-id-4711"


class VaultServer:
    """One secret's versions, who may come in, and what goes wrong."""

    def __init__(self) -> None:
        self.versions: list[dict[str, str] | None] = []
        """None for one that was deleted."""
        self.tokens = {TOKEN}
        self.issued = 0
        self.lease = 3600
        self.sealed = False
        self.elsewhere = ""
        """Where it sends who asks."""
        self.asked: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        """Status, and JSON."""
        self.asked.append(f"{method} {path}")
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "/v1/auth/approle/login":
            given = json.loads(body)
            if (given.get("role_id"), given.get("secret_id")) != (ROLE, SECRET):
                return 400, {"errors": ["invalid role or secret ID"]}
            self.issued += 1
            token = f"canary-issued-token-{self.issued}"
            self.tokens.add(token)
            return 200, {"auth": {"client_token": token, "lease_duration": self.lease, "renewable": True}}
        if headers.get("X-Vault-Token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if not path.startswith("/v1/secret/data/"):
            return 404, {"errors": []}
        return self._read() if method == "GET" else self._write(json.loads(body))

    def _read(self) -> tuple[int, object]:
        if not self.versions:
            return 404, {"errors": []}
        newest, version = self.versions[-1], {"version": len(self.versions), "destroyed": False}
        status = 404 if newest is None else 200
        return status, {"data": {"data": newest, "metadata": version}}

    def _write(self, given: Any) -> tuple[int, object]:
        if given.get("options", {}).get("cas", len(self.versions)) != len(self.versions):
            why = "check-and-set parameter did not match the current version"
            return 400, {"errors": [why]}
        self.versions.append(given["data"])
        return 200, {"data": {"version": len(self.versions)}}


@contextmanager
def vault_server() -> Iterator[VaultServer]:
    """A Vault that listens until the block ends."""
    vault = VaultServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = vault.answer(self.command, self.path, self.headers, body)
            raw = json.dumps(told).encode()
            if vault.elsewhere:
                status = 307
            self.send_response(status)
            if vault.elsewhere:
                self.send_header("Location", vault.elsewhere + self.path)
            self.send_header("Content-Length", f"{len(raw)}")
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = _any

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Tests' output is for tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vault.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
