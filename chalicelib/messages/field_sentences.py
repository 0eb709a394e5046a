"""What can be wrong with one field of a request, in English."""

from chalicelib.messages.marking import N_

FIELD_SENTENCES: dict[str, str] = {
    "missing": N_("This field is required."),
    "extra_forbidden": N_("There is no such field here."),
    "repeated": N_("State this once only."),
    "int_type": N_("Write a whole number, without quotes and without a decimal point."),
    "int_parsing": N_("Write a whole number."),
    "int_from_float": N_("Write a whole number, without quotes and without a decimal point."),
    "string_type": N_("Write a text, in quotes."),
    "bool_type": N_("Write true or false, without quotes."),
    "bool_parsing": N_("Write true or false."),
    "greater_than": N_("It has to be more than {gt}."),
    "greater_than_equal": N_("It has to be {ge} or more."),
    "less_than": N_("It has to be less than {lt}."),
    "less_than_equal": N_("It has to be {le} or less."),
    "string_too_short": N_("It is too short: the least length is {min_length}."),
    "string_too_long": N_("It is too long: the greatest length is {max_length}."),
    "string_pattern_mismatch": N_("It does not have the right form."),
    "too_short": N_("The list is too short: the least length is {min_length}."),
    "too_long": N_("The list is too long: the greatest length is {max_length}."),
    "literal_error": N_("It has to be one of: {expected}."),
    "enum": N_("It has to be one of: {expected}."),
    "union_tag_invalid": N_("It has to be one of: {expected_tags}."),
    "union_tag_not_found": N_("State which kind it is."),
    "date_type": N_("Write a date such as 2026-11-23."),
    "date_parsing": N_("Write a date such as 2026-11-23."),
    "date_from_datetime_parsing": N_("Write a date such as 2026-11-23."),
    "datetime_type": N_("Write a moment such as 2026-11-23T15:36:15Z."),
    "datetime_parsing": N_("Write a moment such as 2026-11-23T15:36:15Z."),
    "datetime_from_date_parsing": N_("Write a moment such as 2026-11-23T15:36:15Z."),
    "model_type": N_("Write an object with named fields."),
    "model_attributes_type": N_("Write an object with named fields."),
    "dict_type": N_("Write an object with named fields."),
    "list_type": N_("Write a list."),
    "tuple_type": N_("Write a list."),
    "other": N_("This is not acceptable."),
}
"""By the name pydantic gives the problem; placeholders are the particulars it names."""

RULE_SENTENCES: tuple[str, ...] = (
    N_("not a supported ISO 4217 currency code"),
    N_("name a time zone by area and place, as Europe/Berlin, or write UTC"),
    N_("an instant needs a time zone"),
    N_("an instant lies in the years 1 to 9999"),
    N_("state expires_month and expires_year together"),
    N_("state at least one thing to change"),
    N_("state a value or leave the field out: null is neither"),
    N_("name the new default here, and only together with on_default=promote"),
)
"""What the rooms' own checks say of a value (the text of their ValueError), gathered here for the translators."""
