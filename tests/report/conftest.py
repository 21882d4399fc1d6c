"""Made-up reports for the tests of the report package."""

import pytest

from .made_up import ALL


@pytest.fixture(params=sorted(ALL))
def report(request) -> dict:
    """Give each kind of study in turn."""
    return ALL[request.param]()
