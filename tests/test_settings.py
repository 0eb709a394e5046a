"""Settings: what starts, what does not, and what the person who starts it is told."""

import pytest

from chalicelib.settings import SettingsError, load, variables
from local.stage import Stage

RIGHT = {
    "PAYDESK_STAGE": "dev",
    "PAYDESK_TABLE_PREFIX": "paydesk-dev-",
    "PAYDESK_GATEWAY": "sandbox",
    "PAYDESK_SANDBOX_PAGE_URL": "https://billing.example.com/sandbox",
    "PAYDESK_TOKEN_ISSUER": "https://login.example.com/pool",
    "PAYDESK_TOKEN_AUDIENCE": "client-1",
    "PAYDESK_TOKEN_JWKS_URL": "https://login.example.com/pool/.well-known/jwks.json",
    "PAYDESK_TOKEN_ACCOUNTS_CLAIM": "custom:account_ids",
    "PAYDESK_TOKEN_ROLES_CLAIM": "cognito:groups",
}


def problems_of(**changed: str | None) -> tuple[str, ...]:
    """What the right settings, changed so, are refused for; None leaves a variable out."""
    environ = {name: value for name, value in (RIGHT | changed).items() if value is not None}
    with pytest.raises(SettingsError) as refused:
        load(environ)
    return refused.value.problems


def test_few_variables_suffice_and_the_rest_has_defaults() -> None:
    settings = load(RIGHT)

    assert settings.cooldown_seconds == 3600
    assert settings.cooldown_scope == "account"
    assert settings.card_brands == ("visa", "mastercard", "american_express", "discover")
    assert settings.check_schedule_seconds == (300, 3600, 86400, 172800, 259200, 345600, 432000)
    assert settings.allowed_origins == ()
    assert settings.limits.invoices_per_payment == 90


def test_lists_are_written_with_commas() -> None:
    settings = load(
        RIGHT
        | {
            "PAYDESK_CARD_BRANDS": "visa, american_express",
            "PAYDESK_ALLOWED_ORIGINS": "https://portal.example.com,http://localhost:5173",
            "PAYDESK_CHECK_SCHEDULE_SECONDS": "300,600",
        }
    )

    assert settings.card_brands == ("visa", "american_express")
    assert settings.allowed_origins == ("https://portal.example.com", "http://localhost:5173")
    assert settings.check_schedule_seconds == (300, 600)


def test_variables_of_others_are_none_of_our_business() -> None:
    assert load(RIGHT | {"AWS_REGION": "eu-central-1", "HOME": "/root"}) == load(RIGHT)


def test_every_missing_variable_is_named_at_once_with_an_example() -> None:
    with pytest.raises(SettingsError) as refused:
        load({})

    assert "PAYDESK_STAGE is missing: set it, for example to dev." in refused.value.problems
    named = {problem.split()[0] for problem in refused.value.problems}
    assert named >= {name for name in RIGHT if name != "PAYDESK_SANDBOX_PAGE_URL"}
    assert str(refused.value).count("\n") == len(refused.value.problems)


def test_several_problems_are_told_together() -> None:
    problems = problems_of(
        PAYDESK_COOLDOWN_SECONDS="an hour",
        PAYDESK_LIMIT_PAGE="1000",
        PAYDESK_COLDOWN_SCOPE="account",
        PAYDESK_STAGE=None,
    )

    assert len(problems) == 4


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PAYDESK_STAGE", "staging", "for example dev"),
        ("PAYDESK_TABLE_PREFIX", "pay desk/", "for example paydesk-dev-"),
        ("PAYDESK_GATEWAY", "stripe", "for example sandbox"),
        ("PAYDESK_SANDBOX_PAGE_URL", "", "for example https://billing.example.com/sandbox"),
        ("PAYDESK_CARD_BRANDS", "visa,vsia", "for example visa,mastercard"),
        ("PAYDESK_CARD_BRANDS", "visa,visa", "for example visa,mastercard"),
        ("PAYDESK_CARD_BRANDS", "", "for example visa,mastercard"),
        ("PAYDESK_COOLDOWN_SECONDS", "an hour", "for example 3600"),
        ("PAYDESK_COOLDOWN_SECONDS", "-1", "for example 3600"),
        ("PAYDESK_COOLDOWN_SCOPE", "card", "for example account"),
        ("PAYDESK_GATEWAY_TIMEOUT_SECONDS", "30", "for example 15"),
        ("PAYDESK_CHECK_SCHEDULE_SECONDS", "300,300", "for example 300,3600,86400"),
        ("PAYDESK_CHECK_SCHEDULE_SECONDS", "3600,300", "for example 300,3600,86400"),
        ("PAYDESK_CHECK_SCHEDULE_SECONDS", "soon", "for example 300,3600,86400"),
        ("PAYDESK_COLLECTION_RETRY_DAYS_CARD", "3,1", "for example 1,3,5"),
        ("PAYDESK_COLLECTION_NOTICE_DAYS", "0,3", "for example 1,3,5"),
        ("PAYDESK_ALLOWED_ORIGINS", "*", "for example https://portal.example.com"),
        ("PAYDESK_ALLOWED_ORIGINS", "https://portal.example.com/", "for example https://portal.example.com"),
        ("PAYDESK_TOKEN_ISSUER", "", "for example https://"),
        ("PAYDESK_TOKEN_JWKS_URL", "file:///etc/passwd", "for example https://"),
        ("PAYDESK_LIMIT_PAGE", "101", "for example 100"),
        ("PAYDESK_LIMIT_INVOICES_PER_PAYMENT", "91", "for example 90"),
        ("PAYDESK_LIMIT_SUBSCRIPTIONS", "0", "for example 50"),
        ("PAYDESK_LIMIT_COMMIT_RETRIES", "0", "for example 5"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable_with_an_example_of_a_right_one(name: str, value: str, told: str) -> None:
    (problem,) = problems_of(**{name: value})

    assert problem.startswith(f"{name} is wrong: ")
    assert told in problem
    assert problem.endswith(".")


def test_a_value_is_never_repeated_for_it_may_be_a_secret() -> None:
    (problem,) = problems_of(PAYDESK_STAGE="hunter2")

    assert "hunter2" not in problem


def test_a_misspelt_variable_is_refused_and_the_right_spelling_offered() -> None:
    (problem,) = problems_of(PAYDESK_LIMIT_PAGES="50")

    assert problem == "PAYDESK_LIMIT_PAGES is not a setting of Paydesk: did you mean PAYDESK_LIMIT_PAGE?"


def test_the_sandbox_is_refused_in_prod() -> None:
    (problem,) = problems_of(PAYDESK_STAGE="prod")

    assert problem.startswith("PAYDESK_GATEWAY is wrong: the sandbox moves no real money")


def test_in_prod_keys_and_pages_come_over_tls() -> None:
    problems = problems_of(
        PAYDESK_STAGE="prod",
        PAYDESK_TOKEN_JWKS_URL="http://login.example.com/keys",
        PAYDESK_ALLOWED_ORIGINS="http://portal.example.com",
    )

    assert {problem.split()[0] for problem in problems} == {
        "PAYDESK_GATEWAY",
        "PAYDESK_TOKEN_JWKS_URL",
        "PAYDESK_ALLOWED_ORIGINS",
    }


def test_the_first_check_comes_after_a_charge_can_no_longer_be_on_its_way() -> None:
    settings = load(RIGHT | {"PAYDESK_CHECK_SCHEDULE_SECONDS": "76,300"})
    assert settings.check_schedule_seconds == (76, 300)

    (problem,) = problems_of(PAYDESK_CHECK_SCHEDULE_SECONDS="75,300")
    assert "75 seconds" in problem

    (problem,) = problems_of(PAYDESK_CHARGE_WITHIN_SECONDS="300")
    assert problem.startswith("PAYDESK_CHECK_SCHEDULE_SECONDS is wrong")


def test_nobody_is_suspended_before_the_last_retry_or_notice() -> None:
    assert load(RIGHT | {"PAYDESK_COLLECTION_GRACE_DAYS": "8"}).collection.grace_days == 8

    (problem,) = problems_of(PAYDESK_COLLECTION_GRACE_DAYS="7")
    assert "on day 7" in problem

    (problem,) = problems_of(PAYDESK_COLLECTION_RETRY_DAYS_PAYPAL="1,14")
    assert problem.startswith("PAYDESK_COLLECTION_GRACE_DAYS is wrong")


def test_every_variable_of_the_stage_files_is_one_that_paydesk_knows() -> None:
    for stage in ("dev", "prod"):
        stated = {name for name in Stage(stage).environment() if name.startswith("PAYDESK_")}
        assert stated <= variables().keys()


def test_settings_cannot_be_changed() -> None:
    settings = load(RIGHT)

    with pytest.raises(ValueError, match="frozen"):
        settings.cooldown_seconds = 0  # type: ignore[misc]  # what the test is about
