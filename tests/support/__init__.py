"""Provide helpers for tests: throwaway hosts, a `fab` that uses them, and shared texts and files."""

import sys
from pathlib import Path

if "pytest" in sys.modules:  # the demo and the benchmarks use the hosts without pytest
    import pytest

    # Make failed assertions of helpers show the compared values, as in tests.
    pytest.register_assert_rewrite(*(f"{__name__}.{path.stem}" for path in Path(__file__).parent.glob("[a-z]*.py")))
