"""Finding pending payments. They stand in their accounts, and reconcile's index holds every account that has one, since
each has a next check."""

import logging
from collections.abc import Callable, Iterator, Sequence

from chalicelib.accounts.models import BY_RECONCILE, Account
from chalicelib.core.errors import Broken, Malformed
from chalicelib.core.paging import Page, make_cursor, read_cursor
from chalicelib.ledger.due import SHARDS
from chalicelib.ledger.models import Key
from chalicelib.ledger.port import LedgerPort
from chalicelib.payments.models import Payment

log = logging.getLogger("paydesk.payments")

ACCOUNTS_PER_PAGE = 500
"""So many are read for one page at most, however few payments of those looked for they hold: a page ends in time."""

_SHARDS = [f"{shard:02d}" for shard in range(SHARDS)]
_FIRST = " "
"""Stands before every payment id."""


class PendingPayments:
    def __init__(self, ledger: LedgerPort) -> None:
        self._ledger = ledger

    def page(self, wanted: Callable[[Payment], bool], *, limit: int, cursor: str | None) -> Page[Payment]:
        """Pending payments of all accounts, each as its account says now, in no order that tells anything. A page may
        be short or empty while `next_cursor` leads on.

        A payment whose check is planned anew while pages are read may be passed over, or stand on two pages; asking
        again finds each once.
        """
        found: list[Payment] = []
        looked_at = 0
        for shard, place, behind, account_id in self._accounts(cursor):
            if looked_at == ACCOUNTS_PER_PAGE:
                return Page(found, make_cursor(shard, place, behind))
            looked_at += 1
            reached = behind
            for payment in self._pending(account_id):
                if payment.payment_id <= behind or not wanted(payment):
                    continue
                if len(found) == limit:
                    return Page(found, make_cursor(shard, place, reached))
                found.append(payment)
                reached = payment.payment_id
        return Page(found)

    def _accounts(self, cursor: str | None) -> Iterator[tuple[str, str, str, str]]:
        """Shard, index value, payment to go on behind, account id: where the cursor points, then all that follow."""
        shard, place, behind = read_cursor(cursor, 3) or (_SHARDS[0], "", _FIRST)
        if shard not in _SHARDS:
            raise Malformed("bad_cursor")
        if place:
            yield shard, place, behind, place.partition("#")[2]
        for name in _SHARDS[_SHARDS.index(shard) :]:
            after = place if name == shard else ""
            while hits := self._ledger.find(BY_RECONCILE, name, limit=100, after=after):
                for after, account_id in hits:
                    yield name, after, _FIRST, account_id

    def _pending(self, account_id: str) -> Sequence[Payment]:
        """By id. An account nobody can read keeps the others' payments from nobody."""
        try:
            account = self._ledger.get(Key(Account, account_id))
        except Broken:
            log.exception("account_unreadable", extra={"account_id": account_id})
            return ()
        return [account.pending[payment_id] for payment_id in sorted(account.pending)] if account else ()
