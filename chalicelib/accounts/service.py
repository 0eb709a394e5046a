"""Accounts: open one, find one, who gets its invoices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.accounts.models import BY_NAME, Account, Services, searchable
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, cut_page, make_cursor, read_cursor
from chalicelib.ledger.models import Change, Index, Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.payments.models import BY_GATEWAY_REFERENCE, BY_PAYMENT, Payment
from chalicelib.payments.pending import PendingPayments


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
        found = [self._ledger.get(Key(Account, account_id)) for account_id in ids[:limit]]
        return Page([a for a in found if a is not None], make_cursor(ids[limit - 1]) if len(ids) > limit else None)

    def all(self, *, limit: int, cursor: str | None) -> Page[Account]:
        """Every account, in no particular order."""
        position = read_cursor(cursor, 1)
        accounts = self._ledger.scan(Account, limit=limit + 1, after=position[0] if position else None)
        return cut_page(accounts, limit, lambda account: account.account_id)

    def named(self, name: str, *, limit: int, cursor: str | None) -> Page[Account]:
        """Accounts whose name begins with `name`, whatever its case, in alphabetical order."""
        position = read_cursor(cursor, 1)
        folded = searchable(name)
        hits = self._ledger.find(
            BY_NAME, folded[:1], limit=limit + 1, prefix=folded, after=position[0] if position else ""
        )
        page = cut_page(hits, limit, lambda hit: hit[0])
        return Page(self._those([account_id for _, account_id in page.items]), page.next_cursor)

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
            return Page(self._those([account_id for _, account_id in ended]))
        page = self._pending.page(is_it, limit=1, cursor=cursor)
        found = [payment.account_id for payment in page.items]
        return Page(self._those(found), None if found else page.next_cursor)

    def _those(self, account_ids: Sequence[str]) -> list[Account]:
        """The records behind an index's answer; the index is eventual, so one may be gone."""
        found = [self._ledger.get(Key(Account, account_id)) for account_id in account_ids]
        return [account for account in found if account is not None]
