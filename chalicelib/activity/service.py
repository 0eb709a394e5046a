"""Reading and verifying an account's activity log. Writing it is part of every commit (activity/rules.py)."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry, ActivityHead
from chalicelib.activity.rules import Flaw, first_flaw
from chalicelib.core.errors import Broken, Malformed, NotFound
from chalicelib.core.paging import Page, cut_page, make_cursor, read_cursor
from chalicelib.ledger.models import Key
from chalicelib.ledger.port import LedgerPort


@dataclass(frozen=True)
class Verification:
    """What checking a part of the chain found. `complete`: the part reached the head that the account holds."""

    first_sequence: int
    last_sequence: int
    flaw: Flaw | None
    head: ActivityHead
    complete: bool
    next_cursor: str | None


class Activity:
    def __init__(self, ledger: LedgerPort) -> None:
        self._ledger = ledger

    def list(self, account_id: str, *, limit: int, cursor: str | None, newest_first: bool) -> Page[ActivityEntry]:
        self._account(account_id)
        after = _sequence(cursor)
        entries = self._ledger.records(
            ActivityEntry, account_id, limit=limit + 1, after=after, newest_first=newest_first
        )
        return cut_page(entries, limit, lambda entry: str(entry.sequence))

    def verify(self, account_id: str, *, limit: int, cursor: str | None) -> Verification:
        """Recomputes the hashes of up to `limit` entries and, at the end, compares with the head the account holds.

        The account is read first: entries that come while we verify are behind its head and left for the next time.
        """
        head = self._account(account_id).activity
        after = _sequence(cursor) or 0
        previous = self._anchor(account_id, after)
        found, unreadable = self._entries(account_id, after, limit)
        entries = [entry for entry in found if entry.sequence <= head.count]
        flaw = first_flaw(entries, previous)
        last = entries[-1].sequence if entries else after
        complete = flaw is None and last >= head.count
        if flaw is None and unreadable is not None and last < head.count:
            flaw = Flaw(last + 1, "altered" if unreadable == last + 1 else "missing")
        if flaw is None:
            flaw = self._flaw_at_the_end(entries, previous, head, limit)
        return Verification(
            first_sequence=after + 1,
            last_sequence=last,
            flaw=flaw,
            head=head,
            complete=complete and flaw is None,
            next_cursor=make_cursor(str(last)) if flaw is None and last < head.count else None,
        )

    def _entries(self, account_id: str, after: int, limit: int) -> tuple[Sequence[ActivityEntry], int | None]:
        """Up to `limit` entries behind `after`. Where one cannot even be read, those before it, and its sequence:
        whoever verifies is told which entry was tampered with, not that something broke."""
        try:
            return self._ledger.records(ActivityEntry, account_id, limit=limit, after=after or None), None
        except Broken as broken:
            unreadable = broken.facts.get("sort")
            if not isinstance(unreadable, int) or unreadable <= after:
                raise
        readable: list[ActivityEntry] = []
        for sequence in range(after + 1, min(unreadable, after + 1 + limit)):
            entry = self._ledger.get(Key(ActivityEntry, account_id, sequence))
            if entry is not None:
                readable.append(entry)
        return readable, unreadable

    def _flaw_at_the_end(
        self, entries: Sequence[ActivityEntry], previous: ActivityHead, head: ActivityHead, limit: int
    ) -> Flaw | None:
        """A cut tail, or a log that was rewritten as a whole: the account's head tells both."""
        last = entries[-1] if entries else None
        reached = ActivityHead(count=last.sequence, head_hash=last.hash) if last else previous
        if reached.count < head.count:
            return Flaw(reached.count + 1, "missing") if len(entries) < limit else None
        return None if reached.head_hash == head.head_hash else Flaw(head.count, "does_not_match_the_account")

    def _anchor(self, account_id: str, sequence: int) -> ActivityHead:
        """The entry a later part of the chain hangs on, as it stands."""
        if sequence == 0:
            return ActivityHead()
        entry = self._ledger.get(Key(ActivityEntry, account_id, sequence))
        if entry is None:
            raise Malformed("bad_cursor")
        return ActivityHead(count=sequence, head_hash=entry.hash)

    def _account(self, account_id: str) -> Account:
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            raise NotFound("not_found")
        return account


def _sequence(cursor: str | None) -> int | None:
    position = read_cursor(cursor, 1)
    if position is None:
        return None
    if not position[0].isascii() or not position[0].isdigit() or len(position[0]) > 15:
        raise Malformed("bad_cursor")
    return int(position[0])
