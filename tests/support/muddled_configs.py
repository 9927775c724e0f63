"""Define a config of two components, and apply muddlers to it."""

from typing import Any

import pytest

from rr_config import Component, ConfigError
from rr_config.testing import muddled

TWO = """
def add(name, host="node1", **more):
    config.add_component(Component(**{"name": name, "host": host, "executable": "bin/x", "start_index": 1} | more))

add("server", args=["a b"])
add("client", "node2", args=["%n", util.literal("$x"), "$y"], num_cores=2)
"""


def told(muddler: str, config: str = TWO, **options: Any) -> dict[str, Component]:
    """Apply a muddler to a config. Return its components by name."""
    return {each.name: each for each in muddled(config, muddler, **options)}


def refusal(*muddlers: str, config: str = TWO, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        muddled(config, *muddlers, **options)
    return str(caught.value)


SHOW = """#!/bin/sh
for arg; do printf '%s\\0' "$arg"; done >"$OUT"
"""
