"""Every row of the table of bad input: what is said, the exit code, and that all else is left unharmed."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import BOUND, Lab, eventually
from .throwaway import ThrowawayHost, free_port, make_key

Done = subprocess.CompletedProcess[str]

COMPLETE = 'c = Component(name="web", executable="/bin/true", host="node1", start_index=1)\n'
ADD = "config.add_component(c)\n"
# A component on each of `hosts` that brings `files` and leaves a mark, should it ever be started.
ON_HOSTS = """
for host in {hosts}:
    config.add_component(Component(
        name="web", executable="/bin/touch", args=["$HOME/was-started"], host=host, start_index=1,
        base_dir="~/work", files={files},
    ))
"""
NAMESPACE = "unshare -m"


@pytest.fixture
def untouched(lab: Lab) -> Iterator[Lab]:
    """The lab; the test fails if anybody has connected to one of its hosts."""
    before = connections(lab)
    yield lab
    assert connections(lab) == before


def connections(lab: Lab) -> dict[str, int]:
    logs = {host.name: host.folder / "sshd.log" for host in lab.farm.hosts.values()}
    return {name: log.read_text().count("Connection from") for name, log in logs.items()}


def assert_refused(done: Done, *words: str | Path, code: int = 2) -> None:
    """`fab` has ended with `code` and has said all `words`, but nothing of its own inside."""
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    for word in words:
        assert str(word) in done.stderr
    for inside in ("Traceback", "rr_config/", "fabfile/", "site-packages"):
        assert inside not in output


def assert_failed(done: Done, **reasons: str | Path) -> None:
    """`fab` has ended with 1, and has one line for each of the hosts, with the reason."""
    assert_refused(done, code=1)
    for host, reason in reasons.items():
        lines = [line for line in done.stderr.splitlines() if line.startswith(host)]
        assert len(lines) == 1, done.stderr
        assert str(reason) in lines[0]
    assert "one or more hosts" not in done.stderr


def configure(lab: Lab, hosts: list[str], files: dict[str, str] | None = None) -> None:
    """A config for `hosts` that brings `files`, each of which holds its own name; without any, one named `good`."""
    files = files or {"good": "good"}
    lab.config(ON_HOSTS.format(hosts=hosts, files=files))
    for name in files:
        lab.write(name, name)


def assert_synced(host: ThrowawayHost, name: str = "good") -> None:
    assert (host.home / "work" / name).read_text() == name


def assert_nothing_later(*hosts: ThrowawayHost) -> None:
    """Neither was a session made on any of the hosts, nor a program started."""
    for host in hosts:
        assert host.sessions() == []
        assert_nothing_started(host)


def assert_nothing_started(*hosts: ThrowawayHost) -> None:
    for host in hosts:
        assert not (host.home / "was-started").exists()


# ---- the config file


@pytest.mark.parametrize("stage", ["run", "sync"])
def test_missing_config_is_named_by_every_stage(untouched: Lab, stage: str) -> None:
    assert_refused(untouched.fab(stage, "-c", "none.py"), untouched.folder / "none.py")


def test_no_config_and_a_folder_as_config_are_refused(untouched: Lab) -> None:
    assert_refused(untouched.fab("run"), "--config")
    assert_refused(untouched.fab("run", "-c", untouched.folder), untouched.folder)


@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"x = '\0'\n"])
def test_config_that_is_no_text_is_refused(untouched: Lab, content: bytes) -> None:
    path = untouched.config("")
    path.write_bytes(content)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), path)


def test_unreadable_config_is_named(untouched: Lab) -> None:
    path = untouched.config(COMPLETE + ADD)
    path.chmod(0)
    assert_refused(bound_fab(untouched, "run", "-c", "cfg.py"), path, "ermission denied")


def test_exception_shows_the_lines_of_the_users_files_alone(untouched: Lab) -> None:
    helper = untouched.write("helper.py", "def count(x):\n    return len(x)\n")
    path = untouched.config("import helper\n\nhelper.count(5)\n")
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done, f"{path}:3", "helper.count(5)", str(helper), "return len(x)", "TypeError")


@pytest.mark.parametrize("broken", ["def muddle(config):\n    oops\n", "import sys\nsys.exit(3)\n", ""])
def test_errors_in_a_muddler_have_its_path(untouched: Lab, broken: str) -> None:
    untouched.config(COMPLETE + ADD)
    path = untouched.write("broken.py", broken)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-m", "broken.py"), path)


@pytest.mark.parametrize("broken", ["def parse_args(args, user):\n    oops\n", "def parse_args(:\n", ""])
def test_errors_in_an_arg_parser_have_its_path(untouched: Lab, broken: str) -> None:
    untouched.config(COMPLETE + ADD)
    path = untouched.write("broken.py", broken)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-a", "broken.py", "--extra-args", "x"), path)


def test_missing_arg_parser_is_named(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-a", "none.py"), "none.py")


# ---- the components


WRONG = {
    "name": ["None", "5"],
    "executable": ["None", "['ls']"],
    "host": ["None", "5", "''"],
    "args": ["'a b'", "[None]"],
    "files": ["['a']", "{'a': 1}"],
    "base_dir": ["5"],
    "start_index": ["None", "'1'", "1.5"],
    "wait": ["'yes'"],
    "num_cores": ["'4'"],
    "meta": ["[]"],
}
EXPECTED = {
    "name": "text",
    "executable": "path",
    "host": "host name",
    "args": "list",
    "files": "dict",
    "base_dir": "path",
    "start_index": "number",
    "wait": "True or False",
    "num_cores": "number",
    "meta": "dict",
}


def test_wrong_attributes_are_all_named_with_what_was_expected(untouched: Lab) -> None:
    wrong = list(enumerate(((name, value) for name, values in WRONG.items() for value in values), 1))
    added = [f"{COMPLETE}c.name = 'web{number}'\nc.{name} = {value}\n{ADD}" for number, (name, value) in wrong]
    untouched.config("".join(added))
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done)
    for number, (name, _) in wrong:
        who = f"component {number}." if name == "name" else f"web{number}."
        (line,) = (line for line in done.stderr.splitlines() if f"{who}{name}: " in line)
        assert EXPECTED[name] in line


def test_attribute_that_does_not_exist_is_an_error_at_its_line(untouched: Lab) -> None:
    path = untouched.config(f"{COMPLETE}\nc.exectable = 'x'\n{ADD}")
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done, f"{path}:3", "'exectable'", "'executable'", "base_dir", "num_cores")


@pytest.mark.parametrize("text", ["", f"{COMPLETE}{ADD}config.clear_components()\n"])
def test_empty_config_is_refused(untouched: Lab, text: str) -> None:
    untouched.config(text)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "no components", "add_component")


def test_name_taken_twice_on_a_host_is_refused(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD + ADD)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "node1/web", "name")


def test_files_on_localhost_are_refused(untouched: Lab) -> None:
    untouched.write("a", "a")
    untouched.config(f"{COMPLETE}c.host = localhost\nc.files = {{'a': 'a'}}\n{ADD}")
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "localhost/web", "files")


# ---- local files


def bound_fab(lab: Lab, *arguments: str) -> Done:
    """`fab` without root's right to read everything."""
    command = [*BOUND, *lab.command(*arguments)]
    return subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)


def test_missing_and_unreadable_files_are_all_named_at_once(untouched: Lab) -> None:
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


def test_two_sources_for_one_destination_are_all_named_at_once(untouched: Lab) -> None:
    for name in ("a", "b", "tree/c", "c"):
        untouched.write(name, name)
    untouched.config(f"""{COMPLETE}c.base_dir = "~/work"
c.files = {{"a": "x", "b": "./sub/../x"}}\n{ADD}
c.name = "other"
c.files = {{"tree": "t", "c": "~/work/t/c"}}\n{ADD}""")
    done = untouched.fab("run", "-c", "cfg.py")
    names = ("a", "b", "tree/c", "c")
    assert_refused(done, "~/work/x", "~/work/t/c", *(untouched.folder / name for name in names))


def test_same_file_for_one_destination_twice_is_no_error(lab: Lab) -> None:
    lab.write("a", "a")
    lab.config(f"{COMPLETE}c.base_dir = '~/work'\nc.files = {{'a': 'a'}}\n{ADD}c.name = 'other'\n{ADD}")
    lab.run("sync")
    assert_synced(lab.node1, "a")


# ---- muddlers and the command line


def test_unknown_muddler_gets_the_names_that_exist(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD)
    untouched.write("muddlers/own_one.py", "def muddle(config): pass\n")
    done = untouched.fab("run", "-c", "cfg.py", "-m", "nonsense")
    assert_refused(done, "nonsense", "own_one", "ta3")
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-m", "./nonsense.py"), "./nonsense.py")


# ---- hosts that cannot be reached


def add_to_ssh_config(lab: Lab, name: str, address: str, port: int, key: Path | None = None) -> None:
    section = f"\nHost {name}\n    HostName {address}\n    Port {port}\n    IdentityFile {key or lab.farm.key}\n"
    lab.farm.ssh_config.write_text(lab.farm.ssh_config.read_text() + section)


def test_run_ends_old_sessions_elsewhere_and_begins_no_later_stage(lab: Lab) -> None:
    lab.node1.run("screen -dmS runner sleep 1000")
    configure(lab, ["nowhere.invalid", "node1", "node2"])
    done = lab.fab("run", "-c", "cfg.py")
    assert_failed(done, **{"nowhere.invalid": "kill"})
    assert_nothing_later(lab.node1, lab.node2)
    assert not (lab.node2.home / "work").exists()


def test_hosts_that_cannot_be_reached_are_named_with_the_reason_and_the_others_finish(lab: Lab) -> None:
    strangers_key = lab.folder / "strangers_key"
    make_key(strangers_key)
    add_to_ssh_config(lab, "barred", lab.node2.address, lab.node2.port, strangers_key)
    port = free_port("127.0.0.1")
    add_to_ssh_config(lab, "shut", "127.0.0.1", port)
    configure(lab, ["nowhere.invalid", "no..where", "barred", "shut", "node1"])
    done = lab.fab("sync", "-c", "cfg.py")
    shut = f"127.0.0.1 port {port}: connection refused"
    unknown = dict.fromkeys(("nowhere.invalid", "no..where"), "is not known")
    assert_failed(done, **unknown, barred="was refused", shut=shut)
    assert "node1" not in done.stderr
    assert_synced(lab.node1)


def test_silent_hosts_are_given_up(lab: Lab) -> None:
    """Three kinds: one that does not take the connection, one that says nothing, one that stops after its banner."""
    configure(lab, ["full", "mute", "stuck", "node1"])
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        socket.create_server(("127.0.0.1", 0)) as mute,
        socket.create_server(("127.0.0.1", 0)) as stuck,
    ):
        for name, listener in (("full", full), ("mute", mute), ("stuck", stuck)):
            add_to_ssh_config(lab, name, *listener.getsockname())
        greeter = threading.Thread(target=greet, args=(stuck, 1))
        greeter.start()
        done = lab.fab("-t", "2", "sync", "-c", "cfg.py")
        greeter.join()
    assert_failed(done, full="does not answer", mute="does not answer", stuck="does not answer")
    assert_synced(lab.node1)


def greet(listener: socket.socket, count: int) -> None:
    """Send the banner of an SSH server to `count` clients, and wait in silence until each has gone."""
    for _ in range(count):
        client, _ = listener.accept()
        with client:
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            while client.recv(4096):
                pass


def test_one_login_under_two_names_is_refused(untouched: Lab) -> None:
    add_to_ssh_config(untouched, "alias", untouched.node1.address, untouched.node1.port)
    configure(untouched, ["node1", "alias", "node2"])
    assert_refused(untouched.fab("sync", "-c", "cfg.py"), "alias, node1: are the same login; spell it alike")


# ---- hosts that lack something


@pytest.mark.parametrize("program", ["screen", "openssl", "screen openssl"])
@pytest.mark.parametrize("stage", ["run", "screen", "sync"])
def test_missing_program_is_named_with_the_command_that_installs_it(
    lab: Lab, tmp_path: Path, program: str, stage: str
) -> None:
    if (program, stage) in (("openssl", "screen"), ("screen", "sync")) or (" " in program and stage != "run"):
        return  # these get on without
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if path.name not in program.split() and not (programs / path.name).is_symlink():
                (programs / path.name).symlink_to(path)
    lab.farm.add("bare", {"ForceCommand": f'cd && PATH={programs} exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    configure(lab, ["bare", "node1"])
    done = lab.fab(stage, "-c", "cfg.py")
    assert_failed(done, bare=program)
    assert f"apt-get install {program}" in done.stderr
    assert_nothing_started(lab.node1, lab.farm.hosts["bare"])
    if stage == "sync":
        assert_synced(lab.node1)
    else:
        assert not (lab.node1.home / "work").exists()


# ---- destinations that cannot be written


def spoil_folder(work: Path) -> None:
    (work / "bad").mkdir()
    (work / "bad/inside").write_text("mine")


def spoil_parent(work: Path) -> None:
    (work / "sub").write_text("mine")


def spoil_permission(work: Path) -> None:
    (work / "locked").mkdir(mode=0o555)


def spoil_old_file(work: Path) -> None:
    (work / "locked").mkdir()
    (work / "locked/bad").write_text("mine")
    (work / "locked").chmod(0o555)


@pytest.mark.parametrize(
    ("spoil", "remote", "reason"),
    [
        (spoil_folder, "bad", "folder"),
        (spoil_parent, "sub/bad", "file"),
        (spoil_parent, "sub/below/bad", "not a directory"),
        (spoil_permission, "locked/bad", "permission denied"),
        (spoil_permission, "locked/below/bad", "permission denied"),
        (spoil_old_file, "locked/bad", "permission denied"),
    ],
)
def test_destination_in_the_way_is_named_and_all_else_arrives(
    lab: Lab, spoil: Callable[[Path], None], remote: str, reason: str
) -> None:
    bound = " ".join(BOUND)
    odd = lab.farm.add("odd", {"ForceCommand": f'cd && exec {bound} sh -c "$SSH_ORIGINAL_COMMAND"'})
    (odd.home / "work").mkdir()
    spoil(odd.home / "work")
    before = content(odd.home / "work")
    configure(lab, ["odd", "node1"], {"bad": remote, "good": "good", "good2": "sub2/good2"})
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, code=1)
    first, *_, end = done.stderr.splitlines()
    assert first.startswith(f"odd:{odd.home}/work/{remote.split('/')[0]}")
    assert "sync" in first
    assert reason in first
    assert "node1" not in end
    good = {"good": "good", "sub2/good2": "good2"}
    assert content(odd.home / "work") == before | good
    assert content(lab.node1.home / "work") == good | {remote: "bad"}
    assert_nothing_started(odd, lab.node1)


def test_full_disk_leaves_the_old_file_and_all_others(lab: Lab) -> None:
    """The disk is a small one that only the script of the sync sees; what is on it afterwards is copied out."""
    mount = "mount -t tmpfs -o size=1m none ~/work && cp -a ~/before/. ~/work"
    script = f'{mount}; sh -c "$SSH_ORIGINAL_COMMAND"; cp -a ~/work/. ~/after; touch ~/copied'
    small = lab.farm.add(
        "small", {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec {NAMESPACE} sh -c '{script}'"}
    )
    for name in ("work", "before", "after"):
        (small.home / name).mkdir()
    for name in ("big", "kept"):
        (small.home / "before" / name).write_text("old")
    configure(lab, ["small", "node1"], {"big": "big", "first": "first"})
    lab.write("big", "x" * 3_000_000)
    done = lab.fab("sync", "-c", "cfg.py")
    assert_refused(done, f"small:{small.home}/work/big: sync: no space left on device", code=1)
    assert "node1" not in done.stderr
    eventually((small.home / "copied").exists, "what was on the disk has been copied out")
    assert content(small.home / "after")["big"] == "old"
    assert content(small.home / "after")["kept"] == "old"
    assert (lab.node1.home / "work/big").stat().st_size == 3_000_000


def test_file_that_cannot_be_replaced_is_named_though_size_and_bits_are_right(lab: Lab) -> None:
    """A mount point, which only the script of the sync sees: what is to be moved there is refused."""
    script = 'mount --bind ~/work/f ~/work/f; sh -c "$SSH_ORIGINAL_COMMAND"'
    busy = lab.farm.add(
        "busy", {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec {NAMESPACE} sh -c '{script}'"}
    )
    (busy.home / "work").mkdir()
    (busy.home / "work/f").write_text("old")
    (busy.home / "work/f").chmod(0o644)
    configure(lab, ["busy", "node1"], {"f": "f", "g": "g"})
    for name in ("f", "g"):
        lab.write(name, "new")
    assert_refused(lab.fab("sync", "-c", "cfg.py"), f"busy:{busy.home}/work/f: sync: device or resource busy", code=1)
    assert content(busy.home / "work") == {"f": "old", "g": "new"}
    assert content(lab.node1.home / "work") == {"f": "new", "g": "new"}


def content(folder: Path) -> dict[str, str]:
    """What is in the files below a folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_folder_that_is_to_be_where_a_file_is_leaves_the_file(lab: Lab) -> None:
    configure(lab, ["node1", "node2"], {"tree/x": "unused", "good": "good"})
    lab.config(ON_HOSTS.format(hosts=["node1", "node2"], files={"tree": "tree", "good": "good"}))
    (lab.node1.home / "work").mkdir()
    (lab.node1.home / "work/tree").write_text("mine")
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, f"node1:{lab.node1.home}/work/tree", code=1)
    assert content(lab.node1.home / "work") == {"tree": "mine", "good": "good"}
    assert content(lab.node2.home / "work") == {"tree/x": "tree/x", "good": "good"}
    assert_nothing_started(lab.node1, lab.node2)


def test_base_dir_that_is_a_file_is_named(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    (lab.node1.home / "work").write_text("mine")
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, f"node1:{lab.node1.home}/work", code=1)
    assert (lab.node1.home / "work").read_text() == "mine"
    assert_synced(lab.node2)
    assert_nothing_started(lab.node1, lab.node2)


def test_every_failed_host_has_one_line(lab: Lab) -> None:
    configure(lab, ["node1", "node2", "node3"], {"bad": "bad", "good": "good"})
    for host in (lab.node1, lab.node3):
        (host.home / "work").mkdir()
        spoil_folder(host.home / "work")
    done = lab.fab("sync", "-c", "cfg.py")
    assert_failed(done, node1="/work/bad", node3="/work/bad")
    assert "node2" not in done.stderr
    assert_synced(lab.node2, "bad")
