"""Every `>>>` example of every docstring gives what it says."""

import doctest
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import recallgate
import recallgate_adapters


def modules() -> Iterator[str]:
    """All modules of both packages; what a package runs as a program is not imported."""
    for package in (recallgate, recallgate_adapters):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


MODULES = sorted(modules())


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_hold(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)

    assert result.failed == 0, f"{name}: {result.failed} of {result.attempted} examples fail; they are printed above"


def test_an_example_that_fails_is_noticed() -> None:
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "sum", None, 0)

    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1
