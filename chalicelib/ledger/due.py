"""Where scheduled work finds the accounts it is due for: an index of its own for each sweep, spread over shards.

by-<sweep>: PK <sweep>_shard, SK <sweep>_due = instant # account_id; absent while nothing is to be done
"""

import hashlib
from datetime import datetime

from chalicelib.core.clock import format_instant

SHARDS = 32
"""Fixed for the life of a deployment: index keys hold an account's shard."""


def due_index(sweep: str, account_id: str, due_at: datetime | None) -> dict[str, str]:
    """The attributes that put an account into a sweep's index, or none when nothing is to be done."""
    if due_at is None:
        return {}
    return {f"{sweep}_shard": shard_of(account_id), f"{sweep}_due": f"{format_instant(due_at)}#{account_id}"}


def shard_of(account_id: str) -> str:
    """The account's shard as index keys hold it, `00` to `31`: spread evenly whatever the ids look like."""
    return f"{int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:4]) % SHARDS:02d}"
