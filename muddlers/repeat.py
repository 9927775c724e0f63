"""Runs N copies of each component, told apart by a number that takes the place of %n.

    --muddler "repeat --copies 12 --only client"

`%n` is replaced in all texts: name, host, executable, arguments, values of `env`, base_dir, results, what `ready` looks
for, remote places of files. A name without it gets -%n at its end. What names the component (--only, --limit) names the
copies, too.
"""

from rr_config import ConfigError


def add_arguments(parser):
    parser.add_argument("--copies", type=int, metavar="N", help="how many; must be said")
    parser.add_argument("--from", type=int, default=1, metavar="N", help="the number of the first; 1 if not said")


def muddle(config):
    if not extra_options.copies or extra_options.copies < 1:
        raise ConfigError(f"repeat --copies: is {extra_options.copies}; it must be 1 or more")
    chosen = {id(component) for component in util.chosen(config, extra_options.only)}
    components = config.all_components()
    config.clear_components()
    for component in components:
        if id(component) not in chosen:
            config.add_component(component)
            continue
        if "processors" in component.meta:
            raise ConfigError(f"{component.label}: is pinned, and so would all its copies be; put pin behind repeat")
        first = getattr(extra_options, "from")
        for number in range(first, first + extra_options.copies):
            config.add_component(util.numbered(component, number))
