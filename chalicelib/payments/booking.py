"""Booking what a gateway says of a payment: load, decide, commit, and again when the account changed meanwhile."""

import logging
from dataclasses import replace

from chalicelib.accounts.models import Account
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.gateways.port import GatewayPort, Unknown
from chalicelib.ledger.models import Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.payments.models import Payment, Resolution
from chalicelib.payments.reserving import PaymentPolicy
from chalicelib.payments.settling import Answer, Closing, Settlement, checked_in_vain, settle

log = logging.getLogger("paydesk.payments")

PATIENCE = 4
"""Booking tries this many times as often as anything else: it holds money that was taken, and others can only be told
to try again."""


def was_resolved(payment: Payment, resolution: Resolution, reference: str | None) -> bool:
    """Whether an operator has said just this of it before. Raises Conflict("payment_not_resolvable") for a payment of
    which something else was said, or that is not parked."""
    if payment.resolution == resolution and payment.resolution_reference == reference:
        return True
    if payment.status != "parked":
        raise not_resolvable(payment, "already_resolved" if payment.resolution else "not_parked")
    return False


def not_resolvable(payment: Payment, reason: str) -> Conflict:
    """Why an operator's word is not taken, beside what was said of the payment and booked before."""
    return Conflict(
        "payment_not_resolvable",
        payment_id=payment.payment_id,
        payment_status=payment.status,
        reason=reason,
        resolution=payment.resolution,
        gateway_reference=payment.gateway_reference,
    )


class Booking:
    def __init__(
        self, ledger: LedgerPort, gateway: GatewayPort, clock: Clock, policy: PaymentPolicy, attempts: Attempts
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._policy = policy
        self._attempts = replace(attempts, most=attempts.most * PATIENCE)

    def find(self, account_id: str, payment_id: str) -> tuple[Account, Payment]:
        """The payment, pending or ended, and its account as of the same moment. Raises NotFound."""
        account, recorded = self._ledger.read(Key(Account, account_id), Key(Payment, account_id, payment_id))
        payment = (account.pending.get(payment_id) or recorded) if account else None
        if account is None or payment is None:
            raise NotFound("not_found")
        return account, payment

    def close(self, account_id: str, payment_id: str, closing: Closing) -> Payment:
        """Fences one payment and books what the gateway says of it. The payment as it stands afterwards."""
        account, payment = self.find(account_id, payment_id)
        if payment_id not in account.pending:
            return payment
        answer = self.fence(payment)
        return self.settle(None, payment, answer, closing=closing)

    def fence(self, payment: Payment) -> Answer:
        """What the gateway says of it, or that from now on nothing can happen to it; nothing is booked."""
        if payment.method.gateway != self._gateway.name:
            return Unknown("another gateway than this stage's has it")
        return self._gateway.close(payment.payment_id)

    def resolve(
        self,
        account_id: str,
        payment_id: str,
        resolution: Resolution,
        reference: str | None,
        answer: Answer,
        operator: Actor,
    ) -> Payment:
        """Books what an operator found out about a parked payment, as `answer` says it. The log names the operator.

        Raises Conflict("payment_not_resolvable") for one that is not parked, or when the answer does not end it.
        """

        def resolved() -> Payment:
            account, payment = self.find(account_id, payment_id)
            if was_resolved(payment, resolution, reference):
                return payment
            told = payment.model_copy(update={"resolution": resolution, "resolution_reference": reference})
            settlement = self._with_what_follows(payment, self._decide(account, told, answer, Closing(operator)))
            change = settlement.change
            if change is None:
                raise not_resolvable(payment, "under_way")
            account, entry = logged(
                change.account,
                "payment.resolved",
                operator,
                self._clock.now(),
                payment_id=payment_id,
                resolution=resolution,
                gateway_reference=reference,
                payment_status=settlement.payment.status,
            )
            # May race: the daily check, another operator. The version decides; the loser finds it ended.
            self._ledger.commit(replace(change, account=account, puts=(*change.puts, entry)))
            return settlement.payment

        return until_committed(self._attempts, resolved)

    def settle(
        self, account: Account | None, payment: Payment, answer: Answer, *, closing: Closing | None = None
    ) -> Payment:
        """Books an answer, of a close when `closing` is given. `account` as just committed saves a read; whatever
        came between makes the commit Stale, and the account and the payment are then read together.

        Raises Unavailable when the account changed under every attempt.
        """
        held = account

        def settled() -> Payment:
            nonlocal held
            if held is not None:
                account, standing, held = held, payment, None
            else:
                account, standing = self.find(payment.account_id, payment.payment_id)
            settlement = self._with_what_follows(standing, self._decide(account, standing, answer, closing))
            if settlement.change is not None:
                # May race: a check, a replay, any other change of the account. The version decides; the loser reads
                # again and finds the payment ended, or books it on what is open by then.
                self._ledger.commit(settlement.change)
            if settlement.late:
                log.error(
                    "money_arrived_late", extra={"payment_id": payment.payment_id, "account_id": payment.account_id}
                )
            return settlement.payment

        return until_committed(self._attempts, settled)

    def _with_what_follows(self, before: Payment, settlement: Settlement) -> Settlement:
        """With what the payment's new status means for the account; a check in vain means nothing."""
        change = settlement.change
        if change is None or settlement.payment.status == before.status:
            return settlement
        account, entries = self._policy.after(change.account, settlement.payment, self._clock.now())
        return replace(settlement, change=replace(change, account=account, puts=(*change.puts, *entries)))

    def _decide(self, account: Account, payment: Payment, answer: Answer, closing: Closing | None) -> Settlement:
        now = self._clock.now()
        if closing and isinstance(answer, Unknown):
            return checked_in_vain(account, payment, now, self._policy)
        return settle(account, payment, answer, now, self._policy, closing=closing)
