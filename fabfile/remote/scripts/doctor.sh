# fab doctor: what this host has and lacks. Changes nothing.
# Needs from the header: session, programs and places (how many), and as arguments first four words for each program that
# components need (see check_requirements; answers: lacks TEXT), then two words for each place (see places.sh), then for each root either `temporary FOLDER` or `path PATH`.
# Answers in any order: has PACKAGE, screen PROBLEM, lacks TEXT, user NAME ID, manager COMMAND, sudo yes, processes
# LIMIT NUMBER, terminals LIMIT NUMBER, logind (see logind.sh), unseen PID.NAME FOLDER, volume and place (see places.sh),
# root there|new|lost PATH; then `looked`. Then it carries out commands; see carry_out.
. ./tools.sh
. ./state_dir.sh
. ./requirements.sh
. ./temporary.sh
. ./places.sh
. ./logind.sh

main() {
  report_packages
  while [ "$programs" -gt 0 ]; do
    has_program "$1" "$3" "$4" || answer "lacks $2"
    programs=$((programs - 1))
    shift 4
  done
  find_state_dir
  report_machine
  answer_logind
  report_unseen_sessions
  while [ "$places" -gt 0 ]; do
    report_place "$1" "$2"
    places=$((places - 1))
    shift 2
  done
  report_roots "$@"
}

# report_packages: test each package that any script needs, and whether screen works.
report_packages() {
  for package in screen openssl tar $always_needed; do
    if is_usable "$package" </dev/null >/dev/null 2>&1; then answer "has $package"; fi
  done
  command -v screen >/dev/null 2>&1 || return 0
  find_screen_problem "$(screen -ls 2>&1)"
  [ -z "$problem" ] || answer "screen $problem"
}

# report_machine: the user, the package manager, and how many processes and terminals there may be.
# Root may have any number of processes. Each thread counts. `read` of dash gets only the first digit of a number in
# /proc/sys: it reads byte by byte, and there all reads but the first one are empty.
report_machine() {
  answer "user $(id -un) $(id -u)"
  answer "manager $(package_manager)"
  if command -v sudo >/dev/null 2>&1; then answer 'sudo yes'; fi
  limit=
  while read -r kind unit soft _; do
    case "$kind $unit" in 'Max processes') limit=$soft ;; esac
  done </proc/self/limits
  [ "$(id -u)" != 0 ] || limit=unlimited
  number=0
  for task in /proc/[0-9]*/task/[0-9]*; do [ ! -O "$task" ] || number=$((number + 1)); done
  answer "processes $limit $number"
  answer "terminals $(cat /proc/sys/kernel/pty/max 2>/dev/null) $(cat /proc/sys/kernel/pty/nr 2>/dev/null)"
}

# report_unseen_sessions: answer for each session that was started here and runs, but that screen does not list. FOLDER is
# the SCREENDIR with which it was started.
report_unseen_sessions() {
  listing=$(screen -ls 2>/dev/null)
  while IFS= read -r id; do
    case $listing in *"	$id	"*) continue ;; esac
    is_screen "${id%%.*}" || continue
    answer "unseen $id $(tr '\n\0' ' \n' <"/proc/${id%%.*}/environ" 2>/dev/null | sed -n 's/^SCREENDIR=//p')"
  done 2>/dev/null <"$state/.sessions" || :
}

# report_roots [temporary FOLDER | path PATH]...: where each root is, then carry out commands on them. A temporary folder
# that is not there yet is reported as `new`, with the folder that it will be made in.
report_roots() {
  count=$#
  while [ "$count" -gt 0 ]; do
    kind=$1 root=$2 state_of_root=there
    shift 2
    if [ "$kind" = temporary ]; then
      if find_temporary "$root"; then root=$dir; else state_of_root=new root=${TMPDIR:-/tmp}; fi
    fi
    case $root in /*) [ -d "$root" ] ;; *) false ;; esac || state_of_root=lost
    answer "root $state_of_root $root"
    set -- "$@" "$root"
    count=$((count - 2))
  done
  answer looked
  carry_out "$@"
}

# carry_out ROOT...: obey commands until `end`. `clock` answers with the time here. `files` and `folders` are followed by
# NUMBER and SIZE, and by a list of paths of that many bytes. They print what is known of these paths below the root of
# that number, and an empty record.
carry_out() {
  while read -r command number size && [ "$command" != end ]; do
    last=
    case $command in
      clock) last=$(date +%s.%N) ;;
      files) head -c "$size" | stat_below "$number" -L '%f %s %n\0' "$@" ;;
      folders) head -c "$size" | stat_below "$number" -f '%i/%b %a %S %c %d %n\0' "$@" ;;
    esac
    answer "$last"
  done
}

# stat_below NUMBER OPTION FORMAT ROOT...: print the paths on standard input, which are below the root of that number.
stat_below() {
  number=$1 option=$2 format=$3
  shift 3
  shift $((number - 1))
  { cd -- "$1" && xargs -0 -r stat "$option" --printf "$format" --; } 2>/dev/null || cat >/dev/null
}
