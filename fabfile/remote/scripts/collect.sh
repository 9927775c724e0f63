# fab collect: list the files of components, hash some of them, and send some as tar streams.
# Needs from the header: session, and as arguments three words each: `component FOLDER BASE_DIR` (empty: the temporary
# folder), and behind it `pattern FOLDER PATTERN` for each of its results. `usage FOLDER -` is for the samples of what
# a component uses, and `usage . -` for those of the host.
# Answers:
#   system TEXT
#   output FOLDER SIZE PATH, usage FOLDER SIZE PATH, file FOLDER SIZE PATH
#   nowhere FOLDER               it has no base_dir
#   nothing, dangling and unread FOLDER PATH
#   listed
# Then it carries out the commands `hash FOLDER LENGTH` and `fetch FOLDER LENGTH`, each followed by a list of paths.
. ./tools.sh
. ./temporary.sh
. ./own_output.sh

main() {
  need openssl tar
  find_state_dir
  answer "system $(uname -srm); $(screen --version 2>/dev/null)"
  list_all "$@"
  answer listed
  open_list
  carry_out "$@"
}

# list_all WORDS: list the output of each component and all files that its patterns match.
list_all() {
  while [ $# -gt 0 ]; do
    case $1 in
      component)
        list_output "$2"
        is_there=
        if enter_base_dir "$2" "$3"; then is_there=yes; else answer "nowhere $2"; fi
        ;;
      usage) list_usage "$2" ;;
      pattern)
        pattern=$3
        case $is_there:$pattern in yes:* | :/*) list_files "$2" ;; esac
        ;;
    esac
    shift 3
  done
}

# enter_base_dir FOLDER BASE_DIR
enter_base_dir() {
  if [ "$2" ]; then dir=$2; else find_temporary "$1" || return; fi
  cd -- "$dir" 2>/dev/null || return
}

# list_output FOLDER: answer with the size of its output without the lines of screen. Fewer bytes than it has are taken.
list_output() {
  ! find_output_size "$1" || answer "output $1 $size $state/$1/output"
}

# find_output_size FOLDER: set $size to that size. Fail if there is no such file.
find_output_size() {
  [ -f "$state/$1/output" ] && [ ! -h "$state/$1/output" ] && cd "$state" || return
  whole=$(stat -c %s -- "$1/output") && find_own_size "$1" "$whole"
}

# list_usage FOLDER: answer with the size of its samples.
list_usage() {
  usage=$state/$1/usage.csv
  [ "$1" != . ] || usage=$state/.usage.csv
  [ ! -f "$usage" ] || [ -h "$usage" ] || answer "usage $1 $(stat -c %s -- "$usage") $usage"
}

# list_files FOLDER: answer with each regular file that $pattern matches, or that is below a folder that it matches, and
# each link to such a file. A link to a folder is followed if $pattern matches it, but not below: it may lead anywhere.
# The unquoted $pattern is expanded, and without IFS it is not split.
list_files() {
  folder=$1 IFS=
  # shellcheck disable=SC2086
  set -- $pattern
  unset IFS
  if ! [ -e "$1" ] && ! [ -h "$1" ]; then
    answer "nothing $folder $pattern"
    return
  fi
  for path; do
    [ -e "$path" ] || answer "dangling $folder $path"
    case $path in /*) ;; *) path=./$path ;; esac
    find -H "$path" -type f -printf "file $folder %s %p\\0" 2>/dev/null || answer "unread $folder $path"
    find -H "$path" -type l -xtype f -print0 2>/dev/null | xargs -0 -r stat -L --printf "file $folder %s %n\\0"
  done
}

# open_list: make $list a file without a name for lists of paths. It exists as long as it is open.
open_list() {
  list=$(mktemp "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || fail "cannot create a temporary file; is /tmp full?"
  exec 3>&1 9<>"$list"
  rm -f "$list"
  list=/proc/$$/fd/9
  export LC_ALL=C
}

# carry_out WORDS: obey commands until `end`. Two blocks of zeros end a tar stream; with a blocking factor of 1, nothing
# follows them.
carry_out() {
  while read -r command folder size; do
    errors=
    head -c "$size" >"$list"
    enter_base_dir_of "$folder" "$@" || cd /
    case $command in
      hash) hash_listed "$folder" ;;
      fetch) errors=$(tar -b 1 --format=gnu -SchPf - --no-recursion --hard-dereference --null -T "$list" 2>&1 >&3) ;;
      end) return ;;
    esac
    answer "$command $errors"
  done
}

# hash_listed FOLDER: print the SHA-1 of each file in $list; that of the output without the lines of screen.
hash_listed() {
  output=$state/$1/output
  grep -zvxFe "$output" "$list" | xargs -0 -r openssl dgst -sha1 -r 2>/dev/null | tr '\n' '\0'
  grep -qzxFe "$output" "$list" && find_output_size "$1" || return 0
  answer "$(head -c "$size" "$output" | openssl dgst -sha1 -r | cut -d ' ' -f 1) *$output"
}

# enter_base_dir_of FOLDER WORDS
enter_base_dir_of() {
  wanted=$1
  shift
  while [ $# -gt 0 ] && [ "$1 $2" != "component $wanted" ]; do shift 3; done
  [ $# -gt 0 ] && enter_base_dir "$2" "$3"
}
