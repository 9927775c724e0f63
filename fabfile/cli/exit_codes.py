"""The exit codes of every command, apart from 0."""

FAILED = 1  # a host or a component failed
WRONG = 2  # the command line, the config or the settings are invalid; no host was contacted
INTERRUPTED = 130  # interrupted by Ctrl-C (128 + SIGINT, as in a shell)

# The message of INTERRUPTED before a command has connected to any host.
UNTOUCHED = "interrupted; no host was contacted"
