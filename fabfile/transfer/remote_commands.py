"""The script of a sync, which does on a host what it is told, and the telling.

An order is a line and a list of paths; it is answered by records, and by what the programs that it ran
had to complain. RemoteCommands are told at call_once, as many as can be, and answered in their order: that is what
keeps the number of round trips small. What should be ordered, `transfer` and `update` know.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import groupby

from ..remote import shell, state_dir
from ..remote.conversation import Conversation
from .inventory import Inventory, read_inventory
from .tree import TEMPORARY, Tree

# LogTails the paths of an order. Without it nothing is done: where a connection was cut in the middle of a path,
# what has come of it is the path of something else.
WHOLE = b".\n"
# What a host answers about a path, beside that itself; and what that costs in memory.
MOST_OF_A_PATH = 256


class RemoteCommands:
    """RemoteCommands to the script on one host, each known by a number. `words` are the complaints so far.

    What the script says of its own, what to call staging folders and where the roots are, counts as the answer to
    order 0.
    """

    def __init__(self, talk: Conversation, roots: Iterable[str]) -> None:
        self._talk = talk
        self._numbers = {root: number for number, root in enumerate(roots, 1)}
        self._told, self._answered = 0, -1
        self.words: list[str] = []

    def enter(self, root: str) -> None:
        """Let relative paths of what follows be in `root`."""
        self.send(f"cd {self._numbers[root]}\n".encode())

    def tell(self, order: str, paths: Iterable[str] = (), rest: str = "", before: bytes = b"") -> int:
        """Give an order for `paths`; its number."""
        text = "\0".join(paths)
        payload = os.fsencode(text) + b"\0" if text else b""
        self._talk.expect(2 * len(payload) + MOST_OF_A_PATH * payload.count(b"\0"))
        self.send(f"{order} {len(payload)} {rest}\n".encode() + before + payload + WHOLE)
        self._told += 1
        return self._told

    def tell_modes(self, modes: Mapping[str, int]) -> None:
        """Give the orders to set permission bits, by path."""
        for mode, paths in groupby(sorted(modes, key=modes.__getitem__), key=modes.__getitem__):
            self.tell("chmod", paths, rest=f"{mode:04o}")

    def tell_pairs(self, order: str, pairs: Iterable[tuple[object, str]]) -> int:
        """Give an order for pairs of a word and a path; its number."""
        return self.tell(order, (text for word, path in pairs for text in (str(word), path)))

    def tell_with_target(self, order: str, paths: Iterable[str], target: str, word: str = "") -> int:
        """Give an order that has one more path, what is to be made of `paths`, and perhaps a word."""
        encoded = os.fsencode(target)
        return self.tell(order, paths, rest=f"{len(encoded)} {word}", before=encoded)

    def untar(self, size: int, staged_as: str) -> None:
        """Give the order to extract a tar stream of `size` bytes, which have to be sent now.

        In the paths there, `staged_as` stands for the name of staging folders.
        """
        self.send(f"untar {size} {staged_as}\n".encode())
        self._told += 1

    def write(self, path: str, mode: int, size: int, offset: int | None = None) -> None:
        """Give the order to make a file of `size` bytes, which have to be sent now.

        With an `offset`, they are written there into a file that must have been made already, by `take`.
        """
        encoded = os.fsencode(path)
        where = "" if offset is None else offset
        self.send(f"write {size} {len(encoded)} {mode:04o} {where}\n".encode() + encoded + WHOLE)
        self._told += 1

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._talk.send(data)

    def answer(self, number: int) -> list[bytes]:
        """The records of an order; those of the ones before it that have not been asked for are dropped."""
        records: list[bytes] = []
        while self._answered < number:
            records = []
            while not (record := self._talk.raw_answer()).startswith(b"="):
                records.append(record)
            self._answered += 1
            self.words += os.fsdecode(record[1:]).splitlines()
        return records

    def ask_inventory(self, root: str, tree: Tree) -> int:
        """Ask what the host has of `tree`, which is below `root`; a number for `inventory`."""
        self.enter(root)
        return self.tell("stat", (*tree.files, *tree.folders))

    def inventory(self, number: int, tree: Tree) -> Inventory:
        """The answer to `ask_inventory`."""
        return read_inventory(tree, self.answer(number))

    def all_done(self) -> bool:
        """Wait until every order has been carried out; whether there is no complaint."""
        self.answer(self._told)
        return not self.words

    def be_patient(self, size: int) -> None:
        """Let what comes take as long as it takes to copy or hash so many bytes."""
        self._talk.be_patient(size)

    def end(self) -> None:
        """End the script, once everything has been carried out."""
        self.send(b"end\n")
        self.answer(self._told)
        list(self._talk.answers())


def sync_script(session: str, roots: Iterable[str]) -> str:
    """Answers what to call staging folders, and where the roots are, in their order, then obeys."""
    return _script(f"{state_dir.hold(session)}{state_dir.TEMPORARY}{OBEY}{READY_TO_CHANGE}", roots)


def look_script(session: str, roots: Iterable[str]) -> str:
    """As `sync_script`, but for orders that change nothing. A temporary folder that is not there yet is empty."""
    return (
        _script(f"{state_dir.where(session)}{state_dir.OWN_TEMPORARY}{OBEY}{READY_TO_LOOK}", roots)
        + '\nrm -rf "$meanwhile"'
    )


def _script(beginning: str, roots: Iterable[str]) -> str:
    lines = [f"need openssl tar\n{beginning}", 'answer "$staging"; set --']
    for root in roots:
        if root.startswith(TEMPORARY):
            folder = shell.quote(state_dir.folder(root.removeprefix(TEMPORARY)))
            lines.append(f'root=$(temporary {folder}) || fail "no temporary folder can be made; is /tmp full?"')
        else:
            lines.append(f"root={shell.path(root)}")
            lines.append(f'case $root in /*) ;; *) fail "there is no home folder "{shell.quote(root)} ;; esac')
        lines.append('answer "$root"; set -- "$@" "$root"')
    return "\n".join([*lines, "ended ''", 'obey "$@"'])


# A large file is compared by pieces of that size.
PIECE_MB = 32
PIECE = PIECE_MB << 20

# cd N: what follows is in the Nth root. copy: one place for all if it ends with a slash. take: a copy, into
# which pieces are written, of what is in place, unless that has changed since its `stamp`. checkpoint: if any
# program has complained so far, nothing more is done until `resume`.
# What is being staged is written down first, so that the next sync removes what a killed one has left.
# An order is obeyed only when all of its paths have come (`whole`).
OBEY = r"""
only_staging='
  for folder; do
    shift
    case $folder in */"$staging") [ ! -d "$folder" ] || set -- "$@" "$folder" ;; esac
  done
  [ $# -eq 0 ] ||'
planted_ones='for folder; do [ ! -h "$folder" ] && { [ ! -e "$folder" ] || [ -O "$folder" ]; } || echo "$folder"; done'
unstage() {
  [ -f "$state/.staging" ] || return
  xargs -0 -r sh -c "$only_staging rm -rf -- \"\$@\"" sh <"$state/.staging" 2>/dev/null && rm -f "$state/.staging"
}
full() {  # tar's own words for it are about numbers of bytes
  xargs -0 -r stat -f --printf '%a %n: no space left on device\n' -- <"$state/.staging" | grep '^0 '
}
ended() { answer "=$1"; }
whole() { read -r end && [ "$end" = . ] || exit; }
take_in() {
  [ "$size" -gt 0 ] || { : >"$list"; whole; return; }
  head -c "$size" >"$list" || fail "$state cannot be written to; is the disk full?"
  whole
}
each() { [ "$size" -eq 0 ] || xargs -0 "$@" <"$list"; }
target() {  # LENGTH: a path
  target=$(head -c "$1"; echo .)
  target=${target%.}
}
stream() { dd bs=128K iflag=fullblock,count_bytes count="$size" status=none "$@"; }  # head copies 8 KB at a time
untar() {  # STAGED_AS
  stream | {
    said=$(tar -xPpmof - --transform="s,$1,$staging," 2>&1) || { full; said="$said tar: it failed"; cat >/dev/null; }
    echo "$said"
  }
}
write() {  # MODE [OFFSET]
  if [ -z "${2-}" ] || { [ -f "$target" ] && chmod u+w -- "$target"; }; then
    said=$(stream status=noxfer of="$target" ${2:+conv=notrunc oflag=seek_bytes seek="$2"} 2>&1) || {
      rm -f -- "$target"
      echo "$said
$target: could not be written"
      taken=$(echo "$said" | sed -n 's/ records in$//p')  # so POSIX: whole ones, and partial
      case ${taken:=0+0} in
        *+0) size=$((size - ${taken%+0} * 131072)); stream of=/dev/null ;;
      esac
    }
  else stream of=/dev/null; fi
  [ ! -f "$target" ] || chmod "$1" -- "$target"
}
take='{ cp --reflink=auto -T -- "$3" "$1" && [ "$(stat -L --printf %.9Z -- "$3")" = "$2" ]; } ||
  { rm -f -- "$1"; echo "$3: it changed there while it was compared"; }'
piece='hash=$(dd if="$2" bs=1M skip=$(($1 * {PIECE_MB})) count={PIECE_MB} status=none | openssl dgst -sha1 -r) &&
  printf "%s %s %s\0" "${hash%% *}" "$1" "$2"'
copy() {
  case $target in
    */) each cp -p -t "$target" -- ;;
    *) each -I {} cp -p -T -- {} "$target" ;;
  esac
}
# Where another machine, in a home that both share, has made a new folder meanwhile, hard links put into it what is new.
move=$only_staging'{
  set -- "$@" -mindepth 1 -maxdepth 1 -execdir
  said=$(find "$@" mv -f -t .. -- {} + 2>&1) || find "$@" cp -alf -t .. -- {} + 2>/dev/null || echo "$said"
}'
obey() {
  complained=
  skipping=
  while read -r order size rest; do
    words=
    case $order in
      cd) eval "cd -- \"\${$size}\"" || fail "the home, or temporary folder, of files cannot be entered"; continue ;;
      end) return ;;
      untar) ;;
      write) target "${rest%% *}"; whole ;;
      take | copy) target "${rest%% *}"; take_in ;;
      *) take_in ;;
    esac
    [ "$order" != resume ] || skipping=
    [ -z "$skipping" ] || { ended; continue; }
    case $order in
      stat) each stat -L --printf '%f %s %n\0' -- 2>/dev/null ;;
      stamp) each stat -L --printf '%.9Z %n\0' -- 2>/dev/null ;;
      pieces) each -n 2 -P "$(nproc)" sh -c "$piece" sh 2>/dev/null ;;
      hash) each openssl dgst -sha1 -r 2>/dev/null; answer ;;
      mkdir) words=$(each mkdir -p -- 2>&1) ;;
      chmod) words=$(each chmod "$rest" -- 2>&1) ;;
      stage)
        unstage
        (umask 077; cat "$list" >"$state/.staging") || fail "$state/.staging cannot be written; is the disk full?"
        words=$(each mkdir -m 700 -- 2>&1)
        planted=$([ -z "$words" ] || each sh -c "$planted_ones" sh | head -n 1)
        [ -z "$planted" ] || fail "$planted is in the way, where files are put first; whose is it? take it away"
        ;;
      untar) words=$(untar "$rest") ;;
      write) words=$(write ${rest#* } 2>&1) ;;
      take) words=$(each -n 1 sh -c "$take" sh "$target" "${rest#* }" 2>&1) ;;
      copy) words=$(copy 2>&1) ;;
      remove) words=$(each rm -f -- 2>&1) ;;
      move) words=$(each -n 16 -P 4 sh -c "$move" sh 2>&1) ;;
      unstage) unstage ;;
      checkpoint) skipping=$complained ;;
    esac
    [ -z "$words" ] || complained=1
    ended "$words"
  done
}
# Not that of another machine, in a home that they share, nor of another user, in a folder that both may write to.
set -- $(cksum <<END
$HOME
END
)
export staging=".remote-runner-$session@$machine-$1-$2"
export LC_ALL=C
case :$PATH in *:[!/]* | *::* | *:)  # find -execdir refuses a relative folder in it
  PATH=$(printf %s "$PATH" | tr : '\n' | grep ^/ | tr '\n' :)
  PATH=${PATH%:}
esac
trap 'exit 1' HUP INT PIPE TERM
""".replace("{PIECE_MB}", str(PIECE_MB))

READY_TO_CHANGE = """\
exec 9<>"$state/.list.$$" || fail "$state/.list.$$ cannot be made; is the disk full?"
rm -f "$state/.list.$$"  # it goes on as long as it is open
list=/proc/$$/fd/9
umask "$own_umask"
unstage
trap unstage EXIT
"""

# What stands for a temporary folder that has not been made.
NOT_YET = "not-yet"

# What is needed meanwhile is put into a folder that goes again.
READY_TO_LOOK = """\
meanwhile=$(mktemp -d "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || fail "no temporary folder can be made"
trap 'rm -rf "$meanwhile"' EXIT
list=$meanwhile/list
mkdir "$meanwhile/{NOT_YET}"
temporary() {
  if own_temporary "$1"; then printf '%s' "$dir"
  else printf '%s' "$meanwhile/{NOT_YET}"; fi
}
""".replace("{NOT_YET}", NOT_YET)
