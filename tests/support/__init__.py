"""Helpers of the tests: throwaway hosts, `fab` for them, and texts and files that several tests use."""

import sys
from pathlib import Path

if "pytest" in sys.modules:  # the demo and the benchmarks use the hosts without it
    import pytest

    # Failed assertions of helpers show the values that they compare, as those of tests do.
    pytest.register_assert_rewrite(*(f"{__name__}.{path.stem}" for path in Path(__file__).parent.glob("[a-z]*.py")))
