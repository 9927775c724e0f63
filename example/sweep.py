"""A parameter sweep: one config, run once for each number of messages, with the results of each run in a folder.

    python example/sweep.py node1,node2,node3,node4

What `fab` does, a Python program can do: `load` makes a Config, and `Runner` has a method for each command.
"""

import sys
from pathlib import Path

from fabfile.runner import Runner, StageError
from rr_config import Options, load

HERE = Path(__file__).resolve().parent


def run(hosts: str, messages: int, results: Path) -> Path:
    """Run the publish/subscribe example with so many messages; the folder that has the results."""
    options = Options(
        config_file=str(HERE / "pubsub/config.py"),
        arg_parser=str(HERE / "pubsub/args.py"),
        extra_args=f"--hosts {hosts} --messages {messages}",
    )
    with Runner(load(options), options) as runner:
        try:
            runner.run()
        except StageError as error:
            if error.stage != "wait":  # it did not get that far, and there is nothing to collect of it
                raise
            print(error, file=sys.stderr)  # how each has ended is in the results, too
        folder = runner.collect(results / f"messages-{messages}").folder
        runner.kill()
    return folder


if __name__ == "__main__":
    hosts = sys.argv[1] if len(sys.argv) > 1 else "localhost"
    for messages in (10, 20, 40):
        print(messages, "messages:", run(hosts, messages, Path("sweep")))
