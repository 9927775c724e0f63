"""Append the word "muddled" to the arguments of every component."""


def muddle(config):
    for component in config.all_components():
        component.args.append("muddled")
