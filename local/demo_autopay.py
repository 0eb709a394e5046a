"""The demo's second half: months of Lumen Studio on autopay, the clock moved on and the schedules fired by hand."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.core.clock import local_time
from local import demo_data
from local.demo_story import INVOICE, METHOD, PAYMENT, Story, expect

_LUMEN = f"/v1/accounts/{demo_data.LUMEN.account_id}"
_TIME_ZONE = demo_data.LUMEN.time_zone
_RUN = ("sweep", "counts", "amounts_minor")
_FORECAST = ("health", "stopped_reason", "charges")
_SETTINGS = ("default_method", "autopay_enabled")
_ACCOUNT = ("name", "balance", "services", "autopay")


def tell(story: Story) -> None:
    """Autopay is switched on, charges what falls due, meets a decline, and is mended."""
    _switch_on(story)
    _charge_the_next_invoice(story)
    card = _give_it_a_card_without_money(story)
    due = _charge_in_vain(story)
    _suspend_after_grace(story, due)
    _pay_and_come_back(story, card)


def _switch_on(story: Story) -> None:
    sentence = "Lumen Studio wants to leave paying to autopay. Its payment settings as they are:"
    settings = story.get(sentence, f"{_LUMEN}/payment-settings", show=_SETTINGS)
    body = {"default_payment_method_id": settings.body["default_payment_method_id"], "autopay_enabled": True}
    sentence = "Autopay is switched on. The forecast says what it will charge: nothing, for nothing is owed."
    on = story.put(sentence, f"{_LUMEN}/payment-settings", body, show=("autopay_enabled", "forecast"))
    expect(on.body["forecast"]["charges"] == [], "Something was to be charged.")


def _charge_the_next_invoice(story: Story) -> None:
    invoice = _next_invoice(story)
    charge = _forecast(story, "The forecast names the moment: 6 in the morning of its due date, where Lumen Studio is.")
    expect(charge["amount_minor"] == invoice["remaining_minor"], "Another amount was planned than what is owed.")
    story.move_to("Time passes until then.", _moment(charge["charge_at"]))
    sentence = "The schedule of autopay fires: the card is charged. So is that of Fjord Analytics, which pays in NOK."
    run = story.run(sentence, "autopay", _RUN)
    expect(run.body["counts"].get("charged", 0) >= 1, "Nothing was charged.")
    paid = story.get("The invoice is paid.", f"{_LUMEN}/invoices/{invoice['invoice_id']}", show=INVOICE)
    expect(paid.body["status"] == "paid", "The invoice is not paid.")
    again = story.run("The schedule fires twice, as schedules do: nothing is left to do or count.", "autopay", _RUN)
    expect(again.body["counts"] == {}, "The second run did something.")


def _give_it_a_card_without_money(story: Story) -> str:
    """The card that was the default before; its id."""
    before: str = story.quietly(f"{_LUMEN}/payment-settings")["default_payment_method_id"]
    empty = {"kind": "card", "gateway_token": "tok_insufficient_funds", "make_default": True}
    sentence = "The bank sends a new card and the administrator makes it the default. There is no money behind it."
    story.post(sentence, f"{_LUMEN}/payment-methods", empty, key="the-new-card", expected=201, show=METHOD)
    return before


def _charge_in_vain(story: Story) -> datetime:
    """Autopay tries on the due date and on each retry day, then stops. Noon of the due date."""
    invoice = _next_invoice(story)
    at = _moment(_forecast(story, "Autopay plans to charge the new card.")["charge_at"])
    tries = 0
    while True:
        story.move_to("Time passes until then.", at)
        run = story.run("The schedule of autopay fires, and the bank declines Lumen Studio's card.", "autopay", _RUN)
        expect(run.body["counts"].get("declined") == 1, "The card was not declined.")
        sentence = (
            "The schedule of overdue fires too: it logs a notice on the first and the seventh day after the due date."
        )
        story.run(sentence, "overdue", _RUN)
        tries += 1
        charge = _forecast(story, "What autopay plans now:")
        if charge["charge_at"] is None:
            break
        at = _moment(charge["charge_at"])
    expect(tries == 5, f"The card was tried {tries} times, not once and on four retry days.")
    account = story.get("Services still run: the grace has not passed.", _LUMEN, show=_ACCOUNT)
    expect(account.body["services"]["status"] == "active", "Services were suspended within the grace.")
    return local_time(datetime.fromisoformat(invoice["due_on"]).date(), 12, _TIME_ZONE)


def _suspend_after_grace(story: Story, due: datetime) -> None:
    story.move_to("The last day of the grace passes.", due + timedelta(days=15))
    run = story.run("The schedule of overdue fires: services are suspended.", "overdue", _RUN)
    expect(run.body["counts"].get("suspended") == 1, "Services were not suspended.")
    run = story.run("Once: firing again changes nothing.", "overdue", _RUN)
    expect(run.body["counts"] == {}, "The second run did something.")


def _pay_and_come_back(story: Story, card: str) -> None:
    sentence = "The administrator pays by hand, with the old card: all that is owed."
    pay = {"payment_method_id": card}
    story.post(sentence, f"{_LUMEN}/payments", pay, key="after-all", expected=201, show=PAYMENT)
    account = story.get("The services came back by themselves.", _LUMEN, show=_ACCOUNT)
    expect(account.body["services"]["status"] == "active", "The services did not come back.")
    body = {"default_payment_method_id": card, "autopay_enabled": True}
    sentence = "The old card becomes the default again: autopay goes on."
    story.put(sentence, f"{_LUMEN}/payment-settings", body, show=_SETTINGS)


def _next_invoice(story: Story) -> dict[str, Any]:
    """What the subscription issues next."""
    (subscription,) = story.quietly(f"{_LUMEN}/subscriptions")["items"]
    begins = datetime.fromisoformat(subscription["next_renewal_on"]).date()
    story.move_to(f"The next period of '{subscription['plan']}' begins.", local_time(begins, 12, _TIME_ZONE))
    sentence = "The schedule of renewals issues its invoice, and one to Fjord Analytics, which pays in NOK."
    run = story.run(sentence, "renewals", _RUN)
    expect(run.body["counts"].get("issued", 0) >= 1, "No invoice was issued.")
    unpaid = story.get("There it is, unpaid.", f"{_LUMEN}/invoices?status=unpaid", show=INVOICE).body["items"]
    (invoice,) = unpaid
    found: dict[str, Any] = invoice
    return found


def _forecast(story: Story, sentence: str) -> dict[str, Any]:
    """The one charge that is planned."""
    (charge,) = story.get(sentence, f"{_LUMEN}/autopay/forecast", show=_FORECAST).body["charges"]
    planned: dict[str, Any] = charge
    return planned


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
