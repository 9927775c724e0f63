"""Adds the word "muddled" to the end of every component's arguments."""


def muddle(config):
    for component in config.all_components():
        component.args.append("muddled")
