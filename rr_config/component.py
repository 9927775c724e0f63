"""`Component`, the object that a config file fills in for each program.

It only holds values. Each attribute is declared here alone; `validation` checks the values by its rule.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from .checks import rules
from .hosts.names import usual
from .values.measures import Measure
from .values.ready import PidFile, Ready

LOCALHOST = "localhost"

METADATA = "declaration"  # its key in the metadata of an attribute
LISTS = ("args", "results", "needs")  # attributes that are lists


@attrs.frozen(eq=False, repr=False)
class Declared:
    """An attribute of Component: the rule for its value, the rule in words, and its meaning.

    A required attribute has no default. Its value is None until the config file assigns it.
    """

    rule: rules.Rule
    expected: str
    help: str
    is_required: bool


def attribute(rule: rules.Rule, expected: str, help: str, *, default: Any = attrs.NOTHING) -> Any:
    """Return an attribute of Component; see `Declared`."""
    is_required = default is attrs.NOTHING
    declared = Declared(rule, expected, help, is_required)
    return attrs.field(default=None if is_required else default, metadata={METADATA: declared})


@attrs.define(init=False, eq=False)
class Component:
    """One program on one host. Set its attributes by keyword or by assignment, in any order.

    `name`, `executable`, `host` and `start_index` must be set when the config has been loaded.

    A relative remote path is relative to `base_dir`. If that is None, it is relative to a temporary folder on the host
    that belongs to this component alone. The keys of `files` are local paths. So is `executable` if `host` is
    'localhost'. A relative local path is relative to the config file.

    Assigning an attribute that is not listed here raises AttributeError at that line. A component equals only itself.
    So it can be in a set although its attributes change.

        >>> server = Component(name="server", executable="./server", host="node1", start_index=1)
        >>> server.args = ["--port", 8080]
        >>> server.label
        'node1/server'
        >>> server.argz = []
        Traceback (most recent call last):
        AttributeError: unknown attribute 'argz' of Component; did you mean 'args'? ...
    """

    name: str = attribute(
        rules.is_text, "a non-empty string", "The name in reports and of its window. It must be unique on its host."
    )
    executable: str = attribute(
        rules.is_path, "the path of the program", "The program, relative to `base_dir`. It is not looked up in PATH."
    )
    args: list[str] = attribute(
        rules.list_of(rules.is_arg),
        "a list or another iterable of arguments, not one text; each becomes a string, which must not contain NUL",
        "Its arguments. `$NAME` in them is replaced by that variable of `env`, or else of the host.",
        default=attrs.Factory(list),
    )
    files: dict[str, str] = attribute(
        rules.are_files,
        "a dict of local path to remote path, none of them empty",
        "Its files: local paths, each with its remote path. A folder is copied with everything in it.",
        default=attrs.Factory(dict),
    )
    host: str = attribute(
        rules.is_host,
        "a host name, an address, user@host:port, [IPv6-address]:port, an ssh:// URI, a Host of ~/.ssh/config, or"
        " 'localhost'",
        "The host on which it runs.",
    )
    base_dir: str | None = attribute(
        rules.optional(rules.is_path),
        "a remote path, or None for a temporary folder",
        "The remote folder where it starts. A relative path is relative to the home.",
        default=None,
    )
    env: dict[str, str] = attribute(
        rules.is_env,
        "a dict of variable names to strings without NUL; a name must not be a variable that the shell sets itself",
        "Environment variables, in addition to those of the host. `$NAME` in a value is that of the host.",
        default=attrs.Factory(dict),
    )
    start_index: int = attribute(
        rules.is_whole, "a whole number", "The start order. Components with smaller numbers start first."
    )
    ready: Ready | None = attribute(
        rules.optional(rules.of_type(Ready)),
        "util.port(…), util.log(…), util.command(…), util.ended(), or None",
        "The readiness condition. A larger `start_index` starts when all components of smaller ones are ready.",
        default=None,
    )
    wait: bool = attribute(rules.of_type(bool), "True or False", "Whether `run` waits for it to end.", default=False)
    daemon: bool | PidFile = attribute(
        rules.of_type(bool, PidFile),
        "True, False, or util.pidfile(…)",
        "Whether the program starts a daemon and ends with 0. The component runs as long as the daemon. True"
        " finds it among the processes that the program has left, `util.pidfile(PATH)` by a pid file.",
        default=False,
    )
    num_cores: int = attribute(
        rules.is_whole, "a whole number", "The number of its CPU cores, for muddlers.", default=1
    )
    stop_signal: str = attribute(
        rules.is_signal,
        "the name of a signal, for example 'TERM', 'INT' or 'USR1'",
        "The signal that `stop` sends to it.",
        default="TERM",
    )
    results: list[str] = attribute(
        rules.list_of(rules.is_path),
        "a list of remote paths or patterns, none of them empty",
        "Remote paths and patterns that `collect` copies, relative to `base_dir`.",
        default=attrs.Factory(list),
    )
    measures: dict[str, Measure] = attribute(
        rules.dict_of(rules.is_measure_name, rules.of_type(Measure)),
        "a dict of names to util.measure(…); a name has letters, digits and . _ -, and begins with a letter",
        "Numbers that it produces, each by its name. `collect` reads them from the output or from files of the host.",
        default=attrs.Factory(dict),
    )
    needs: list[str] = attribute(
        rules.list_of(rules.is_program),
        "a list of programs, each a name in PATH or an absolute path",
        "Programs that its host must have. Missing ones are reported before anything starts.",
        default=attrs.Factory(list),
    )
    meta: dict[Any, Any] = attribute(
        rules.of_type(dict), "a dict", "Any values, for muddlers.", default=attrs.Factory(dict)
    )

    def __init__(self, **attributes: Any) -> None:
        self.__attrs_init__()  # generated by attrs because of init=False
        for name, value in attributes.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in ATTRIBUTES:
            raise AttributeError(unknown_attribute(name))
        if name == "host":
            value = usual(value)
        object.__setattr__(self, name, _listed(value) if name in LISTS else value)

    if not TYPE_CHECKING:  # with __getattr__, mypy would accept any attribute

        def __getattr__(self, name: str) -> Any:  # called only for a missing attribute
            if name.startswith("__"):  # Python asks each object for many of these, for example in copy.deepcopy
                raise AttributeError(name)
            if name in ATTRIBUTES:
                raise AttributeError(f"{name!r} of this Component was deleted; assign it again")
            raise AttributeError(unknown_attribute(name))

    @property
    def label(self) -> str:
        """Return `host/name`, which identifies this component in reports and errors."""
        return f"{self.host}/{self.name}"

    @property
    def is_local(self) -> bool:
        """Return whether it runs on this machine, without SSH."""
        return self.host == LOCALHOST


def _listed(value: object) -> object:
    """Return a list in place of another iterable, which a copy could not share and which may work only once.

    Return a list itself, because a config file may go on to change it. `validation` reports a text or a dict.
    """
    if isinstance(value, list | str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        return value
    return list(value)


def convert_args(components: "Iterable[Component]") -> None:
    """Replace each argument that is no text by its `str()`. `validation` reports invalid arguments later."""
    for component in components:
        args = getattr(component, "args", None)
        if isinstance(args, list) and all(map(rules.is_arg, args)):
            component.args = [arg if isinstance(arg, str) else str(arg) for arg in args]


ATTRIBUTES: dict[str, Declared] = {field.name: field.metadata[METADATA] for field in attrs.fields(Component)}


def unknown_attribute(name: str) -> str:
    """Return the error message for an unknown attribute, with the most similar known one."""

    given = name.lower()

    def likeness(known: str) -> tuple[bool, bool, float]:
        begins_alike = known.startswith(given) or given.startswith(known)
        return (begins_alike, given in known or known in given, difflib.SequenceMatcher(None, given, known).ratio())

    nearest = max(ATTRIBUTES, key=likeness)
    return f"unknown attribute {name!r} of Component; did you mean {nearest!r}? (known: {', '.join(ATTRIBUTES)})"
