"""Run N copies of each component; `%n` stands for the number of the copy.

    --muddler "repeat --copies 12 --only client"

`%n` is replaced in every text: name, host, executable, arguments, values of `env`, base_dir, results, the pattern of
`ready`, and remote paths of files. A name without `%n` gets the number appended, as in `client-3`. A pattern of --only
or --limit that matches the component also matches its copies.
"""

from rr_config import ConfigError


def add_arguments(parser):
    parser.add_argument("--copies", type=int, metavar="N", help="number of copies (required)")
    parser.add_argument("--from", type=int, default=1, metavar="N", help="number of the first copy (default: 1)")


def muddle(config):
    if not extra_options.copies or extra_options.copies < 1:
        raise ConfigError(f"repeat --copies: required, and must be at least 1 (is {extra_options.copies})")
    chosen = {id(component) for component in util.chosen(config, extra_options.only)}
    components = config.all_components()
    config.clear_components()
    for component in components:
        if id(component) not in chosen:
            config.add_component(component)
            continue
        if "processors" in component.meta:
            raise ConfigError(f"{component.label}: copies would share its cores; put --muddler repeat before pin")
        first = getattr(extra_options, "from")
        for number in range(first, first + extra_options.copies):
            config.add_component(util.numbered(component, number))
