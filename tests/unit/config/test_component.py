"""`Component` and `Config`, as a config file uses them."""

import attrs
import pytest

from rr_config import Component, Config, ConfigError
from rr_config.checks.validation import check_attributes
from rr_config.component import ATTRIBUTES
from rr_config.util import literal

LEGAL = "name, executable, args, files, host, base_dir, env, start_index, ready, wait, daemon, num_cores, stop_signal, results, measures, needs, meta"


def test_component_takes_attributes_both_ways() -> None:
    assigned = Component()
    assigned.name = "a"
    assigned.args = ["x"]
    assert attrs.asdict(assigned) == attrs.asdict(Component(name="a", args=["x"]))


def test_unset_attributes_have_defaults() -> None:
    component = Component()
    assert (component.wait, component.args, component.files, component.base_dir) == (False, [], {}, None)
    assert isinstance(component.num_cores, int)
    assert (component.meta, component.env, component.ready, component.results) == ({}, {}, None, [])


def test_defaults_are_not_shared() -> None:
    Component().args.append("x")
    Component().files["x"] = "y"
    Component().meta["x"] = "y"
    assert (Component().args, Component().files, Component().meta) == ([], {}, {})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nmae", "; did you mean 'name'?"),
        ("start_idx", "; did you mean 'start_index'?"),
        ("arg", "; did you mean 'args'?"),
        ("Host", "; did you mean 'host'?"),
        ("numcores", "; did you mean 'num_cores'?"),
        ("dir", "; did you mean 'base_dir'?"),
        ("exe", "; did you mean 'executable'?"),
        ("NAME", "; did you mean 'name'?"),
        ("hostname", "; did you mean 'host'?"),
        ("indx", "; did you mean 'start_index'?"),
    ],
)
def test_unknown_attribute_suggests_nearest(name: str, hint: str) -> None:
    message = f"unknown attribute {name!r} of Component{hint} (known: {LEGAL})"
    with pytest.raises(AttributeError) as assigned:
        setattr(Component(), name, "x")
    with pytest.raises(AttributeError) as given:
        Component(**{name: "x"})
    assert (str(assigned.value), str(given.value)) == (message, message)


def test_deleted_attribute_can_be_set_again() -> None:
    component = Component(name="a")
    del component.name
    with pytest.raises(AttributeError, match="'name' of this Component was deleted; assign it again"):
        print(component.name)
    component.name = "b"
    assert component.name == "b"


def test_unknown_attribute_cannot_be_read() -> None:
    with pytest.raises(AttributeError, match="unknown attribute 'hostt' of Component; did you mean 'host'"):
        Component().hostt  # type: ignore[attr-defined]  # noqa: B018


def test_added_component_is_a_deep_copy() -> None:
    config = Config()
    component = Component(name="a", args=["1"], files={"x": "y"}, meta={"k": [1]})
    config.add_component(component)
    component.name = "b"
    component.args.append("2")
    component.files["z"] = "z"
    component.meta["k"].append(2)
    config.add_component(component)
    first, second = config.all_components()
    assert attrs.asdict(first) == attrs.asdict(Component(name="a", args=["1"], files={"x": "y"}, meta={"k": [1]}))
    assert attrs.asdict(second) == attrs.asdict(component) and second is not component


def test_copied_literal_stays_literal() -> None:
    config = Config()
    config.add_component(Component(args=[literal("$x")]))
    (component,) = config.all_components()
    assert isinstance(component.args[0], literal)


def test_components_are_listed_by_host() -> None:
    config = Config()
    for name, host in (("a", "h2"), ("b", "localhost"), ("c", "h1"), ("d", "h2")):
        config.add_component(Component(name=name, host=host))
    assert [c.name for c in config.all_components()] == ["a", "b", "c", "d"]
    assert [c.name for c in config.all_remote_components()] == ["a", "c", "d"]
    assert [c.name for c in config.all_local_components()] == ["b"]
    assert set(config.all_hosts()) == {"h1", "h2", "localhost"}


def test_listed_components_are_not_copies() -> None:
    config = Config()
    config.add_component(Component(name="a", host="h"))
    for component in config.all_remote_components():
        component.name = "changed"
    assert [c.name for c in config.all_components()] == ["changed"]


@pytest.mark.parametrize("method", ["all_components", "all_remote_components"])
def test_components_are_list_and_iterator(method: str) -> None:
    config = Config()
    for name in ("a", "b", "c"):
        config.add_component(Component(name=name, host="h"))
    listed = getattr(config, method)()
    assert [[c.name for c in listed] for _ in "12"] == [["a", "b", "c"]] * 2
    assert (len(listed), listed[-1].name, bool(listed)) == (3, "c", True)
    assert (next(listed).name, [c.name for c in listed]) == ("a", ["b", "c"])
    assert [next(listed).name, next(listed).name, next(listed, None)] == ["b", "c", None]
    assert next(getattr(config, method)()).name == "a", "the config still has all"


def test_components_are_hashable_by_identity() -> None:
    config = Config()
    for _ in "ab":
        config.add_component(Component(name="a", host="h"))
    found, (one, other) = set(config.all_components()), config.all_components()
    assert found == {one, other} and len(found) == 2
    one.name = "changed"
    assert one in found and {one: 1}[one] == 1 and one != other


def test_components_may_change_while_listed() -> None:
    config = Config()
    config.add_component(Component(name="a"))
    for component in config.all_components():
        config.clear_components()
        component.name += "+"
        config.add_component(component)
        config.add_component(component)
    assert [c.name for c in config.all_components()] == ["a+", "a+"]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_declares_everything(name: str) -> None:
    declared = ATTRIBUTES[name]
    assert declared.help.endswith(".") and declared.expected
    assert declared.rule(getattr(Component(), name)) != declared.is_required, "only a required one has no default"
    assert not declared.rule(object())


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_rule_of_each_attribute_is_checked(name: str) -> None:
    component = Component(name="a", executable="x", host="h", start_index=1)
    check_attributes(Config([component]))
    setattr(component, name, object())
    with pytest.raises(ConfigError) as caught:
        check_attributes(Config([component]))
    (problem,) = caught.value.problems
    assert f".{name}: invalid value <object" in problem or f"component 1.{name}: " in problem
    assert problem.endswith(f"; must be {ATTRIBUTES[name].expected}")


def test_attributes_are_those_of_the_class() -> None:
    assert [*ATTRIBUTES] == [field.name for field in attrs.fields(Component)]


@pytest.mark.parametrize(("name", "meant"), [("scren", "screen"), ("projct", "project"), ("Screen", "screen")])
def test_misspelled_config_attribute_is_refused(name: str, meant: str) -> None:
    config = Config()
    with pytest.raises(AttributeError, match=rf"^unknown attribute {name} of config; did you mean {meant}\?$"):
        setattr(config, name, "x")
    config.mine = 3  # for muddlers
    assert config.mine == 3  # type: ignore[attr-defined]
