"""Runs a publish/subscribe test under harnesses: clients spread over hosts, by a test script that passes or fails.

    --muddler "ta3 --clients 12 --host-info hosts.txt --script test.txt --pin"

A config has a `server` or `publisher...` components, and a `client`, of which --clients copies are made (`%n` in its
arguments is the number). They run under one slave harness a host, spread over the hosts of --host-info as evenly as
they go; server and publishers run under a master harness, which carries the script out and ends with 0 when the test
has passed. All other components, `third-party-...` say, run as they are.

Where there is no client, each `publisher...` runs under a harness of its own, which keeps its output with the time
of each line. An arg parser may choose another one then: `harness` (a local path), `harness_args` (a list of its own
arguments, none where not said; one that wants `--` there has it as the last of them) and `harness_logs` (a remote
folder).
"""

import itertools
import os
import posixpath
from pathlib import Path

import _cores
import _harness
import attrs
from ta3_args import add_arguments  # noqa: F401 - for whoever applies this

from rr_config import ConfigError
from rr_config.limit import bare_host

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
    """Raise ConfigError for what is missing for a whole test."""
    if len(clients) > 1 or not publishers:
        raise ConfigError("--muddler ta3: a config has one client, and a server or publishers; see --only")
    if not extra_options.clients or extra_options.clients < 1:
        raise ConfigError(f"ta3 --clients: is {extra_options.clients}; it must be 1 or more")
    if not extra_options.host_info:
        raise ConfigError("ta3 --host-info: is missing; name a file with the hosts on which clients can run")


# -- a whole test


@attrs.define
class Group:
    """Programs of one host, which one harness runs. `pin_words` is the command that pins the harness to a core."""

    programs: list
    pin_words: list


def put_under_harnesses(config, publishers, client):
    """Replace publishers and client by harnesses that run them."""
    hosts = _cores.read(extra_options.host_info, extra_options.pairs)
    others = [each for each in config.all_components() if each is not client and each not in publishers]
    complete = util.chosen(config)
    spelled = {bare_host(each.host): each.host for each in complete if each is not client}
    if extra_options.pin:
        pin_third_parties(complete, hosts)
    of_master, *groups = grouped(by_host(publishers), hosts)
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


def by_host(components):
    """The components in lists, one for each host."""
    found = {}
    for component in components:
        found.setdefault(component.host, []).append(component)
    return found.values()


def grouped(lists, hosts):
    """A group for each list of programs, pinned in this order."""
    return [Group(programs, pinned(programs, hosts)) for programs in lists]


def pin_third_parties(components, hosts):
    for component in components:
        if component.name.startswith("third-party"):
            pin(component, hosts)


def with_programs(harness, group):
    """The harness with its programs, and run on its core."""
    _harness.add_programs(harness, group.programs)
    if group.pin_words:
        util.wrap(harness, *group.pin_words)
    return harness


def under(kind, name, programs):
    logs = f"{extra_options.harness_logs or 'logs'}/{name}"
    harness = _harness.under(kind, name, programs, logs, options, extra_options.port, extra_options.timeout)
    if extra_options.master_address:
        del harness.meta["has_address"]
    if extra_options.debug:
        harness.args += ["--debug", util.literal(logs)]
    return harness


def spread(client, hosts, spelled):
    """Copies of `client`, in lists, one for each host: as many on each as they go, and not more than have room.

    Hosts are `spelled` as other components of the config have them.
    """
    chosen = [each for each in hosts.values() if extra_options.client_model in ("*", each.model)]
    if not chosen:
        raise ConfigError(f"ta3 --client-model {extra_options.client_model}: no host of --host-info is of that model")
    room = {each.name: capacity(each, client) for each in chosen}
    missing = extra_options.clients - sum(room.values())
    if missing > 0:
        listed = ", ".join(f"{name} has room for {number}" for name, number in room.items())
        raise ConfigError(
            f"ta3 --clients {extra_options.clients}: there is room for {sum(room.values())}, {missing} too many;"
            f" each wants {client.num_cores} cores, and each host of clients one for its harness: {listed}"
        )
    counts = dict.fromkeys(room, 0)
    for _ in range(extra_options.clients):
        with_room = [name for name in counts if counts[name] < room[name]]
        emptiest = min(with_room, key=counts.get)
        counts[emptiest] += 1
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
    """How many clients a host has room for: as many as there are, if nobody pins."""
    if not extra_options.pin:
        return extra_options.clients
    return max(0, host.free - 1) // _cores.wanted(client)


def pinned(programs, hosts):
    """Pin programs, if that is asked for; the command that pins their harness to a core, too."""
    if not extra_options.pin:
        return []
    host = _cores.of(programs[0], hosts, extra_options.host_info)
    core = ["taskset", _cores.mask(host.take(1, "its harness"))]
    for program in programs:
        pin(program, hosts)
    return core


def pin(component, hosts):
    """Pin a component to cores of its own."""
    host = _cores.of(component, hosts, extra_options.host_info)
    util.wrap(component, "taskset", _cores.mask(host.take(_cores.wanted(component), component.name)))


def own_script(master, programs):
    """Where the master finds its script."""
    path = extra_options.script or _harness.OWN_FOLDER / "all.txt"
    return _harness.own_script(master, path, [each.name for each in programs], f"{_harness.REMOTE_FOLDER}/test")


def master_address(master, program):
    """Where the harness of `program` finds the master."""
    if extra_options.master_address:
        return extra_options.master_address
    if master.host == program.host:
        return "localhost"
    if master.is_local:
        raise ConfigError(
            "ta3 --master-address: is missing; how do other hosts call this machine, on which the master is?"
        )
    return bare_host(master.host)


# -- publishers alone


def check_options():
    """Raise ConfigError where a harness is chosen in a way that cannot be meant."""
    for name, kinds, expected in (
        ("harness", str | os.PathLike, "a local path"),
        ("harness_args", list | tuple, "a list of arguments"),
        ("harness_logs", str, "a remote folder"),
    ):
        value = said(name)
        if value is not None and not isinstance(value, kinds):
            raise ConfigError(f"--muddler ta3: extra_options.{name}: is {value!r}; it must be {expected}")


def said(name):
    """What `extra_options`, or else `options`, say under that name, or None."""
    for source in (extra_options, options):
        value = getattr(source, name, None)
        if value is not None:
            return value
    return None


def put_under_harness(component):
    """Let `component` run under a harness, its program and arguments behind the harness's own."""
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
