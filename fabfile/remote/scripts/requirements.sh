# Programs that components need (their `needs`).

# has_program NAME PATH BASE-DIR: whether it is in a folder of PATH, or is the full path of a program. Words of the shell
# alone do not count, as they would with `command -v`. An empty folder is the current one. A folder that is not absolute
# is below BASE-DIR; an empty BASE-DIR is a temporary folder, which has no programs yet.
# shellcheck disable=SC2086 # one word for each folder
has_program() (
  case $1 in */*) [ -f "$1" ] && [ -x "$1" ]; exit ;; esac
  name=$1 path=$2: base=$3 IFS=:
  set -f
  set -- $path
  for folder; do
    case $folder in
      /*) ;;
      *)
        [ "$base" ] || continue
        folder=$base/$folder
        ;;
    esac
    [ -f "$folder/$name" ] && [ -x "$folder/$name" ] && exit
  done
  exit 1
)

# check_requirements COUNT [NAME TEXT PATH BASE-DIR]...: fail with the TEXT of every program that is missing. COUNT is the
# number of these words; others may follow.
check_requirements() {
  lacking='' words_left=$1
  shift
  while [ "$words_left" -gt 0 ]; do
    has_program "$1" "$3" "$4" || lacking="$lacking${lacking:+, }$2"
    shift 4
    words_left=$((words_left - 4))
  done
  [ -z "$lacking" ] || fail "not installed: $lacking; install the missing programs, or remove them from needs"
}
