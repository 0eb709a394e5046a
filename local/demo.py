"""`make demo`: a billing administrator's story against a stack of its own, each request and answer printed.

Ends with 0 when every answer was the one the story needs, with 1 at the first that was not.
"""

import contextlib
import signal
import sys
import tempfile

from chalicelib.settings import SettingsError
from local import demo_autopay, demo_data
from local.demo_story import INVOICE, METHOD, PAYMENT, Story, expect
from local.stack import LocalStack, run_stack
from local.storyteller import Say, Unexpected

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


def _tell(stack: LocalStack, say: Say) -> None:
    say("\n> is what is sent, < what is answered, shortened. Amounts are in minor units: 48050 of EUR is 480.50 EUR.")
    story = Story(stack, say)
    story.sign_in()
    _pay_what_is_owed(story, _see_what_is_owed(story))
    _meet_a_decline(story)
    demo_autopay.tell(story)
    _look_back(story)


_BALANCE = ("name", "balance", "services", "default_method")


def _see_what_is_owed(story: Story) -> int:
    """The payable amount, in minor units."""
    sentence = "Lumen Studio is behind: an invoice is overdue, its services are suspended."
    account = story.get(sentence, LUMEN, show=_BALANCE).body
    expect(account["services"]["status"] == "suspended", "The services were not suspended.")
    expect(account["balance"]["overdue_minor"] > 0, "Nothing was overdue.")
    story.get("The invoices that make up the balance.", f"{LUMEN}/invoices?status=unpaid", show=INVOICE)
    payable_minor: int = account["balance"]["payable_minor"]
    return payable_minor


def _pay_what_is_owed(story: Story, payable_minor: int) -> None:
    sentence = "The administrator adds a card: only the gateway's token for it comes here. The first is the default."
    card = {"kind": "card", "gateway_token": "tok_visa"}
    story.post(sentence, f"{LUMEN}/payment-methods", card, key="a-card", expected=201, show=METHOD)

    pay = {"expected_payable_minor": payable_minor}
    sentence = "Pay the balance, all of it, with the default method; not if it changed since it was shown."
    paid = story.post(sentence, f"{LUMEN}/payments", pay, key="pay-the-balance", expected=201, show=PAYMENT)
    expect(paid.body["amount_minor"] == payable_minor, "Another amount was paid than what was owed.")

    invoices = story.get("Every invoice has turned from unpaid to paid.", f"{LUMEN}/invoices", show=INVOICE)
    expect({invoice["status"] for invoice in invoices.body["items"]} == {"paid"}, "An invoice is not paid.")
    account = story.get("Nothing is overdue any more, so the services came back by themselves.", LUMEN, show=_BALANCE)
    expect(account.body["services"]["status"] == "active", "The services did not come back.")

    sentence = "The same request once more, as after a lost answer: the same payment answers, nothing more is charged."
    again = story.post(sentence, f"{LUMEN}/payments", pay, key="pay-the-balance", expected=201, show=PAYMENT)
    expect(again.body["payment_id"] == paid.body["payment_id"], "The same request made a second payment.")
    expect("idempotent-replayed" in again.headers, "The replay was not told as one.")


def _meet_a_decline(story: Story) -> None:
    sentence = "Kiku Trading, which pays in yen, has a card without money behind it."
    empty = {"kind": "card", "gateway_token": "tok_insufficient_funds"}
    added = story.post(sentence, f"{KIKU}/payment-methods", empty, key="an-empty-card", expected=201, show=METHOD)
    expect(added.body["is_default"], "The first card did not become the default.")

    sentence = "The payment is declined. The answer says why, what helps, and when another try is taken."
    story.post(sentence, f"{KIKU}/payments", {}, key="first-try", expected=402)
    sentence = "They add another card and make it the default ..."
    better = {"kind": "card", "gateway_token": "tok_mastercard", "make_default": True}
    added = story.post(sentence, f"{KIKU}/payment-methods", better, key="a-better-card", expected=201, show=METHOD)
    expect(added.body["is_default"], "The better card did not become the default.")

    sentence = "... and try at once, which is too soon: it has to wait an hour after a decline."
    soon = story.post(sentence, f"{KIKU}/payments", {}, key="second-try", expected=429)
    expect("retry-after" in soon.headers, "The answer did not say when to try again.")
    story.advance("An hour passes. (Only the local stack can do that.)", 3600)
    sentence = "Now it goes through, with the very same request: a refusal is not held against its key."
    story.post(sentence, f"{KIKU}/payments", {}, key="second-try", expected=201, show=PAYMENT)


def _look_back(story: Story) -> None:
    sentence = "What happened to Lumen Studio stands in its activity log (here the newest twenty entries) ..."
    story.get(sentence, f"{LUMEN}/activity", show=("sequence", "at", "action"))
    sentence = "... which anybody can verify: each entry is sealed by the hash of the one before."
    verdict = story.get(sentence, f"{LUMEN}/activity/verify?limit=100")
    expect(verdict.body["intact"] and verdict.body["complete"], "The log does not verify.")


if __name__ == "__main__":
    sys.exit(main())
