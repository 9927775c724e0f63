# The note-taker: one process for each session that notes when the output of components has grown. screen writes
# output without times.
# Once a second it looks at all `output` files, with one `stat`. For each file that has grown, it appends a line
# `TIME SIZE` to the `times` beside it: when it was last written, and how long it is. log_times.sh reads them.
#
# It runs in a kernel session of its own, so it outlives the connection and belongs to no window. `fab kill` finds it
# by the STY in its environment. It ends when the screen server is gone or no launcher of the session runs any more.
# Its children have no STY, so `fab kill` is not kept busy by a `sleep` that has just begun.
#
# `.noting` is its claim: its process id and the screen session. If two starts did not see each other's note-taker, one
# of the two does not find its own claim and ends. Before it ends for want of work, it removes its claim and looks
# again: so a start either finds no claim, or has kept it from ending.
. ./proc_stat.sh
. ./component_state.sh
. ./sampler.sh

main() {
  id=$1 state=${0%/*} before='' sleeper='' sampler='' listens='' ticks=0 word=look
  cd "$state" || exit
  export LC_ALL=C
  unset STY
  trap 'kill $sleeper; exit' TERM
  claim
  while is_screen "${id%%.*}" && read -r claimed _ <.noting && [ "$claimed" = "$$" ]; do
    note_growth
    tick
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
}

claim() { echo "$$ $id" >.noting; }

# is_needed: whether the launcher of any component runs. It waits for processes that the program has left.
is_needed() {
  for folder in */; do
    folder=${folder%/}
    ! launcher_runs "$folder" || return 0
  done
  return 1
}

# note_growth: write down what has changed since the last look. A launcher that has changed belongs to a component that
# was started again, with a new output. If a note cannot be written, as on a full disk, the next one stands for it.
note_growth() {
  now=$(stat -c '%n/%.9Y/%s' -- */launcher */output */pid)
  [ "$now" != "$before" ] || return
  for file in $(changed_files); do
    folder=${file%%/*} time=${file#*/*/}
    case $file in
      */launcher/*) [ -z "$before" ] || [ ! -s "$folder/times" ] || true >"$folder/times" ;;
      */pid/*) word=look ;;
      */output/*/0) ;;
      */output/*) echo "${time%%.*} ${file##*/}" >>"$folder/times" ;;
    esac
  done
  before=$now
}

# changed_files: print the lines of $now that are not in $before. grep takes those as patterns, from descriptor 3.
changed_files() {
  grep -vxFf /dev/fd/3 3<<BEFORE <<NOW
$before
BEFORE
$now
NOW
}

main "$@"
exit
