"""Updating a method, choosing the default, autopay on and off."""

import pytest

from chalicelib.core.errors import Invalid, NotFound
from chalicelib.ledger.models import Change
from chalicelib.payment_methods.models import BankDebit, BillingDetails, Card, Mandate
from chalicelib.payment_methods.service import MethodAndAccount
from tests.support.builders import ANNA, BEN, NOW
from tests.support.memory_desk import MemoryDesk

DETAILS = BillingDetails(name="Anna Admin", email="anna@example.com", postal_code="10115", country="DE")


def update(
    desk: MemoryDesk, card: str, details: BillingDetails | None = None, expires: tuple[int, int] | None = None
) -> MethodAndAccount:
    stated = details.model_dump(exclude_unset=True) if details else {}
    return desk.desk.payment_methods.update(desk.account_id, card, BEN, billing_details=stated, expires=expires)


def remove(desk: MemoryDesk, card: str) -> None:
    desk.desk.payment_methods.remove(desk.account_id, card, ANNA, on_default="refuse", promote=None)


def test_only_the_billing_details_named_change(desk: MemoryDesk) -> None:
    card = desk.add_card()
    update(desk, card, DETAILS)
    changed = update(desk, card, BillingDetails(name="Ben"))
    assert changed.method.billing_details == DETAILS.model_copy(update={"name": "Ben"})
    assert desk.desk.payment_methods.get(desk.account_id, card).method == changed.method


def test_a_new_expiry_shows_in_the_default_that_payments_use(desk: MemoryDesk) -> None:
    card = desk.add_card()
    update(desk, card, expires=(2041, 2))
    method = desk.desk.payment_methods.get(desk.account_id, card).method
    assert isinstance(method, Card)
    assert (method.expires_year, method.expires_month) == (2041, 2)
    default = desk.account().default_method
    assert default
    assert str(default.last_usable_on) == "2041-02-28"


def test_a_new_expiry_of_another_card_leaves_the_default_alone(desk: MemoryDesk) -> None:
    desk.add_card()
    before = desk.account().default_method
    update(desk, desk.add_card("tok_mastercard"), expires=(2041, 2))
    assert desk.account().default_method == before


def test_an_expired_default_pays_again_once_its_expiry_is_updated(desk: MemoryDesk) -> None:
    desk.issue()
    card = desk.add_card("tok_visa_past_expiry")
    with pytest.raises(Invalid, match="expired"):
        desk.pay()
    update(desk, card, expires=(2030, 1))
    assert desk.pay().payment.status == "succeeded"


def test_the_log_names_the_fields_that_changed_and_not_their_values(desk: MemoryDesk) -> None:
    update(desk, desk.add_card(), DETAILS, (2041, 2))
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("payment_method.updated", "user-ben")
    assert entry.facts["fields"] == ["billing_details", "expires_month", "expires_year"]
    assert "10115" not in str(entry)


def test_an_update_sent_again_changes_nothing(desk: MemoryDesk) -> None:
    card = desk.add_card()
    first = update(desk, card, DETAILS, (2041, 2))
    assert update(desk, card, DETAILS, (2041, 2)) == first
    assert desk.actions() == ["account.opened", "payment_method.added", "payment_method.updated"]


def test_only_cards_have_an_expiry(desk: MemoryDesk) -> None:
    debit = BankDebit(
        account_id=desk.account_id,
        payment_method_id="pm_DEBIT",
        gateway="sandbox",
        gateway_reference="btok",
        fingerprint="iban",
        request_fingerprint="added",
        added_at=NOW,
        bank="Sparkasse",
        last4="6789",
        mandate=Mandate(reference="M-1", accepted_at=NOW, accepted_by="user-anna"),
    )
    desk.ledger.commit(Change(desk.account(), puts=(debit,)))
    with pytest.raises(Invalid) as refused:
        update(desk, "pm_DEBIT", expires=(2041, 2))
    assert (refused.value.code, refused.value.facts["kind"]) == ("expiry_not_applicable", "bank_debit")
    assert update(desk, "pm_DEBIT", DETAILS).method.billing_details == DETAILS


def test_a_method_that_is_not_there_or_was_removed_is_not_found(desk: MemoryDesk) -> None:
    desk.add_card()
    gone = desk.add_card()
    remove(desk, gone)
    for card in ("pm_NONE", gone):
        with pytest.raises(NotFound):
            update(desk, card, DETAILS)
        with pytest.raises(NotFound):
            desk.desk.payment_methods.get(desk.account_id, card)


def test_the_default_is_swapped_in_one_step(desk: MemoryDesk) -> None:
    first, second = desk.add_card(), desk.add_card("tok_mastercard")
    assert desk.default_id() == first
    account = desk.choose(second, autopay=False)
    assert desk.default_id() == second
    assert account == desk.account()


def test_the_method_chosen_as_default_is_the_one_charged_next(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card("tok_stolen_card")
    desk.choose(desk.add_card("tok_mastercard"), autopay=False)
    assert desk.pay().payment.method.label == "Mastercard •••• 4444"


def test_default_and_autopay_are_set_in_one_call(desk: MemoryDesk) -> None:
    desk.add_card()
    second = desk.add_card()
    version = desk.account().version
    account = desk.choose(second, autopay=True)
    assert (desk.default_id(), account.autopay.enabled, account.version) == (second, True, version + 1)
    entry = desk.log()[-1]
    assert entry.facts == {"default_payment_method_id": second, "autopay_enabled": True}


def test_settings_sent_again_change_nothing_even_when_the_card_has_expired_meanwhile(desk: MemoryDesk) -> None:
    card = desk.add_card()
    before = desk.choose(card, autopay=True)
    desk.advance(days=365 * 20)
    assert desk.choose(card, autopay=True) == before


def test_autopay_needs_a_default_method(desk: MemoryDesk) -> None:
    desk.add_card()
    with pytest.raises(Invalid, match="no_payment_method"):
        desk.choose(None, autopay=True)
    assert not desk.account().autopay.enabled


def test_autopay_needs_a_method_that_can_be_charged(desk: MemoryDesk) -> None:
    expired = desk.add_card("tok_visa_past_expiry")
    with pytest.raises(Invalid) as refused:
        desk.choose(expired, autopay=True)
    assert (refused.value.code, refused.value.facts["reason"]) == ("method_not_usable", "expired")
    assert desk.choose(expired, autopay=False).autopay.enabled is False


def test_an_account_may_have_no_default_when_somebody_says_so(desk: MemoryDesk) -> None:
    desk.add_card()
    assert desk.choose(None, autopay=False).default_method is None
    desk.issue()
    with pytest.raises(Invalid, match="no_payment_method"):
        desk.pay()


def test_a_default_has_to_be_a_method_of_the_account_that_is_there(desk: MemoryDesk) -> None:
    kept, gone = desk.add_card(), desk.add_card()
    remove(desk, gone)
    for card in ("pm_NONE", gone):
        with pytest.raises(Invalid) as refused:
            desk.choose(card, autopay=False)
        assert (refused.value.code, refused.value.facts["reason"]) == ("method_not_usable", "not_found")
    assert desk.default_id() == kept


def test_a_method_removed_at_the_same_moment_does_not_become_the_default(desk: MemoryDesk) -> None:
    kept, other = desk.add_card(), desk.add_card()
    desk.ledger.before_commit.plan(lambda: remove(desk, other))
    with pytest.raises(Invalid, match="method_not_usable"):
        desk.choose(other, autopay=True)
    assert desk.default_id() == kept


def test_a_method_removed_just_before_it_is_read_does_not_become_the_default(desk: MemoryDesk) -> None:
    """Read with its account: read before it, the method could be older than the version that guards the choice."""
    kept, other = desk.add_card(), desk.add_card()
    desk.ledger.before_read.plan(lambda: remove(desk, other))
    with pytest.raises(Invalid, match="method_not_usable"):
        desk.choose(other, autopay=True)
    assert desk.default_id() == kept


def test_settings_of_an_account_that_is_not_there_are_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.payment_methods.put_settings("acc_NOBODY", None, autopay_enabled=False, actor=ANNA)
