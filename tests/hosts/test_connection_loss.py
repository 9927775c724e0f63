"""A connection that is cut while a command works."""

import pytest

from tests.support.interruptions import cut, interrupt_run, interrupt_start
from tests.support.lab import Lab
from tests.support.soak import often


# `test_cut_start_starts_none_twice` cuts a start. The stage `later` is another one.
@pytest.mark.parametrize("seed", often([0], range(1, 10)))
@pytest.mark.parametrize("stage", often(["sync"], ["kill", "screen", "start", "later"]))
def test_cut_run_is_finished_by_a_repeat(lab: Lab, stage: str, seed: int) -> None:
    interrupt_run(lab, cut, stage, seed)


@pytest.mark.transports
def test_cut_start_starts_none_twice(lab: Lab) -> None:
    interrupt_start(lab, cut)
