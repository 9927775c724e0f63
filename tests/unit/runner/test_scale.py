"""Large configs are loaded and planned; `docs/scale.md` has the times."""

import json
from pathlib import Path

from fabfile.components import start
from fabfile.runner.plan import Present, plan
from fabfile.transfer.sync import SyncPlan
from rr_config import Options, load
from rr_config.config import by_host
from tests.support.scripts import OWNERSHIP

HOSTS, COMPONENTS = 500, 10_000
CONFIG = f"""
for number in range({COMPONENTS}):
    config.add_component(Component(
        name=f"c{{number}}", host=f"h{{number % {HOSTS}}}.example", executable="run", args=["--id", str(number), "$HOME"],
        start_index=number % 5, base_dir="~/work", files={{"run": "run"}}, results=["*.csv"],
    ))
"""


def test_10000_components_are_planned(tmp_path: Path) -> None:
    (tmp_path / "cfg.py").write_text(CONFIG)
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    options = Options(config_file=str(tmp_path / "cfg.py"))
    components = load(options).all_components()
    nothing = (Present((), frozenset()), SyncPlan(1, (), (), (), ()))
    made = plan(components, dict.fromkeys(by_host(components), nothing), options)
    assert len(made.hosts) == HOSTS
    assert sum(len(windows) for _, windows in made.starts) == COMPONENTS
    assert len(json.dumps(made.as_dict())) > COMPONENTS
    for own in by_host(components).values():
        script = start.start_script("runner", own, "{}", is_last=True, sample=1, ownership=OWNERSHIP)
        assert len(script.arguments) == 8 * COMPONENTS // HOSTS
