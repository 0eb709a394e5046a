from collections.abc import Iterator

import pytest

from chalicelib.settings import Settings, load
from tests.auth.issuer import AUDIENCE, Issuer, serve_issuer
from tests.test_settings import RIGHT


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serve_issuer() as served:
        yield served


@pytest.fixture
def settings(issuer: Issuer) -> Settings:
    return load(
        RIGHT
        | {
            "PAYDESK_TOKEN_ISSUER": issuer.url,
            "PAYDESK_TOKEN_AUDIENCE": AUDIENCE,
            "PAYDESK_TOKEN_JWKS_URL": issuer.url,
        }
    )
