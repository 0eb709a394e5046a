"""What the ledger keeps and how a change to it is described. Pure: no store here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

Sort = str | int | None
Item = dict[str, Any]
"""A record as plain JSON values plus its derived index attributes: the form both stores keep."""


class Part(BaseModel):
    """A piece of a record. Immutable; fields Paydesk does not know are refused.

    Refusing matters for money: a newer deployment's field, read and written back by an older one, would be lost silently.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Part):
    """One item of one table. Its key is `account_id` and, where the table has one, `sort_field`."""

    table: ClassVar[str]
    sort_field: ClassVar[str | None] = None
    derived_fields: ClassVar[tuple[str, ...]] = ()

    account_id: str

    def derived(self) -> dict[str, str]:
        """Index attributes, computed from the record whenever it is written and kept nowhere else. Absent = not in the index."""
        return {}

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Self:
        """The record in a stored item. Raises pydantic.ValidationError when it cannot be read."""
        return cls.model_validate({name: value for name, value in item.items() if name not in cls.derived_fields})

    def item(self) -> Item:
        return self.model_dump(mode="json", exclude_none=True) | self.derived()

    def key(self) -> "Key[Self]":
        return Key(type(self), self.account_id, getattr(self, self.sort_field) if self.sort_field else None)


class Guarded(Record):
    """The record whose version guards every change of an account, and everything that changes with it."""

    version: int = 0
    commit_id: str = ""


R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
A = TypeVar("A", bound=Guarded)


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


@dataclass(frozen=True)
class FieldSet:
    """Sets fields of a record that is there, without reading it. A dotted name reaches into a map; None removes the field."""

    key: Key[Record]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Change(Generic[A]):
    """Everything one decision changes: written all together or not at all.

    `account` is the account as it will be, still carrying the version that was read. Records in `puts` are new: a record
    already standing at that key refuses the whole change.
    """

    account: A
    puts: tuple[Record, ...] = ()
    sets: tuple[FieldSet, ...] = ()
    deletes: tuple[Key[Record], ...] = field(default=())

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


class Stale(Exception):
    """The account changed since it was read, or the change meets a record that was not there then: read and decide again."""
