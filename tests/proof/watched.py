"""The ports of Paydesk with somebody watching: each call goes to the real one, unless the process's fate is another."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chalicelib.accounts.models import Account
from chalicelib.core.errors import Broken, Unavailable
from chalicelib.gateways.port import AttachedCard, Charge, Closed, GatewayPort, NotSent, Outcome, TokenRefused, Unknown
from chalicelib.ledger.models import A, Change, Index, Key, R, Record
from chalicelib.ledger.port import LedgerPort
from tests.proof.process import Effect, Process

T = TypeVar("T")


class WatchedLedger:
    """LedgerPort. Passes every call on to the real ledger, unless the process's fate is another."""

    def __init__(self, ledger: LedgerPort, process: Process) -> None:
        self._ledger = ledger
        self._process = process

    def get(self, key: Key[R]) -> R | None:
        return self._has("read", key.account_id, lambda: self._ledger.get(key))

    def read(self, *keys: Key[Record]) -> Any:
        read: Callable[..., Any] = self._ledger.read
        return self._has("read", keys[0].account_id, lambda: read(*keys))

    def records(self, record: type[R], account_id: str, **how: Any) -> Sequence[R]:
        return self._has("read", account_id, lambda: self._ledger.records(record, account_id, **how))

    def find(self, index: Index, partition: str, **how: Any) -> Sequence[tuple[str, str]]:
        # An index is a candidate list: no decision hangs on it, so it is no effect worth a crash of its own.
        return self._ledger.find(index, partition, **how)

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R | Broken]:
        return self._has("read", "", lambda: self._ledger.scan(record, limit=limit, after=after))

    def commit(self, change: Change[A]) -> A:
        return self._has("commit", change.account.account_id, lambda: self._ledger.commit(change))

    def _has(self, what: str, account_id: str, do: Callable[[], T]) -> T:
        def unavailable() -> T:
            raise Unavailable(retry_after_seconds=1)

        done: T = self._process.has(Effect(f"store {what}", do, unavailable, lambda: self._touch(account_id)))
        return done

    def _touch(self, account_id: str) -> None:
        """A change by somebody else that alters nothing but the version."""
        account = self._ledger.get(Key(Account, account_id))
        assert account is not None
        self._ledger.commit(Change(account))


class WatchedGateway:
    """GatewayPort. Passes every call on to the real gateway, unless the process's fate is another."""

    def __init__(self, gateway: GatewayPort, process: Process) -> None:
        self._gateway = gateway
        self._process = process
        self.name = gateway.name

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        def attach() -> AttachedCard | TokenRefused | Unknown:
            return self._gateway.attach_card(account_id, payment_method_id, token)

        return self._has("attach", attach, lambda: Unknown("nobody answered"))

    def detach(self, method_reference: str) -> None:
        self._has("detach", lambda: self._gateway.detach(method_reference), lambda: None)

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        def send() -> Outcome | NotSent | Unknown:
            return self._gateway.charge(charge)

        return self._has("charge", send, lambda: Unknown("nobody answered"))

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        def close() -> Outcome | Closed | Unknown:
            return self._gateway.close(payment_id)

        return self._has("close", close, lambda: Unknown("nobody answered"))

    def _has(self, what: str, do: Callable[[], T], no_answer: Callable[[], T]) -> T:
        answer: T = self._process.has(Effect(f"gateway {what}", do, no_answer, touch=lambda: None))
        return answer
