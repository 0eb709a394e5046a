"""Guards of accounts, invoices, payment methods and the activity log."""

from tests.mutation.guard import File

_accounts = File("chalicelib/accounts/rules.py", ("tests/accounts", "tests/autopay", "tests/payments", "tests/overdue"))
_opening = File("chalicelib/accounts/service.py", ("tests/accounts",))
_account = File("chalicelib/accounts/models.py", ("tests/accounts", "tests/payments"))
_wiring = File("chalicelib/wiring.py", ("tests/sweeps/test_fan_out.py", "tests/sweeps", "tests/overdue"))
_invoice_rules = File("chalicelib/invoices/rules.py", ("tests/invoices",))
_invoices = File("chalicelib/invoices/service.py", ("tests/invoices", "tests/ledger/test_races.py"))
_keeping = File("chalicelib/payment_methods/keeping.py", ("tests/payment_methods",))
_usability = File("chalicelib/payment_methods/rules.py", ("tests/payment_methods",))
_methods = File("chalicelib/payment_methods/service.py", ("tests/payment_methods",))
_chain = File("chalicelib/activity/rules.py", ("tests/activity",))
_verifying = File("chalicelib/activity/service.py", ("tests/activity",))

ACCOUNTS = (
    _accounts.without(
        "what is covered is not payable",
        "invoice.remaining_minor - covered.get(i, 0)) for i, invoice in oldest_due_first(account)]",
        "invoice.remaining_minor) for i, invoice in oldest_due_first(account)]",
        "two payments must not cover one invoice, and a debit in the bank stops dunning",
    ),
    _accounts.without(
        "covered invoices left out",
        "for invoice_id, invoice, minor in left if minor > 0]",
        "for invoice_id, invoice, minor in left]",
        "a payment lists what it pays",
    ),
    _accounts.without(
        "new method earns an attempt",
        "return method is not None and autopay.failed_method == method",
        "return method is not None",
        "a new card settles the old invoice",
    ),
    _accounts.without(
        "due today is not overdue",
        "if invoice.due_on < today}",
        "if invoice.due_on <= today}",
        "overdue starts at midnight",
    ),
    _accounts.without(
        "covered within what remains",
        "covered[part.invoice_id] = min(invoice.remaining_minor, already + part.amount_minor)",
        "covered[part.invoice_id] = already + part.amount_minor",
        "an invoice partly paid otherwise makes no negative balance",
    ),
    _accounts.without(
        "services back when nothing is overdue",
        "balance(account, today_of(account, now)).overdue_minor > 0:",
        "balance(account, today_of(account, now)).open_minor > 0:",
        "an invoice that is not due yet keeps nobody suspended (P10)",
    ),
    _accounts.without(
        "services back only when nothing is overdue",
        'if account.services.status == "active" or balance(account, today_of(account, now)).overdue_minor > 0:',
        'if account.services.status == "active":',
        "suspended exactly when the policy says",
    ),
    _accounts.without(
        "covered is still overdue",
        "overdue_minor=sum(invoice.remaining_minor for invoice in overdue.values()),",
        "overdue_minor=sum(invoice.remaining_minor - covered.get(i, 0) for i, invoice in overdue.items()),",
        "only money that arrived brings services back",
    ),
    _accounts.without(
        "cooldown that has ended",
        'if key in ("account", fingerprint) and now < until]',
        'if key in ("account", fingerprint)]',
        "the page must not say wait when nobody has to",
        "tests/journeys/test_p9_declined_try_again_after_one_hour.py",
    ),
    _accounts.unless(
        "autopay begins anew when switched on",
        "enabled and not autopay.enabled and plan_holds(autopay, default)",
        "it is a customer's word to try again",
    ),
    _accounts.without(
        "what is known of another method stays when switched on",
        "not autopay.enabled and plan_holds(autopay, default):",
        "not autopay.enabled:",
        "a new card has all its attempts",
    ),
    _accounts.without(
        "autopay begins anew only when switched on",
        "if enabled and not autopay.enabled and",
        "if enabled and",
        "saying it again earns no attempt",
    ),
    _accounts.without(
        "number of attempts never reset",
        "        sequence=autopay.sequence,\n",
        "",
        "an old number would replay an old payment",
    ),
    _accounts.without(
        "refused cards never forgotten",
        "        refused_fingerprints=autopay.refused_fingerprints,\n",
        "",
        "the schemes forbid it after a stolen card",
    ),
    _accounts.without(
        "declines of the day stay counted",
        "        declines_that_day=autopay.declines_that_day,\n",
        "",
        "switching off and on would try a card on and on",
        "tests/autopay",
    ),
    _opening.unless(
        "one body a key, of accounts",
        "standing.request_fingerprint != request.request_fingerprint",
        "another body under one key is a mistake",
    ),
    _opening.unless("replay of an account", "standing is not None", "an account is opened once"),
    _opening.unless(
        "recipients said again", "account.invoice_recipients == recipients", "doing it again changes nothing"
    ),
    _account.without(
        "pending payment stands in the index of checks",
        'return index | due_index("reconcile", self.account_id, min(checks, default=None))',
        "return index",
        "no check would find it",
    ),
    _account.without(
        "version of an account's record",
        "schema_version: Literal[1] = 1",
        "schema_version: int = 1",
        "other defaults were left out of it",
        "tests/ledger/test_unreadable.py",
    ),
    _account.without(
        "earliest check first",
        "min(checks, default=None)",
        "max(checks, default=None)",
        "a check would come too late",
    ),
    _wiring.without(
        "autopay stands in its index",
        'due_index("autopay", account.account_id, autopay_due_at(account, autopay))\n            | ',
        "",
        "no run would find it",
    ),
    _wiring.without(
        "overdue stands in its index",
        '            | due_index("overdue", account.account_id, overdue_due_at(account, overdue))\n',
        "",
        "no run would find it",
    ),
    _wiring.without(
        "renewals stand in their index",
        '            | due_index("renewals", account.account_id, renewal_at)\n',
        "",
        "no run would find it",
    ),
    _account.without(
        "what is no payment is refused",
        "return {**known, **payment} if isinstance(payment, dict) else payment",
        "return {**known, **payment}",
        "a damaged record is told as one",
        "tests/ledger/test_unreadable.py",
    ),
)

INVOICES = (
    _invoice_rules.unless("total of an invoice", "not 0 < total <= MINOR_MAX", "an invoice asks for money"),
    _invoice_rules.without(
        "open invoices of an account",
        "if open_invoices_max is not None and len(account.open_invoices) >= open_invoices_max:",
        "if False:",
        "an account stays small",
    ),
    _invoice_rules.without(
        "credit used first",
        "from_credit = min(account.credit_minor, total)",
        "from_credit = 0",
        "the customer's money is used before more is asked for",
    ),
    _invoice_rules.without(
        "credit used once",
        '"credit_minor": account.credit_minor - from_credit,',
        '"credit_minor": account.credit_minor,',
        "credit is money",
    ),
    _invoice_rules.without(
        "no more credit than needed",
        "from_credit = min(account.credit_minor, total)",
        "from_credit = account.credit_minor",
        "credit is money",
    ),
    _invoice_rules.unless("only unpaid invoices voided", 'invoice.status != "unpaid"', "a paid invoice stays"),
    _invoice_rules.unless(
        "partly paid invoice not voided", "set(invoice.payments) - {CREDIT}", "money booked on it would be nowhere"
    ),
    _invoice_rules.without(
        "credit of a void invoice goes back",
        '"credit_minor": account.credit_minor + credit,',
        '"credit_minor": account.credit_minor,',
        "credit is money",
    ),
    _invoice_rules.without(
        "void invoice leaves the open ones",
        "for i, o in account.open_invoices.items() if i != invoice.invoice_id}",
        "for i, o in account.open_invoices.items()}",
        "nobody pays it",
    ),
    _invoice_rules.without(
        "services back after a void",
        "account, back = with_services_back(account, now)",
        "back = False",
        "suspended with nothing overdue",
    ),
    _invoices.without(
        "one body a key, of invoices",
        "if made.request_fingerprint != request.request_fingerprint:",
        "if False:",
        "another body under one key is a mistake",
    ),
    _invoices.unless("replay of an invoice", "made is not None", "a repeated request is answered"),
    _invoices.unless("currency of an invoice", "request.currency not in (None, account.currency)", "EUR is not JPY"),
    _invoices.unless("dates of an invoice", "request.due_on < issued_on", "nothing is due before it is asked for"),
    _invoices.without(
        "request of an invoice remembered",
        "puts=(*change.puts, marker)))",
        "puts=change.puts))",
        "the same request on another day would issue it again",
    ),
    _invoices.unless("void said again", 'found.invoice.status == "void"', "doing it again changes nothing"),
    _invoices.unless(
        "id of an invoice", "not invoice_id.startswith(INVOICE_PREFIX)", "request markers stand in the same table"
    ),
    _invoices.without(
        "account and invoice read together",
        "account, invoice = self._ledger.read(Key(Account, account_id), _key(account_id, invoice_id))",
        "invoice = self._ledger.get(_key(account_id, invoice_id))\n"
        "        account = self._ledger.get(Key(Account, account_id))",
        "an invoice read before its account would be voided after it was paid",
    ),
    _invoice_rules.without(
        "paid by credit is not open",
        "    if remaining:\n",
        "    if True:\n",
        "nothing of it is left to pay",
    ),
    _invoice_rules.without(
        "paid by credit says so",
        'status="unpaid" if remaining else "paid",',
        'status="unpaid",',
        "nothing of it is left to pay",
    ),
)

METHODS = (
    _keeping.unless("methods of an account", "account.method_count >= policy.methods_max", "an account stays small"),
    _keeping.unless(
        "attempts to add a method", "len(recent) >= policy.attempts_per_day_max", "nobody tries out stolen cards here"
    ),
    _keeping.without(
        "attempts of a day",
        "for at in account.method_attempts if at > now - ATTEMPTS_WINDOW)",
        "for at in account.method_attempts)",
        "tomorrow it may be tried again",
    ),
    _keeping.without(
        "first method becomes the default",
        "becomes_default = make_default or account.default_method is None",
        "becomes_default = make_default",
        "exactly one default",
    ),
    _keeping.without(
        "added method counted as an attempt",
        "with_attempt(account, card.added_at).model_copy(update=values)",
        "account.model_copy(update=values)",
        "nobody tries out stolen cards here",
    ),
    _keeping.without(
        "copy of the default follows",
        'account = account.model_copy(update={"default_method": snapshot(updated)})',
        "pass",
        "the account charges what the method says",
    ),
    _keeping.unless(
        "autopay needs a default", "default is None and autopay_enabled", "there would be nothing to charge"
    ),
    _keeping.unless(
        "settings said again",
        "default == account.default_method and autopay == account.autopay",
        "doing it again changes nothing",
    ),
    _keeping.unless(
        "autopay needs a usable default",
        "autopay_enabled and default is not None",
        "a check is never charged automatically",
    ),
    _keeping.unless("method in use", "in_use", "a pending payment may still charge it"),
    _keeping.unless("removing the default is a choice", 'on_default == "refuse"', "an explicit choice (P4)"),
    _keeping.without(
        "no autopay without a default",
        '"default_method": None, "autopay": account.autopay.model_copy(update={"enabled": False})}',
        '"default_method": None}',
        "autopay on needs a default method",
    ),
    _keeping.without(
        "successor is there",
        'if successor is None or successor.status == "removed":',
        "if successor is None:",
        "a removed card does not become the default",
    ),
    _keeping.without(
        "successor that autopay can charge",
        "if account.autopay.enabled:\n        _refuse_unusable(account, default, now)\n    return default",
        "return default",
        "autopay would fail unseen",
    ),
    _keeping.without(
        "new default that autopay can charge",
        "if account.autopay.enabled:\n            _refuse_unusable(account, snapshot(card), card.added_at)",
        "pass",
        "autopay would fail unseen",
        "tests/sweeps/test_stories_declines.py",
    ),
    _keeping.unless(
        "default whose bank did not say never again",
        "default.fingerprint in account.autopay.refused_fingerprints",
        "autopay would be on and never charge",
        "tests/sweeps/test_stories_declines.py",
    ),
    _keeping.without(
        "removed method no longer counted",
        '"method_count": account.method_count - 1}',
        '"method_count": account.method_count}',
        "the limit counts what is there",
    ),
    _usability.unless("a check cannot be charged", 'method.kind == "check"', "nobody can charge a check"),
    _usability.without(
        "method not usable yet, by hand",
        "if method.usable_from is not None and now < method.usable_from:",
        "if False:",
        "a mandate has a first day",
    ),
    _usability.without(
        "expired card",
        "if method.last_usable_on is not None and today > method.last_usable_on:",
        "if False:",
        "asking would be in vain",
    ),
    _usability.without(
        "good through its last day",
        "today > method.last_usable_on",
        "today >= method.last_usable_on",
        "a card is good through the last day of the month printed on it",
    ),
    _methods.unless(
        "one body a key, of methods",
        "method.request_fingerprint != request.request_fingerprint",
        "another body under one key is a mistake",
    ),
    _methods.without(
        "replay of a method",
        "            if method is not None:\n                if method.request_fingerprint",
        "            if method is not None and False:\n                if method.request_fingerprint",
        "a repeated request is answered",
    ),
    _methods.without(
        "limit looked at before a card is kept",
        "                keeping.refuse_over_limit(account, now, self._policy)\n",
        "                pass\n",
        "nobody tries out stolen cards here",
    ),
    _methods.unless(
        "card of a lost race forgotten", "isinstance(answer, AttachedCard)", "the gateway keeps no card nobody knows"
    ),
    _methods.without(
        "gateway asked once for a card",
        "answer = answer or self._attach(request)",
        "answer = self._attach(request)",
        "a one-time token is good once",
    ),
    _methods.without(
        "brands that are taken",
        "if isinstance(answer, TokenRefused) or answer.brand not in self._policy.card_brands:",
        "if isinstance(answer, TokenRefused):",
        "an allow-list (P2)",
    ),
    _methods.without(
        "refused card counted as an attempt",
        "                self._ledger.commit(Change(keeping.with_attempt(account, now)))\n"
        "                raise self._refusal",
        "                raise self._refusal",
        "nobody tries out stolen cards here",
    ),
    _methods.without(
        "refused card forgotten",
        "        self._gateway.detach(answer.reference)\n        return Invalid",
        "        return Invalid",
        "the gateway keeps no card nobody knows",
    ),
    _methods.without(
        "removed method is gone",
        'if method is None or method.status == "removed":\n            raise NotFound',
        "if method is None:\n            raise NotFound",
        "a tombstone is nobody's card",
    ),
    _methods.without(
        "removed method is no default",
        'if default_payment_method_id is not None and (method is None or method.status == "removed"):',
        "if default_payment_method_id is not None and method is None:",
        "a removed card is never charged",
    ),
    _methods.without(
        "removed once",
        'if method.status == "removed":\n                return method',
        "if False:\n                return method",
        "doing it again changes nothing",
    ),
    _methods.unless("method changed once", "method == found.method", "doing it again changes nothing"),
    _methods.without(
        "removed card forgotten by the gateway",
        "            self._gateway.detach(method.gateway_reference)\n",
        "            pass\n",
        "nothing keeps a card that the customer removed",
    ),
    _methods.without(
        "another gateway's card left alone",
        "if method.gateway == self._gateway.name:",
        "if True:",
        "its reference means nothing here",
    ),
    _keeping.without(
        "another card's facts leave the default alone",
        "    if is_default(account, method.payment_method_id):\n        account = account",
        "    if True:\n        account = account",
        "the account charges the method that was chosen",
    ),
    _keeping.without(
        "another card's removal leaves the default alone",
        '    if is_default(account, method.payment_method_id):\n        if on_default == "refuse":',
        '    if True:\n        if on_default == "refuse":',
        "exactly one default",
    ),
    _methods.unless("successor is another", "promote == payment_method_id", "what is being removed is no default"),
    _methods.without(
        "method to remove is there",
        '            if method is None:\n                raise NotFound("not_found")\n            if method.status',
        "            if method is None:\n                return None\n            if method.status",
        "nobody is told that something was removed which never was",
    ),
    _methods.without(
        "no card without the gateway's word",
        '            raise Unavailable("gateway_unavailable", retry_after_seconds=5)\n',
        '            return TokenRefused("no answer")\n',
        "the same request may be sent again",
    ),
    _methods.unless(
        "only cards expire", "expires is not None and not isinstance(found.method, Card)", "a debit has no expiry"
    ),
    _methods.without(
        "account and method read together",
        "account, method = self._ledger.read(account_key, Key(PaymentMethodRecord, account_id, payment_method_id))",
        "method = self._ledger.get(Key(PaymentMethodRecord, account_id, payment_method_id))\n"
        "            account = self._ledger.get(account_key)",
        "a method removed meanwhile would become the default",
    ),
    _methods.without(
        "successor read with its account",
        "        account, method, successor = self._ledger.read(\n"
        "            Key(Account, account_id),\n"
        "            Key(PaymentMethodRecord, account_id, payment_method_id),\n"
        "            Key(PaymentMethodRecord, account_id, promote),\n        )\n",
        "        successor = self._ledger.get(Key(PaymentMethodRecord, account_id, promote))\n"
        "        account, method = self._ledger.read(\n"
        "            Key(Account, account_id), Key(PaymentMethodRecord, account_id, payment_method_id)\n        )\n",
        "a method removed meanwhile would become the default",
    ),
)

ACTIVITY = (
    _chain.without(
        "each entry sealed over the one before",
        'hashlib.sha256(f"{previous_hash}\\n{canonical_json(body)}".encode())',
        "hashlib.sha256(canonical_json(body).encode())",
        "nothing can be taken out of the middle",
    ),
    _chain.unless("no gap", "entry.sequence != previous.count + 1", "nothing can be taken out"),
    _chain.unless("each follows the one before", "entry.previous_hash != previous.head_hash", "nothing can be put in"),
    _chain.unless("nothing altered", "entry.hash != resealed(entry)", "amounts stay as they were"),
    _chain.without(
        "facts are sealed",
        '        "facts": facts,\n    }\n    sealed',
        "    }\n    sealed",
        "amounts stay as they were",
    ),
    _chain.without(
        "who did it is sealed",
        '        "actor": actor.subject,\n        "facts": facts,\n    }',
        '        "facts": facts,\n    }',
        "nobody can be blamed for another's act",
    ),
    _chain.without(
        "head kept in the account",
        '"activity": ActivityHead(count=sequence, head_hash=sealed)}',
        '"activity": ActivityHead(count=sequence, head_hash=head.head_hash)}',
        "a log rewritten as a whole is found",
    ),
    _verifying.without(
        "head compared",
        'return None if reached.head_hash == head.head_hash else Flaw(head.count, "does_not_match_the_account")',
        "return None",
        "a log rewritten as a whole is found",
    ),
    _verifying.without(
        "cut tail",
        'return Flaw(reached.count + 1, "missing") if len(entries) < limit else None',
        "return None",
        "the last entries cannot be taken out",
    ),
    _verifying.without(
        "entries that come meanwhile",
        "entries = [entry for entry in found if entry.sequence <= head.count]",
        "entries = list(found)",
        "they are no flaw",
    ),
    _verifying.without(
        "account read before its log",
        "        head = self._account(account_id).activity\n        after = _sequence(cursor) or 0\n"
        "        previous = self._anchor(account_id, after)\n"
        "        found, unreadable = self._entries(account_id, after, limit)\n",
        "        after = _sequence(cursor) or 0\n"
        "        previous = self._anchor(account_id, after)\n"
        "        found, unreadable = self._entries(account_id, after, limit)\n"
        "        head = self._account(account_id).activity\n",
        "what comes meanwhile would seem missing",
    ),
    _verifying.without(
        "cursor names an entry",
        'if entry is None:\n            raise Malformed("bad_cursor")\n        return',
        "if entry is None:\n            return ActivityHead(count=sequence)\n        return",
        "a client's cursor may be anything",
    ),
    _verifying.without(
        "entry that cannot be read",
        "if flaw is None and unreadable is not None and last < head.count:",
        "if False:",
        "whoever verifies is told which entry was tampered with",
    ),
    _verifying.without(
        "cursor that is a number",
        "if not position[0].isascii() or not position[0].isdigit() or len(position[0]) > 15:",
        "if False:",
        "a client's cursor may be anything",
    ),
)
