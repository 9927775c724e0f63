"""Full and read-only file systems: the old file stays, and the other hosts finish."""

import pytest

from tests.support.farm import ThrowawayHost
from tests.support.files import content
from tests.support.lab import Lab
from tests.support.marks import configure
from tests.support.one_each import configure as configure_hosts
from tests.support.one_each import states
from tests.support.outcomes import assert_refused
from tests.support.privileges import NAMESPACE
from tests.support.stages import started
from tests.support.waiting import eventually


def test_full_disk_keeps_old_file(lab: Lab) -> None:
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


def mounted(lab: Lab, name: str, mount: str) -> ThrowawayHost:
    """A host on which each script finds something mounted."""
    script = f'{mount}; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    return lab.farm.add(
        name, {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec {NAMESPACE} sh -c '{script}'"}
    )


def test_read_only_home_is_reported(lab: Lab) -> None:
    odd = mounted(lab, "odd", "mount --bind ~ ~ && mount -o remount,ro,bind ~ ~ && cd")
    configure_hosts(lab, "odd", "node1")
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.startswith(f"odd: kill: cannot create {odd.state()}; check free space and permissions\n")
    assert started(lab.node1) == ["a"]
    odd.state().mkdir(parents=True, mode=0o700)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert "odd" in done.stderr.splitlines()[0] and "Traceback" not in done.stderr
    assert states(lab)["node1"] == "running"


@pytest.mark.root
def test_full_tmp_is_reported(lab: Lab) -> None:
    mounted(lab, "odd", 'mount -t tmpfs -o size=4k,nr_inodes=2 none "$TMPDIR" && : >"$TMPDIR/x"')
    configure_hosts(lab, "odd", "node1", base_dir=None)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: sync: cannot create a temporary folder; is /tmp full?\n")
    assert states(lab) == {"odd": "waiting", "node1": "running"}
