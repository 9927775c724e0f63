"""Find secrets that arguments would show, and secrets whose variable is not set."""

import os
from collections.abc import Iterable, Iterator

from ..component import Component
from ..errors import ConfigError
from ..muddlers.rewriting import literal, scoped
from ..texts import variables
from ..values.secrets import Secret, secrets_of


def secret_arguments(component: Component) -> Iterator[str]:
    """Yield the problem of each secret in `args`, also one that `$NAME` refers to."""
    args = component.args if isinstance(component.args, list | tuple) else []
    env = component.env if isinstance(component.env, dict) else {}
    for arg in args:
        if isinstance(arg, Secret):
            yield _visible(f"util.secret({arg.name!r})", "put it into env, and let the program read the variable")
        elif isinstance(arg, str) and not isinstance(arg, literal):
            known = secrets_of(arg.env if isinstance(arg, scoped) else env)
            for name in sorted(variables(arg) & known.keys()):
                yield _visible(f"${name}", "use util.literal if the program itself, such as sh -c, replaces it")


def _visible(what: str, hint: str) -> str:
    return f"{what} is a secret, and every user of the host can read arguments; {hint}"


def check_secrets(components: Iterable[Component]) -> None:
    """Raise ConfigError with all secrets whose variable is not set."""
    problems = [problem for component in components for problem in _unset(component)]
    if problems:
        raise ConfigError(*problems)


def _unset(component: Component) -> Iterator[str]:
    for name, given in secrets_of(component.env).items():
        if given.name not in os.environ:
            problem = f"the environment variable {given.name} is not set here; export it first"
            yield f"{component.label}.env: {name}: {problem}"
