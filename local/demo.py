"""`make demo`: a billing administrator's story against a stack of its own, each request and answer printed.

Ends with 0 when every answer was the one the story needs, with 1 at the first that was not.
"""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Mapping

from chalicelib.settings import SettingsError
from local import demo_data
from local.stack import PASSWORD, LocalStack, run_stack
from local.storyteller import Members, Say, Storyteller, Told, Unexpected

LUMEN = f"/v1/accounts/{demo_data.LUMEN.account_id}"
KIKU = f"/v1/accounts/{demo_data.KIKU.account_id}"


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    terminal = sys.stdout

    def say(line: str) -> None:
        print(line, file=terminal, flush=True)

    with tempfile.TemporaryFile("w+") as app_log, contextlib.redirect_stdout(app_log):
        try:
            with run_stack(0, 0, with_demo=True, say=say) as stack:
                _tell(stack, say)
        except Unexpected as unexpected:
            app_log.seek(0)
            say(f"\nThe story ends here: {unexpected}\n\nWhat Paydesk logged:\n{app_log.read()}")
            return 1
        except SettingsError as error:
            say(str(error))
            return 1
        except KeyboardInterrupt:
            say("\nStopped.")
            return 1
    say("\nThe story is over; everything is stopped.")
    return 0


class _Story:
    """One administrator, signed in."""

    def __init__(self, stack: LocalStack, say: Say) -> None:
        self._stack = stack
        self._teller = Storyteller(say)
        self._token = ""

    def sign_in(self) -> None:
        self._teller.step("The billing administrator signs in. Cognito, here moto's, gives an ID token.")
        body = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self._stack.pool.client_id,
            "AuthParameters": {"USERNAME": "admin@example.com", "PASSWORD": PASSWORD},
        }
        headers = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "Content-Type": "application/x-amz-json-1.1",
        }
        url = f"{self._stack.aws_endpoint_url}/"
        told = self._teller.send("POST", url, body, expected=200, headers=headers, show=("AuthenticationResult",))
        self._token = told.body["AuthenticationResult"]["IdToken"]

    def get(self, sentence: str, path: str, *, show: Members = ()) -> Told:
        self._teller.step(sentence)
        return self._teller.send("GET", self._url(path), expected=200, headers=self._headers(), show=show)

    def post(
        self,
        sentence: str,
        path: str,
        body: Mapping[str, object],
        *,
        key: str,
        expected: int,
        show: tuple[str, ...] = (),
    ) -> Told:
        self._teller.step(sentence)
        headers = self._headers() | {"Idempotency-Key": key}
        return self._teller.send("POST", self._url(path), body, expected=expected, headers=headers, show=show)

    def advance(self, sentence: str, seconds: int) -> None:
        self._teller.step(sentence)
        self._teller.send("POST", self._url("/_local/clock"), {"advance_seconds": seconds}, expected=200)

    def _url(self, path: str) -> str:
        return self._stack.api_url + path

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def _tell(stack: LocalStack, say: Say) -> None:
    story = _Story(stack, say)
    story.sign_in()
    _pay_what_is_owed(story, _see_what_is_owed(story))
    _meet_a_decline(story)
    _look_back(story)


_BALANCE = ("name", "balance", "services", "default_method")
_METHOD = ("payment_method_id", "label", "is_default")
_INVOICE = ("number", "status", "overdue", "total_minor", "remaining_minor", "currency", "due_on")
_PAYMENT = ("payment_id", "status", "amount_minor", "currency", "allocations", "message")


def _see_what_is_owed(story: _Story) -> int:
    """The payable amount, in minor units."""
    sentence = "Lumen Studio is behind: an invoice is overdue, its services are suspended."
    account = story.get(sentence, LUMEN, show=_BALANCE).body
    _expect(account["services"]["status"] == "suspended", "The services were not suspended.")
    _expect(account["balance"]["overdue_minor"] > 0, "Nothing was overdue.")
    story.get("The invoices that make up the balance.", f"{LUMEN}/invoices?status=unpaid", show=_INVOICE)
    payable_minor: int = account["balance"]["payable_minor"]
    return payable_minor


def _pay_what_is_owed(story: _Story, payable_minor: int) -> None:
    sentence = "The administrator adds a card: only the gateway's token for it comes here. The first is the default."
    card = {"kind": "card", "gateway_token": "tok_visa"}
    story.post(sentence, f"{LUMEN}/payment-methods", card, key="a-card", expected=201, show=_METHOD)

    pay = {"expected_payable_minor": payable_minor}
    sentence = "Pay the balance, all of it, with the default method; not if it changed since it was shown."
    paid = story.post(sentence, f"{LUMEN}/payments", pay, key="pay-the-balance", expected=201, show=_PAYMENT)
    _expect(paid.body["amount_minor"] == payable_minor, "Another amount was paid than what was owed.")

    invoices = story.get("Every invoice has turned from unpaid to paid.", f"{LUMEN}/invoices", show=_INVOICE)
    _expect({invoice["status"] for invoice in invoices.body["items"]} == {"paid"}, "An invoice is not paid.")
    account = story.get("Nothing is overdue any more, so the services came back by themselves.", LUMEN, show=_BALANCE)
    _expect(account.body["services"]["status"] == "active", "The services did not come back.")

    sentence = "The same request once more, as after a lost answer: the same payment is told, nothing is charged."
    again = story.post(sentence, f"{LUMEN}/payments", pay, key="pay-the-balance", expected=201, show=_PAYMENT)
    _expect(again.body["payment_id"] == paid.body["payment_id"], "The same request made a second payment.")
    _expect("idempotent-replayed" in again.headers, "The replay was not told as one.")


def _meet_a_decline(story: _Story) -> None:
    sentence = "Kiku Trading, which pays in yen, has a card without money behind it."
    empty = {"kind": "card", "gateway_token": "tok_insufficient_funds"}
    added = story.post(sentence, f"{KIKU}/payment-methods", empty, key="an-empty-card", expected=201, show=_METHOD)
    _expect(added.body["is_default"], "The first card did not become the default.")

    sentence = "The payment is declined. The answer says why, what helps, and when another try is taken."
    story.post(sentence, f"{KIKU}/payments", {}, key="first-try", expected=402)
    sentence = "They add another card and make it the default ..."
    better = {"kind": "card", "gateway_token": "tok_mastercard", "make_default": True}
    added = story.post(sentence, f"{KIKU}/payment-methods", better, key="a-better-card", expected=201, show=_METHOD)
    _expect(added.body["is_default"], "The better card did not become the default.")

    sentence = "... and try at once, which is too soon: it has to wait an hour after a decline."
    soon = story.post(sentence, f"{KIKU}/payments", {}, key="second-try", expected=429)
    _expect("retry-after" in soon.headers, "The answer did not say when to try again.")
    story.advance("An hour passes. (Only the local stack can do that.)", 3600)
    sentence = "Now it goes through, with the very same request: a refusal is not held against its key."
    story.post(sentence, f"{KIKU}/payments", {}, key="second-try", expected=201, show=_PAYMENT)


def _look_back(story: _Story) -> None:
    sentence = "What happened to Lumen Studio stands in its activity log ..."
    story.get(sentence, f"{LUMEN}/activity", show=("sequence", "at", "action"))
    sentence = "... which anybody can verify: each entry is sealed by the hash of the one before."
    verdict = story.get(sentence, f"{LUMEN}/activity/verify")
    _expect(verdict.body["intact"] and verdict.body["complete"], "The log does not verify.")


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise Unexpected(otherwise)


if __name__ == "__main__":
    sys.exit(main())
