"""The options that only some commands have. `rr_config.options` declares those of all commands."""

from rr_config.declarations import Declaration, Values
from rr_config.options import GRACE_SECONDS


def _flag(name: str, help: str, *commands: str, short: str | None = None) -> Declaration:
    return Declaration(name, help, kind=bool, default=False, short=short, commands=commands)


OWN_OPTIONS = (
    _flag("collect", "Collect at the end, as `collect` does, however the run went.", "run"),
    Declaration(
        "to",
        "The folder that gets a new one for each collection. Default: {default}.",
        default="results",
        values=Values.PATH,
        commands=["run", "collect"],
    ),
    _flag("json", "Print one JSON document.", "plan", "config", "status"),
    _flag("json", "Print one JSON document, with all checks.", "doctor"),
    _flag("diff", "Show what the muddlers have changed in it.", "config"),
    Declaration(
        "grace",
        "Seconds until what has not ended is killed. Default: {default}.",
        kind=int,
        default=GRACE_SECONDS,
        commands=["stop", "restart"],
    ),
    _flag("watch", "Show it again every two seconds, in place, until Ctrl-C.", "status", short="w"),
    Declaration("timeout", "For how many seconds at most. Default: without end.", kind=int, commands=["wait"]),
    _flag("follow", "Go on with what comes, until Ctrl-C.", "logs", short="f"),
    Declaration(
        "lines", "Only the last lines of each component, so many. Default: all.", kind=int, short="n", commands=["logs"]
    ),
    Declaration(
        "since",
        "Only what was put out since then: so many seconds ago, 10m, 2h, 1d, or a time by ISO 8601.",
        commands=["logs"],
    ),
    _flag("timestamps", "With each line, show when it was put out.", "logs", short="t"),
    _flag("raw", "With all control characters, as the window got them.", "logs"),
    Declaration(
        "component",
        "Whose window to show: a name, or HOST/NAME. Needs no --component.",
        values=Values.COMPONENT,
        is_positional=True,
        commands=["attach"],
    ),
    Declaration(
        "from",
        "A folder that `fab collect` has made. Default: the hosts, as they are now.",
        values=Values.PATH,
        commands=["report"],
    ),
    Declaration(
        "output",
        "Where to write the page. Default: {default}.",
        default="report.html",
        short="o",
        values=Values.PATH,
        commands=["report"],
    ),
    _flag("overwrite", "Also where a file is that is no report.", "report"),
    _flag("install", "Install what is missing, with the package manager of the host.", "doctor"),
    _flag("yes", "Do not ask before something is installed.", "doctor", short="y"),
)


def own_options(command: str) -> list[Declaration]:
    """Return the options that `command` has besides those of all commands."""
    return [option for option in OWN_OPTIONS if command in option.commands]
