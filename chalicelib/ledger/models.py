"""What the ledger keeps and how a change to it is described. Pure: no store here.

What DynamoDB would refuse is refused here already, where the rule that decided it still stands in the traceback: so no
ledger can take what another does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

Sort = str | int | None
Item = dict[str, Any]
"""A record as plain JSON values plus its derived index attributes: the form both stores keep."""

ACTIONS_MAX = 100
"""How many items one transaction may write (DynamoDB's TransactWriteItems), the account among them."""

KEY_BYTES_MAX = 1024
"""The longest sort value DynamoDB takes, in UTF-8. A partition may have 2,048 bytes; one limit is enough."""

_INTEGER_END = 10**38
"""DynamoDB keeps 38 digits of a number."""


class Stale(Exception):
    """The account changed since it was read, or the change meets a record nobody knew of: read and decide again."""


class Unwritable(Exception):
    """What was decided can never be written as it stands: a defect in the rule. Names fields, never their values."""


class Part(BaseModel):
    """A piece of a record. Immutable; fields Paydesk does not know are refused.

    Refusing matters for money: a newer deployment's field, read and written back by an older one, would be lost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Record(Part):
    """One item of one table. Its key is `account_id` and, where the table has one, `sort_field`."""

    table: ClassVar[str]
    sort_field: ClassVar[str | None] = None
    derived_fields: ClassVar[tuple[str, ...]] = ()

    account_id: str

    def derived(self) -> dict[str, str]:
        """Index attributes, computed whenever the record is written, kept nowhere else. Absent = not in the index."""
        return {}

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Self:
        """The record in a stored item. Raises pydantic.ValidationError when it cannot be read."""
        return cls.model_validate({name: value for name, value in item.items() if name not in cls.derived_fields})

    def fields(self) -> Item:
        """The fields as they are stored; `parse` reads them back."""
        return self.model_dump(mode="json", exclude_none=True)

    def item(self) -> Item:
        """What is stored. Raises Unwritable for what DynamoDB cannot hold: a float, an empty or overlong key."""
        item = self.fields() | self.derived()
        for name, value in item.items():
            _must_be_plain(value, f"{self.table}.{name}")
        for name in ("account_id", *([self.sort_field] if self.sort_field else []), *self.derived_fields):
            if isinstance(item.get(name), str) and not fits_a_key(item[name]):
                raise Unwritable(f"{self.table}.{name} is a key: it needs 1 to {KEY_BYTES_MAX} bytes of text")
        return item

    def key(self) -> "Key[Self]":
        return Key(type(self), self.account_id, getattr(self, self.sort_field) if self.sort_field else None)


class Guarded(Record):
    """The record whose version guards every change of an account, and everything that changes with it."""

    version: int = 0
    commit_id: str = ""


R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
A = TypeVar("A", bound=Guarded)


DueWork = Callable[[Any], Mapping[str, str]]
"""Index attributes of an account that take the stage's policies to compute: when which scheduled work is due."""


def nothing_due(_account: Any) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Key(Generic[R_co]):
    """Where a record stands, whether or not it is there."""

    record: type[R_co]
    account_id: str
    sort: Sort = None

    def item(self) -> Item:
        key: Item = {"account_id": self.account_id}
        if self.record.sort_field is not None:
            key[self.record.sort_field] = self.sort
        return key

    @property
    def place(self) -> tuple[str, str, Sort]:
        """Equal for two keys of one item, whatever class each names it by."""
        return (self.record.table, self.account_id, self.sort)

    @property
    def possible(self) -> bool:
        """Whether a record can stand here at all. Ids come from outside: asking for an impossible one finds nothing."""
        return all(fits_a_key(part) for part in (self.account_id, self.sort) if isinstance(part, str))


@dataclass(frozen=True)
class FieldSet:
    """Sets fields of a record that is there, without reading it. A dotted name reaches into a map that is there; None
    removes the field. Raises Unwritable for a field the record does not have, a key, an index attribute."""

    key: Key[Record]
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        record = self.key.record
        # A key may name what several kinds share (a payment method): then a field of any kind will do.
        known = {name for kind in (record, *record.__subclasses__()) for name in kind.model_fields}
        settable = known - {"account_id", record.sort_field} - set(record.derived_fields)
        if not self.values:
            raise Unwritable(f"a set on {record.table} needs a field")
        for name, value in self.values.items():
            if name.split(".")[0] not in settable:
                raise Unwritable(f"{record.table}.{name} cannot be set")
            if any(other.startswith(f"{name}.") for other in self.values):
                raise Unwritable(f"{record.table}.{name} is set as a whole and in part")
            _must_be_plain(value, f"{record.table}.{name}")


@dataclass(frozen=True)
class Change(Generic[A]):
    """Everything one decision changes: written all together or not at all.

    `account` is the account as it will be, still carrying the version that was read. Records in `puts` are new: one
    that already stands at that key refuses the whole change. Raises Unwritable for more than ACTIONS_MAX records, for
    one record named twice, and for a record of another account, whose version would not guard it.
    """

    account: A
    puts: tuple[Record, ...] = ()
    sets: tuple[FieldSet, ...] = ()
    deletes: tuple[Key[Record], ...] = field(default=())

    def __post_init__(self) -> None:
        places = [key.place for key in self._keys()]
        if len(places) > ACTIONS_MAX:
            raise Unwritable(f"one change writes at most {ACTIONS_MAX} records, not {len(places)}")
        if len(set(places)) < len(places):
            raise Unwritable("one change names a record twice")
        if any(account_id != self.account.account_id for _, account_id, _ in places):
            raise Unwritable("one change writes records of one account only")

    def _keys(self) -> list[Key[Record]]:
        return [
            self.account.key(),
            *(record.key() for record in self.puts),
            *(field_set.key for field_set in self.sets),
            *self.deletes,
        ]

    @property
    def only_the_account(self) -> bool:
        return not (self.puts or self.sets or self.deletes)


@dataclass(frozen=True)
class Index:
    """A secondary index that holds keys only. Eventual: what it names is a candidate, the record itself decides."""

    name: str
    record: type[Record]
    partition: str
    sort: str | None = None


def fits_a_key(text: str) -> bool:
    """Whether DynamoDB takes `text` as a part of a key: neither empty nor too long, and Unicode at all."""
    try:
        return 0 < len(text.encode()) <= KEY_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _must_be_plain(value: Any, name: str) -> None:
    """Text, integers, booleans and None, in lists and maps. A float loses cents, and a date would need a spelling."""
    match value:
        case None | bool() | str():
            return
        case int() if abs(value) < _INTEGER_END:
            return
        case list() | tuple():
            for element in value:
                _must_be_plain(element, name)
        case dict():
            for key, element in value.items():
                if not isinstance(key, str) or not key:
                    raise Unwritable(f"{name} has a map key that is not text")
                _must_be_plain(element, f"{name}.{key}")
        case _:
            raise Unwritable(f"{name} holds a {type(value).__name__}, which a store does not keep as it is")
