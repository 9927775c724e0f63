"""Options in front of the command: `remote-runner -c cfg.py run` is the same as `remote-runner run -c cfg.py`.

`fab` cannot do that for `-c`, `--config` and `-p`. There these are options of Fabric, which it parses before it loads
this fabfile.
"""

import copy
from collections.abc import Iterable, Sequence
from itertools import chain

import attrs
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser, ParseResult

from rr_config.command_line.declarations import Declaration
from rr_config.command_line.options import OPTIONS

from .options import Option

LIST = "l"  # in front of a command, -l lists the commands, as in Invoke


class CommandParser(Parser):
    """A parser that accepts the options of all commands in front of the first command, too.

    `leading` holds these options after a call of `parse_argv`, together with those of Fabric.
    """

    leading: ParserContext

    def parse_argv(self, argv: Sequence[str]) -> ParseResult:
        """Return the contexts: the one of Fabric's options, then one for each command, with the leading options."""
        assert self.initial is not None
        of_fabric = _without_our_names(self.initial.args.values())
        self.leading = ParserContext(args=[*(_in_front(option) for option in OPTIONS), *of_fabric.values()])
        rest = [*argv]
        if rest and rest[0].startswith("-"):
            parsed = Parser(initial=self.leading, ignore_unknown=True).parse_argv(rest)
            self.leading, rest = parsed[0], parsed.unparsed
        result = super().parse_argv(rest)
        for name, argument in of_fabric.items():
            given = self.leading.args[argument.names[0]]
            if given.got_value and not result[0].args[name].got_value:
                result[0].args[name] = given
        for command in result[1:]:
            _inherit(command, self.leading)
        return result


def _in_front(declaration: Declaration) -> Option:
    return Option(attrs.evolve(declaration, short=None) if declaration.short == LIST else declaration)


def _without_our_names(of_fabric: Iterable[Argument]) -> dict[str, Argument]:
    """Return copies of arguments by their first names, without the names of our options. Omit one without a name."""
    taken = set(chain.from_iterable(_in_front(option).names for option in OPTIONS))
    found: dict[str, Argument] = {}
    for argument in of_fabric:
        own = copy.copy(argument)
        own.names = tuple(name for name in argument.names if name not in taken)
        own.attr_name = None
        if own.names:
            found[argument.names[0]] = own
    return found


def _inherit(command: ParserContext, leading: ParserContext) -> None:
    """Give a command the options that stand in front of it."""
    for option in command.args.values():
        given = leading.args.get(option.names[0])
        if isinstance(option, Option) and isinstance(given, Option) and given.got_value:
            option.inherit(given)
