"""Warnings of shell syntax in arguments and variables that no shell evaluates."""

from pathlib import Path

import pytest

from tests.support.configs import complete, loaded


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"args": ["$(date)"]}, "args: '$(date)'"),
        ({"args": ["ok", "a`id -u`"]}, "args: 'a`id -u`'"),
        ({"args": ["${X:-y}", "$(date)"], "env": {"A": "$(date)"}}, "args: '${X:-y}'"),
        ({"args": ["${X%.txt}"]}, "args: '${X%.txt}'"),
        ({"args": ["${#X}"]}, "args: '${#X}'"),
        ({"args": ["$((1 + 2))"]}, "args: '$((1 + 2))'"),
        ({"env": {"A": "$(date)", "B": "`id`"}}, "env: '$(date)'"),
        ({"args": ["-c", "$(date)"]}, "args: '$(date)'"),
        ({"args": ["$(" + "x" * 100]}, "args: '$(" + "x" * 58 + "...'"),
    ],
)
def test_component_has_one_warning(
    tmp_path: Path, attributes: dict[str, object], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    loaded(tmp_path, complete(**attributes))
    (message,) = caplog.messages
    assert message == (
        f"h/a.{text}: no shell evaluates this; run it with /bin/sh -c to evaluate it, or use util.literal"
    )


@pytest.mark.parametrize(
    "attributes",
    [
        "args=['$NAME', '${NAME}/x', '$$', '$1', '{print $1}', 'it`s', '${', '${}', '(a)']",
        "args=[util.literal('$(date)'), util.literal('`id`')], env={'A': util.literal('${X:-y}')}",
        "executable='/bin/sh', args=['-c', 'echo $(date)']",
        "executable='/usr/bin/env', args=['nice', 'bash', '-ec', 'echo `date`', 'sh', 'x']",
        "env={'PATH': '/opt/bin:$PATH'}",
    ],
)
def test_no_warning_without_shell_syntax(tmp_path: Path, attributes: str, caplog: pytest.LogCaptureFixture) -> None:
    text = f"c = Component(name='a', host='h', start_index=1, **(dict(executable='/x') | dict({attributes})))\n"
    loaded(tmp_path, f"{text}config.add_component(c)\n")
    assert caplog.messages == []


def test_each_chosen_component_has_its_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "".join(complete(name=name, args=["$(x)"]) for name in ("a", "b", "c"))
    loaded(tmp_path, text, limit="a,b", command="run")
    assert [message.partition(".")[0] for message in caplog.messages] == ["h/a", "h/b"]
    loaded(tmp_path, text, command="logs")
    assert len(caplog.messages) == 2
