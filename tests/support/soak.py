"""Parameters of tests that take long. `./dev test` uses the first ones, `./dev soak` the others."""

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def often(usual: Iterable[object], more: Iterable[object]) -> list[object | ParameterSet]:
    """Return the usual parameters, and those for `./dev soak` with its mark. A tuple holds one for each argument."""
    rare = [each if isinstance(each, tuple) else (each,) for each in more]
    return [*usual, *(pytest.param(*each, marks=pytest.mark.soak) for each in rare)]
