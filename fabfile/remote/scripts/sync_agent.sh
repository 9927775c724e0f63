# The other side of a transfer: carries out commands that come one after the other, without waiting for answers.
# fabfile/transfer/protocol/remote_commands.py sends them.
#
# A command is a line, and perhaps a path and a list of NUL-terminated paths. After paths, a line with a dot ends it.
# Without that nothing is done: a connection that is cut in the middle of a path leaves the path of something else.
# The answer to each command ends with a record `=ERRORS`: the errors of the programs that it ran.
# Needs from the header: session, piece_mb, staged_as, and the scripts that xargs runs: staging_filter, list_planted, copy_partial,
# list_pieces, hash_piece, move_staged, swap_staged, and those of removal.sh. $list is the file for lists of paths.
. ./state_dir.sh
. ./lists.sh
. ./staging.sh
. ./removal.sh

# serve [temporary FOLDER | path PATH]...: answer with the name of staging folders and with the path of each root, then
# carry out commands.
serve() {
  answer "$staging"
  count=$#
  while [ "$count" -gt 0 ]; do
    find_root "$1" "$2"
    shift 2
    answer "$root"
    set -- "$@" "$root"
    count=$((count - 2))
  done
  answer '='
  carry_out "$@"
}

# find_root KIND FOLDER-OR-PATH: set $root. sh has expanded a `~` by now, if there is such a home.
find_root() {
  if [ "$1" = temporary ]; then
    set_temporary_root "$2" || fail "cannot create a temporary folder; is /tmp full?"
  else
    root=$2
    case $root in /*) ;; *) fail "no such home folder: $root" ;; esac
  fi
}

# carry_out ROOT...: obey commands until `end`.
#   cd N                      enter the Nth root; relative paths of later commands are in it
#   untar SIZE                extract a tar stream
#   write SIZE LENGTH MODE [OFFSET]   write a file, or a part of one that is there; its path has LENGTH bytes
#   take SIZE LENGTH STAMP    copy a file to a path of LENGTH bytes, unless it has changed since its STAMP
#   hollow SIZE LENGTH TOTAL  make a file of TOTAL bytes that is one hole; `write` puts data into it
#   dig SIZE LENGTH           turn the zeros of a file into holes
#   copy SIZE LENGTH          copy files to a path; into that folder if it ends with a slash
#   list SIZE LENGTH DEPTH    list a folder, which must contain no folder of the list; see removal.sh
#   delete SIZE LENGTH DEPTH  remove entries of a folder
#   relay_serve SIZE COUNT and others   see relay.sh
#   checkpoint                if there was any error so far, do nothing until `resume`
#   stat, lstat, links, broken, stamp, pieces, hash, mkdir, chmod, stage, remove, swap, move, unstage: see below
carry_out() {
  any_errors='' is_skipping=''
  while read -r command size rest; do
    errors=
    case $command in
      cd)
        enter_root "$size" "$@"
        continue
        ;;
      end) return ;;
      untar | relay_*) ;;
      write)
        read_target "${rest%% *}"
        stage_target
        read_end
        ;;
      take | copy | hollow | dig | list | delete)
        read_target "${rest%% *}"
        stage_target
        read_list
        ;;
      *) read_list ;;
    esac
    [ "$command" != resume ] || is_skipping=
    [ -n "$is_skipping" ] || carry_out_one
    [ -z "$errors" ] || any_errors=yes
    answer "=$errors"
  done
}

carry_out_one() {
  # shellcheck disable=SC2086 # $rest holds words
  case $command in
    stat) each stat -L --printf '%f %s %n\0' -- 2>/dev/null ;;
    lstat) each stat --printf '%f %s %n\0' -- 2>/dev/null ;;
    links) each sh -c 'find "$@" -maxdepth 0 -type l -printf "%s %p -> %l\0"' sh 2>/dev/null ;;
    broken) each sh -c 'find "$@" -maxdepth 0 -type l ! -exec test -e {} \; -print0' sh 2>/dev/null ;;
    list) list_tree $rest ;;
    delete) remove_below $rest ;;
    stamp) each stat -L --printf '%.9Z %n\0' -- 2>/dev/null ;;
    pieces) pieces 3>&1 2>/dev/null ;;
    hash)
      each openssl dgst -sha1 -r 2>/dev/null
      answer ''
      ;;
    mkdir) errors=$(each mkdir -p -- 2>&1) ;;
    chmod) errors=$(each chmod "$rest" -- 2>&1) ;;
    stage) stage ;;
    untar) errors=$(untar) ;;
    write) errors=$(write_target ${rest#* } 2>&1) ;;
    take) errors=$(each -n 1 sh -c "$copy_partial" sh "$target" "${rest#* }" 2>&1) ;;
    copy) errors=$(copy 2>&1) ;;
    hollow) errors=$(truncate -s "${rest#* }" -- "$target" 2>&1) ;;
    dig) sh -c "$dig_holes" sh "$target" >/dev/null 2>&1 ;;
    remove) errors=$(each rm -f -- 2>&1) ;;
    swap) errors=$(each sh -c "$swap_staged" sh 2>&1) ;;
    move) errors=$(each -n 16 -P 4 sh -c "$staging_filter$move_staged" sh 2>&1) ;;
    unstage) unstage ;;
    checkpoint) is_skipping=$any_errors ;;
    relay_*) "$command" $rest ;;
  esac
}

# pieces: print the SHA-1 of each piece of large files.
pieces() {
  each -n 1 sh -c "$list_pieces" sh "$piece_mb" | xargs -0 -r -n 2 -P "$(nproc)" sh -c "$hash_piece" sh "$piece_mb"
}

# enter_root N ROOT...
enter_root() {
  shift "$1"
  cd -- "$1" || fail "cannot enter $1, a home or temporary folder for files; check that it exists"
}

# stage_target: put the name of staging folders into $target, for which $staged_as stands.
stage_target() {
  case $target in *"/$staged_as/"*) target=${target%%"/$staged_as/"*}/$staging/${target#*"/$staged_as/"} ;; esac
}

# stream [OPERAND...]: copy $size bytes of standard input. head would copy 8 KB at a time.
stream() { dd bs=128K iflag=fullblock,count_bytes count="$size" status=none "$@"; }

# untar: extract a stream, and print errors. The rest of a stream that fails is read, too.
untar() {
  stream | {
    output=$(tar -xPpmof - --transform="s,$staged_as,$staging," 2>&1) || {
      print_full_disks
      output="$output tar: it failed"
      cat >/dev/null
    }
    echo "$output"
  }
}

# print_full_disks: a line for each staging folder on a full disk. The error of tar only speaks of a number of bytes.
print_full_disks() {
  xargs -0 -r stat -f --printf '%a %n: no space left on device\n' -- <"$state/.staging" | sed -n 's/^0 //p'
}

# write_target MODE [OFFSET]: write $size bytes to $target. If that fails, remove it and read the rest of them.
write_target() {
  if [ -n "${2-}" ] && ! { [ -f "$target" ] && chmod u+w -- "$target"; }; then
    stream of=/dev/null
  else
    output=$(stream status=noxfer of="$target" ${2:+conv=notrunc oflag=seek_bytes seek="$2"} 2>&1) || {
      rm -f -- "$target"
      printf '%s\n%s\n' "$output" "$target: could not be written"
      skip_rest "$output"
    }
  fi
  [ ! -f "$target" ] || chmod "$1" -- "$target"
}

# skip_rest OUTPUT-OF-DD: read what dd has not read of $size bytes. dd prints `WHOLE+PARTIAL records in` (POSIX).
skip_rest() {
  records=$(echo "$1" | sed -n 's/ records in$//p')
  records=${records:-0+0}
  [ "${records#*+}" = 0 ] || return 0
  size=$((size - ${records%+0} * 131072))
  stream of=/dev/null
}

copy() {
  case $target in
    */) each cp -p -t "$target" -- ;;
    *) each -I {} cp -p -T -- {} "$target" ;;
  esac
}

# stage: create staging folders. They are written down before, so that the next sync removes what is left of a sync
# that was killed. Fail if one is there already and belongs to somebody else.
stage() {
  unstage
  (umask 077 && cat "$list" >"$state/.staging") || fail "cannot write $state/.staging; is the disk full?"
  errors=$(each mkdir -m 700 -- 2>&1)
  foreign=$([ -z "$errors" ] || each sh -c "$list_planted" sh | head -n 1)
  [ -z "$foreign" ] || fail "$foreign belongs to another user, but is a staging folder of the files; remove it"
}
