"""Accounts: open one, find one, who gets its invoices."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.accounts.models import BY_NAME, Account, Services, searchable
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Broken, Invalid, NotFound
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, cut_page, make_cursor, read_cursor
from chalicelib.ledger.models import Change, Index, Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.payments.models import BY_GATEWAY_REFERENCE, BY_PAYMENT, Payment
from chalicelib.payments.pending import PendingPayments

log = logging.getLogger("paydesk.accounts")


@dataclass(frozen=True)
class OpenRequest:
    """A customer's account to be opened."""

    key: str
    request_fingerprint: str
    actor: Actor
    name: str
    currency: str
    locale: str
    time_zone: str
    invoice_recipients: tuple[str, ...] = ()


class Accounts:
    """A list leaves a damaged record out and names it (`Page.unreadable`): it hides no other account."""

    def __init__(self, ledger: LedgerPort, clock: Clock, attempts: Attempts, pending: PendingPayments) -> None:
        self._ledger = ledger
        self._pending = pending
        self._clock = clock
        self._attempts = attempts

    def open(self, request: OpenRequest) -> tuple[Account, bool]:
        """Opens the account, or answers the one this request opened before; the flag says which (True: before)."""
        account_id = derived_id("acc", "accounts", "open", request.key)

        def opened() -> tuple[Account, bool]:
            standing = self._ledger.get(Key(Account, account_id))
            if standing is not None:
                if standing.request_fingerprint != request.request_fingerprint:
                    raise Invalid("key_reused", account_id=account_id)
                return standing, True
            now = self._clock.now()
            account = Account(
                account_id=account_id,
                name=request.name,
                currency=request.currency,
                locale=request.locale,
                time_zone=request.time_zone,
                invoice_recipients=request.invoice_recipients,
                services=Services(since=now),
                request_fingerprint=request.request_fingerprint,
                created_at=now,
            )
            account, entry = logged(
                account,
                "account.opened",
                request.actor,
                now,
                currency=account.currency,
                time_zone=account.time_zone,
            )
            # May race: the same request sent twice. Only one account can be new at that id; the other finds it.
            return self._ledger.commit(Change(account, puts=(entry,))), False

        return until_committed(self._attempts, opened)

    def get(self, account_id: str) -> Account:
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            raise NotFound("not_found")
        return account

    def put_recipients(self, account_id: str, recipients: tuple[str, ...], actor: Actor) -> Account:
        """Sets who gets the invoices; doing it again changes nothing."""

        def put() -> Account:
            account = self.get(account_id)
            if account.invoice_recipients == recipients:
                return account
            account, entry = logged(
                account.model_copy(update={"invoice_recipients": recipients}),
                "invoice_recipients.changed",
                actor,
                self._clock.now(),
                personal={"recipients": ", ".join(recipients)},
                count=len(recipients),
            )
            # May race: any other change of the account. The version decides.
            return self._ledger.commit(Change(account, puts=(entry,)))

        return until_committed(self._attempts, put)

    def own(self, account_ids: Sequence[str], *, limit: int, cursor: str | None) -> Page[Account]:
        """The accounts a token names, in the order of their ids; ids that do not exist are left out."""
        position = read_cursor(cursor, 1)
        ids = [account_id for account_id in sorted(account_ids) if position is None or account_id > position[0]]
        return self._those(ids[:limit], make_cursor(ids[limit - 1]) if len(ids) > limit else None)

    def all(self, *, limit: int, cursor: str | None) -> Page[Account]:
        """Every account, in no particular order."""
        position = read_cursor(cursor, 1)
        found = self._ledger.scan(Account, limit=limit + 1, after=position[0] if position else None)
        page = cut_page(found, limit, _id_of)
        return _readable(page.items, page.next_cursor)

    def named(self, name: str, *, limit: int, cursor: str | None) -> Page[Account]:
        """Accounts whose name begins with `name`, whatever its case, in alphabetical order."""
        position = read_cursor(cursor, 1)
        folded = searchable(name)
        hits = self._ledger.find(
            BY_NAME, folded[:1], limit=limit + 1, prefix=folded, after=position[0] if position else ""
        )
        page = cut_page(hits, limit, lambda hit: hit[0])
        return self._those([account_id for _, account_id in page.items], page.next_cursor)

    def of_payment(self, payment_id: str, *, cursor: str | None = None) -> Page[Account]:
        """The account of a payment, by its id, whatever became of it."""
        return self._holding(BY_PAYMENT, payment_id, lambda payment: payment.payment_id == payment_id, cursor)

    def of_gateway_reference(self, gateway_reference: str, *, cursor: str | None = None) -> Page[Account]:
        """The account of a payment, by the gateway's name for the charge, whatever became of it."""
        index, reference = BY_GATEWAY_REFERENCE, gateway_reference
        return self._holding(index, reference, lambda payment: payment.gateway_reference == reference, cursor)

    def _holding(self, index: Index, value: str, is_it: Callable[[Payment], bool], cursor: str | None) -> Page[Account]:
        """Of a payment that has ended, by the index; else of a pending one, whose page may be empty and lead on."""
        ended = self._ledger.find(index, value, limit=10)
        if ended:
            return self._those([account_id for _, account_id in ended])
        page = self._pending.page(is_it, limit=1, cursor=cursor)
        found = [payment.account_id for payment in page.items]
        return self._those(found, None if found else page.next_cursor)

    def _those(self, account_ids: Sequence[str], next_cursor: str | None = None) -> Page[Account]:
        """The records of ids, or behind an index's answer; the index is eventual, so one may be gone."""
        found = [self._read(account_id) for account_id in account_ids]
        return _readable([account for account in found if account is not None], next_cursor)

    def _read(self, account_id: str) -> Account | Broken | None:
        try:
            return self._ledger.get(Key(Account, account_id))
        except Broken as broken:
            return broken


def _readable(found: Iterable[Account | Broken], next_cursor: str | None) -> Page[Account]:
    accounts = [one for one in found if isinstance(one, Account)]
    damaged = [one for one in found if isinstance(one, Broken)]
    for broken in damaged:
        log.error("account_unreadable", exc_info=broken, extra={"account_id": _id_of(broken)})
    return Page(accounts, next_cursor, [_id_of(broken) for broken in damaged])


def _id_of(one: Account | Broken) -> str:
    return one.account_id if isinstance(one, Account) else str(one.facts["account_id"])
