# Programs that components need (their `needs`).

# has_program NAME: whether it is in PATH, or is the full path of a program. Words of the shell alone do not count,
# as they would with `command -v`.
has_program() (
  case $1 in */*) [ -f "$1" ] && [ -x "$1" ]; exit ;; esac
  IFS=:
  set -f
  for folder in $PATH; do [ -f "$folder/$1" ] && [ -x "$folder/$1" ] && exit; done
  exit 1
)

# check_requirements [NAME TEXT]...: fail with the TEXT of every program that is missing.
check_requirements() {
  lacking=
  while [ $# -gt 0 ]; do
    has_program "$1" || lacking="$lacking${lacking:+, }$2"
    shift 2
  done
  [ -z "$lacking" ] || fail "not installed: $lacking; install the missing programs, or remove them from needs"
}
