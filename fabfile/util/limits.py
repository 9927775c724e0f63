"""Limits against hosts that are hostile, broken or frozen.

A limit stands here if a host, or whatever answers in its place, can exceed it by what it sends, or by its silence. An
honest host stays below all of them. A host that exceeds one fails alone, and the others go on.

Other numbers stand where they are used: the number of retries and the pauses between them, sizes that were chosen for
speed, limits that the user sets (such as `--io-timeout`), and lengths that suit the reader of a message.

MB means 2**20 bytes here, and kB 2**10 bytes.
"""

# -- The login

# Bytes before the login. A key exchange needs less than 10 kB, and the rest is for a long banner. A server that sends
# more does not speak SSH.
MOST_BEFORE_LOGIN = 1 << 18
# Bytes in one SSH packet. RFC 4253, section 6.1, requires 35,000, and our own packets have 32 kB. paramiko would
# allocate up to 4 GB for one packet.
MOST_IN_A_PACKET = 1 << 18

# Questions in one message of keyboard-interactive. OpenSSH sends at most 10 through PAM.
MOST_PROMPTS = 64
# Bytes in an answer of an ssh-agent, as in OpenSSH (MAX_AGENT_REPLY_LEN).
MOST_OF_AN_AGENT = 1 << 18
# Keys in an ssh-agent, as in OpenSSH (MAX_AGENT_IDENTITIES).
MOST_IN_AN_AGENT = 2048

# -- Silence

# Seconds for each step of connecting, unless the user sets another number. A server may accept the connection and then
# say nothing.
CONNECT_SECONDS = 10
# Seconds for an answer in keyboard-interactive, where a host may wait until somebody confirms on a phone. sshd itself
# waits for 120 s (LoginGraceTime).
CONFIRM_SECONDS = 150
# Seconds of silence after which a sign of life is requested, and the number of requests without an answer after which a
# host counts as frozen. The ssh config may set both: ServerAliveInterval and ServerAliveCountMax.
ALIVE_SECONDS = 15
ALIVE_TIMES = 3
# Milliseconds without an acknowledgement after which the kernel drops the connection: TCP_USER_TIMEOUT in tcp(7). It
# ends a send to a host whose network is gone.
UNACKNOWLEDGED_MS = 60_000
# Seconds to wait for the exit status after the end of stdout. sshd sends it at once, but another server may never do.
STATUS_SECONDS = 1
# Bytes per second that any disk reads or writes, and any processor hashes. A script that works on many bytes may be
# silent for so much longer.
SLOWEST = 10_000_000
# Seconds that a package manager may be silent in addition to `--io-timeout`. It may download much in silence.
CLEAN_SECONDS = 3600  # so long may a host work on the removal of large folders without an answer
INSTALL_SECONDS = 3600
# Seconds in which the login shell of a host must run a script. A start-up file may wait for ever, or read the script.
GREETING_SECONDS = 25
# Seconds in which sshd must tell the path of that shell. An error about the shell does not wait longer for its name.
SHELL_SECONDS = 2
MOST_EXEC_OUTPUT = 1_000_000  # bytes of the output of `fab exec`; more would not be read
# Seconds in which a dropped host may report its last results. A frozen host must not block the others.
LEAVE_SECONDS = 1.0
# The same for a host that is still connecting when the timeout of a wait expires. A login takes longer than an answer.
FIRST_SECONDS = 10.0
# Seconds in which a lost host must be reachable again.
RECONNECT_SECONDS = 60
# Losses in a row after which a host is abandoned. Without it, a host that ends each script at once keeps a wait going
# for ever.
MOST_LOSSES = 30
# Seconds of work after which a host counts as well again, so that the count of losses starts again.
SOUND_SECONDS = 5

# -- Answers of scripts

# Bytes before the first record: the output of the login shell, such as a message of the day.
MOST_NOISE = 1 << 20
# Bytes in all answers of a script, and in one record. Both would otherwise fill the memory. A question about many paths
# raises both.
MOST_ANSWERED = 1 << 28
MOST_IN_A_RECORD = 1 << 26
# Bytes of memory that Python needs for one record besides its content. It counts as answered, because empty records
# would cost memory, too.
COST_OF_A_RECORD = 64
# Bytes of memory that the answer about one path takes, besides the path itself. It raises the limits above.
MOST_OF_A_PATH = 256
# Blocks of 64 kB that are received ahead, if an answer may exceed the memory: logs and collected files.
MOST_BLOCKS = 32
# Bytes at the end of stderr that are kept for an error message.
MOST_SAID = 1 << 16
# Bytes of stderr that are read at the end of a script. An honest host has sent at most one window of paramiko (2 MB),
# because nothing is read before. A hostile one could go on for ever.
MOST_STDERR = 1 << 22

# -- Content of answers

# Seconds since 1970, in the year 9000. `datetime` ends with the year 9999, so a margin or a time zone cannot exceed its
# range.
LAST_TIME = 221_845_392_000
# Bytes of a line of output without a newline. A longer line is split, because it would fill the memory.
LONGEST_LINE = 1 << 16
# Bytes at the end of each log that a report shows. A page with more would not open in a browser.
MOST_OF_A_LOG = 1 << 18
# Levels of nested objects and lists in the provenance that a host has kept. More could exceed the recursion limit when
# they are written into `run.json`.
DEEPEST_JSON = 20

# -- Collected files

# Bytes between the contents of two files in a tar stream. An honest host sends only headers and names there, and 24
# bytes for each part of a sparse file. `tarfile` keeps all of them in memory.
MOST_BESIDES = 1 << 22
# Bytes by which a file may exceed twice its listed size when it arrives, because a log may have grown. More would fill
# the disk.
MOST_GROWTH = 1 << 30
# Characters of an unexpected file name in an error message. A tar header can hold a name of any length.
MOST_OF_A_NAME = 200
