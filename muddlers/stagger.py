"""Starts components one after the other, with a delay between one and the next.

    --muddler "stagger --delay 0.5 --only 'client*'"

Of those of one start index, on whatever hosts, the first waits for nothing, the second for one delay, and so on, in the
order of the config. A program that waits counts as running; its `ready` has so much more time.
"""

import math
from collections import Counter

import attrs

from rr_config import ConfigError


def add_arguments(parser):
    parser.add_argument("--delay", type=float, metavar="SECONDS", help="between one start and the next; must be said")


def muddle(config):
    delay = extra_options.delay
    if delay is None or not (math.isfinite(delay) and delay >= 0):
        raise ConfigError(f"stagger --delay: is {delay}; it must be a number of seconds, from 0 on")
    before = Counter()
    for component in util.chosen(config, extra_options.only):
        seconds = before[component.start_index] * delay
        before[component.start_index] += 1
        if seconds:
            util.wrap(component, prepare='sleep "$1"', given=[f"{seconds:.3f}"])
            if component.ready:
                component.ready = attrs.evolve(component.ready, timeout=component.ready.timeout + seconds)
