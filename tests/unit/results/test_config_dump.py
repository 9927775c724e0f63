"""A config that is shown can be loaded again."""

from pathlib import Path

import attrs
import pytest

from fabfile.results.config_dump import as_python, as_values
from rr_config import Config, util
from rr_config.util import literal, scoped
from tests.support.awkward import AWKWARD
from tests.support.configs import complete, component_of, loaded


@pytest.mark.parametrize("ready", [util.port(80), util.log(r"a\d'", 5), util.command("a\nb", 1.5), util.ended(), None])
def test_shown_config_can_be_loaded(tmp_path: Path, ready: object) -> None:
    args: list[str] = [literal(text) if number % 2 else text for number, text in enumerate(AWKWARD)]
    args.append(scoped("$A$B", {"A": literal("$x")}))
    text = (
        "config.add_component(Component(name='a', host='h', executable='/x', start_index=1, wait=True))\n"
        "component = config.all_components()[0]\n"
    )
    component = component_of(tmp_path, text)
    component.args, component.env, component.meta = args, {"A": literal("$B")}, {"k": [1, {"x": None}]}
    component.ready = ready  # type: ignore[assignment]
    again = component_of(tmp_path / "again", as_python(Config([component])))
    assert attrs.asdict(again) == attrs.asdict(component)
    assert [type(arg) for arg in again.args] == [type(arg) for arg in args]
    assert vars(again.args[-1]) == {"env": {"A": "$x"}} and isinstance(again.args[-1], scoped)
    values = as_values(component)
    *plain, last = args
    assert values["args"] == [
        *({"literal": str(arg)} if isinstance(arg, literal) else arg for arg in plain),
        {"scoped": str(last), "env": {"A": {"literal": "$x"}}},
    ]
    assert values["env"] == {"A": {"literal": "$B"}}


def test_shown_parameters_are_a_comment(tmp_path: Path) -> None:
    text = "p = util.params(clients=4, mode='slow\\n', debug=False)\n" + complete()
    config = loaded(tmp_path, text, params={"clients": 8})
    shown = as_python(config)
    assert shown.splitlines()[0] == r"# parameters: clients=8, mode='slow\n', debug=False"
    again = loaded(tmp_path / "again", shown)
    assert list(map(attrs.asdict, again.all_components())) == list(map(attrs.asdict, config.all_components()))
    assert again.parameters == {}
    assert not as_python(Config(config.all_components())).startswith("#")


def test_project_and_session_are_kept(tmp_path: Path) -> None:
    config = loaded(tmp_path, complete() + "config.project, config.screen = \"it's\", 'mine'\n")
    again = loaded(tmp_path / "again", as_python(config))
    assert (again.project, again.screen) == ("it's", "mine")
