"""List the names of all commands and of the muddlers of the project."""

COMMANDS = [
    "attach",
    "clean",
    "collect",
    "compare",
    "config",
    "docs",
    "doctor",
    "exec",
    "init",
    "kill",
    "logs",
    "muddlers",
    "plan",
    "report",
    "restart",
    "run",
    "screen",
    "start",
    "status",
    "stop",
    "sweep",
    "sync",
    "wait",
]
MUDDLERS = ["pin", "rehost", "repeat", "stagger", "ta1", "ta3", "wrap"]
