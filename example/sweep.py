"""Sweep a parameter: run one config with several numbers of messages, and collect the results of each run in a folder.

    python example/sweep.py node1,node2,node3,node4

A Python program can do all that `fab` does: `load` returns a Config, and `Runner` has a method for each command.
"""

import sys
from pathlib import Path

from fabfile.runner import Runner, StageError
from rr_config import Options, load

HERE = Path(__file__).resolve().parent


def run(hosts: str, messages: int, results: Path) -> Path:
    """Run the publish/subscribe example with this many messages. Return the folder with the results."""
    options = Options(
        config_file=str(HERE / "pubsub/config.py"),
        arg_parser=str(HERE / "pubsub/args.py"),
        extra_args=f"--hosts {hosts} --messages {messages}",
    )
    with Runner(load(options), options) as runner:
        try:
            runner.run()
        except StageError as error:
            if error.stage != "wait":  # the run failed earlier, so there are no results
                raise
            print(error, file=sys.stderr)  # the results also contain the exit status of each component
        folder = runner.collect(results / f"messages-{messages}").folder
        runner.kill()
    return folder


if __name__ == "__main__":
    hosts = sys.argv[1] if len(sys.argv) > 1 else "localhost"
    for messages in (10, 20, 40):
        print(messages, "messages:", run(hosts, messages, Path("sweep")))
