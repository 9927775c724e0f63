"""The exit statuses of every command, beside 0."""

FAILED = 1  # hosts or components did not do well
WRONG = 2  # what was said cannot be meant; no host has been touched
INTERRUPTED = 130  # by Ctrl-C, as a shell has it
