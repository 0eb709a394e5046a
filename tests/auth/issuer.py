"""An identity provider of our own: RSA keys, served as a JWKS on loopback, and tokens signed with them."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

AUDIENCE = "client-1"


class Issuer:
    """Its `url` is issuer and JWKS address at once. `asked` counts how often somebody asked for the keys."""

    def __init__(self, url: str, owner: str = "us") -> None:
        self.url = url
        self.asked = 0
        self.broken = False
        self._owner = owner
        self._keys: dict[str, RSAPrivateKey] = {}
        self.new_key("key-1")

    def new_key(self, key_id: str) -> RSAPrivateKey:
        self._keys[key_id] = _private_key(self._owner, key_id)
        return self._keys[key_id]

    def token(self, key_id: str = "key-1", /, **changed: Any) -> str:
        """An ID token as Cognito's, its claims changed so; None leaves a claim out."""
        return jwt.encode(self.claims(**changed), self._keys[key_id], algorithm="RS256", headers={"kid": key_id})

    def claims(self, **changed: Any) -> dict[str, Any]:
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "6f1b0c8e",
            "exp": int(time.time()) + 3600,
            "iat": int(time.time()),
            "token_use": "id",
            "email": "ada@example.com",
            "cognito:groups": ["billing_admin"],
            "custom:account_ids": "acc_1 acc_2",
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def public_pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._keys["key-1"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwks(self) -> bytes:
        self.asked += 1
        if self.broken:
            return b"<html>maintenance</html>"
        keys = [
            jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            | {"kid": key_id, "use": "sig", "alg": "RS256"}
            for key_id, key in self._keys.items()
        ]
        return json.dumps({"keys": keys}).encode()


@cache
def _private_key(owner: str, key_id: str) -> RSAPrivateKey:
    """One pair of keys for each owner and name: making one takes a good part of a second."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@contextlib.contextmanager
def serve_issuer() -> Iterator[Issuer]:
    issuer = Issuer("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.jwks()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
