"""The options that only some commands have. `rr_config.command_line.options` declares those of all commands."""

from functools import partial

from rr_config.command_line.declarations import Declaration, Values
from rr_config.command_line.options import GRACE_SECONDS


def _flag(name: str, help: str, *commands: str, short: str | None = None) -> Declaration:
    return Declaration(name, help, kind=bool, default=False, short=short, commands=commands)


# The commands that can choose components by their present states.
BY_STATE = ("status", "logs", "restart", "stop", "collect")
TABLE = ("host", "component", "state")  # values of --sort and --group
# The commands that change hosts, or wait for components.
CHANGES = ("run", "kill", "screen", "sync", "start", "stop", "restart", "wait", "clean")

_path = partial(Declaration, values=Values.PATH)


OWN_OPTIONS = (
    _flag("failed", "Select the components that have failed, or that are lost or unknown, at present.", *BY_STATE),
    Declaration(
        "state",
        "Select components by their present states, separated by commas, for example `running,ready`.",
        values=Values.STATE,
        commands=BY_STATE,
    ),
    _flag("collect", "Collect output and results at the end, even if the run failed.", "run"),
    _path(
        "to",
        "The local folder in which each collection creates a new folder. Default: {default}.",
        default="results",
        commands=["run", "collect"],
    ),
    _flag("json", "Print one JSON document.", "plan", "config", "status"),
    Declaration(
        "over",
        "NAME=VALUE,VALUE: the values of a parameter, or a CSV file with a combination in each row. Repeatable.",
        values=Values.OVER,
        is_repeatable=True,
        commands=["sweep"],
    ),
    Declaration(
        "repeats", "Number of runs of each combination. Default: {default}.", kind=int, default=1, commands=["sweep"]
    ),
    _path("to", "The folder of the sweep. Default: `sweeps/` and the name of the config.", commands=["sweep"]),
    Declaration(
        "seed",
        "The number that decides the order of the runs. Default: that of the earlier command, or a random one.",
        kind=int,
        commands=["sweep"],
    ),
    _flag("retry_failed", "Repeat the runs that failed.", "sweep"),
    _flag("mixed", "Accept a config or files that have changed since earlier runs, and record that.", "sweep"),
    Declaration("time_limit", "Maximum seconds of each run. Default: no limit.", kind=int, commands=["sweep"]),
    _flag("json", "Print one JSON document in place of the progress.", *CHANGES, "exec", "sweep"),
    _flag("json", "Print one JSON document, with all checks.", "doctor"),
    _flag("verbose", "Show a line per host on a terminal. A pipe always gets them.", *CHANGES, "collect", short="v"),
    _flag("verbose", "Show each run as `run` does.", "sweep", short="v"),
    _flag("diff", "Show the changes of the muddlers as a diff.", "config"),
    Declaration(
        "grace",
        "Seconds to wait before processes that still run are killed. Default: {default}.",
        kind=int,
        default=GRACE_SECONDS,
        commands=["stop", "restart"],
    ),
    Declaration(
        "sort", "Sort by this column. States begin with the worst. Default: host.", values=TABLE, commands=["status"]
    ),
    Declaration("group", "Show one row for each host, component name or state.", values=TABLE, commands=["status"]),
    _flag("watch", "Refresh the table every 2 seconds until Ctrl-C.", "status", short="w"),
    _flag("all", "Show every component, also if the terminal is too small for it.", "status"),
    Declaration("timeout", "Maximum seconds to wait. Default: no limit.", kind=int, commands=["wait"]),
    Declaration("timeout", "Maximum seconds on each host. Default: no limit.", kind=int, commands=["exec"]),
    Declaration(
        "command",
        "The command line to run, in quotes. `--command` may be omitted.",
        is_positional=True,
        commands=["exec"],
    ),
    _flag("follow", "Show new output as it is written, until Ctrl-C.", "logs", short="f"),
    _flag("follow", "Show output as it is written. If no component has `wait`, wait for all.", "run", short="f"),
    Declaration(
        "lines", "Show only the last N lines of each component. Default: all.", kind=int, short="n", commands=["logs"]
    ),
    Declaration(
        "since", "Show only output since a time: seconds ago, 10m, 2h, 1d, or an ISO 8601 time.", commands=["logs"]
    ),
    _flag("timestamps", "Show the time of each line.", "logs", short="t"),
    _flag("raw", "Keep control characters, as the program wrote them.", "logs"),
    Declaration(
        "component",
        "The component to show: NAME or HOST/NAME. `--component` may be omitted.",
        values=Values.COMPONENT,
        is_positional=True,
        commands=["attach"],
    ),
    _path(
        "file",
        "The file to write. Default: {default}. `--file` may be omitted.",
        default="config.py",
        is_positional=True,
        commands=["init"],
    ),
    _path(
        "from",
        "A folder created by `{program} collect` or `{program} sweep`. Default: the current state of the hosts.",
        commands=["report"],
    ),
    Declaration(
        "topic",
        "The page to show. Default: {default}, which lists all. `--topic` may be omitted.",
        default="index",
        values=Values.TOPIC,
        is_positional=True,
        commands=["docs"],
    ),
    _path("first", "The first folder. `--first` may be omitted.", is_positional=True, commands=["compare"]),
    _path("second", "The second folder. `--second` may be omitted.", is_positional=True, commands=["compare"]),
    _flag("json", "Print one JSON document.", "compare"),
    _path(
        "table", "Write a CSV file with a row for each run of the sweep in --from, and no page.", commands=["report"]
    ),
    _path("trace", "Write the run in --from as a trace for ui.perfetto.dev, and no page.", commands=["report"]),
    _path(
        "output", "The HTML file to write. Default: {default}.", default="report.html", short="o", commands=["report"]
    ),
    _flag("overwrite", "Replace an existing file even if it is not a report.", "report"),
    _flag("install", "Install missing packages with the package manager of the host.", "doctor"),
    _flag("yes", "Install without asking for confirmation.", "doctor", short="y"),
    _flag("files", "Also remove the files of the components, and folders that become empty.", "clean"),
    _flag("all", "Remove the state of all sessions of the user on these hosts that have ended.", "clean"),
    _flag("yes", "Remove without asking for confirmation.", "clean", short="y"),
)


def own_options(command: str) -> list[Declaration]:
    """Return the options that `command` has besides those of all commands."""
    return [option for option in OWN_OPTIONS if command in option.commands]
