"""Run programs under the harnesses of this project. For the muddlers ta1 and ta3."""

import getpass
import hashlib
import math
import platform
import sys
from pathlib import Path

from rr_config import Component, ConfigError, util
from rr_config.values.secrets import plain, secrets_of

OWN_FOLDER = Path(__file__).resolve().parent / "harness"
sys.path.insert(0, str(OWN_FOLDER))
import script  # noqa: E402 - in OWN_FOLDER

SECRET = "HARNESS_SECRET_"  # begins the names of secrets in the environment of a harness
REMOTE_FOLDER = ".harness"
OWN_FILES = ("master.py", "slave.py", "programs.py", "program.py", "script.py", "wire.py", "ends.py", "harness.py")


def under(kind, name, components, logs, options, port, timeout):
    """Return a component that runs `components` under a harness.

    The harness starts in their base_dir and finds their files there, so all of them must have the same
    host and base_dir. `kind` is "master" or "slave". `logs` is a remote folder. `timeout` is how many seconds the
    harnesses wait for each other.

    Raises ConfigError if the base_dirs differ, or for an invalid port or timeout.
    """
    first = components[0]
    for other in components[1:]:
        if other.base_dir != first.base_dir:
            problem = f"{other.base_dir!r} differs from {first.base_dir!r} of {first.label}"
            hint = "must be the same for all programs of one harness"
            raise ConfigError(f"{other.label}.base_dir: {problem}; {hint}")
    harness = Component(name=name, host=first.host, base_dir=first.base_dir, start_index=first.start_index)
    harness.needs = ["python3"]
    for component in components:
        needs = [with_own_path(need, component) for need in component.needs]
        harness.needs += [need for need in needs if isinstance(need, util.scoped) or need not in harness.needs]
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
    harness.args = ["--test", test_id(options), "--logs", util.literal(logs)]
    if not 0 < port < 1 << 16:
        raise ConfigError(f"--port {port}: must be from 1 to 65535")
    if not 0 < timeout < math.inf:
        raise ConfigError(f"--timeout {timeout:g}: must be a number of seconds above 0")
    harness.args += ["--port", str(port), "--timeout", f"{timeout:g}"]
    harness.meta["has_address"] = True  # rehost must not move it
    return harness


def add_programs(harness, components):
    """Append the programs of `components` to the arguments of their harness. Nothing may be added after them."""
    harness.args.append("--")
    secrets = {own.name: own for component in components for own in secrets_of(component.env).values()}
    harness.env |= {SECRET + name: own for name, own in secrets.items()}
    for component in components:
        env = [with_name(name, value) for name, value in plain(component.env).items()]
        # sh starts the program because env would treat a program path with `=` as a variable.
        started = util.literal(own_secrets(component, secrets) + 'exec "$@"')
        with_env = ["/usr/bin/env", *env, "sh", "-c", started, "sh"] if env or secrets else []
        command = [*with_env, util.program(component), *(with_own_env(arg, component) for arg in component.args)]
        harness.args += ["-n", util.literal(component.name), "-p", command[0]]
        harness.args += ["-a", str(len(command) - 1), *command[1:]]


def own_secrets(component, secrets):
    """Return the commands of sh that give `component` its secrets, and take all secrets of the harness away.

    A harness has the secrets of all its programs in its environment: arguments would show them.
    """
    given = [f'export {name}="${SECRET}{own.name}"; ' for name, own in secrets_of(component.env).items()]
    taken = f"unset {' '.join(SECRET + name for name in secrets)}; " if secrets else ""
    return "".join(given) + taken


def with_own_env(arg, component):
    """Return an argument of `component` for the harness, which does not have the `env` of the component."""
    is_complete = isinstance(arg, (util.literal, util.scoped)) or "$" not in str(arg) or not component.env
    return arg if is_complete else util.scoped(arg, component.env)


def with_own_path(need, component):
    """Return a program that `component` needs, with its PATH if it has one, because the harness has another."""
    has_own = "PATH" in plain(component.env) and not isinstance(need, util.scoped)
    return util.scoped(need, {"PATH": component.env["PATH"]}) if has_own else need


def with_name(name, value):
    """Return `NAME=VALUE` as an argument of env. Unless the value is literal, the host replaces `$NAME` in it."""
    text = f"{name}={value}"
    return util.literal(text) if isinstance(value, util.literal) else text


def test_id(options):
    """Return the id by which a master recognizes its own slaves among other tests on the same network.

    The id is the same each time the config is loaded, so that `fab start --limit` can join a test of `fab run`.
    """
    text = f"{getpass.getuser()} {platform.node()} {options.config_file} {options.screen}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def own_script(master, path, programs, folder):
    """Return the path at which the master finds the test script `path`.

    The script and all files that it feeds to programs are copied to the remote `folder`, unless the master is local.
    Raises ConfigError if the script is invalid, or names an unknown program or a missing file.
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
