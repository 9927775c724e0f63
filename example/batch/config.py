"""Run a batch of eight short jobs, one for each file in inputs. One job fails, and is repeated alone.

    fab run --config example/batch/config.py
    sed -i s/O/0/ example/batch/inputs/job-5.txt
    fab run --no-kill --limit ...
    fab collect --config example/batch/config.py

The first command exits with 1, because job-5.txt contains the letter O in place of a zero. After the correction, paste
the command that follows `repeat with:` in its output. It runs only the failed job. With `--set hosts=node1,node2,node3`
for the first and the last command, the jobs run on these hosts in turn.
"""

from pathlib import Path

hosts = util.params(hosts=localhost).hosts.split(",")

for number, path in enumerate(sorted(Path("inputs").glob("*.txt"))):
    host = hosts[number % len(hosts)]
    config.add_component(
        Component(
            name=path.stem,
            host=host,
            start_index=1,
            executable="job.py",
            args=[path],
            files={} if host == localhost else {"job.py": "job.py", path: path},
            needs=["python3"],
            results=["mean.csv"],
            wait=True,
        )
    )
