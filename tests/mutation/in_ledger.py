"""Guards of the ledger, of both stores and of the sandbox gateway's table."""

from tests.mutation.guard import File

_FAULTS = ("tests/ledger/test_changes.py", "tests/ledger/test_behaviour.py", "tests/ledger/test_faults.py")
_TESTS = (*_FAULTS, "tests/ledger")

_dynamodb = File("chalicelib/ledger/dynamodb.py", _TESTS)
_expressions = File("chalicelib/ledger/expressions.py", _TESTS)
_calls = File("chalicelib/ledger/calls.py", _TESTS)
_memory = File("chalicelib/ledger/memory.py", _TESTS)
_models = File("chalicelib/ledger/models.py", _TESTS)
_reading = File("chalicelib/ledger/reading.py", _TESTS)
_port = File("chalicelib/ledger/port.py", ("tests/ledger/test_attempts.py", "tests/ledger"))
_sandbox_tables = File("chalicelib/gateways/sandbox_tables.py", ("tests/gateways",))
_sandbox = File("chalicelib/gateways/sandbox.py", ("tests/gateways", "tests/proof/test_frozen.py"))

_NOT_EXISTS = '"ConditionExpression": "attribute_not_exists(account_id)"'
_ALWAYS = '"ConditionExpression": "attribute_not_exists(account_id) OR attribute_exists(account_id)"'

LEDGER = (
    _dynamodb.without(
        "version of a change on DynamoDB",
        '"ConditionExpression": "version = :read"',
        '"ConditionExpression": "version = :read OR attribute_exists(account_id)"',
        "two changes decided on one read must not both be written",
    ),
    _dynamodb.without(
        "new account on DynamoDB",
        "return put | {" + _NOT_EXISTS + "}",
        "return put | {" + _ALWAYS + "}",
        "an account is opened once",
    ),
    _dynamodb.without(
        "new record on DynamoDB",
        _NOT_EXISTS + ",\n                }",
        _ALWAYS + ",\n                }",
        "the same cause decided twice must not overwrite what it made",
    ),
    _dynamodb.unless(
        "own commit recognised",
        "_standing_commit_id(error) == account.commit_id",
        "after a lost acknowledgement our own write is not somebody else's",
    ),
    _dynamodb.without(
        "somebody else's commit told from our own",
        "if _standing_commit_id(error) == account.commit_id:",
        "if True:",
        "a refused commit must not pass as written",
    ),
    _dynamodb.without(
        "refused change is stale on DynamoDB",
        "raise Stale(account.account_id) from error",
        "return account",
        "who lost must read and decide again",
    ),
    _dynamodb.without(
        "token of a transaction",
        "ClientRequestToken=account.commit_id",
        "ClientRequestToken=self._new_commit_id()",
        "a transaction sent twice by the network is one",
    ),
    _dynamodb.without(
        "all of a change or nothing",
        'self._calls.one("transact_write_items", TransactItems=writes, ClientRequestToken=account.commit_id)',
        'self._calls.one("put_item", **put)\n'
        "                for write in writes[1:]:\n"
        '                    self._calls.one("transact_write_items", TransactItems=[write])',
        "a crash between two writes must leave none of them",
    ),
    _dynamodb.without(
        "records read as of one moment",
        'answers = self._calls.one("transact_get_items", TransactItems=gets)["Responses"] if gets else []',
        'answers = [self._calls.one("get_item", **get["Get"], ConsistentRead=True) for get in gets]',
        "account and payment are read together, or a payment that ends in between is in neither",
    ),
    _dynamodb.without(
        "consistent read of a record",
        '"get_item", **self._where(key), ConsistentRead=True',
        '"get_item", **self._where(key), ConsistentRead=False',
        "a decision on an old account would cost an attempt, one on an old record money",
    ),
    _dynamodb.without(
        "consistent list",
        '"TableName": self._table(record),\n            "ConsistentRead": True,',
        '"TableName": self._table(record),\n            "ConsistentRead": False,',
        "an older subscription would bill a period twice",
    ),
    _dynamodb.without(
        "consistent scan",
        '"Limit": limit, "ConsistentRead": True}',
        '"Limit": limit, "ConsistentRead": False}',
        "the port promises consistent reads",
    ),
    _dynamodb.unless("impossible key never asked for", "not key.possible", "ids come straight from clients"),
    _dynamodb.without(
        "what the store refuses is a defect",
        'if said & {"Validation", "ValidationError"}:',
        "if False:",
        "what can never be written must not be tried again",
    ),
    _expressions.without(
        "set on a record that is there",
        '"ConditionExpression": "attribute_exists(account_id)",',
        '"ConditionExpression": "attribute_exists(account_id) OR attribute_not_exists(account_id)",',
        "a set must not make half a record",
    ),
    _calls.without(
        "conflicts tried again",
        '"TransactionConflict",\n',
        "",
        "the SDK tries no conflict again",
    ),
    _calls.without(
        "only busy stores tried again",
        "(bool(said) and said <= _BUSY)",
        "bool(said & _BUSY)",
        "a transaction refused for a condition is refused, whatever else was busy",
    ),
    _calls.without(
        "calls tried a bounded number of times",
        "for attempt in range(self._attempts):",
        "for attempt in range(self._attempts * 3):",
        "a caller waits",
    ),
    _memory.without(
        "version of a change in memory",
        '(standing["version"] if standing else 0) != change.account.version\n                or any(',
        "any(",
        "two changes decided on one read must not both be written",
    ),
    _memory.without(
        "new record in memory",
        "or any(record.key().place in self._items for record in change.puts)",
        "",
        "the same cause decided twice must not overwrite what it made",
    ),
    _memory.without(
        "set on a record that is there, in memory",
        "or any(field_set.key.place not in self._items for field_set in change.sets)",
        "",
        "a set must not make half a record",
    ),
    _models.unless("size of a change", "len(places) > ACTIONS_MAX", "DynamoDB takes no more in one transaction"),
    _models.unless("each record once in a change", "len(set(places)) < len(places)", "DynamoDB takes no item twice"),
    _models.without(
        "records of one account only",
        "if any(account_id != self.account.account_id for _, account_id, _ in places):",
        "if False:",
        "another account's version would not guard them",
    ),
    _models.without(
        "unknown fields refused",
        'extra="forbid"',
        'extra="ignore"',
        "an older deployment would lose a newer one's field",
        "tests/accounts/test_account_record.py",
    ),
    _models.unless(
        "settable fields", 'name.split(".")[0] not in settable', "a set must not touch keys or index attributes"
    ),
    _models.without(
        "no floats", "case int() if abs(value) < _INTEGER_END:", "case int() | float():", "a float loses cents"
    ),
    _reading.without(
        "cursor never widens a list",
        "(low, min(high, after)) if newest_first else (max(low, after), high)",
        "(low, after) if newest_first else (after, high)",
        "a cursor comes from a client and may be anything",
    ),
    _port.without(
        "attempts to commit bounded",
        "for number in range(attempts.most):",
        "for number in range(attempts.most * 3):",
        "a caller waits",
    ),
    _port.without(
        "stale change decided again",
        "except Stale:\n            continue",
        "except Stale:\n            break",
        "somebody else being first is no failure",
    ),
    _dynamodb.without(
        "list of an account that can be one",
        "if bounds is None or not fits_a_key(account_id):",
        "if bounds is None:",
        "ids come straight from clients",
    ),
    _dynamodb.without(
        "lookup of what can be a key",
        "if bounds is None or not fits_a_key(partition):",
        "if bounds is None:",
        "names and references come straight from clients",
    ),
    _calls.unless("only what may pass is tried again", "not _worth_another_try(error)", "a refusal stays one"),
    _calls.without(
        "a store broken for a moment tried again",
        ' or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500',
        "",
        "nobody should hear of it",
    ),
    _calls.without(
        "a call that was lost tried again",
        "except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:",
        "except MemoryError as error:",
        "nobody should hear of it",
    ),
    _calls.without(
        "all pages are read",
        'if len(items) >= enough or "LastEvaluatedKey" not in answer:',
        "if True:",
        "a filtered page may be empty and not the last",
    ),
    _models.without(
        "keys of a record",
        "if isinstance(item.get(name), str) and not fits_a_key(item[name]):",
        "if False:",
        "DynamoDB refuses them, memory would not",
    ),
    _models.unless("a set of something", "not self.values", "DynamoDB refuses an empty one"),
    _models.without(
        "a field set once",
        'if any(other.startswith(f"{name}.") for other in self.values):',
        "if False:",
        "DynamoDB refuses overlapping paths, memory would not",
    ),
    _models.unless("map keys are text", "not isinstance(key, str) or not key", "DynamoDB keeps no others"),
    _memory.without(
        "a dotted name leads somewhere, in memory",
        "            if not isinstance(target.get(parent), dict):\n",
        "            target.setdefault(parent, {})\n            if False:\n",
        "DynamoDB refuses it",
    ),
)

GATEWAY = (
    _sandbox_tables.without(
        "one row a key at the gateway (DynamoDB)",
        'ConditionExpression="attribute_not_exists(payment_id)"',
        'ConditionExpression="attribute_not_exists(payment_id) OR attribute_exists(payment_id)"',
        "one charge a payment id, and a closed id stays closed",
    ),
    _sandbox_tables.without(
        "row moved from its state only (DynamoDB)",
        'ConditionExpression="#state = :from"',
        'ConditionExpression="#state = :from OR attribute_exists(#state)"',
        "approving and closing at once must not both happen",
    ),
    _sandbox_tables.without(
        "consistent look at a charge",
        'Key=marshal({"payment_id": payment_id}), ConsistentRead=True',
        'Key=marshal({"payment_id": payment_id}), ConsistentRead=False',
        "after a lost race the row that won is the answer",
    ),
    _sandbox_tables.without(
        "one row a key at the gateway (memory)",
        "return dict(self.rows.setdefault(payment_id, dict(row)))",
        "self.rows[payment_id] = dict(row)\n            return dict(row)",
        "one charge a payment id, and a closed id stays closed",
    ),
    _sandbox_tables.without(
        "row moved from its state only (memory)",
        'if row is None or row["state"] != from_state:',
        "if row is None:",
        "approving and closing at once must not both happen",
    ),
    _sandbox.without(
        "close is a fence",
        'row = self._charges.put_if_absent(payment_id, {"state": "void", "amount_minor": 0})',
        'row = self._charges.get(payment_id) or {"state": "void", "amount_minor": 0}',
        "a process frozen before its charge would charge what was closed",
    ),
    _sandbox.unless(
        "close ends what waits for the customer",
        'row["state"] == "requires_action"',
        "a customer could approve what was given up",
    ),
    _sandbox.without(
        "one amount a key",
        'if row["state"] != "void" and row["amount_minor"] != charge.amount_minor:',
        "if False:",
        "a key used for two charges is a defect",
    ),
    _sandbox.without(
        "silence of the charge table is unknown",
        "row = self._charges.put_if_absent(charge.payment_id, _row(charge, behaviour))\n"
        "        except Unavailable:\n            return _no_answer()",
        "row = self._charges.put_if_absent(charge.payment_id, _row(charge, behaviour))\n"
        '        except Unavailable:\n            return NotSent("no answer")',
        "a timeout may have charged",
    ),
    _sandbox.without(
        "charge of a closed payment is not sent",
        'return NotSent("closed before it was sent") if isinstance(outcome, Closed) else outcome',
        'return Approved("sbx") if isinstance(outcome, Closed) else outcome',
        "nothing was taken",
    ),
    _sandbox.without(
        "nobody there to authenticate",
        'if state == "requires_action" and not charge.customer_present:',
        "if False:",
        "a scheduled attempt would wait for nobody",
    ),
    _sandbox_tables.without(
        "a charge's row stands, or something else is wrong",
        "            if refusals(refused) != _CONDITION_FAILED:\n                raise\n            return _row(",
        "            return _row(",
        "a throttled or refused write is no row that stands",
    ),
    _sandbox_tables.without(
        "a row is in another state, or something else is wrong",
        "            if refusals(refused) != _CONDITION_FAILED:\n                raise\n            return None",
        "            return None",
        "a throttled or refused move is no decision of the customer's",
    ),
    _sandbox.without(
        "a lost race at the close is read again",
        "row = moved or self._charges.get(payment_id) or row",
        "row = moved or row",
        "what the customer decided first is the answer",
    ),
)
