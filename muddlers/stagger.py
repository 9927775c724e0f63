"""Start components one after the other, with a delay between two starts.

    --muddler "stagger --delay 0.5 --only 'client*'"

Within a start index, across all hosts, the first component starts at once, the second after one delay, and so on. The
order is that of the config. A component that waits for its delay counts as running. The timeout of its `ready` is
extended by the delay.
"""

import math
from collections import Counter

import attrs

from rr_config import ConfigError


def add_arguments(parser):
    parser.add_argument("--delay", type=float, metavar="SECONDS", help="seconds between two starts (required)")


def muddle(config):
    delay = extra_options.delay
    if delay is None or not (math.isfinite(delay) and delay >= 0):
        raise ConfigError(f"stagger --delay: required, and must be at least 0 seconds (is {delay})")
    before = Counter()
    for component in util.chosen(config, extra_options.only):
        seconds = before[component.start_index] * delay
        before[component.start_index] += 1
        if seconds:
            util.wrap(component, prepare='sleep "$1"', given=[f"{seconds:.3f}"])
            if component.ready:
                component.ready = attrs.evolve(component.ready, timeout=component.ready.timeout + seconds)
