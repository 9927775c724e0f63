# The output of a program without the lines that screen adds to it.
#
# In zombie mode, screen writes a line such as `=== Command terminated normally (DATE) ===` to the log of a window, after
# the first process of the window has ended. So while the launcher runs, all output belongs to the program. Later, the
# note `length` says how much does in any case; the program may have printed such a line itself. After that place, a
# child of the program may have written more. Then screen's lines are the last ones, because it closes the terminal.
. ./component_state.sh

# The lines of screen as a Perl expression. Each begins with LF CR, but a terminal sends CR LF at the end of a line. A
# terminal that is closed before the exit status is known gets two lines. The key that starts the command of a zombie
# window again only makes the launcher print a sentence.
line_of_screen='\n\r=== (?:Command|Window) [^\r\n]*\([^()\r\n]*\) ==='
lines_of_screen='(?:\n\r=== Command detached from window \([^()\r\n]*\) ===)?'$line_of_screen
lines_of_screen="$lines_of_screen(?:[\\r\\n]*another command has started it since\\r\\n$lines_of_screen)*\\z"

# find_own_size FOLDER SIZE: set $size to the part of its output, SIZE bytes, that is not from screen. SIZE must be older
# than this call: the launcher may end meanwhile. The current folder is $state.
find_own_size() {
  size=$2
  [ -s "$1/status" ] || ! launcher_runs "$1" || return 0
  read_note "$1" length
  case $note in '' | *[!0-9]*) note=0 ;; esac
  count=$((size - note))
  [ $count -gt 0 ] || return 0
  [ $count -le 4096 ] || count=4096
  match=$(output_bytes "$1" $((size - count)) "$count" | tr '\000' '\177' | LC_ALL=C grep -zaboP -e "$lines_of_screen" |
    head -n 1)
  [ -z "$match" ] || size=$((size - count + ${match%%:*}))
}

# print_output FOLDER [BYTES]: print what the program has written, or only the last BYTES of it.
print_output() {
  whole=$(stat -c %s -- "$1/output" 2>/dev/null) || return 0
  find_own_size "$1" "$whole"
  count=${2:-$size}
  [ "$count" -le "$size" ] || count=$size
  output_bytes "$1" $((size - count)) "$count"
}

# output_bytes FOLDER OFFSET COUNT: print a part of the output.
output_bytes() { dd if="$1/output" bs=64K iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none 2>/dev/null; }

# output_end FOLDER COUNT: print the last lines of what the program has written, at most COUNT, and not too long.
output_end() { print_output "$1" 20000 | tail -n "$2" | tr -d '\000'; }

# answer_end FOLDER STATUS [WORD]: answer how a component ended: whether by this tool, and after how many seconds. If it has
# failed, answer with the end of its output, too.
answer_end() {
  stopped=
  [ ! -e "$1/stopped" ] || stopped=stopped
  read_note "$1" started
  begun=$note
  read_note "$1" ended
  seconds=
  [ -z "$begun" ] || [ -z "$note" ] || seconds=$((note - begun))
  case $2$stopped in 0 | never | *stopped) said= ;; *) said=$(output_end "$1" 8) ;; esac
  answer "${3-ended} $1 $2 $stopped $seconds
$said"
}
