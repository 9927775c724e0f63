"""Run a publish/subscribe test under harnesses; a test script decides whether it passes.

    --muddler "ta3 --clients 12 --host-info hosts.txt --script test.txt --pin"

The config has a component `server` or some `publisher...`, and one `client`. The muddler makes --clients copies of the
client, with `%n` in its arguments replaced by the number of the copy. It spreads them evenly over the hosts of
--host-info, where one slave harness per host runs them. Server and publishers run under a master harness, which
executes the test script and exits with 0 if the test passes. All other components, such as `third-party-...`, run
unchanged.

In a config without a client, each `publisher...` runs under a harness of its own, which logs its output with the time
of each line. An arg parser can choose another harness with these attributes of `extra_options`: `harness` is a local
path. `harness_args` is a list of its own arguments, empty by default; end it with `--` if the harness needs that before
the program. `harness_logs` is a remote folder.
"""

import itertools
import os
import posixpath
from pathlib import Path

import _cores
import _harness
import attrs
from ta3_args import add_arguments  # noqa: F401 - rr_config calls it

from rr_config import ConfigError
from rr_config.config import by_host
from rr_config.hosts.limit import bare_host

OWN_HARNESS = _harness.OWN_FOLDER / "harness.py"


def muddle(config):
    components = util.chosen(config, extra_options.only)
    publishers = [each for each in components if each.name == "server" or each.name.startswith("publisher")]
    clients = [each for each in components if each.name == "client"]
    if clients:
        check_test(publishers, clients)
        put_under_harnesses(config, publishers, clients[0])
        return
    check_options()
    for publisher in publishers:
        if publisher.name != "server":
            put_under_harness(publisher)


def check_test(publishers, clients):
    """Raise ConfigError if the config or the options lack a part of a test with clients."""
    if len(clients) > 1 or not publishers:
        raise ConfigError("--muddler ta3: needs one `client`, and a `server` or `publisher...`; see --only")
    if not extra_options.clients or extra_options.clients < 1:
        raise ConfigError(f"ta3 --clients: required, and must be at least 1 (is {extra_options.clients})")
    if not extra_options.host_info:
        raise ConfigError("ta3 --host-info: missing; must be a file with the hosts for clients")


# -- a test with clients


@attrs.define
class Group:
    """Programs of one host that share a harness. `pin_words` is the command that pins the harness to a core."""

    programs: list
    pin_words: list


def put_under_harnesses(config, publishers, client):
    """Replace publishers and client by the harnesses that run them."""
    hosts = _cores.read(extra_options.host_info, extra_options.pairs)
    others = [each for each in config.all_components() if each is not client and each not in publishers]
    complete = util.chosen(config)
    spelled = {bare_host(each.host): each.host for each in complete if each is not client}
    for component in complete:
        if extra_options.pin and component.name.startswith("third-party"):
            pin(component, hosts)
    of_master, *groups = grouped(by_host(publishers).values(), hosts)
    groups += grouped(spread(client, hosts, spelled), hosts)

    slaves = {f"slave-harness-{number}": group for number, group in enumerate(groups, 1)}
    master = under("master", "master-harness", of_master.programs)
    master.wait = True
    programs = list(of_master.programs)
    for group in groups:
        programs += group.programs
    master.args += ["--slaves", ",".join(slaves), "--script", own_script(master, programs)]
    addresses = [master_address(master, group.programs[0]) for group in groups]
    config.clear_components()
    for component in (*others, with_programs(master, of_master)):
        config.add_component(component)
    for (name, group), address in zip(slaves.items(), addresses, strict=True):
        slave = under("slave", name, group.programs)
        slave.args += ["--name", name, "--master", address]
        config.add_component(with_programs(slave, group))


def grouped(lists, hosts):
    """Return a group for each list of programs. Cores are assigned in the order of the lists."""
    return [Group(programs, pinned(programs, hosts)) for programs in lists]


def with_programs(harness, group):
    """Add the programs of the group to the harness, and pin the harness to its core."""
    _harness.add_programs(harness, group.programs)
    if group.pin_words:
        util.wrap(harness, *group.pin_words)
    return harness


def under(kind, name, programs):
    """Return a harness that runs `programs`, with its logs as results. `kind` is "master" or "slave"."""
    logs = f"{extra_options.harness_logs or 'logs'}/{name}"
    harness = _harness.under(kind, name, programs, logs, options, extra_options.port, extra_options.timeout)
    if extra_options.master_address:
        del harness.meta["has_address"]
    if extra_options.debug:
        harness.args += ["--debug", util.literal(logs)]
    return harness


def spread(client, hosts, spelled):
    """Return copies of `client`, in lists, one list per host.

    Each copy goes to the host with the fewest copies that has room for another. `spelled` maps bare host names to the
    spelling of the config. Raises ConfigError if the hosts lack room for all clients.
    """
    chosen = [each for each in hosts.values() if extra_options.client_model in ("*", each.model)]
    if not chosen:
        raise ConfigError(f"ta3 --client-model {extra_options.client_model}: no host of --host-info has this model")
    room = {each.name: capacity(each, client) for each in chosen}
    if extra_options.clients > sum(room.values()):
        listed = ", ".join(f"{name} {number}" for name, number in room.items())
        why = f"each needs {client.num_cores} cores, and the harness of each host needs 1"
        raise ConfigError(f"ta3 --clients {extra_options.clients}: only {sum(room.values())} fit ({why}): {listed}")
    counts = dict.fromkeys(room, 0)
    for _ in range(extra_options.clients):
        with_room = [name for name in counts if counts[name] < room[name]]
        counts[min(with_room, key=counts.get)] += 1
    numbers = itertools.count(1)
    copies = []
    for host, count in counts.items():
        own = [util.numbered(client, next(numbers)) for _ in range(count)]
        for copy in own:
            copy.host = spelled.get(host, host)
        if own:
            copies.append(own)
    return copies


def capacity(host, client):
    """Return how many clients fit on a host. Without --pin, there is no limit."""
    if not extra_options.pin:
        return extra_options.clients
    return max(0, host.free - 1) // _cores.wanted(client)


def pinned(programs, hosts):
    """Pin the programs to cores of their host, if --pin is set.

    Return the command that pins their harness to another core, empty without --pin.
    """
    if not extra_options.pin:
        return []
    host = _cores.of(programs[0], hosts, extra_options.host_info)
    core = ["taskset", _cores.mask(host.take(1, "the harness"))]
    for program in programs:
        pin(program, hosts)
    return core


def pin(component, hosts):
    """Pin a component to cores that no other component gets."""
    host = _cores.of(component, hosts, extra_options.host_info)
    util.wrap(component, "taskset", _cores.mask(host.take(_cores.wanted(component), component.name)))


def own_script(master, programs):
    """Return the path at which the master finds its test script."""
    path = extra_options.script or _harness.OWN_FOLDER / "all.txt"
    return _harness.own_script(master, path, [each.name for each in programs], f"{_harness.REMOTE_FOLDER}/test")


def master_address(master, program):
    """Return the address at which the harness of `program` reaches the master.

    Raises ConfigError if the master is on localhost and the program on another host, unless --master-address is set.
    """
    if extra_options.master_address:
        return extra_options.master_address
    if master.host == program.host:
        return "localhost"
    if master.is_local:
        expected = "must be the address of this machine, on which the master runs"
        raise ConfigError(f"ta3 --master-address: missing; {expected}")
    return bare_host(master.host)


# -- publishers without clients


def check_options():
    """Raise ConfigError if an option that chooses a harness has the wrong type."""
    for name, kinds, expected in (
        ("harness", str | os.PathLike, "a local path"),
        ("harness_args", list | tuple, "a list of arguments"),
        ("harness_logs", str, "a remote folder"),
    ):
        value = said(name)
        if value is not None and not isinstance(value, kinds):
            raise ConfigError(f"--muddler ta3: extra_options.{name}: must be {expected} (is {value!r})")


def said(name):
    """Return the value of an option in `extra_options`, or else in `options`, or None."""
    for source in (extra_options, options):
        value = getattr(source, name, None)
        if value is not None:
            return value
    return None


def put_under_harness(component):
    """Make `component` run under a harness. Its program and arguments follow the harness's own arguments."""
    harness = Path(said("harness") or OWN_HARNESS)
    own_args = said("harness_args")
    if own_args is None:
        logs = ["--logs", said("harness_logs") or "logs", "--name", util.literal(component.name), "--"]
        own_args = [] if said("harness") else logs
        if not said("harness"):
            component.needs = [*component.needs, "python3"]
            component.results = [*component.results, said("harness_logs") or "logs"]
    component.args = [*own_args, util.program(component), *component.args]
    if component.is_local:
        component.executable = str(harness.expanduser().absolute())
        return
    component.executable = posixpath.join(_harness.REMOTE_FOLDER, harness.name)
    util.bring(component, harness, component.executable)
