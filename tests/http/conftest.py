from collections.abc import Iterator

import pytest

from chalicelib import wiring
from tests.http.bench import Bench, MakeBench


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    """A bench with other settings: `make_bench(PAYDESK_LIMIT_PAGE="10")`. One at a time."""

    def make(**variables: str) -> Bench:
        bench = Bench(**variables)
        wiring.use(bench.desk)
        return bench

    yield make
    wiring.use(None)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
