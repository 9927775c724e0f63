"""Puts programs under the harnesses that come with the project. For the muddlers ta1 and ta3."""

import getpass
import hashlib
import math
import platform
import sys
from pathlib import Path

from rr_config import Component, ConfigError, util

OWN_FOLDER = Path(__file__).resolve().parent / "harness"
sys.path.insert(0, str(OWN_FOLDER))
import script  # noqa: E402 - found there

REMOTE_FOLDER = ".harness"
OWN_FILES = ("master.py", "slave.py", "programs.py", "program.py", "script.py", "wire.py", "ends.py", "harness.py")


def under(kind, name, components, logs, options, port, timeout):
    """A component that runs `components`, of one host, under a harness: a `kind` of "master" or "slave".

    The harness starts in their folder, and finds their files there.
    """
    first = components[0]
    for other in components[1:]:
        if other.base_dir != first.base_dir:
            raise ConfigError(
                f"{other.label}.base_dir: is {other.base_dir!r}, and that of {first.label} is {first.base_dir!r};"
                " those that run under one harness share one"
            )
    harness = Component(name=name, host=first.host, base_dir=first.base_dir, start_index=first.start_index)
    harness.needs = ["python3"]
    for component in components:
        harness.needs += [need for need in component.needs if need not in harness.needs]
        harness.results += [result for result in component.results if result not in harness.results]
        for local, remote in component.files.items():
            util.bring(harness, local, remote)
    if harness.is_local:
        harness.executable = str(OWN_FOLDER / f"{kind}.py")
    else:
        harness.executable = f"{REMOTE_FOLDER}/{kind}.py"
        for file in OWN_FILES:
            util.bring(harness, OWN_FOLDER / file, f"{REMOTE_FOLDER}/{file}")
    harness.results.append(logs)
    harness.args = ["--test", test_id(options), "--logs", util.literal(logs), *network(port, timeout)]
    harness.meta["has_address"] = True  # of another host, for who moves it
    return harness


def network(port, timeout):
    """The arguments of a harness that say where the master listens, and for how many seconds the others are awaited."""
    if not 0 < port < 1 << 16:
        raise ConfigError(f"--port {port}: must be from 1 to 65535")
    if not 0 < timeout < math.inf:
        raise ConfigError(f"--timeout {timeout:g}: must be a number of seconds, more than 0")
    return ["--port", str(port), "--timeout", f"{timeout:g}"]


def add_programs(harness, components):
    """Add the programs to the command line of their harness, which is complete with that."""
    harness.args.append("--")
    for component in components:
        env = [with_name(name, value) for name, value in component.env.items()]
        # By way of sh, since env takes a program for a variable that has `=` in its name.
        with_env = ["/usr/bin/env", *env, "sh", "-c", 'exec "$@"', "sh"] if env else []
        command = [*with_env, util.program(component), *component.args]
        harness.args += ["-n", util.literal(component.name), "-p", command[0]]
        harness.args += ["-a", str(len(command) - 1), *command[1:]]


def with_name(name, value):
    """A variable as an argument of env, in which `$NAME` is replaced where it is in the value."""
    text = f"{name}={value}"
    return util.literal(text) if isinstance(value, util.literal) else text


def test_id(options):
    """By which a master knows the slaves of its own test, though others listen and connect on the same network.

    The same one at every load: `fab start --limit` takes part in what `fab run` has begun.
    """
    text = f"{getpass.getuser()} {platform.node()} {options.config_file} {options.screen}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def own_script(master, path, programs, folder):
    """Where the master finds the test script of that path, brought to `folder` with all that it feeds to programs.

    ConfigError for what is wrong with it: it has been read, and names only `programs`, and files beside it.
    """
    path = (Path.cwd() / Path(path).expanduser()).absolute()
    try:
        steps = script.parse(path.read_text("utf-8", "surrogateescape"), str(path))
        script.check(steps, programs, str(path.parent))
    except OSError as error:
        raise ConfigError(f"--script {path}: {error.strerror}") from error
    except script.ScriptError as error:
        raise ConfigError(str(error)) from error
    if master.is_local:
        return util.literal(path)
    util.bring(master, path, f"{folder}/{path.name}")
    for file in dict.fromkeys(step.taken["file"] for step in steps if "file" in step.taken):
        util.bring(master, path.parent / file, f"{folder}/{file}")
    return util.literal(f"{folder}/{path.name}")
