"""Local files that a component brings, and the place that each path of a config means."""

import os
from pathlib import Path

import pytest

from rr_config import ConfigError, Options, load
from rr_config.files.local_files import Placed, placed_files
from rr_config.util import literal, recursive_files_dict
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a tree in it that has sub-folders, an empty one, and awkward names."""
    for name in ("tree/a", "tree/sub/b", "tree/sub/deep/c d", "tree/~e", "tree/new\nline", "tree/.hidden"):
        write(tmp_path / name, name)
    (tmp_path / "tree/empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- util


@pytest.mark.parametrize("dest", ["data", "/abs/data", "~/data", "."])
@pytest.mark.parametrize("src", ["tree", "./tree", "tree/", "ABSOLUTE/tree"])
def test_every_file_has_its_place(tree: Path, src: str, dest: str) -> None:
    src = src.replace("ABSOLUTE", str(tree))
    found = {os.path.abspath(k): os.path.normpath(v) for k, v in recursive_files_dict(src, dest).items()}  # noqa: PTH100
    names = ["a", "sub/b", "sub/deep/c d", "~e", "new\nline", ".hidden"]
    assert found == {f"{tree}/tree/{name}": os.path.normpath(f"{dest}/{name}") for name in names}


def test_empty_destination_is_base_dir(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tree))
    found = recursive_files_dict("~/tree/sub", "")
    assert found == {f"{tree}/tree/sub/b": "./b", f"{tree}/tree/sub/deep/c d": "./deep/c d"}


@pytest.mark.parametrize(
    ("src", "reason"),
    [
        ("none", "none: No such file or directory"),
        ("tree/a", "tree/a: Not a directory"),
        ("tree/a/b", "tree/a/b: Not a directory"),
        ("dangling", "dangling: No such file or directory"),
    ],
)
def test_missing_source_adds_no_files(tree: Path, src: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    (tree / "dangling").symlink_to("nowhere")
    text = f"for _ in 'ab':\n    files = util.recursive_files_dict({src!r}, 'd')\nassert files == {{}}\n{complete()}"
    loaded(tree, text)
    assert caplog.messages == [f"{tree}/cfg.py:2: util.recursive_files_dict: {reason}; it adds no files"]


def test_muddler_of_a_missing_folder_works(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "def muddle(config):\n    for c in config.all_components():\n"
    text += "        c.files.update(util.recursive_files_dict('none', 'd'))\n"
    path = write(tree / "muddlers/old.py", text)
    loaded(tree, complete() + complete(name="b"), muddler=["old"])
    assert [message.split(": ")[0] for message in caplog.messages] == [f"{path}:3"]


def test_source_in_a_loop_of_links_fails(tree: Path) -> None:
    (tree / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        recursive_files_dict("loop", ".")


def test_config_folder_can_be_sent(tree: Path) -> None:
    found = placed(component_files(tree / "tree", "util.recursive_files_dict('.', '.')"))
    assert found[f"{tree}/tree/~e"] == "/b/~e"


def test_broken_links_are_skipped(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tree / "linked").mkdir()
    write(tree / "linked/f", "f")
    (tree / "tree/link").symlink_to("../linked")
    (tree / "tree/sub/dangling").symlink_to("nowhere")
    os.mkfifo(tree / "tree/fifo")
    found = recursive_files_dict("tree", "d")
    assert found["tree/link/f"] == "d/link/f"
    for _ in range(2):
        component_files(tree, "util.recursive_files_dict('tree', 'd')")
    what = {"fifo": "a FIFO", "sub/dangling": "a broken symbolic link"}
    absolute = [f"{tree}/tree/{name}: {reason}; skipped" for name, reason in what.items()]
    assert [message for message in caplog.messages if message.startswith("/")] == absolute
    with pytest.raises(ConfigError) as caught:
        component_files(tree, "{'tree/sub/dangling': 'd'}")
    assert caught.value.problems == (f"a.files: {tree}/tree/sub/dangling: No such file or directory",)


def test_link_to_a_parent_is_refused(tree: Path) -> None:
    (tree / "tree/sub/loop").symlink_to("..")
    with pytest.raises(ConfigError, match=r"tree/sub/loop.*: a symbolic link to a folder that contains it"):
        component_files(tree, "util.recursive_files_dict('tree', 'd')")


def test_literal_keeps_its_text() -> None:
    assert literal("$x") == "$x"
    assert isinstance(literal("x"), str)


def component_files(folder: Path, expression: str) -> dict[str, str]:
    """The files of a component with base_dir /b whose config in `folder` sets them to `expression`."""
    text = COMPLETE.replace("name=", f"base_dir='/b', files={expression}, name=")
    return component_of(folder, text).files


def placed(files: dict[str, str]) -> dict[str, str]:
    """Local path to remote path, of the regular files only."""
    found = list(placed_files(files))
    assert all(isinstance(item, Placed) for item in found)
    return {i.local.path: i.remote for i in found if isinstance(i, Placed) and not i.local.is_dir}


# -- folders


def test_folder_brings_its_whole_tree(tree: Path) -> None:
    found = [item for item in placed_files({f"{tree}/tree": "/b/t"}) if isinstance(item, Placed)]
    remotes = [item.remote for item in found]
    assert {i.remote for i in found if i.local.is_dir} == {"/b/t", "/b/t/empty", "/b/t/sub", "/b/t/sub/deep"}
    assert {"/b/t/a", "/b/t/sub/deep/c d", "/b/t/~e", "/b/t/new\nline", "/b/t/.hidden"} <= set(remotes)
    for remote in remotes[1:]:
        assert remotes.index(os.path.dirname(remote)) < remotes.index(remote)  # noqa: PTH120


def test_files_have_size_and_mode(tree: Path) -> None:
    (tree / "tree/a").chmod(0o4751)
    (item,) = placed_files({f"{tree}/tree/a": "/b/a"})
    assert isinstance(item, Placed)
    assert (item.local.mode, item.local.size, item.local.is_dir) == (0o4751, 6, False)


def test_links_are_followed(tree: Path) -> None:
    (tree / "link").symlink_to("tree/sub")
    (tree / "tree/link").symlink_to("a")
    found = placed({f"{tree}/link": "/b/l", f"{tree}/tree/link": "/b/a"})
    assert found == {f"{tree}/link/b": "/b/l/b", f"{tree}/link/deep/c d": "/b/l/deep/c d", f"{tree}/tree/link": "/b/a"}


# -- where paths lead


@pytest.mark.parametrize(
    ("base_dir", "path", "expected"),
    [
        ("/w", "x", "/w/x"),
        ("/w", "./x", "/w/x"),
        ("/w", "/x", "/x"),
        ("/w", "~/x", "~/x"),
        ("/w", "~root/x", "~root/x"),
        ("/w", "../x", "/x"),
        ("/w", "./~x", "/w/~x"),
        ("/w", "a b'\"$HOME*\n\\^;é", "/w/a b'\"$HOME*\n\\^;é"),
        ("/w/", "x/y", "/w/x/y"),
        ("~", "x", "~/x"),
        ("~/w", "x", "~/w/x"),
        ("~/w", "../x", "~/x"),
        ("~root/w", "x", "~root/w/x"),
        (None, "x/./y", "x/y"),
        (None, "/x", "/x"),
        (None, "~/x", "~/x"),
        (None, "./~x", "./~x"),
        ("/w", "//x/y", "/x/y"),
        ("//w", "x", "/w/x"),
        ("~", "~//x", "~/x"),
        ("~//w", "x", "~/w/x"),
        (None, "//x", "/x"),
        (None, "~root///x//y", "~root/x/y"),
        ("~//", "x", "~/x"),
    ],
)
def test_remote_paths_are_resolved(tree: Path, base_dir: str | None, path: str, expected: str) -> None:
    (tree / "tree/a").chmod(0o755)
    component = component_of(tree, complete(base_dir=base_dir, executable=path, files={"tree/a": path}))
    assert (component.executable, component.files) == (expected, {f"{tree}/tree/a": expected})


@pytest.mark.parametrize(
    ("base_dir", "path"),
    [("~", "../x"), ("/w", "~/../x"), ("~/w", "../../x"), ("~/../w", "../x"), (None, "~/../x"), ("../w", "../x")],
)
def test_paths_above_remote_home_stay(tree: Path, base_dir: str | None, path: str) -> None:
    component = component_of(tree, complete(base_dir=base_dir, files={"tree/a": path}))
    (remote,) = component.files.values()
    assert remote.startswith("~/")
    assert os.path.normpath(remote.replace("~", "/home/me", 1)) == "/home/x"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tree/a", "FOLDER/tree/a"),
        ("./tree/a", "FOLDER/tree/a"),
        ("~/tree/a", "FOLDER/tree/a"),
        ("FOLDER/tree/a", "FOLDER/tree/a"),
        ("./~e", "FOLDER/~e"),
        ("~root/../$HOME", None),
        ("$HOME", "FOLDER/$HOME"),
        ("*", "FOLDER/*"),
        (" a b ", "FOLDER/ a b "),
    ],
)
def test_local_paths_are_resolved(tree: Path, monkeypatch: pytest.MonkeyPatch, path: str, expected: str | None) -> None:
    monkeypatch.setenv("HOME", str(tree))
    monkeypatch.chdir("/")
    for name in ("~e", "$HOME", "*", " a b "):
        write(tree / name, "")
    path = path.replace("FOLDER", str(tree))
    if expected is None:
        with pytest.raises(ConfigError, match=r"No such file|Permission denied"):
            loaded(tree, complete(files={path: "x"}))
        return
    component = component_of(tree, complete(files={path: "/x"}))
    assert component.files == {expected.replace("FOLDER", str(tree)): "/x"}
    local = component_of(tree, complete(host="localhost", executable=path))
    assert os.path.normpath(local.executable) == expected.replace("FOLDER", str(tree))


@pytest.mark.parametrize(
    ("base_dir", "remote", "expected"),
    [
        ("/w", ".", "/w/a"),
        ("/w", "./", "/w/a"),
        ("/w", "sub/.", "/w/sub/a"),
        ("/w", "sub/..", "/w/a"),
        ("/w", "..", "/a"),
        ("~/w", ".", "~/w/a"),
        ("/w", "~", "~/a"),
        (None, ".", "a"),
        (None, "./", "a"),
        (None, "sub/", "sub/a"),
        ("/w", "sub", "/w/sub"),
    ],
)
def test_folder_destination_takes_the_file(tree: Path, base_dir: str | None, remote: str, expected: str) -> None:
    component = component_of(tree, complete(base_dir=base_dir, files={"tree/a": remote}))
    (placed,) = placed_files(component.files)
    assert isinstance(placed, Placed)
    assert placed.remote == expected


@pytest.mark.parametrize("remote", ["../x", "..", "a/../../x", "../"])
def test_temporary_folder_cannot_be_left(tree: Path, remote: str) -> None:
    with pytest.raises(ConfigError, match=r"^h/a\.files: .*: outside the temporary folder of the component; set"):
        loaded(tree, complete(base_dir=None, files={"tree/a": remote}))


def test_one_file_may_have_several_places(tree: Path) -> None:
    found = list(placed_files(component_files(tree, "{'tree/a': 'x', './tree/a': 'y', 'tree/../tree/a': 'z'}")))
    assert all(isinstance(item, Placed) and Path(item.local.path).read_text() == "tree/a" for item in found)
    assert [item.remote for item in found] == ["/b/x", "/b/y", "/b/z"]


def test_same_place_twice_is_accepted(tree: Path) -> None:
    assert component_files(tree, "{'tree/a': 'x', 'tree/../tree/a': 'x'}")


def test_links_in_paths_are_resolved(tree: Path) -> None:
    (tree / "link").symlink_to("tree/sub/deep")
    ((local, _),) = component_files(tree, "{'link/../b': 'x'}").items()
    assert Path(local).read_text() == "tree/sub/b"


@pytest.mark.parametrize(
    "text",
    [
        complete(files={"~no-such-user/x": "x"}),
        complete(host="localhost", executable="~no-such-user/x"),
        complete(host="localhost", base_dir="~no-such-user/x"),
    ],
)
def test_home_of_nobody_is_a_config_error(tree: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="~no-such-user/x"):
        loaded(tree, text)


def test_all_broken_paths_are_reported(tree: Path) -> None:
    text = complete(files={"~no-such-user/x": "x", "~nor-this/y": "y"}) + complete(
        name="b", files={"~no-such-user/z": "z"}
    )
    with pytest.raises(ConfigError) as caught:
        loaded(tree, text)
    beginnings = ["h/a.files: ~no-such-user/x: ", "h/a.files: ~nor-this/y: ", "h/b.files: ~no-such-user/z: "]
    assert [p.startswith(b) for p, b in zip(caught.value.problems, beginnings, strict=True)] == [True] * 3


@pytest.mark.parametrize("option", ["config_file", "arg_parser", "muddler"])
def test_home_of_nobody_is_a_usage_error(tree: Path, option: str) -> None:
    given = {"config_file": str(write(tree / "cfg.py", COMPLETE))}
    value = "~no-such-user/x.py"
    with pytest.raises(ConfigError, match=value):
        load(Options(**given | {option: [value] if option == "muddler" else value}))  # type: ignore[arg-type]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Return a folder with `cfg.py`, a link to a config file in another folder, beside which its files are."""
    for name in ("f", "both", "data/x", "run.sh"):
        write(tmp_path / "real" / name, "real")
    write(tmp_path / "real/helper.py", "NAME = 'imported'\n")
    write(tmp_path / "link/both", "link")
    (tmp_path / "link/cfg.py").symlink_to("../real/cfg.py")
    return tmp_path / "link"


def test_files_beside_the_real_config_are_found(linked: Path) -> None:
    text = "import helper\nfiles = {'f': 'f', 'both': 'both'} | util.recursive_files_dict('data', 'd')\n"
    text += "config.add_component(Component(name=helper.NAME, executable='/x', host='h', start_index=1, files=files))\n"
    component = component_of(linked, text)
    real = linked.parent / "real"
    assert component.files == {f"{real}/f": "f", f"{linked}/both": "both", f"{real}/data/x": "d/x"}
    assert component.name == "imported"


def test_program_beside_the_real_config_is_found(linked: Path) -> None:
    component = component_of(linked, complete(host="localhost", executable="run.sh", base_dir="data"))
    real = linked.parent / "real"
    assert (component.executable, component.base_dir) == (f"{real}/run.sh", f"{real}/data")


def test_missing_file_is_named_beside_the_link(linked: Path) -> None:
    (linked / "dangling").symlink_to("nowhere")
    write(linked.parent / "real/dangling", "")
    message = refused(linked, complete(files={"none": "x", "dangling": "y"}))
    assert message.splitlines() == [
        "a.files: FOLDER/none: No such file or directory",
        "a.files: FOLDER/dangling: No such file or directory",
    ]


def test_muddler_finds_files_beside_the_real_config(linked: Path) -> None:
    text = "def muddle(config):\n    config.all_components()[0].files = util.recursive_files_dict('data', 'd') | {'f': 'f'}\n"
    path = write(linked.parent / "m.py", text)
    real = linked.parent / "real"
    assert component_of(linked, muddler=[str(path)]).files == {f"{real}/data/x": "d/x", f"{real}/f": "f"}
