"""Guards of taking payments."""

from tests.mutation.guard import File

_TESTS = ("tests/payments",)
_FROZEN = "tests/proof/test_frozen.py"
_CRASHES = "tests/proof/test_crashes.py::test_nobody_is_charged_twice_or_forgotten_when"

_reserving = File("chalicelib/payments/reserving.py", _TESTS)
_settling = File(
    "chalicelib/payments/settling.py",
    ("tests/payments/test_settling.py", "tests/payments/test_checks.py", "tests/payments"),
)
_moves = File("chalicelib/payments/moves.py", ("tests/payments/test_moves.py", "tests/payments"))
_booking = File(
    "chalicelib/payments/booking.py",
    ("tests/payments/test_reconciling.py", "tests/payments/test_resolving.py", "tests/payments", _FROZEN, _CRASHES),
)
_checks = File("chalicelib/payments/checks.py", ("tests/payments/test_reconciling.py", "tests/payments"))
_models = File("chalicelib/payments/models.py", ("tests/payments", "tests/core"))
_pending = File("chalicelib/payments/pending.py", ("tests/payments/test_pending.py",))
_service = File(
    "chalicelib/payments/service.py",
    (
        "tests/payments/test_paying.py",
        "tests/payments/test_replaying.py",
        "tests/payments/test_canceling.py",
        "tests/payments/test_resolving.py",
        "tests/payments",
        _FROZEN,
        _CRASHES,
    ),
)

RESERVING = (
    _reserving.unless("currency of a payment", "order.currency not in (None, account.currency)", "EUR is not JPY"),
    _reserving.unless("usable method", "unusable", "an expired card or a check is not charged"),
    _reserving.without(
        "cooldown asked for",
        "    _refuse_while_cooling_down(account, order, now, policy)\n    allocations",
        "    allocations",
        "declined: try again after one hour (P9)",
    ),
    _reserving.unless(
        "only manual payments cool down", 'order.trigger != "manual"', "autopay has a schedule of its own"
    ),
    _reserving.without(
        "cooldown ends",
        "if until is not None and now < until:",
        "if until is not None:",
        "after an hour it may be tried again",
    ),
    _reserving.without(
        "cooldown by scope",
        'return "account" if scope == "account" else method.fingerprint',
        'return "account"',
        "a stage may let another card be tried at once",
    ),
    _reserving.unless("nothing payable", "payable_minor == 0", "a second click finds nothing to pay"),
    _reserving.unless(
        "expected balance", "order.expected_payable_minor not in (None, payable_minor)", "what the page showed is paid"
    ),
    _reserving.unless("amount within what is payable", "order.amount_minor > payable_minor", "nobody pays too much"),
    _reserving.without(
        "invoices in one payment with an amount",
        "if len(parts) > invoices_max:",
        "if False:",
        "a settlement has to fit one transaction",
    ),
    _reserving.without(
        "invoices in one payment",
        "return wanted[:invoices_max], max(0, len(wanted) - invoices_max)",
        "return wanted, 0",
        "a settlement has to fit one transaction",
    ),
    _reserving.unless("pending payments", "len(account.pending) >= policy.pending_max", "an account stays small"),
    _reserving.unless(
        "invoice named is open", "invoice_id not in account.open_invoices", "a paid invoice is not paid again"
    ),
    _reserving.without(
        "no more given up than needed",
        "if covers and needed > payable_minor:",
        "if covers:",
        "an authentication is given up only if it is in the way",
    ),
    _reserving.without(
        "only what covers is given up",
        "if covers and needed > payable_minor:",
        "if needed > payable_minor:",
        "an authentication for another invoice is not in the way",
    ),
    _reserving.without(
        "oldest given up first",
        "for payment in sorted(waiting, key=Payment.time_key):",
        "for payment in sorted(waiting, key=Payment.time_key, reverse=True):",
        "the oldest authentication is the likeliest abandoned",
    ),
    _reserving.without(
        "oldest due first",
        "in uncovered(account)\n        if invoice_ids",
        "in uncovered(account)[::-1]\n        if invoice_ids",
        "a part payment goes to what is due first",
    ),
    _reserving.without(
        "invoices named, no others",
        "if invoice_ids is None or invoice_id in invoice_ids",
        "if True",
        "what was not asked for is not paid",
    ),
    _reserving.without(
        "nothing allocated beyond the amount",
        "        if amount_minor == 0:\n            break\n",
        "",
        "a part payment covers no invoice with nothing",
    ),
    _reserving.without(
        "only what waits for the customer is in the way",
        'for payment in account.pending.values() if payment.status == "requires_action"]',
        "for payment in account.pending.values()]",
        "what the gateway works on is not given up for another payment",
    ),
    _reserving.without(
        "a check is planned with the reservation",
        "next_check_at=now + policy.checks[0],",
        "next_check_at=None,",
        "a crash after it must be found",
    ),
)

SETTLING = (
    _settling.unless(
        "money booked once", 'payment.status in ("succeeded", "returned")', "an approval told twice is booked once"
    ),
    _settling.without(
        "old news about an ended payment",
        "case _ if not pending:",
        "case _ if False:",
        "a late decline must not undo an end",
    ),
    _settling.without(
        "not sent speaks of one call",
        'case NotSent() if payment.status != "in_flight":',
        "case NotSent() if False:",
        "another call got through",
    ),
    _settling.without(
        "authentication expires once",
        'expires = payment.next_check_at if payment.status == "requires_action" else now + policy.action_expires',
        "expires = now + policy.action_expires",
        "asking again must not put the end off for ever",
    ),
    _settling.without(
        "check that is not due",
        "if payment.next_check_at is None or now < payment.next_check_at:",
        "if payment.next_check_at is None:",
        "two runs at once must not use the schedule up",
    ),
    _settling.unless("parked stays parked", 'payment.status == "parked"', "a person looks into it"),
    _settling.unless(
        "customer's or bank's turn is not parked",
        'payment.status in ("requires_action", "processing")',
        "silence of the gateway alone is no reason",
    ),
    _settling.without(
        "parked after the last check",
        "if done < len(policy.checks):",
        "if True:",
        "the schedule has an end",
    ),
    _settling.without(
        "legal moves only",
        "    check_move(payment.payment_id, payment.status, status)\n    return payment",
        "    return payment",
        "an illegal move is a defect and must not be written",
    ),
    _settling.unless(
        "payment has come further than the answer",
        "status not in MOVES[payment.status] | {payment.status}",
        "answers come out of order",
    ),
    _settling.without(
        "invoice voided or paid meanwhile",
        "        if invoice is None:\n            continue\n        share",
        "        if invoice is None:\n            booked.append(part)\n            continue\n        share",
        "what no longer fits becomes credit",
    ),
    _settling.without(
        "no more booked than remains",
        "share = min(part.amount_minor, invoice.remaining_minor)",
        "share = part.amount_minor",
        "what no longer fits becomes credit",
    ),
    _settling.without(
        "surplus credited",
        '"credited_minor": payment.amount_minor - sum(part.amount_minor for part in booked),',
        '"credited_minor": 0,',
        "captured = allocated + credited",
    ),
    _settling.without(
        "credit kept in the account",
        'update={"credit_minor": account.credit_minor + paid.credited_minor}',
        'update={"credit_minor": account.credit_minor}',
        "captured = allocated + credited",
    ),
    _settling.without(
        "paid invoice leaves the open ones",
        "            del open_invoices[part.invoice_id]\n",
        "",
        "a paid invoice is not paid again",
    ),
    _settling.without(
        "paid invoice says so",
        '            values["status"] = "paid"\n',
        "",
        "the invoice turns from unpaid to paid (P8)",
    ),
    _settling.without(
        "booked payment no longer pending",
        "    account = without_pending(account, [paid.payment_id])\n",
        "",
        "what has ended covers nothing",
    ),
    _settling.without(
        "ended payment no longer pending",
        "_log(without_pending(account, [payment.payment_id]), action",
        "_log(account, action",
        "what has ended covers nothing",
    ),
    _settling.without(
        "services back in the payment's commit",
        "account, back = with_services_back(account, now)",
        "back = False",
        "suspended services come back by themselves (P10)",
    ),
    _settling.without(
        "late money raises an alarm",
        "sets=(rebooked, *invoice_sets)), late=True)",
        "sets=(rebooked, *invoice_sets)))",
        "somebody should know",
    ),
    _settling.without(
        "late money named in the log",
        '"payment.succeeded_late" if late else "payment.succeeded"',
        '"payment.succeeded"',
        "somebody should know",
    ),
    _settling.without(
        "only a manual decline cools down",
        'retry_at = now + policy.cooldown if payment.trigger == "manual" else None',
        "retry_at = now + policy.cooldown",
        "an attempt at 6 must not stop the bookkeeper at 6:30",
    ),
    _settling.without(
        "decline class in the log",
        'why = {"code": declined.code, "decline_class": declined.decline_class}',
        'why = {"code": declined.code}',
        "the log tells why an issuer said no",
    ),
    _settling.without(
        "decline code in the log",
        'why = {"code": declined.code, "decline_class": declined.decline_class}',
        'why = {"decline_class": declined.decline_class}',
        "the log tells why an issuer said no",
    ),
    _settling.without(
        "who gave a payment up",
        '"payment.canceled", now, actor=actor, ',
        '"payment.canceled", now, ',
        "the log names them",
    ),
    _settling.without(
        "operator whose word it is",
        "return closing.actor if closing and payment.resolution == outcome else None",
        "return closing.actor if closing else None",
        "where the gateway knew better, the log names the payer",
        "tests/payments/test_resolving.py",
    ),
    _settling.without(
        "operator in the log of a success",
        '_resolved_by(payment, "succeeded", closing)',
        "None",
        "the log names whose word it was",
        "tests/payments/test_resolving.py",
    ),
    _settling.without(
        "operator in the log of a decline",
        '_resolved_by(payment, "declined", closing)',
        "None",
        "the log names whose word it was",
        "tests/payments/test_resolving.py",
    ),
    _settling.without(
        "what took a payment's place",
        "(closing.actor, closing.replaced_by_payment_id) if closing",
        "(closing.actor, None) if closing",
        "receipt and log say why it was canceled",
        "tests/payments/test_giving_up.py",
    ),
    _moves.without(
        "legal moves in one table",
        '"succeeded": frozenset({"returned"}),',
        '"succeeded": frozenset({"returned", "canceled"}),',
        "money that came is not undone by a late answer",
    ),
    _moves.without(
        "parked payments cover",
        '"processing", "parked"})\n"""Statuses',
        '"processing"})\n"""Statuses',
        "what a person still looks into must not be paid again",
    ),
    _settling.without(
        "cooldowns of other cards go on",
        '"cooldowns": still_cooling | {key: retry_at}',
        '"cooldowns": {key: retry_at}',
        "a second card's decline must not free the first",
    ),
    _settling.without(
        "cooldowns that are over are forgotten",
        "in account.cooldowns.items() if now < until}",
        "in account.cooldowns.items()}",
        "an account stays small",
    ),
    _settling.without(
        "late money takes the decline back",
        '            "decline": None,\n            "retry_at": None,\n',
        "",
        "a payment that succeeded was not declined",
    ),
    _settling.without(
        "an answer begins the checks anew",
        '            "checks": 0,\n',
        "",
        "the schedule of checks counts silence in a row",
    ),
    _moves.unless("a move that is not in the table", "there not in MOVES[here]", "an illegal move is a defect"),
)

BOOKING = (
    _booking.without(
        "account and payment read together",
        "account, recorded = self._ledger.read(Key(Account, account_id), Key(Payment, account_id, payment_id))",
        "recorded = self._ledger.get(Key(Payment, account_id, payment_id))\n"
        "        account = self._ledger.get(Key(Account, account_id))",
        "a payment read before its account books one charge twice",
        "tests/payments/test_races.py",
    ),
    _booking.unless("ended payment asks nobody", "payment_id not in account.pending", "what has ended needs no check"),
    _booking.unless(
        "another gateway's payment", "payment.method.gateway != self._gateway.name", "this gateway knows nothing of it"
    ),
    _booking.without(
        "resolution said again",
        "if was_resolved(payment, resolution, reference):\n                return payment",
        "if was_resolved(payment, resolution, reference):\n                pass",
        "saying the same again changes nothing",
    ),
    _booking.without(
        "only what is parked is resolved",
        'if payment.status != "parked":',
        "if False:",
        "an operator must not end what goes on by itself",
    ),
    _booking.without(
        "another reference is another resolution",
        "if payment.resolution == resolution and payment.resolution_reference == reference:",
        "if payment.resolution == resolution:",
        "whoever says something else must not hear that it was taken",
    ),
    _booking.without(
        "stale account read again",
        "account, standing, held = held, payment, None",
        "account, standing = held, payment",
        "whatever came between is read before deciding again",
    ),
    _booking.without(
        "resolution that changes nothing",
        '            if change is None:\n                raise not_resolvable(payment, "under_way")\n',
        "            if change is None:\n                return payment\n",
        "an answer that does not end the payment is no resolution",
    ),
    _booking.without(
        "silence of a charge is no check",
        "if closing and isinstance(answer, Unknown)",
        "if isinstance(answer, Unknown)",
        "the schedule of checks counts checks",
    ),
    _booking.without(
        "booking is patient",
        "PATIENCE = 4\n",
        "PATIENCE = 1\n",
        "it holds money that was taken",
    ),
    _booking.without(
        "what follows is in the same commit",
        "self._with_what_follows(standing, self._decide(account, standing, answer, closing))",
        "self._decide(account, standing, answer, closing)",
        "autopay hears of every end",
        "tests/sweeps/test_stories_autopay.py",
        "tests/sweeps/test_stories_declines.py",
    ),
    _booking.without(
        "resolution remembered",
        'told = payment.model_copy(update={"resolution": resolution, "resolution_reference": reference})',
        "told = payment",
        "saying the same again changes nothing",
    ),
)

SERVICE = (
    _service.without(
        "replay of an ended payment",
        "standing = recorded or account.pending.get(request.payment_id)",
        "standing = account.pending.get(request.payment_id)",
        "a repeated request is answered, not charged",
    ),
    _service.without(
        "replay of a pending payment",
        "standing = recorded or account.pending.get(request.payment_id)",
        "standing = recorded",
        "a repeated request is answered, not charged",
    ),
    _service.unless(
        "one body a key",
        "standing.request_fingerprint != request.request_fingerprint",
        "another body under one key is a mistake",
    ),
    _service.without(
        "given up once",
        "in_the_way(account, order) if payment_id not in given_up]",
        "in_the_way(account, order)]",
        "giving up what does not end would go on for ever",
    ),
    _service.without(
        "decided first as if they were gone",
        "                reserve(without_pending(account, in_our_way), order, now, self._policy)\n",
        "",
        "a request that is refused anyway must not give anything up",
    ),
    _service.without(
        "given up at the gateway first",
        "                    self._booking.close(account.account_id, payment_id, closing)\n",
        "                    account = self._ledger.commit(Change(without_pending(account, [payment_id])))\n",
        "the customer could still approve it",
    ),
    _service.without(
        "reserved before it is charged",
        'return self._ledger.commit(Change(account.model_copy(update={"pending": pending}))), payment\n\n'
        "        # One attempt more",
        "return account, payment\n\n        # One attempt more",
        "a crash after the charge must leave a trace",
    ),
    _service.without(
        "attempt under way",
        "            if decided.payment_id in account.pending:\n                return None\n",
        "",
        "a message delivered twice is one attempt",
        "tests/sweeps/test_stories_autopay.py",
        "tests/sweeps/test_races.py",
    ),
    _service.without(
        "scheduled attempt reserved before it is charged",
        'return self._ledger.commit(Change(account.model_copy(update={"pending": pending}))), payment\n\n        held',
        "return account, payment\n\n        held",
        "a crash after the charge must leave a trace",
        "tests/sweeps/test_races.py",
        "tests/proof/test_crashes.py",
    ),
    _service.without(
        "canceled stays canceled",
        'if payment.status == "canceled":\n            return PayResult(payment, replayed=True)\n'
        '        if payment.status != "requires_action"',
        'if payment.status != "requires_action"',
        "saying it twice changes nothing",
    ),
    _service.unless(
        "only what waits for the customer is given up",
        'payment.status != "requires_action"',
        "what the gateway works on cannot be called back",
    ),
    _service.unless(
        "giving up needs the gateway's word",
        'closed.status == "requires_action"',
        "the customer could still approve it",
    ),
    _service.unless(
        "resolution said again, before the gateway is asked",
        "was_resolved(payment, resolution, gateway_reference)",
        "saying the same again changes nothing, and nothing is closed for what is refused",
    ),
    _service.without(
        "resolution closes at the gateway first",
        'if resolution == "succeeded" else self._booking.fence(payment)',
        'if resolution == "succeeded" else Closed()',
        "what happened there is booked instead",
    ),
    _service.unless(
        "an operator's word needs a reference",
        'resolution != "canceled" and gateway_reference is None',
        "that the gateway shows no charge proves nothing",
        "tests/payments/test_resolving.py",
    ),
    _booking.without(
        "a check in vain means nothing to autopay",
        "change is None or settlement.payment.status == before.status",
        "change is None",
        "it would stop what the customer has switched on again",
        "tests/payments/test_reconciling.py",
    ),
    _service.unless(
        "cancel needs the gateway's word",
        'resolution == "canceled" and isinstance(answer, Unknown)',
        "money could still be taken",
    ),
    _checks.without(
        "check that is due",
        "if payment.next_check_at and payment.next_check_at <= now]",
        "if payment.next_check_at]",
        "a payment under way is left alone",
    ),
    _checks.without(
        "busy account postponed",
        "return CheckCounts(postponed=1)",
        "return CheckCounts(failed=1)",
        "the next run takes it, nobody has to look",
    ),
    _checks.without(
        "one broken check stops no other",
        "        except Exception:  # whatever is wrong with one payment, the money of all others is booked\n",
        "        except MemoryError:\n",
        "the money of all others is booked",
    ),
    _service.without(
        "payment listed once",
        "*(p for p in pending if p.payment_id not in known)",
        "*pending",
        "it may end between the two reads",
    ),
    _service.without(
        "list goes on behind its cursor",
        "if after is None or p.time_key() < after]",
        "]",
        "a pending payment is listed once",
    ),
    _service.without(
        "account, payment and method read together",
        "account, recorded = self._ledger.read(account_key, payment_key)",
        "recorded = self._ledger.get(payment_key)\n            account = self._ledger.get(account_key)",
        "a payment read before its account is charged twice",
    ),
    _service.without(
        "removed method",
        'elif named is None or named.status == "removed":',
        "elif named is None:",
        "a removed card is never charged",
    ),
    _service.unless(
        "method of another gateway", "method.gateway != self._gateway.name", "its reference means nothing here"
    ),
    _service.unless(
        "reserved too long ago",
        "self._clock.now() - payment.reserved_at > self._policy.charge_within",
        "a check may be closing it right now",
    ),
    _service.without(
        "whatever breaks, the payment is the answer",
        "        except Exception:  # see above\n",
        "        except MemoryError:\n",
        "the money may be taken, and nobody must hear failed",
    ),
    _service.without(
        "customer's key never meets a sweep's",
        '"pay" if self.trigger == "manual" else self.trigger',
        '"pay"',
        "key 0 of a customer is not attempt 0",
    ),
    _models.without(
        "equal keys of two customers never meet",
        'return derived_id("pay", account_id, operation, key)',
        'return derived_id("pay", operation, key)',
        "the gateway would answer one with the other's charge",
    ),
    _service.without(
        "method named read with its account",
        "account, recorded, method = self._ledger.read(account_key, payment_key, method_key)",
        "method = self._ledger.get(method_key)\n"
        "            account, recorded = self._ledger.read(account_key, payment_key)",
        "a card removed meanwhile would be charged",
        "tests/payment_methods/test_removing.py",
    ),
    _service.without(
        "payment read with its account and the method named",
        "account, recorded, method = self._ledger.read(account_key, payment_key, method_key)",
        "recorded = self._ledger.get(payment_key)\n"
        "            account, method = self._ledger.read(account_key, method_key)",
        "a payment read before its account is charged twice",
    ),
    _service.without(
        "giving up takes no attempt",
        "replace(self._attempts, most=self._attempts.most + 1)",
        "self._attempts",
        "it happens once, beside all other attempts",
    ),
    _service.without(
        "what an attempt decides beside a payment is written",
        "                self._ledger.commit(decided)\n                return None\n",
        "                return None\n",
        "an expired card stops autopay, and the index is set right",
        "tests/sweeps/test_stories_declines.py",
        "tests/sweeps",
    ),
    _service.without(
        "the gateway's word before the operator's",
        'if resolution == "declined" and isinstance(answer, (Unknown, Closed)):',
        'if resolution == "declined":',
        "money the gateway took is booked, whatever somebody was told",
    ),
    _service.without(
        "an operator's word where the gateway is silent",
        'if resolution == "declined" and isinstance(answer, (Unknown, Closed)):',
        'if resolution == "declined" and isinstance(answer, Closed):',
        "what is parked needs an end although nobody answers",
    ),
    _service.without(
        "an operator's word where the gateway closed it",
        'if resolution == "declined" and isinstance(answer, (Unknown, Closed)):',
        'if resolution == "declined" and isinstance(answer, Unknown):',
        "a decline is recorded as one",
    ),
    _service.without(
        "nobody is there when a schedule charges",
        'customer_present=payment.trigger == "manual",',
        "customer_present=True,",
        "an authentication would wait for nobody",
    ),
    _service.without(
        "somebody is there when a customer pays",
        'customer_present=payment.trigger == "manual",',
        "customer_present=False,",
        "a bank that asks for authentication would decline",
    ),
    _checks.unless(
        "checks of one account have an end",
        "self._stopwatch() - began > self._at_most.total_seconds()",
        "a silent gateway must not keep the worker from handing over",
    ),
    _checks.without(
        "longest due checked first",
        "for payment in sorted(due, key=lambda payment: (payment.next_check_at, payment.payment_id)):",
        "for payment in due:",
        "with little time the same ones would be left every time",
    ),
    _checks.without(
        "parked told once",
        'parked = payment.status == "parked" != due.status',
        'parked = payment.status == "parked"',
        "an alarm every day for one payment would be read no more",
    ),
    _pending.unless(
        "page of pending payments ends in time", "looked_at == ACCOUNTS_PER_PAGE", "a search has to be answered in time"
    ),
    _pending.without(
        "pending payment listed once",
        "if payment.payment_id <= behind or not wanted(payment):",
        "if not wanted(payment):",
        "the next page goes on behind the last",
    ),
)
