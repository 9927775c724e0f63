"""`Component` and `Config`: what a config file fills in. They hold values and check nothing else."""

import copy
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from .ready import Ready

LOCALHOST = "localhost"

# A required attribute before the config file has assigned it. `checks` refuses what is still unset.
UNSET: Any = None


@attrs.define(init=False)
class Component:
    """One program on one host. Filled by keywords or by assignment, in any order.

    `name`, `executable`, `host` and `start_index` must be set by the time the config is loaded.
    Remote paths that are relative are relative to `base_dir`; where that is None, to a temporary
    folder on the host that belongs to this component. Local paths (the keys of `files`, and the
    executable where `host` is 'localhost') are relative to the config file. Assigning an attribute
    that is not listed here raises AttributeError at that line.
    """

    name: str = UNSET
    executable: str = UNSET
    args: list[str] = attrs.field(factory=list)
    files: dict[str, str] = attrs.field(factory=dict)
    host: str = UNSET
    base_dir: str | None = None
    env: dict[str, str] = attrs.field(factory=dict)
    start_index: int = UNSET
    ready: Ready | None = None
    wait: bool = False
    num_cores: int = 1
    stop_signal: str = "TERM"
    results: list[str] = attrs.field(factory=list)
    needs: list[str] = attrs.field(factory=list)
    meta: dict[Any, Any] = attrs.field(factory=dict)

    def __init__(self, **attributes: Any) -> None:
        self.__attrs_init__()  # attrs makes it for init=False
        for name, value in attributes.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in ATTRIBUTES:
            raise AttributeError(unknown_attribute(name))
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # by which mypy would take any name for an attribute

        def __getattr__(self, name: str) -> Any:  # of what is not there
            if name in ATTRIBUTES:
                raise AttributeError(f"{name!r} of this Component has been deleted; assign it again")
            raise AttributeError(unknown_attribute(name))

    @property
    def label(self) -> str:
        """`host/name`, as reports and errors call this component."""
        return f"{self.host}/{self.name}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on the machine that runs this program, without SSH."""
        return self.host == LOCALHOST


ATTRIBUTES = tuple(field.name for field in attrs.fields(Component))


def unknown_attribute(name: str) -> str:
    """The text of the error for an attribute that a Component does not have."""
    given = name.lower()

    def likeness(known: str) -> tuple[bool, bool, float]:
        begins_alike = known.startswith(given) or given.startswith(known)
        return (begins_alike, given in known or known in given, difflib.SequenceMatcher(None, given, known).ratio())

    nearest = max(ATTRIBUTES, key=likeness)
    return f"a Component has no attribute {name!r}, did you mean {nearest!r}? it has {', '.join(ATTRIBUTES)}"


class Config:
    """The components that are to run, in the order in which they were added.

    `Config(components)` holds the very objects that it is given.
    """

    def __init__(self, components: Iterable[Component] = ()) -> None:
        self._components = list(components)

    def add_component(self, component: Component) -> None:
        """Add a deep copy of `component`, so that the same object can be changed and added again."""
        if not isinstance(component, Component):
            kind = "the class Component" if component is Component else f"a {type(component).__name__}"
            raise TypeError(f"add_component takes a Component, not {kind}; write Component() to make one")
        self._components.append(copy.deepcopy(component))

    def clear_components(self) -> None:
        """Remove all components."""
        self._components = []

    def all_components(self) -> list[Component]:
        """All components: the ones held, not copies, so that a muddler can change them.

        The list is a new one: adding and clearing while iterating over it is safe.
        """
        return list(self._components)

    def all_remote_components(self) -> list[Component]:
        """The components that are reached by SSH."""
        return [c for c in self._components if not c.is_local]

    def all_local_components(self) -> list[Component]:
        """The components of `localhost`."""
        return [c for c in self._components if c.is_local]

    def all_hosts(self) -> set[str]:
        """The hosts of all components, each once, `localhost` among them."""
        return {c.host for c in self.all_components()}
