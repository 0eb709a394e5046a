from collections.abc import Iterator

import pytest

from tests.local.running import Running, running


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One running stack for the tests of this folder: Lumen Studio is for the printed commands, Kiku Trading for the
    rest, and the clock only ever went on by hours.
    """
    with running(tmp_path_factory.mktemp("stack")) as made:
        yield made
