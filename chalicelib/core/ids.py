"""Identifiers. Whatever a client's request creates is named by that request, so doing it twice finds it there."""

import base64
import hashlib
import json
import uuid
from typing import Any


def derived_id(prefix: str, *cause: str) -> str:
    """`<prefix>_` and 26 characters of base32 over what caused the record.

    The same cause always gives the same id: a replayed request, message or event meets its own record instead of making
    a second one. The cause starts with the account id, so equal keys of two customers never meet.
    """
    digest = _sha256(list(cause)).digest()
    return f"{prefix}_{base64.b32encode(digest).decode()[:26]}"


def fingerprint(body: Any) -> str:
    """SHA-256 (hex) of a parsed body, so that two requests compare by meaning, not by bytes or key order."""
    return _sha256(body).hexdigest()


def canonical_json(value: Any) -> str:
    """One spelling per value: sorted keys, no blanks, nothing escaped. The activity log's hash is taken over it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def random_id() -> str:
    """For what only has to be unique, never found again: a commit's id."""
    return uuid.uuid4().hex


def _sha256(value: Any) -> "hashlib._Hash":
    # JSON may spell half a surrogate pair, which UTF-8 has no bytes for: a client's odd text is no reason to fail.
    return hashlib.sha256(canonical_json(value).encode(errors="surrogatepass"))
