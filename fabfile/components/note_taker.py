"""The note-taker: the process that notes, on a host, when the output of a session's components has grown. Pure.

screen writes output without times. So there is one process beside the windows of a session, however many there are,
that looks once a second at all `output` files, by one `stat`, and appends a line `TIME SIZE` to the `times` beside
each that has grown: when it was last written to, and how long it is. What that means for lines, `stamps` knows.

It is a session of its own (setsid(2)), and so outlives the connection and is part of no window. It has the mark in its
environment by which `fab kill` finds it. It ends by itself once nothing is left to note: when the screen server is
gone, or no launcher of the session lives any more.
"""

from ..remote import shell
from ..remote.state_dir import MARK
from .launcher import LAUNCHER_LIVES
from .screen import IS_SCREEN

# `.noting` is its claim: its process id and the screen session, as PID.NAME. One that does not find its own there ends:
# so one is left where two starts at once did not see each other's. Before it ends for want of work, it takes its claim
# away and looks again: so a start that looks for it, once a launcher lives, finds no claim or has kept it from ending.
# Its children have no mark, so that `fab kill` is not kept busy by a `sleep` that ends, and begins, meanwhile.
# A launcher that has changed is that of a component which was started again, with a new output. Where a note cannot be
# written, as on a full disk, the next one stands for it.
# grep has the files of before as patterns, and prints what is not among them.
NOTE_TIMES = f"""\
{IS_SCREEN}{LAUNCHER_LIVES}\
is_needed() {{  # whether a launcher lives
  for folder in */; do
    folder=${{folder%/}}
    if [ ! -s "$folder/status" ] && launcher_lives "$folder"; then return; fi
  done
  return 1
}}
note() {{
  now=$(stat -c '%n/%.9Y/%s' -- */launcher */output)
  [ "$now" != "$before" ] || return
  for file in $(grep -vxFf /dev/fd/3 3<<BEFORE <<NOW
$before
BEFORE
$now
NOW
  ); do
    folder=${{file%%/*}} time=${{file#*/*/}}
    case $file in
      */launcher/*) [ -z "$before" ] || [ ! -s "$folder/times" ] || true >"$folder/times" ;;
      */output/*/0) ;;
      */output/*) echo "${{time%%.*}} ${{file##*/}}" >>"$folder/times" ;;
    esac
  done
  before=$now
}}
claim() {{ echo "$$ $id" >.noting; }}
main() {{
  id=$1 state=${{0%/*}} before= sleeper=
  cd "$state" || exit
  export LC_ALL=C
  unset STY
  trap 'kill $sleeper; exit' TERM
  claim
  while is_screen "${{id%%.*}}" && read -r pid _ <.noting && [ "$pid" = $$ ]; do
    note
    if ! is_needed; then
      rm -f .noting
      is_needed || exit
      claim
    fi
    sleep 1 &
    sleeper=$!
    wait "$sleeper"
    sleeper=
  done
}}
main "$@"; exit
"""

# take_notes: sees to it that the session $id has a note-taker; in $state. It runs no program where there is one.
# Where there is no setsid, an interrupted start on localhost takes it along; the next start brings it back.
TAKE_NOTES = f"""\
take_notes() {{
  line=
  {{ read -r noter of <.noting && [ "$of" = "$id" ] && read -r line <"/proc/$noter/cmdline"; }} 2>/dev/null
  case $line in *"$state/.note-times"*) return ;; esac
  printf '%s' {shell.quote(NOTE_TIMES)} >.note-times || return 0  # on a full disk; then no times are known
  (
    unset {MARK}
    export STY="$id"
    exec $(command -v setsid) sh "$state/.note-times" "$id"
  ) </dev/null >/dev/null 2>&1 &
}}
"""
