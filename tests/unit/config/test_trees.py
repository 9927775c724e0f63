"""`util.tree`: a dict for `files`, names that it excludes, and folders from which nothing may be removed."""

import copy
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fabfile.results.config_dump import as_python, as_values
from fabfile.transfer.tree import Trees
from rr_config import Component, Config
from rr_config.files.ignore import Ignore
from rr_config.files.local_files import Placed, placed_files, placed_once
from rr_config.files.trees import rules_of
from rr_config.util import numbered, tree
from tests.support.configs import component_of, loaded, refused, write

# A config of components, each with a list of texts: a base_dir, and expressions for its `files`.
COMPONENTS = """
for name, (base_dir, *files) in {components!r}.items():
    component = Component(name=name, executable="/bin/true", host="h", start_index=1, base_dir=base_dir)
    for text in files:
        component.files.update(eval(text))
    config.add_component(component)
"""
DELETED = "util.tree('src', {!r}, delete=True)"


def config_of(**components: list[str | None]) -> str:
    return COMPONENTS.format(components=components)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with some local files."""
    for name in ("src/a", "src/deep/b", "src/x.tmp", "other/deep/er/c"):
        write(tmp_path / name, name)
    return tmp_path


def test_tree_is_a_dict_of_paths(here: Path) -> None:
    made = tree(Path("src"), "put/%n", exclude=["*.tmp"], links="keep", delete=True)
    merged = {"x": "y"} | made | tree("other", ".")
    assert (type(made), merged) == (dict, {"x": "y", "src": "put/%n", "other": "."})
    again = numbered(copy.deepcopy(Component(name="c", host="h", executable="x", files=merged)), 1)
    assert again.files == {"x": "y", "src": "put/1", "other": "."}
    rules = rules_of(again.files["src"])
    assert rules and (rules.exclude, rules.keeps_links, rules.delete) == (("*.tmp",), True, True)
    text = config_of(
        c=["/b", "util.tree('src', 'put', exclude=['*.tmp'], links='keep', delete=True)", "{'src/a': 'x'}"]
    )
    component = component_of(here, text)
    source = as_python(Config([component]))
    assert f"**util.tree('{here}/src', '/b/put', exclude=['*.tmp'], links='keep', delete=True), " in source
    assert as_python(loaded(here, source)) == source
    values: Any = as_values(component)["files"]
    assert values[f"{here}/src"] == {"tree": "/b/put", "exclude": ("*.tmp",), "links": "keep", "delete": True}


def test_trees_of_one_folder_differ(here: Path) -> None:
    """The caches of lists of files must not mix them up."""
    trees = ("util.tree('src', 'put')", "util.tree('src', 'put', exclude=['*.tmp'])", "{'src': 'put'}")
    write(here / "src/.git/x", "x")
    found = loaded(here, config_of(**{f"c{number}": [None, text] for number, text in enumerate(trees)}))
    placed, made = placed_once(), Trees(placed_once())
    assert [len(placed(component)) for component in found.all_components()] == [5, 4, 7]
    roots = [made.of([component])[f"temporary:{component.name}"] for component in found.all_components()]
    assert [len(root.files) for root in roots] == [3, 2, 4]
    assert "duplicate" not in refused(here, config_of(a=["/b", trees[0]], b=["/b", "{'gone': 'x'}", trees[1]]))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("'src', 'x', exclude='*.tmp'", "exclude '*.tmp': must be a list of patterns"),
        ("'src', 'x', exclude=[1]", "exclude [1]: must be a list of texts"),
        ("'src', 'x', links='copy'", "links 'copy': must be one of follow, keep"),
        ("'src', 'x', delete=1", "delete 1: must be True or False"),
        ("'src', 'x', exclude=['ok', '[z-a]']", "FOLDER/src: exclude:2: '[z-a]': invalid pattern; must have"),
        ("'bad', 'x'", "FOLDER/bad: FOLDER/bad/sub/.rrignore:3: '!': invalid pattern; must have gitignore syntax"),
        ("'gone', 'x'", "FOLDER/gone: No such file or directory"),
        ("'src/a', 'x'", "FOLDER/src/a: not a folder; util.tree copies folders"),
    ],
)
def test_invalid_tree_is_refused(here: Path, arguments: str, problem: str) -> None:
    write(here / "bad/sub/.rrignore", "# comment\n\n!\n")
    message = refused(here, f"tree = util.tree({arguments})\n" + config_of(c=["/b", f"util.tree({arguments})"]))
    assert problem in message
    if "util.tree:" in message:
        assert message.startswith("FOLDER/cfg.py:1: ")


PATTERNS = [
    "*",
    "*/",
    "**",
    "foo",
    "foo/",
    "/foo",
    "foo/*",
    "foo/**",
    "!foo/x.o",
    "!*/",
    "!*.o",
    "*.o",
    "a/b",
    "a/**/b",
]
PATTERNS += [
    "**/b",
    "!foo",
    "!foo/",
    "a/",
    "!a/b",
    "/*",
    "!/a",
    "[ab]",
    "?",
    "\\#h",
    "# c",
    " s",
    "b/ ",
    "!a/**",
    "*/b",
]


def test_ignored_names_are_those_of_git(tmp_path: Path) -> None:
    """Compare with git itself, on folders and patterns that a fixed seed chooses."""
    choice = random.Random(7)
    for number in range(12):
        folder = tmp_path / str(number)
        places = ["", *(f"{one}/{two}" for one in ("a", "b", "foo") for two in ("a", "foo"))]
        for place in places:
            (folder / place).mkdir(parents=True, exist_ok=True)
        for place in places:
            for name in choice.sample(["a", "b", "foo", "x.o", "keep.o", " s", "#h"], 4):
                if not (folder / place / name).is_dir():
                    write(folder / place / name, "")
        for place in choice.sample(places, 3):
            text = "".join(f"{pattern}\n" for pattern in choice.choices(PATTERNS, k=choice.randint(1, 4)))
            for name in (".gitignore", ".rrignore"):
                write(folder / place / name, text)
        subprocess.run(["git", "init", "-q", folder], check=True)
        command = ["git", "-C", str(folder), "ls-files", "-oz", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        (found,) = tree(folder, "x").items()
        (folder / ".git").rename(tmp_path / f"{number}.git")
        sent = {str(Path(p.local.path).relative_to(folder)) for p in _files(dict([found]))}
        assert sent == set(filter(None, listed)), text


def _files(files: dict[str, str]) -> list[Placed]:
    return [placed for placed in placed_files(files) if isinstance(placed, Placed) and not placed.local.is_dir]


def test_patterns_override_each_other(tmp_path: Path) -> None:
    write(tmp_path / ".rrignore", "\ufeff*.log\r\n!__pycache__\n")
    ignore = Ignore(str(tmp_path), ["!b.log", "*.py"])
    ignore.read("")
    names = ("a.log", "b.log", "__pycache__", "x.py", ".git", "f")
    assert [ignore.excludes(name, False) for name in names] == [True, False, False, True, True, False]
    assert ignore.covers("x/.git/deep/f", False) and not ignore.covers("x/deep/f", False)


@pytest.mark.parametrize(
    ("dest", "others", "problem"),
    [
        ("/", {}, "/: a home and / cannot have delete=True; name a folder in it"),
        ("~", {}, "~: a home and / cannot have delete=True"),
        ("~alice/", {}, "~alice: a home and / cannot have delete=True"),
        (".", {"b": ["~/w"]}, "~/w: contains ~/w, the base_dir of h/b; delete=True must not remove it"),
        ("~/", {"b": ["~/w"]}, "~: a home and / cannot have delete=True"),
        ("..", {"b": ["/srv/x/y"]}, "~: a home and /"),
        ("/srv", {"b": ["/srv/x/y"]}, "/srv: contains /srv/x/y, the base_dir of h/b"),
        ("put", {"b": ["/b", "{'src/a': '~/w/put/sub/'}"]}, "~/w/put: contains files of h/b from FOLDER/src/a"),
        ("put", {"b": ["/b", "{'src': '~/w/put'}"]}, "~/w/put: contains files of h/b from FOLDER/src"),
        (
            "put/er",
            {"b": ["/b", "{'other/deep': '~/w/put'}"]},
            "~/w/put/er: contains files of h/b from FOLDER/other/deep",
        ),
    ],
)
def test_forbidden_removal_is_refused(here: Path, dest: str, others: dict[str, Any], problem: str) -> None:
    text = config_of(a=["~/w", DELETED.format(dest)], **others)
    assert f"h/a.files: {problem}" in refused(here, text)
    assert f"h/a.files: {problem}" in refused(here, text, limit="a"), "the others keep their folders"


def test_allowed_removals_know_other_folders(here: Path) -> None:
    text = config_of(
        a=["~/w", DELETED.format("put"), "{'other': 'put/other'}"],
        b=["~/w", DELETED.format("put"), "{'other': '~/w2'}"],
        c=["/c", "{'other/deep': '~/w/deep', 'src': '~/w/put2'}"],
        d=[None, DELETED.format(".")],
    )
    message = refused(here, text)
    assert message == "h/b.files: ~/w/put: contains files of h/a from FOLDER/other; " + message.partition("; ")[2]
    config = loaded(here, text.replace("'a'", "'a'", 1).replace(", \"{'other': 'put/other'}\"", ""))
    apart = {
        c.name: [rules.apart for rules in map(rules_of, c.files.values()) if rules] for c in config.all_components()
    }
    assert apart == {"a": [("~/w", "/c")], "b": [("~/w", "/c")], "c": [], "d": [("~/w", "/c")]}


def test_skipped_name_stays_on_one_line(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(here / "src/a\nb\x1b[31m\udcff")
    loaded(here, config_of(a=["/a", "{'src': 'x'}"]))
    assert caplog.messages == [f"'{here}/src/a\\nb\\x1b[31m\\udcff': a FIFO; skipped"]


def test_special_files_below_folders_are_skipped(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every component may bring them, and there is one warning for each."""
    os.mkfifo(here / "src/pipe")
    (here / "src/.#lock").symlink_to("alice@machine.123")
    (here / "src/loop").symlink_to("loop")
    (here / "src/under").symlink_to("a/file")
    loaded(here, config_of(a=["/a", "util.tree('src', 'x')"], b=["/b", "{'src': 'x'}"]))
    words = {".#lock": "a broken symbolic link", "loop": "a broken symbolic link", "pipe": "a FIFO"}
    words["under"] = "a broken symbolic link"
    assert caplog.messages == [f"{here}/src/{name}: {kind}; skipped" for name, kind in words.items()]
    kept = component_of(here, config_of(a=["/a", "util.tree('src', 'x', links='keep')"]))
    links = {p.remote: p.local.link for p in _files(kept.files) if p.local.link}
    assert links == {"/a/x/.#lock": "alice@machine.123", "/a/x/loop": "loop", "/a/x/under": "a/file"}
    message = refused(here, config_of(a=["/a", "{'src/pipe': 'p', 'src/.#lock': 'l', 'src/loop': 'o'}"]))
    reasons = [line.partition(": ")[2] for line in message.splitlines()]
    assert reasons == [
        "FOLDER/src/pipe: a FIFO; must be a file or a folder",
        "FOLDER/src/.#lock: No such file or directory",
        "FOLDER/src/loop: Too many levels of symbolic links",
    ]


def test_file_below_a_kept_link_is_refused(here: Path) -> None:
    """It would be written where the link leads."""
    (here / "src/link").symlink_to("deep")
    text = config_of(a=["/a", "util.tree('src', 'x', links='keep')", "{'other': 'x/link/sub'}"])
    assert "h: /a/x/link: both the target of FOLDER/src/link and a folder of other files" in refused(here, text)
