# The settings of systemd-logind; see logind.conf(5) and CONFIGURATION DIRECTORIES AND PRECEDENCE there.
. ./prologue.sh

# answer_logind: if systemd-logind runs, answer `logind linger|leaves TEXT`. TEXT holds the lines of its settings files in
# the order in which it reads them. `linger` says that this user may run programs without a login.
answer_logind() {
  [ -d /run/systemd/seats ] || return 0
  linger=leaves
  [ ! -e "/var/lib/systemd/linger/$(id -un)" ] || linger=linger
  answer "logind $linger $(print_logind_settings)"
}

# print_logind_settings: print the first main file, then the drop-ins by name. One in /etc replaces one with the same name
# in /run, and so on. An empty file and a link to /dev/null replace it by nothing.
print_logind_settings() {
  set -- /etc/systemd /run/systemd /usr/local/lib/systemd /usr/lib/systemd
  for folder; do
    [ -e "$folder/logind.conf" ] || continue
    print_file "$folder/logind.conf"
    break
  done
  for folder; do
    for file in "$folder"/logind.conf.d/*.conf; do [ ! -e "$file" ] || printf '%s\n' "${file##*/}"; done
  done | LC_ALL=C sort -u | while IFS= read -r name; do
    for folder; do
      [ -e "$folder/logind.conf.d/$name" ] || continue
      print_file "$folder/logind.conf.d/$name"
      break
    done
  done
}

# print_file FILE: each file begins outside of any section.
print_file() {
  echo '[]'
  cat -- "$1" 2>/dev/null && echo
}
