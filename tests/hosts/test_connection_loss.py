"""A connection that is cut while a command works."""

import pytest

from tests.support.interruptions import STAGES, cut, interrupt_run, interrupt_start
from tests.support.lab import Lab
from tests.support.soak import often


@pytest.mark.parametrize("seed", often([0], range(1, 10)))
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_is_cut_off_the_same_command_again_finishes(lab: Lab, stage: str, seed: int) -> None:
    interrupt_run(lab, cut, stage, seed)


def test_start_that_is_cut_off_among_many_components_starts_none_twice(lab: Lab) -> None:
    interrupt_start(lab, cut)
