"""`Config`, the components that a config file adds."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from .command_line.parameters import Value
from .component import Component, convert_args
from .likeness import nearest


class Components(list[Component]):
    """A list of components that is also an iterator: `next` removes and returns the first one.

    In the older script, `config.all_components()` was an iterator, so configs and muddlers call `next` on it.
    """

    __slots__ = ()

    def __next__(self) -> Component:
        if not self:
            raise StopIteration
        return self.pop(0)


class Config:
    """The components to run, in the order in which they were added.

    `Config(components)` holds the given objects themselves, not copies.

    `project` names the owner of the session. By default, the path of the config file is the owner. `screen` is the name
    of the session, unless the command line gives one. `parameters` holds the values of declared parameters by name.
    `assigned` holds the options that a config file or muddler has assigned, by name.

        >>> config = Config(project="demo")
        >>> config.add_component(Component(name="server", executable="./server", host="node1", start_index=1))
        >>> config.add_component(Component(name="client", executable="./client", host="localhost", start_index=2))
        >>> sorted(config.all_hosts())
        ['localhost', 'node1']
        >>> [component.name for component in config.all_local_components()]
        ['client']
    """

    def __init__(
        self, components: Iterable[Component] = (), *, project: str | None = None, screen: str | None = None
    ) -> None:
        self._components = list(components)
        self.project = project
        self.screen = screen
        self.parameters: Mapping[str, Value] = {}
        self.assigned: Mapping[str, Any] = {}

    def __setattr__(self, name: str, value: object) -> None:
        meant = nearest(name, ("project", "screen"))
        if meant and meant != name:
            raise AttributeError(f"unknown attribute {name} of config; did you mean {meant}?")
        object.__setattr__(self, name, value)

    def with_components(self, components: Iterable[Component]) -> "Config":
        """Return a config with these components, and everything else as here."""
        config = Config(components, project=self.project, screen=self.screen)
        config.parameters, config.assigned = self.parameters, self.assigned
        return config

    def add_component(self, component: Component) -> None:
        """Add a deep copy of `component`, so that a config file can change the same object and add it again.

        Raise TypeError for any other object.
        """
        if not isinstance(component, Component):
            kind = "the class Component" if component is Component else f"a {type(component).__name__}"
            raise TypeError(f"add_component: must be a Component, not {kind}; create one with Component()")
        added = copy.deepcopy(component)
        convert_args([added])
        self._components.append(added)

    def clear_components(self) -> None:
        """Remove all components."""
        self._components = []

    def all_components(self) -> Components:
        """Return all components themselves, not copies, so that a muddler can change them.

        The list is new. A caller can add and clear components while it iterates over the list. `next` works on it, too.
        """
        return Components(self._components)

    def all_remote_components(self) -> Components:
        """Return the components that run on other hosts, over SSH."""
        return Components(c for c in self._components if not c.is_local)

    def all_local_components(self) -> Components:
        """Return the components of `localhost`."""
        return Components(c for c in self._components if c.is_local)

    def all_hosts(self) -> set[str]:
        """Return the hosts of all components, including `localhost`."""
        return set(by_host(self._components))


def by_host(components: Iterable[Component]) -> dict[str, list[Component]]:
    """Return the components of each host, in their order."""
    found: dict[str, list[Component]] = {}
    for component in components:
        found.setdefault(component.host, []).append(component)
    return found


def by_label(components: Iterable[Component]) -> dict[str, Component]:
    """Return the components by their label."""
    return {component.label: component for component in components}
