"""Guards of what is done on schedule: autopay, chasing, subscriptions, the fan-out."""

from tests.mutation.guard import File

_STORIES = ("tests/sweeps/test_stories_autopay.py", "tests/sweeps/test_stories_declines.py")

_autopay = File("chalicelib/autopay/rules.py", ("tests/autopay", *_STORIES))
_ends = File("chalicelib/autopay/after_payments.py", ("tests/autopay", *_STORIES))
_attempts = File("chalicelib/autopay/service.py", ("tests/autopay", *_STORIES, "tests/sweeps/test_races.py"))
_overdue = File("chalicelib/overdue/rules.py", ("tests/overdue",))
_chasing = File("chalicelib/overdue/service.py", ("tests/overdue",))
_subscriptions = File("chalicelib/subscriptions/rules.py", ("tests/subscriptions",))
_renewals = File("chalicelib/subscriptions/renewals.py", ("tests/subscriptions",))
_selling = File("chalicelib/subscriptions/service.py", ("tests/subscriptions",))
_tour = File("chalicelib/sweeps/tour.py", ("tests/sweeps/test_tour.py", "tests/sweeps/test_fan_out.py"))
_stores = File("chalicelib/sweeps/stores.py", ("tests/sweeps/test_stores.py",))
_fan_out = File("chalicelib/sweeps/service.py", ("tests/sweeps/test_fan_out.py",))

AUTOPAY = (
    _autopay.without(
        "one attempt at a time",
        'if any(payment.trigger == "autopay" and payment.status in unknown for payment in account.pending.values()):',
        "if False:",
        "an attempt under way is not made again under the next number",
    ),
    _autopay.without(
        "a debit at its bank holds up nothing else",
        'payment.trigger == "autopay" and payment.status in unknown for',
        'payment.trigger == "autopay" for',
        "later invoices would be chased while autopay is on",
    ),
    _autopay.without(
        "autopay is on",
        "if not account.autopay.enabled or method is None",
        "if method is None",
        "no automatic charge while it is off",
    ),
    _autopay.without(
        "a check is never charged",
        'or method is None or method.kind == "check":',
        "or method is None:",
        "nobody can charge a check",
    ),
    _autopay.unless(
        "never again with this method",
        "method.fingerprint in account.autopay.refused_fingerprints",
        "the schemes forbid it after a stolen card",
    ),
    _autopay.without(
        "planned retry waits",
        "if plan_holds(autopay, method) and autopay.next_attempt_at is not None:",
        "if False:",
        "retry days are the stage's policy",
    ),
    _autopay.without(
        "so many declines a day",
        "autopay.declines_that_day >= policy.declines_per_day",
        "False",
        "card schemes fine those who try on and on",
    ),
    _autopay.unless(
        "an account full of pending payments waits",
        "len(account.pending) >= policy.pending_max",
        "every run would fail on it",
    ),
    _ends.without(
        "declines of one day are counted together",
        "autopay.declines_that_day if autopay.declined_on == today else 0",
        "0",
        "card schemes fine those who try on and on",
    ),
    _ends.without(
        "declines of another day are over",
        "autopay.declines_that_day if autopay.declined_on == today else 0",
        "autopay.declines_that_day",
        "retry days would be put off",
    ),
    _ends.unless(
        "what was voided during its attempt",
        "not any(invoice.given_up for invoice in account.open_invoices.values())",
        "autopay would look stopped after one decline",
    ),
    _autopay.without(
        "autopay waits out a cooldown",
        'if key in ("account", method.fingerprint)]',
        "if False]",
        "a card declined by hand is not tried again at once",
    ),
    _autopay.unless("method not usable yet", "method.usable_from is not None", "a mandate has a first day"),
    _autopay.without(
        "not before its hour",
        "return () if at is None or at > now else",
        "return () if at is None else",
        "an index may name an account too early",
    ),
    _autopay.without(
        "only what is due",
        "in _called_for(account, account.default_method) if invoice.due_on <= day)",
        "in _called_for(account, account.default_method))",
        "what is not due yet is not charged",
    ),
    _ends.without(
        "expired card not tried",
        '!= "expired":',
        '!= "never":',
        "asking would be in vain",
    ),
    _ends.without(
        "only autopay's declines count",
        'case "declined" if by_autopay and payment.decline is not None:',
        'case "declined" if payment.decline is not None:',
        "the bookkeeper's wrong card does not stop autopay",
    ),
    _ends.without(
        "never again, whoever tried",
        'case "declined" if payment.decline is not None and payment.decline.decline_class == "never_again":',
        'case "declined" if False:',
        "the schemes forbid it after a stolen card",
    ),
    _ends.without(
        "only never again is refused by hand",
        'case "declined" if payment.decline is not None and payment.decline.decline_class == "never_again":',
        'case "declined" if payment.decline is not None:',
        "an empty card may be full tomorrow",
    ),
    _ends.without(
        "payer asked is a stop",
        'case "requires_action" if by_autopay and payment.method == account.default_method:',
        'case "requires_action" if False:',
        "nobody is there to confirm: it would be asked every hour",
    ),
    _ends.without(
        "a former default that has to be confirmed",
        "if by_autopay and payment.method == account.default_method:",
        "if by_autopay:",
        "it would stop the card that is default now",
    ),
    _ends.without(
        "another card to be confirmed begins anew",
        "            account = _begun(account, payment.method)\n",
        "",
        "it was not declined yet",
    ),
    _fan_out.without(
        "what was done is counted whatever ended it",
        "        finally:\n            tour.close()\n",
        "        finally:\n            pass\n",
        "a run's amounts would be too low",
    ),
    _ends.without(
        "only the present attempt is made anew",
        'case "canceled" if current:',
        'case "canceled":',
        "what the customer gives up, or was parked long ago, does not put autopay off",
    ),
    _ends.without(
        "attempt that ended raises the number",
        "_set(account.autopay, sequence=account.autopay.sequence + 1)",
        "account.autopay",
        "the next attempt is another payment",
    ),
    _ends.without(
        "unknown outcome keeps the number",
        'if current and payment.status != "in_flight":',
        "if current:",
        "an attempt without an answer is still this one",
    ),
    _ends.without(
        "an attempt raises the number once",
        'if current and payment.status != "in_flight":',
        'if by_autopay and payment.status != "in_flight":',
        "a bank's late answer skips no number",
    ),
    _ends.without(
        "only autopay's attempts raise the number",
        "current = by_autopay and payment.payment_id == attempt_id(account)",
        "current = True",
        "a manual payment is no attempt",
    ),
    _autopay.unless(
        "stop lasts",
        "plan_holds(account.autopay, method) and only_the_customer_lifts(account.autopay)",
        "fix_method, needs_customer and never_again wait for the customer",
    ),
    _autopay.without(
        "later invoice starts again only after the retries ended",
        'return autopay.stopped_reason not in (None, "retries_exhausted")',
        "return False",
        "a wrong card is not tried again because something else fell due",
    ),
    _autopay.without(
        "what was given up stays so",
        "if not (holds and invoice.given_up)]",
        "]",
        "it was tried as often as agreed",
    ),
    _ends.without(
        "only what was tried is given up",
        "if invoice_id in paid or (invoice_id in left_out and invoice.due_on <= tried_on)",
        "if True",
        "what was never tried is not forgotten",
    ),
    _ends.without(
        "what was left out counts as tried",
        "or (invoice_id in left_out and invoice.due_on <= tried_on)",
        "or False",
        "with more due than one payment holds the retries would never end",
    ),
    _ends.without(
        "an older payment says nothing about the default",
        "    if account.default_method != method:\n",
        "    if False:\n",
        "a card known to be bad is not charged again",
    ),
    _ends.without(
        "no late decline lifts a stop",
        "    if plan_holds(autopay, method) and only_the_customer_lifts(autopay):\n",
        "    if False:\n",
        "a card known to be bad is not charged again",
    ),
    _ends.without(
        "an attempt not made lifts no stop",
        "if account.default_method != method or (plan_holds(autopay, method) and only_the_customer_lifts(autopay)):",
        "if account.default_method != method:",
        "the schemes forbid it after a stolen card",
    ),
    _ends.without(
        "technical retries bounded",
        'decline_class == "technical" and technical < policy.technical_retries_max',
        'decline_class == "technical"',
        "a broken processor is not asked every hour for ever",
    ),
    _ends.without(
        "technical retries are counted for each debt",
        "technical = autopay.technical if any(i.tried_on for i in account.open_invoices.values()) else 0",
        "technical = autopay.technical",
        "last month's fault takes no retry from this month",
    ),
    _ends.without(
        "technical declines use up no retry day",
        "account = _marked(account, payment, counts=not soon)",
        "account = _marked(account, payment, counts=True)",
        "they were nobody's fault",
    ),
    _ends.without(
        "as often as agreed",
        "for i, invoice in tried.items() if invoice.declines <= len(retry_days)}",
        "for i, invoice in tried.items()}",
        "a bank debit may be presented three times",
    ),
    _ends.without(
        "retry days of what was tried last",
        "first = max((invoice.tried_on",
        "first = min((invoice.tried_on",
        "what fell due later has its retry days too",
    ),
    _ends.without(
        "what another payment is for is not left out",
        "left_out = {i for i, _, _ in uncovered(account)}",
        "left_out = set(account.open_invoices)",
        "a debit at its bank is not given up for another's declines",
    ),
    _ends.without(
        "a late technical decline moves no other retry",
        "if beside and autopay.next_attempt_at is not None:",
        "if False:",
        "nothing is asked for twice on one day",
    ),
    _ends.without(
        "no debit once more",
        'method.kind != "bank_debit"',
        "True",
        "the rules of the schemes allow three presentments",
    ),
    _ends.unless(
        "retries beside retries",
        "_others_are_tried(account, payment)",
        "what another attempt was for is retried still",
    ),
    _ends.without(
        "another method begins anew after a stop",
        'fresh |= {"tried_on": None, "declines": 0}',
        "pass",
        "a new card has its retry days",
    ),
    _ends.without(
        "what was given up with another method calls for attempts again",
        'fresh: dict[str, object] = {"given_up": False}',
        "fresh: dict[str, object] = {}",
        "a new card that a fault keeps from being asked is asked again",
    ),
    _ends.without(
        "an attempt not made begins with its method too",
        "    account = _begun(account, method)\n    postponed",
        "    postponed",
        "a new card that a fault keeps from being asked is asked again",
    ),
    _ends.without(
        "a plan that holds begins nothing anew",
        "    if plan_holds(autopay, method):\n        return account\n    fresh",
        "    fresh",
        "retries have an end",
    ),
    _ends.without(
        "the same method begins nothing anew within the retries",
        '    if is_another or autopay.stopped_reason == "fix_method":\n        fresh',
        "    if True:\n        fresh",
        "switching off and on is one attempt",
    ),
    _ends.without(
        "another card begins anew within the retries too",
        'if is_another or autopay.stopped_reason == "fix_method":',
        'if autopay.stopped_reason == "fix_method":',
        "it was not declined yet",
    ),
    _ends.without(
        "retry days to come",
        "next((day for day in days if day > today), None)",
        "next(iter(days), None)",
        "a plan in the past would be tried at every run",
    ),
    _ends.unless(
        "days the bank took are not lost",
        "tried_on < today",
        "a debit is presented as often as agreed",
    ),
    _ends.without(
        "attempt not made waits",
        "again = _set(autopay, next_attempt_at=at, ",
        "again = _set(autopay, ",
        "an outage must not make every run try every account",
    ),
    _ends.unless(
        "attempts that are not made become rare",
        "postponed > policy.technical_retries_max",
        "a card that always times out is not asked every hour for ever",
    ),
    _ends.without(
        "who confirms is charged for the rest",
        'reason = None if autopay.stopped_reason == "needs_customer" else autopay.stopped_reason',
        "reason = autopay.stopped_reason",
        "the reason of the stop is gone",
    ),
    _ends.without(
        "money from elsewhere confirms nothing",
        'if payment.trigger == "autopay" and failed is not None and',
        "if failed is not None and",
        "a bookkeeper who pays a part has confirmed nothing",
    ),
    _ends.without(
        "a method that pays again earns what was given up an attempt",
        "_set_invoice(invoice, given_up=False) for i, invoice in account.open",
        "invoice for i, invoice in account.open",
        "nothing is forgotten that could be paid",
    ),
    _ends.without(
        "recovered only with nothing due",
        "if any(invoice.due_on <= today for invoice in account.open_invoices.values()):",
        "if False:",
        "a part payment does not start the retries anew",
    ),
    _ends.without(
        "refused card remembered",
        'if reason == "never_again"\n        else',
        "if False\n        else",
        "the schemes forbid it after a stolen card",
    ),
    _ends.without(
        "only never again is remembered for good",
        'if reason == "never_again"\n        else',
        "if True\n        else",
        "an expired card may be renewed",
    ),
    _ends.without(
        "a stop outlasts money from another card",
        'before.stopped_reason in ("fix_method", "needs_customer")',
        "False",
        "that card is still the wrong one",
    ),
    _attempts.without(
        "account named too early",
        "return None if at is None or at <= now else Change(account)",
        "return None",
        "written again, it stands right in the index",
        "tests/sweeps",
    ),
    _attempts.unless("autopay stopped before trying", "stopped is not None", "an expired card is not charged"),
    _attempts.without(
        "attempt named by the account's own number",
        "key = str(account.autopay.sequence)",
        "key = now.isoformat()",
        "a key that contains a time protects nothing",
    ),
    _attempts.without(
        "stop told once",
        "if reason is None or _stop(before) == _stop(account):",
        "if reason is None:",
        "the log tells a stop when it happens",
    ),
    _autopay.without(
        "a card that did not fail tries all",
        "    holds = plan_holds(account.autopay, method)\n",
        "    holds = True\n",
        "a new card settles the old invoice",
    ),
    _ends.without(
        "declines only the customer lifts are a stop",
        "    if decline_class in _STOPS:\n",
        "    if False:\n",
        "fix_method, needs_customer and never_again wait for the customer",
    ),
    _ends.without(
        "never again of a card that is default no more",
        'return _refused_for_good(account, method) if decline_class == "never_again" else account',
        "return account",
        "it may become the default again",
    ),
    _ends.without(
        "what is off is not stopped",
        "if autopay.enabled and default is not None and default.fingerprint == method.fingerprint:",
        "if default is not None and default.fingerprint == method.fingerprint:",
        "nobody is told of a stop of what is off",
    ),
    _ends.without(
        "another card's never again stops nothing",
        "if autopay.enabled and default is not None and default.fingerprint == method.fingerprint:",
        "if autopay.enabled and default is not None:",
        "the default is still good",
    ),
    _ends.without(
        "refused card remembered once",
        "refused if method.fingerprint in refused else (*refused, method.fingerprint)[-_REFUSED_MAX:]",
        "(*refused, method.fingerprint)[-_REFUSED_MAX:]",
        "the same one would push out others",
    ),
    _ends.without(
        "refused cards bounded",
        "(*refused, method.fingerprint)[-_REFUSED_MAX:]",
        "(*refused, method.fingerprint)",
        "an account stays small",
    ),
    _ends.without(
        "money from the card that was stopped lifts the stop",
        "        and failed.fingerprint != payment.method.fingerprint\n",
        "",
        "it can be charged after all",
    ),
    _ends.without(
        "day of the first attempt stays",
        "tried_on=invoice.tried_on or on,",
        "tried_on=on,",
        "retry days count from the first attempt",
    ),
    _ends.without(
        "a decline ends what was postponed",
        "technical=technical + soon, postponed=0, failed_method",
        "technical=technical + soon, failed_method",
        "the gateway was reached",
    ),
)

CHASING = (
    _overdue.without(
        "retries put suspension off for so long only",
        "min(days_after(retry_on, 1), days_after(after_grace, policy.put_off_days))",
        "days_after(retry_on, 1)",
        "one dead card after another would put it off for ever",
    ),
    _overdue.without(
        "nobody suspended before a planned retry",
        "return max(after_grace, min(days",
        "return after_grace or max(after_grace, min(days",
        "retries may begin long after the due date",
        "tests/sweeps/test_stories_declines.py",
    ),
    _overdue.without(
        "what was given up waits for no retry",
        "retry_on is None or invoice.given_up",
        "retry_on is None",
        "a new invoice each week would put suspension off for ever",
    ),
    _overdue.without(
        "attempts never made hold up nothing",
        "if autopay.postponed > policy.postponed_max or ",
        "if ",
        "a card that always times out would escape suspension",
    ),
    _overdue.without(
        "another card's plan holds up nothing",
        " or not plan_holds(autopay, account.default_method):",
        ":",
        "it was about a card that is default no more",
    ),
    _overdue.without(
        "exempt account",
        "if since is None or account.overdue.exempt or",
        "if since is None or",
        "an operator's decision",
    ),
    _overdue.without(
        "suspended once",
        ' or account.services.status == "suspended":',
        ":",
        "nobody is suspended twice",
    ),
    _overdue.without(
        "one step a day",
        "earliest = days_after(noticed_on[-1], 1) if noticed_on else since",
        "earliest = since",
        "two stages never come at once",
    ),
    _overdue.without(
        "old notices do not count",
        "return tuple(day for day in account.overdue.noticed_on if day > since)",
        "return account.overdue.noticed_on",
        "counting them would skip a notice",
    ),
    _overdue.without(
        "notices before suspension",
        "if notices < len(policy.notice_days):",
        "if False:",
        "nobody is suspended unwarned",
    ),
    _overdue.without(
        "grace to its last day",
        "days_after(invoice.grace_from, policy.grace_days + 1)",
        "days_after(invoice.grace_from, policy.grace_days)",
        "grace lasts as long as it says",
    ),
    _chasing.without(
        "step whose day has come",
        "if due is None or due > now:",
        "if due is None:",
        "an index may name an account too early",
    ),
    _chasing.unless("exemption said again", "overdue == account.overdue", "doing it again changes nothing"),
    _overdue.without(
        "autopay that is off plans no retry",
        "planned = autopay.next_attempt_at if autopay.enabled else None",
        "planned = autopay.next_attempt_at",
        "switching off would put suspension off",
    ),
    _overdue.without(
        "no suspension on a notice's day",
        'return Step("suspend", max(earliest, suspend_on))',
        'return Step("suspend", suspend_on)',
        "two stages never come at once",
    ),
    _chasing.without(
        "account named too early, by chasing's index",
        "            self._ledger.commit(Change(account))\n            return Tally()\n",
        "            return Tally()\n",
        "written again, it stands right in the index",
    ),
)

SUBSCRIPTIONS = (
    _subscriptions.without(
        "period that has begun",
        'if s.status == "active" and s.next_renewal_on <= today]',
        'if s.status == "active"]',
        "nobody is billed ahead",
    ),
    _subscriptions.without(
        "subscription that runs",
        '[s for s in standing.values() if s.status == "active" and s.next',
        "[s for s in standing.values() if s.next",
        "what ended is not billed",
    ),
    _subscriptions.without(
        "ended subscriptions plan nothing",
        'in subscriptions if s.status == "active"), default=None)',
        "in subscriptions), default=None)",
        "an index would name the account for ever",
    ),
    _subscriptions.unless(
        "canceled at the end of its period", "subscription.cancel_at_period_end", "what ended is not billed"
    ),
    _subscriptions.without(
        "renewals in one commit",
        "while len(renewals) < most:",
        "while True:",
        "a renewal has to fit one transaction",
    ),
    _subscriptions.without(
        "invoice named by its period",
        "subscription.subscription_id, begins.isoformat())\n    draft",
        "subscription.subscription_id, ends.isoformat())\n    draft",
        "the id is what a second run meets, and what is stored already",
    ),
    _subscriptions.without(
        "invoice named by its subscription",
        '"renewal", subscription.subscription_id, begins.isoformat())',
        '"renewal", begins.isoformat())',
        "two subscriptions of one day are two invoices",
    ),
    _renewals.without(
        "account read before its subscriptions",
        "        account = self._ledger.get(Key(Account, account_id))\n        if account is None:\n"
        "            return Tally()\n"
        "        # After the account, never before: an older subscription would bill a period twice.\n"
        "        subscriptions = self._ledger.records(\n"
        "            Subscription, account_id, limit=account.subscription_count, "
        'where=("status", "active")\n        )\n',
        "        subscriptions = self._ledger.records(\n"
        '            Subscription, account_id, limit=100, where=("status", "active")\n        )\n'
        "        account = self._ledger.get(Key(Account, account_id))\n        if account is None:\n"
        "            return Tally()\n",
        "an older subscription would bill a period twice",
    ),
    _renewals.without(
        "only what runs is read",
        ', where=("status", "active")',
        "",
        "ended subscriptions would hide some that run",
    ),
    _selling.unless(
        "what has begun is billed as agreed",
        "subscription.next_renewal_on <= today_of(account, now)",
        "a late cancellation does not make used months free",
    ),
    _subscriptions.without(
        "another interval, its own price",
        "interval, amount_minor = subscription.next_interval, subscription.next_amount_minor",
        "interval, amount_minor = subscription.next_interval, subscription.amount_minor",
        "a year does not cost a month's price",
    ),
    _subscriptions.without(
        "nobody chased for days without an invoice",
        "grace_from=max(due_on, today),",
        "grace_from=due_on,",
        "our own runs were late",
    ),
    _selling.unless(
        "one body a key, of subscriptions",
        "standing.request_fingerprint != request.request_fingerprint",
        "another body under one key is a mistake",
    ),
    _selling.unless("replay of a subscription", "standing is not None", "a repeated request is answered"),
    _selling.unless("currency of a subscription", "request.currency not in (None, account.currency)", "EUR is not JPY"),
    _selling.unless(
        "subscriptions of an account", "account.subscription_count >= subscriptions_max", "a renewal reads them all"
    ),
    _selling.unless("no start in the past", "starts_on < today_of(account, now)", "nobody is billed backwards"),
    _selling.unless("subscription has ended", 'subscription.status == "canceled"', "nothing of it can be changed"),
    _selling.unless("subscription changed once", "not values", "doing it again changes nothing"),
    _renewals.without(
        "what was sold is billed",
        "issue(account, renewal.invoice, PAYDESK, now, None)",
        "issue(account, renewal.invoice, PAYDESK, now, self._open_invoices_alarm)",
        "a limit of open invoices is for operators",
    ),
    _renewals.without(
        "nothing to renew",
        "if not renewals and next_on == account.next_renewal_on:",
        "if False:",
        "a second message writes nothing",
    ),
    _renewals.without(
        "next renewal kept in the account",
        'update={"next_renewal_on": next_on, "subscription_count": count}',
        'update={"subscription_count": count}',
        "the next run finds the account by it",
    ),
    _renewals.without(
        "what ended makes room",
        "count = account.subscription_count - ended",
        "count = account.subscription_count",
        "the limit counts what runs",
    ),
    _subscriptions.without(
        "the other interval's price stays",
        "    if interval != subscription.interval:\n",
        "    if True:\n",
        "who comes back to a year pays what was agreed for a year",
    ),
    _subscriptions.without(
        "oldest period first",
        "first = min(due, key=lambda s: (s.next_renewal_on, s.subscription_id))",
        "first = max(due, key=lambda s: (s.next_renewal_on, s.subscription_id))",
        "numbers of invoices rise with their periods, and a full commit leaves the newest for the next",
    ),
    _renewals.without(
        "only what renewed is set",
        "for old in before if after[old.subscription_id] != old]",
        "for old in before]",
        "a renewal has to fit one transaction",
    ),
    _selling.without(
        "account and subscription read together",
        "        account, subscription = self._ledger.read(\n"
        "            Key(Account, account_id), Key(Subscription, account_id, subscription_id)\n        )\n",
        "        subscription = self._ledger.get(Key(Subscription, account_id, subscription_id))\n"
        "        account = self._ledger.get(Key(Account, account_id))\n",
        "a subscription read before its account would be changed after it was renewed",
    ),
    _selling.without(
        "earliest renewal of an account",
        '"next_renewal_on": min(account.next_renewal_on or starts_on, starts_on),',
        '"next_renewal_on": starts_on,',
        "a later subscription makes the first no later",
    ),
    _selling.unless("price of the other interval", "other > MINOR_MAX", "an invoice of it could not be issued"),
    _selling.without(
        "billing first takes no attempt",
        "replace(self._attempts, most=self._attempts.most + 5)",
        "self._attempts",
        "runs may have been missed for long",
    ),
)

FAN_OUT = (
    _fan_out.without(
        "unreadable account stops nobody",
        '        except Broken:\n            log.exception("account_unreadable"',
        '        except MemoryError:\n            log.exception("account_unreadable"',
        "it is counted as what it is",
    ),
    _fan_out.without(
        "busy account stops nobody",
        '        except Unavailable:\n            log.warning("account_busy"',
        '        except MemoryError:\n            log.warning("account_busy"',
        "the next run finds it less busy: nobody is woken",
    ),
    _fan_out.without(
        "refused work stops nobody",
        "        except PaydeskError:\n",
        "        except MemoryError:\n",
        "it is counted as what it is",
    ),
    _fan_out.without(
        "failed account stops nobody",
        '        except Exception:\n            log.exception("account_failed"',
        '        except MemoryError:\n            log.exception("account_failed"',
        "all others are charged",
    ),
    _fan_out.without(
        "statistics stop nobody",
        '        except Exception:\n            log.exception("run_not_counted"',
        '        except MemoryError:\n            log.exception("run_not_counted"',
        "a payment does not wait for a count",
    ),
    _fan_out.without(
        "a busy store's statistics wake nobody",
        '        except Unavailable:\n            log.warning("run_not_counted"',
        '        except MemoryError:\n            log.warning("run_not_counted"',
        "they are tried once, and nothing waits for a person",
    ),
    _stores.without(
        "statistics are tried once",
        "Calls(self._client, attempts=1).one(",
        "Calls(self._client, self._attempts).one(",
        "accounts wait while a run is counted",
    ),
    _fan_out.unless("what is left is sent on", "left is not None", "short of time, nobody is forgotten"),
    _fan_out.without(
        "next page begins behind the last",
        "limit=self._fan_out.page, until=until, after=after)",
        'limit=self._fan_out.page, until=until, after="")',
        "accounts that stay due starve nobody",
    ),
    _tour.without(
        "cursor of one shard",
        'after = self._order.after if position == 0 else ""',
        "after = self._order.after",
        "another shard's accounts are not skipped",
    ),
    _tour.without(
        "one thread at an account",
        "if account_id not in shard.not_done:",
        "if True:",
        "its second half is not done twice",
    ),
    _tour.without(
        "time asked before each account",
        "if self._broken or (self._at_least <= 0 and self._time_is_short()):",
        "if self._broken:",
        "Lambda kills who does not hand over in time",
    ),
    _tour.without(
        "time asked before each shard",
        "if position > 0 and self._stops():",
        "if False:",
        "shards with nobody in them take their time as well",
    ),
    _tour.without(
        "an order gets shorter",
        "if position > 0 and self._stops():",
        "if self._stops():",
        "an order that comes back as it was goes round for ever",
    ),
    _tour.without(
        "nothing is left of an order at its end",
        '"after": after}) if shards else None',
        '"after": after})',
        "a message that finds nothing is not sent",
    ),
    _tour.without(
        "a shard that is all found is not sent on",
        '(position + 1, "") if shard.all_found else (position, after)',
        "(position, after)",
        "a message that finds nothing is not sent",
    ),
    _tour.without(
        "what is left begins with the first not given out",
        "self._found[0].begins_at if self._found else self._reached",
        "self._reached",
        "short of time, nobody is forgotten",
    ),
    _tour.without(
        "a page that is not full is the last",
        "shard.all_found = len(page) < self._page",
        "shard.all_found = not page",
        "each shard would be asked once more for nothing",
    ),
    _tour.without(
        "more is looked for while there is something to do",
        "self._over or len(self._found) >= self._threads:",
        "self._over or self._found:",
        "threads would wait for every page",
    ),
    _tour.without(
        "nobody waits for who looks for more",
        "self._books.wait_for(lambda: self._found or",
        "self._books.wait_for(lambda:",
        "threads would wait for every page",
    ),
    _tour.without(
        "who waits is told of what was found",
        "            taken = shard.take() if shard.is_done else None\n            self._books.notify_all()\n",
        "            taken = shard.take() if shard.is_done else None\n",
        "threads would wait until the whole order is asked",
    ),
    _tour.without(
        "a failing query holds up none before it",
        "            self._failure, self._over = failure, True\n",
        "            raise\n",
        "accounts that were found would never be charged while one shard cannot be asked",
    ),
    _tour.without(
        "a failing query is told",
        "            raise self._failure\n",
        "            return None\n",
        "the message would be taken for done",
    ),
    _tour.without(
        "every shard's rest is counted",
        "for shard in self._shards:",
        "for shard in self._shards[-1:]:",
        "a run's amounts would be too low",
    ),
    _tour.without(
        "an empty page has nothing counted",
        "bool(page and (shard.not_done or shard.tally.counts))",
        "bool(shard.not_done or shard.tally.counts)",
        "a write for nothing",
    ),
    _tour.without(
        "what is finished is counted once",
        "taken, self.tally, self.another_page = self.tally, Tally(), False",
        "taken, self.another_page = self.tally, False",
        "what is counted would be counted again",
    ),
    _tour.without(
        "who has had nothing yet begins nothing either",
        "if self._broken or (self._at_least",
        "if (self._at_least",
        "a dying worker begins nothing more",
    ),
    _tour.without(
        "what breaks one thread ends all",
        "        except BaseException:\n            self._broken = True\n            raise",
        "        except BaseException:\n            raise",
        "a dying worker begins nothing more",
    ),
    _tour.without(
        "finished when the last account is",
        "return self.all_found and not self.not_done",
        "return self.all_found",
        "a run's page says when it is done",
    ),
    _tour.without(
        "finished when all of it was found",
        "return self.all_found and not self.not_done",
        "return not self.not_done",
        "a run's page says when it is done",
    ),
    _tour.without(
        "counted page by page",
        "shard.take() if shard.is_done or shard.another_page else None",
        "shard.take() if shard.is_done else None",
        "a run's page shows progress",
    ),
    _tour.without(
        "a shard of which all is done when its end is found",
        "taken = shard.take() if shard.is_done else None",
        "taken = None",
        "a run's page says when it is done",
    ),
    _fan_out.without(
        "only what is due now",
        "limit=self._fan_out.page, until=until, after=after)",
        "limit=self._fan_out.page, after=after)",
        "accounts due later are left alone",
    ),
    _tour.without(
        "a shard handed over is not begun again",
        "            if not after:\n",
        "            if True:\n",
        "a run's page says when it began",
    ),
)
