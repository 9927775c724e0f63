"""Arguments, file names, component names and values of `env` arrive byte for byte."""

import json
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lab import Lab
from tests.support.soak import often

CONFIG = """
import json
for number, case in enumerate(json.loads(open(__file__.replace("cfg.py", "cases.json")).read())):
    config.add_component(Component(
        name=case["name"], host="node1", executable="print", start_index=1, base_dir=f"~/c/{number}", wait=True,
        args=[util.literal(arg) for arg in case["args"]], env={"VALUE": util.literal(case["value"])},
        files={"print": "print", **({"tree": "tree"} if number == 0 else {})},
    ))
"""
PRINT = """#!/bin/sh
for argument do printf '%s\\0' "$argument"; done >args
env -0 | sed -zn 's/^VALUE=//p' >value
"""
COMPONENTS = 6


def texts(least: int = 0, most: int = 300, but: bytes = b"\0") -> st.SearchStrategy[str]:
    """Texts as Linux has them: any bytes, but for NUL."""
    awkward = st.sampled_from(
        [byte for byte in b" \n\t\r\\'\"$`*?[]{}~^%#!&;|<>()=-\x7f\x80\xff\x1b" if byte not in but]
    )
    byte = st.one_of(awkward, st.sampled_from([byte for byte in range(256) if byte not in but]))
    return st.lists(byte, min_size=least, max_size=most).map(lambda found: os.fsdecode(bytes(found)))


CASES = st.lists(
    st.fixed_dictionaries({"name": texts(1, 60), "args": st.lists(texts(), max_size=6), "value": texts()}),
    min_size=COMPONENTS,
    max_size=COMPONENTS,
    unique_by=lambda case: str(case["name"]),
)
NAMES = st.sets(texts(1, 255, b"\0/").filter(lambda name: name not in (".", "..")), min_size=1, max_size=12)


@pytest.mark.parametrize("examples", often([2], [200]))
def test_all_texts_arrive_byte_for_byte(lab: Lab, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(cases=CASES, names=NAMES)
    def each_example(cases: list[dict[str, object]], names: set[str]) -> None:
        bring_and_compare(lab, cases, names)

    each_example()


def bring_and_compare(lab: Lab, cases: list[dict[str, object]], names: set[str]) -> None:
    for folder in (lab.folder / "tree", lab.node1.home / "c"):
        shutil.rmtree(folder, ignore_errors=True)
    (lab.folder / "tree").mkdir()
    for name in names:
        (lab.folder / "tree" / name).write_bytes(os.fsencode(name))
    lab.write("print", PRINT, 0o755)
    lab.write("cases.json", json.dumps(cases))
    lab.config(CONFIG)
    lab.run("run")
    there = [lab.node1.home / "c" / str(number) for number in range(len(cases))]
    for case, folder in zip(cases, there, strict=True):
        arguments, value = case["args"], case["value"]
        assert isinstance(arguments, list) and isinstance(value, str)
        assert (folder / "args").read_bytes() == b"".join(os.fsencode(arg) + b"\0" for arg in arguments)
        assert (folder / "value").read_bytes() == os.fsencode(value) + b"\0"
    found = {path.name: path.read_bytes() for path in (there[0] / "tree").iterdir()}
    assert found == {name: os.fsencode(name) for name in names}
    told = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    assert sorted(each["name"] for each in told) == sorted(str(case["name"]) for case in cases)
    assert {(each["state"], each["exit_status"]) for each in told} == {("ended", 0)}
