"""The pytest plugin: fixtures for a project's own tests; pytest loads it wherever recallgate is installed."""

import pytest

# assertions of the kits show their values, as those in a test file do
pytest.register_assert_rewrite(
    "recallgate.testing.kit",
    "recallgate.testing.kit_answers",
    "recallgate.testing.kit_base",
    "recallgate.testing.kit_callbacks",
)
