"""Words after `logs`, `status`, `stop`, `restart` and `collect` choose components."""

from tests.support.config_texts import LOGGED
from tests.support.connections import away
from tests.support.lab import Lab, repeat
from tests.support.outcomes import refused
from tests.support.servers import pid_of

THREE = LOGGED + "".join(
    f"add({name!r}, {host!r}, 'echo I am {name}; exec sleep 1000')\n"
    for name, host in (("server", "node1"), ("client-1", "node1"), ("client-2", "node2"))
)


def test_words_choose_components(lab: Lab) -> None:
    lab.config(THREE)
    lab.run("run")
    assert lab.run("logs", "server").stdout.split("| ")[-1] == "I am server\n"
    assert sorted(line.split()[-1] for line in lab.run("logs", "client-*", "-n", "1").stdout.splitlines()) == [
        "client-1",
        "client-2",
    ]
    listed = lab.run("status", "server", "-l", "INFO", "node2").stdout
    assert "server" in listed and "client-2" in listed and "client-1" not in listed
    lab.run("collect", "client-1")
    assert [path.name for path in lab.folder.glob("results/2*/*/*/")] == ["client-1"]
    before = {name: pid_of(lab.node1, name) for name in ("server", "client-1")}
    lab.run("restart", "client*")
    assert pid_of(lab.node1, "server") == before["server"]
    assert pid_of(lab.node1, "client-1") not in (before["client-1"], 0)
    lab.run("stop", "node1/client-1", "server")
    assert (pid_of(lab.node1, "client-1"), pid_of(lab.node1, "server")) == (0, 0)
    assert pid_of(lab.node2, "client-2")
    refused(lab.fab("logs", "servant", "-c", "cfg.py"), "logs: 'servant' matches no component; ")


def test_repeat_line_has_words_as_limit(lab: Lab) -> None:
    lab.config(THREE)
    lab.run("run")
    before = {name: pid_of(lab.node1, name) for name in ("server", "client-1")}
    with away(lab.farm, lab.node2):
        done = lab.fab("restart", "client-1", "client-2", "-c", "cfg.py")
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1].removeprefix("repeat with: ")
    assert "--limit" in line and "server" not in line
    repeat(lab, line)
    assert pid_of(lab.node1, "server") == before["server"]
    assert pid_of(lab.node1, "client-1") != before["client-1"]
