"""`util.secret` in configs: which uses are refused, and how it shows."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.components.launcher import shown
from fabfile.results import config_dump
from rr_config import Component, ConfigError, util
from rr_config.checks.secrets import check_secrets
from tests.support.configs import component_of, refused

ENV = "env={'TOKEN': util.secret('API_TOKEN'), 'X': 'y'}"
ADD = "config.add_component(Component(name='a', host='h', executable='/x', start_index=1, %s))\n"
SECRET = util.secret("API_TOKEN")


@pytest.mark.parametrize(
    "use",
    [
        lambda: "x" + SECRET,
        lambda: SECRET + "x",
        lambda: f"{SECRET}",
        lambda: f"{SECRET:>9}",
        lambda: "%s" % SECRET,  # noqa: UP031
        lambda: str(SECRET),
        lambda: "".join([SECRET]),
        lambda: Path(SECRET),
        lambda: util.scoped(SECRET),
    ],
)
def test_secret_in_a_text_is_refused(use: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        use()


@pytest.mark.parametrize("name", ["", "A-B", "$X", "1A", None, "A\n"])
def test_invalid_secret_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^util\.secret\(.*: must be the name of an environment variable"):
        util.secret(name)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            "args=[util.secret('API_TOKEN')]",
            "h/a.args: util.secret('API_TOKEN') is a secret, and every user of the host can read arguments",
        ),
        ("args=['--token', 'x${TOKEN}y'], " + ENV, "h/a.args: $TOKEN is a secret, and every user of the host"),
        ("args=[util.scoped('$T', {'T': util.secret('API_TOKEN')})]", "h/a.args: $T is a secret, and every"),
        ("executable=util.secret('API_TOKEN')", "h/a.executable: invalid value *** (Secret)"),
        ("base_dir=util.secret('API_TOKEN')", "h/a.base_dir: invalid value ***"),
    ],
)
def test_visible_secret_is_refused(tmp_path: Path, args: str, words: str) -> None:
    text = ADD.replace("executable='/x', ", "") if args.startswith("executable") else ADD
    said = refused(tmp_path, text % args)
    assert words in said and len(said.splitlines()) == 1


def test_secret_is_hidden_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "sw0rdfish")
    component = component_of(tmp_path, ADD % f"args=[util.literal('$TOKEN')], {ENV}")
    source = config_dump._call(component)
    assert "env={'TOKEN': util.secret('API_TOKEN'), 'X': 'y'},  # TOKEN=***\n" in source
    assert shown(component) == "cd its temporary folder && X=y TOKEN=*** /x '$TOKEN'"
    values = config_dump.as_values(component)["env"]
    assert values == {"TOKEN": {"secret": "API_TOKEN", "value": "***"}, "X": "y"}
    copied = copy.deepcopy(component)
    assert copied.env == component.env and "***" in repr(copied)
    assert "sw0rdfish" not in f"{component!r}{source}{values}"


def test_unset_secrets_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    env = {"A": util.secret("UNSET"), "B": util.secret("EMPTY"), "C": "x"}
    with pytest.raises(ConfigError) as caught:
        check_secrets([Component(name=name, host="h", env=env) for name in "ab"])
    assert str(caught.value).splitlines() == [
        f"h/{name}.env: A: the environment variable UNSET is not set here; export it first" for name in "ab"
    ]
