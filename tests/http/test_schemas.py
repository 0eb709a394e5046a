"""Text that a person reads shows all it holds: no two names look the same and differ."""

import pytest
from pydantic import TypeAdapter, ValidationError

from chalicelib.accounts.schemas import Name
from chalicelib.http.schemas import EmailAddress

NAME: TypeAdapter[str] = TypeAdapter(Name)
ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)

HIDDEN = {
    "null": "\0",
    "line feed": "\n",
    "delete": "\x7f",
    "next line": "\x85",
    "soft hyphen": "\u00ad",
    "Arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "left-to-right embedding": "\u202a",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "left-to-right isolate": "\u2066",
    "pop directional isolate": "\u2069",
    "nominal digit shapes": "\u206f",
    "byte order mark": "\ufeff",
    "replacement character": "\ufffd",
}
JOINERS = {"zero width non-joiner": "\u200c", "zero width joiner": "\u200d"}


@pytest.mark.parametrize("sign", HIDDEN.values(), ids=HIDDEN)
def test_nothing_hidden_stands_in_a_name_or_an_address(sign: str) -> None:
    for kind, texts in (
        (NAME, (f"Acme{sign}Ltd", f"{sign}Acme", f"Acme{sign}", sign)),
        (ADDRESS, (f"a{sign}p@example.com", f"ap@exa{sign}mple.com", f"ap@example.com{sign}")),
    ):
        for text in texts:
            with pytest.raises(ValidationError, match="pattern"):
                kind.validate_python(text)


@pytest.mark.parametrize("sign", JOINERS.values(), ids=JOINERS)
def test_joiners_are_for_names_that_need_them(sign: str) -> None:
    assert NAME.validate_python(f"\u0646\u0627\u0645\u0647{sign}\u0647\u0627")
    with pytest.raises(ValidationError, match="pattern"):
        NAME.validate_python(f" {sign} ")
    with pytest.raises(ValidationError, match="pattern"):
        ADDRESS.validate_python(f"a{sign}p@example.com")


@pytest.mark.parametrize(
    "name", ["A", "Ärzte & Söhne", "株式会社", "क्‍ष", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} Ltd", "a  b"]
)
def test_names_in_any_script_are_names(name: str) -> None:
    assert NAME.validate_python(name) == name
