"""Local files that are missing or unreadable, and destinations that two files claim."""

from tests.support.lab import Lab
from tests.support.marks import ADD, COMPLETE, ON_HOSTS, assert_synced
from tests.support.outcomes import assert_refused
from tests.support.privileges import bound_fab


def test_all_missing_files_are_reported(untouched: Lab) -> None:
    untouched.write("good", "")
    names = ["gone", "shut", "gone too", "tree"]
    untouched.config(ON_HOSTS.format(hosts=["node1", "node2"], files={name: name for name in [*names, "good"]}))
    shut = [untouched.write("shut", "", mode=0), untouched.write("tree/below/shut", "", mode=0)]
    dangling = untouched.folder / "tree/dangling"
    dangling.symlink_to("nowhere")
    done = bound_fab(untouched, "run", "-c", "cfg.py")
    bad = [untouched.folder / "gone", untouched.folder / "gone too", dangling, *shut]
    assert_refused(done, *(f"{path}: " for path in bad), "web")
    assert str(untouched.folder / "good") not in done.stderr


def test_two_sources_of_one_path_are_refused(untouched: Lab) -> None:
    for name in ("a", "b", "tree/c", "c"):
        untouched.write(name, name)
    untouched.config(f"""{COMPLETE}c.base_dir = "~/work"
c.files = {{"a": "x", "b": "./sub/../x"}}\n{ADD}
c.name = "other"
c.files = {{"tree": "t", "c": "~/work/t/c"}}\n{ADD}""")
    done = untouched.fab("run", "-c", "cfg.py")
    names = ("a", "b", "tree/c", "c")
    assert_refused(done, "~/work/x", "~/work/t/c", *(untouched.folder / name for name in names))


def test_unusable_programs_touch_no_host(untouched: Lab) -> None:
    """All are reported at once, with a missing file."""
    flat = untouched.write("flat", "#!/bin/sh\n", mode=0o644)
    windows = untouched.write("windows", "#!/bin/sh\r\n", mode=0o755)
    untouched.config(
        "for name in ('flat', 'windows', 'echo'):\n"
        "    config.add_component(Component(name=name, host='node1', start_index=1, executable=name,\n"
        "        files={} if name == 'echo' else {name: name}))\n"
        "config.add_component(Component(name='gone', host='node1', start_index=1, executable='x', files={'gone': 'x'}))\n"
    )
    for command in ("run", "sync", "plan"):
        assert_refused(
            untouched.fab(command, "-c", "cfg.py"),
            f"node1/flat.executable: {flat}: not executable; run: chmod +x {flat}",
            f"node1/windows.executable: {windows}: its #! line ends in CR",
            "node1/echo.executable: echo: no such file in the temporary folder;",
            f"gone.files: {untouched.folder / 'gone'}: No such file",
        )


def test_same_source_twice_is_accepted(lab: Lab) -> None:
    lab.write("a", "a")
    lab.config(f"{COMPLETE}c.base_dir = '~/work'\nc.files = {{'a': 'a'}}\n{ADD}c.name = 'other'\n{ADD}")
    lab.run("sync")
    assert_synced(lab.node1, "a")
