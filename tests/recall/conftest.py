"""The CDNOW purchases, loaded once."""

from datetime import date

import pytest

from recallgate.recall.activity import cdnow
from recallgate.recall.audience import Audience


@pytest.fixture(scope="session")
def shop() -> Audience:
    return Audience.build(cdnow(), date(1998, 6, 30))
