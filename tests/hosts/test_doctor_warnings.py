"""Conditions of a host that `fab doctor` warns of: its exit code stays 0."""

import pytest

from fabfile.diagnosis.checks import Check
from tests.support.lab import Lab
from tests.support.odd_hosts import odd_host

ADD = 'config.add_component(Component(name="{}", host="{}", executable="{}", start_index=1, base_dir={}, files={}))\n'
RUN = 'exec sh -c "$RUN_HERE"'
ALONE = "cd; export RUN_HERE=$SSH_ORIGINAL_COMMAND; exec unshare -m sh -c '{}'"


def warnings(checks: tuple[Check, ...]) -> dict[str, str]:
    return {each.name: each.detail for each in checks if each.verdict == "warning"}


@pytest.mark.root
def test_doctor_warns_of_full_and_noexec(lab: Lab) -> None:
    for name in ("noexec", "full", "state"):
        (lab.folder / name).mkdir()
    mounts = f"mount -t tmpfs -o noexec tmpfs {lab.folder}/noexec"
    mounts += f"; mount -t tmpfs -o nr_inodes=2 tmpfs {lab.folder}/full"
    mounts += f"; mount -t tmpfs -o size=20k,nr_inodes=0 tmpfs {lab.folder}/state"
    mounts += f"; export XDG_STATE_HOME={lab.folder}/state"
    odd_host(lab, "tight", ALONE.format(f"{mounts}; {RUN}"))
    lab.write("x", "x", 0o755)
    lab.config(
        ADD.format("a", "tight", "bin/x", repr(f"{lab.folder}/noexec/w"), {"x": "bin/x"})
        + ADD.format("b", "tight", "/bin/sh", repr(f"{lab.folder}/full/w"), {"x": "x"})
    )
    with lab.runner() as runner:
        (found,) = runner.doctor()
    assert found.is_well
    assert warnings(found.checks) == {
        "executables": f"{lab.folder}/noexec/w/bin: mounted with noexec, so the executable of a cannot run",
        "disk": f"{lab.folder}/full/w: 1 free inode, 2 needed",
        "state": f"{lab.folder}/state: 20.5 kB free, 100.0 kB needed",
    }


@pytest.mark.root
def test_doctor_warns_of_logout_and_moved_sockets(lab: Lab) -> None:
    settings = 'printf "[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=\\n" >/run/systemd/logind.conf'
    logind = f"mkdir -p /run/systemd /var/lib/systemd; mount -t tmpfs tmpfs /run/systemd; mkdir /run/systemd/seats; {settings}"
    logind += "; mount -t tmpfs tmpfs /var/lib/systemd; mount --bind /run/systemd/logind.conf /etc/systemd/logind.conf"
    linger = "mkdir /var/lib/systemd/linger; touch /var/lib/systemd/linger/$(id -un)"
    other = lab.folder / "other"
    other.mkdir(mode=0o700)
    odd_host(lab, "kills", ALONE.format(f"{logind}; {RUN}"))
    odd_host(lab, "lingers", ALONE.format(f"{logind}; {linger}; {RUN}"))
    moved = odd_host(
        lab,
        "moved",
        f"cd; [ ! -e ../is-moved ] || export SCREENDIR={other}; {RUN.replace('RUN_HERE', 'SSH_ORIGINAL_COMMAND')}",
    )
    lab.config("".join(ADD.format("a", host, "/bin/true", None, {}) for host in ("kills", "lingers", "moved")))
    with lab.runner(limit="moved/a") as runner:
        session = runner.screen()["moved"].id
    (moved.folder / "is-moved").touch()
    with lab.runner() as runner:
        found = {each.host: warnings(each.checks) for each in runner.doctor()}
    assert found["kills"]["logout"].startswith(
        "KillUserProcesses=yes kills programs when the login ends; set it to no "
    )
    assert found["lingers"] == {}
    assert found["moved"]["sessions"].startswith(f"{session} was started with SCREENDIR={moved.folder}/screens, and ")
    (moved.folder / "is-moved").unlink()
