"""Keys, tokens good and bad, files of clients, and a server of keys on this machine."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

BASE = "https://cds.example.org/neutropenia"
SERVICE = "/cds-services/neutropenia-review"
ISSUER = "https://ehr.example.org"
CURVES = {"ES256": "P-256", "ES384": "P-384"}


def b64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


@dataclass(frozen=True)
class Signer:
    """A key pair of a client."""

    algorithm: str
    kid: str
    key: ECKey | RSAKey

    @classmethod
    def new(cls, algorithm: str, kid: str, size: int = 2048) -> Signer:
        key = ECKey.generate_key(CURVES[algorithm]) if algorithm in CURVES else RSAKey.generate_key(size)
        return cls(algorithm, kid, key)

    @property
    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid}

    @property
    def private(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=True), "kid": self.kid}

    def header(self, **changes: Any) -> dict[str, Any]:
        """The header of a token; fields set to `...` are left out."""
        return without({"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **changes})

    def sign(self, header: dict[str, Any], claims: dict[str, Any] | bytes) -> str:
        registry = JWSRegistry(algorithms=[str(header["alg"])], strict_check_header=False)
        registry.max_header_length = registry.max_payload_length = 10**6
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        return str(jws.serialize_compact(header, payload, self.key, registry=registry))

    def token(self, path: str = SERVICE, **changes: Any) -> str:
        """A good token but for changed claims."""
        return self.sign(self.header(), claims(path, **changes))


def without(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not ...}


def claims(path: str = SERVICE, **changes: Any) -> dict[str, Any]:
    """Claims of a good token but for changes; those set to `...` are left out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": BASE + path, "iat": now, "exp": now + 300, "jti": str(uuid4())}
    return without({**good, **changes})


def unsigned(header: dict[str, Any], said: dict[str, Any], signature: str = "") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}.{signature}"


def key_file(path: Path, *signers: Signer) -> Path:
    path.write_text(json.dumps({"keys": [one.public for one in signers]}))
    return path


def clients_file(folder: Path, *tables: str) -> Path:
    """A file of clients; who names no issuer has ISSUER."""
    file = folder / "clients.toml"
    issued = (one if "issuer" in one else f'issuer = "{ISSUER}"\n{one}' for one in tables)
    file.write_text("\n".join(f'[[client]]\nname = "client-{i}"\n{one}\n' for i, one in enumerate(issued, 1)))
    return file


@dataclass
class KeyHost:
    """A server of keys on this machine; what it does can be changed while it runs."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None  # in place of the keys
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    drip: float = 0  # seconds between two bytes
    asked: int = 0

    def __post_init__(self) -> None:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked += 1
                time.sleep(host.delay)
                body = json.dumps({"keys": host.keys}).encode() if host.body is None else host.body
                try:
                    self.send_response(host.status)
                    for name, value in host.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    for i in range(0, len(body), 1 if host.drip else len(body)):
                        self.wfile.write(body[i : i + (1 if host.drip else len(body))])
                        time.sleep(host.drip)
                except ConnectionError:
                    pass  # who asked has gone

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"

    def close(self) -> None:
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
