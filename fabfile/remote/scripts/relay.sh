# Relay: fetch batches of commands from other hosts of the same sync, and offer them to others.
# fabfile/transfer/relay/ decides who fetches from whom. A batch is carried out only if its SHA-256 is right.
#
# The key of the sync is in a file without a name, which exists as long as this script runs. Servers listen on the
# address to which the controller has connected. They end with this script, however that ends.
# Needs from the header: as sync_agent.sh.
. ./sync_agent.sh

# relay_serve COUNT: read the key, which has $size bytes, and start COUNT servers. Answer `ADDRESS PORT...`. Answer
# nothing if that is impossible: then this host only fetches.
relay_serve() {
  relay=$state/.relay
  trap 'end_relay; unstage' EXIT
  rm -rf "$relay"
  { mkdir -m 700 "$relay" "$relay/batches" && mkfifo "$relay/request" && head -c "$size" >"$relay/key"; } ||
    fail "cannot write $relay; is the disk full?"
  exec 8<"$relay/key"
  rm -f "$relay/key"
  key=/proc/$$/fd/8
  watch_relay >/dev/null 2>&1 &
  watcher=$!
  find_address && can_listen || return 0
  ports='' number=0
  while [ "$number" -lt "$1" ]; do
    number=$((number + 1))
    start_server "$relay/said.$number" &
    find_port "$!" "$relay/said.$number" || return 0
    ports="$ports $port"
  done
  answer "$address$ports"
}

# find_address: set $address to the one to which the controller has connected. Fail if no other host can use it.
find_address() {
  # shellcheck disable=SC2086 # four words: address and port of both ends
  set -- ${SSH_CONNECTION-}
  address=${3-}
  case $address in
    '' | *%*) return 1 ;;
    *:*) address="[$address]" ;;
  esac
}

# can_listen: whether openssl can listen at one address, and print its port. OpenSSL 1.0.2 would listen at all addresses.
can_listen() {
  case $(openssl version) in
    'OpenSSL 0.'* | 'OpenSSL 1.0.'* | 'OpenSSL 1.1.0'* | LibreSSL*) return 1 ;;
  esac
}

# start_server OUTPUT: offer the folder of batches to hosts that have the key.
start_server() {
  note_own_process
  cd "$relay/batches" || exit
  exec openssl s_server -accept "$address:0" -cert "$key" -key "$key" -CAfile "$key" -Verify 1 -verify_return_error \
    -HTTP </dev/null >"$1" 2>/dev/null
}

# find_port PID OUTPUT: set $port to the one that a server has printed. Fail if it does not start.
find_port() {
  tries=0
  until port=$(sed -n 's/^ACCEPT .*://p' "$2" 2>/dev/null) && [ "$port" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 60 ] || ! kill -0 "$1" 2>/dev/null; then
      kill "$1" 2>/dev/null
      return 1
    fi
    sleep 0.05
  done
}

# note_own_process: write down this subshell, so that it is ended with the relay.
note_own_process() { read_stat self && echo "$stat_pid.$stat_birth" >>"$relay/processes"; }

# watch_relay: end the relay and this script when the script was killed, or its connection has ended. A program that
# hangs may keep the script from its end, but not the relay.
watch_relay() {
  read_stat "$$" || exit
  script=$$.$stat_birth
  while is_same_process "$script" && ! is_orphaned; do
    sleep 1
  done
  clear_relay
  ! is_same_process "$script" || kill "$$"
}

end_relay() {
  kill "$watcher"
  clear_relay
} 2>/dev/null

# clear_relay: end the servers, and a client, and remove the files of the relay.
clear_relay() {
  while read -r process; do
    ! is_same_process "$process" || kill "${process%.*}"
  done <"$relay/processes"
  rm -rf "$relay"
} 2>/dev/null

# relay_keep NAME: read a batch of $size bytes. Answer `kept`, or `full` if it cannot be written.
relay_keep() {
  if output=$(stream status=noxfer of="$relay/batches/$1" 2>&1); then
    answer kept
  else
    rm -f "$relay/batches/$1"
    skip_rest "$output"
    answer full
  fi
}

# relay_fetch NAME SHA256 SECONDS ADDRESS PORT: fetch a batch of $size bytes. Answer `fetched`, or the problem:
#   unreachable  no connection within 2 s
#   slow         not complete within SECONDS
#   cut          not complete
#   wrong        other bytes
relay_fetch() {
  problem=''
  rm -f "$relay/new" "$relay/said"
  exec 7<>"$relay/request" # the client ends with the end of its input, so this must not have one
  printf 'GET /%s HTTP/1.0\r\n\r\n' "$1" >&7
  start_client "$3" "$4:$5" &
  wait_for_connection "$!" || problem=unreachable
  wait "$!"
  [ $? -ne 124 ] || problem=${problem:-slow}
  exec 7>&-
  [ "$problem" ] || check_batch "$2"
  [ "$problem" ] || mv -f "$relay/new" "$relay/batches/$1" || problem='cut'
  rm -f "$relay/new" # it may have filled the disk
  answer "${problem:-fetched}"
}

# start_client SECONDS ADDRESS:PORT: fetch into `new`. A source cannot fill the disk with more than a batch; the unit of
# ulimit is 512 bytes, or 1 KB in some shells.
start_client() {
  note_own_process
  ulimit -f $((size / 512 + 1000))
  exec timeout "$1" openssl s_client -quiet -connect "$2" -cert "$key" -key "$key" -CAfile "$key" -verify 1 \
    -verify_return_error -state <&7 >"$relay/new" 2>"$relay/said"
}

# wait_for_connection PID: wait until the client has a connection. If it has none after 2 s, end it, and fail.
wait_for_connection() {
  tries=0
  until grep -qs ^SSL_connect "$relay/said"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 20 ] || ! kill -0 "$1" 2>/dev/null; then
      kill "$1" 2>/dev/null
      return 1
    fi
    sleep 0.1
  done
}

# check_batch SHA256: set $problem if the fetched batch differs.
check_batch() {
  if [ "$(stat --printf %s "$relay/new")" != "$size" ]; then
    problem='cut'
  else
    sum=$(openssl dgst -sha256 -r <"$relay/new")
    [ "${sum%% *}" = "$1" ] || problem=wrong
  fi
}

# relay_play NAME: carry out a batch. Answer `played`, or `missing` if it is not there.
relay_play() {
  if [ -f "$relay/batches/$1" ]; then
    errors=$(carry_out_batch <"$relay/batches/$1")
    answer played
  else
    answer missing
  fi
}

carry_out_batch() {
  while read -r command size rest; do
    case $command in
      untar) ;;
      write)
        read_target "${rest%% *}"
        stage_target
        read_end
        ;;
      *) exit ;;
    esac
    errors=
    carry_out_one
    [ -z "$errors" ] || printf '%s\n' "$errors"
  done
}

# relay_drop NAME: remove a batch that no other host will fetch.
relay_drop() { rm -f "$relay/batches/$1"; }
