# The sampler: one awk for each session that measures the use of the host, and of the processes of each component. It
# appends rows to `.usage.csv`, and to `usage.csv` beside each `output`; docs/usage.md describes them.
#
# The note-taker starts it, and writes a word to its pipe for each sample: `tick`, or `look` if a program was started.
# It ends when the note-taker does. A sampler that hangs or has ended cannot delay the note-taker: it gets no words.
#
# It stays alive because a new process for each sample would cost as much CPU time as a look at 100 processes.
. ./proc_stat.sh

# tick: let the sampler take a sample, if one is due. The file `.sample` holds the interval; 0 is off. Look after the
# sampler every 5 s: mawk ends with an error if a process ends between its open and its read of a file in /proc.
tick() {
  read_note . .sample
  if [ "${note:-0}" = 0 ]; then
    exec 3>&-
    ticks=0
    return
  fi
  [ $((ticks % 5)) -ne 1 ] || tend_sampler # a session may end within the first second
  ticks=$((ticks + 1))
  [ "$listens" ] && [ $((ticks % note)) -eq 0 ] || return 0
  echo "$word" >&3
  word=tick
}

# tend_sampler: start the sampler unless it runs. Set $listens if it reads its pipe, and neither is stopped nor waits for a
# disk.
tend_sampler() {
  listens=
  if is_alive "${sampler:-none}"; then
    case $stat_state in D | T | t) ;; *) listens=yes ;; esac
    return
  fi
  rm -f .ticks
  mkfifo .ticks 2>/dev/null || return 0 # the disk may be full
  exec 3<>.ticks                        # without `<`, this would wait for a reader
  rm -f .ticks
  run_sampler </proc/self/fd/3 3>&- &
  sampler=$! listens=yes word=look
}

# mend_rows: remove the last row of each file if it is incomplete, because the disk was full.
mend_rows() {
  [ "$(tail -qc 1 -- .usage.csv */usage.csv 2>/dev/null)" ] || return 0 # all end with a newline
  for file in .usage.csv */usage.csv; do
    [ ! -s "$file" ] || [ -z "$(tail -c 1 -- "$file" 2>/dev/null)" ] || sed -i '$d' -- "$file"
  done
}

# run_sampler: become the sampler. Without `-W interactive`, mawk would wait for 4096 bytes; other awks ignore it.
# All times are in seconds since the host was booted.
# Needs from its user: id, the screen session.
run_sampler() {
  mend_rows
  exec awk -W interactive -v server="${id%%.*}" '
    BEGIN {
      most_cpu = 0.005 # cores that the sampler may use; samples of components that would take more are left out
      most_at_once = 0.1 # seconds of a core; the first look takes more
      look_after = 5 # seconds until the next look for new processes
      whole_after = 60 # seconds until the next look at all processes, devices and the free space
      least_free = 50000000 # bytes on the disk
      tree_columns = "time,cpu_cores,memory_bytes,processes,threads,"
      tree_columns = tree_columns "read_bytes,written_bytes,disk_read_bytes,disk_written_bytes"
      host_columns = "time,cpus,cpu_cores,memory_total_bytes,memory_bytes,"
      host_columns = host_columns "disk_read_bytes,disk_written_bytes,network_received_bytes,network_sent_bytes"
      looked = whole = sampled = -whole_after
      began = uptime()
      read_process("self")
      shift = began - $20 / 100 # lxcfs gives a container an uptime of its own
      page = page_size()
      stride = 1
      room = 3600
      rows = count_lines(".usage.csv") - 1
      if (rows < 0) append(".usage.csv", host_columns)
    }
    {
      if ($1 == "look") is_start = 1
      now = uptime()
      if (now - sampled < 0.5) next # several words have come at once
      sampled = now
      is_whole = 0
      has_looked = is_start || now - looked >= look_after
      if (has_looked) look()
      is_start = 0
      if (is_full || count++ % stride) next
      now = sampled = uptime() # a look takes a while
      stamp = time_text(now + ahead)
      sample_host()
      if (cpu_spent() <= most_cpu * (now - began) + most_at_once) sample_trees()
      # After an hour of intervals, the interval doubles whenever the time that all rows cover has doubled.
      for (rows++; rows >= room; room += 1800) stride *= 2
    }

    function uptime() {
      read_file("/proc/uptime")
      return $1 + 0
    }
    function page_size() {
      while ((getline <"/proc/self/smaps") > 0 && $1 != "KernelPageSize:");
      close("/proc/self/smaps")
      return $1 == "KernelPageSize:" ? $2 * 1024 : 4096
    }
    function count_lines(file,   count) {
      while ((getline <file) > 0) count++
      close(file)
      return count + 0
    }
    function first_line(file,   line) {
      getline line <file
      close(file)
      return line
    }
    function append(file, row) {
      print row >>file
      if (close(file) != 0) exit 1
    }
    # cpu_spent: return the CPU time of this process and its children, in seconds.
    function cpu_spent() {
      read_process("self")
      return ($12 + $13 + $14 + $15) / 100
    }
    # time_text: return a time in seconds since 1970 in the form of ISO 8601. For the days see
    # https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    function time_text(seconds,   days, era, of_era, year, of_year, month, rest) {
      days = int(seconds / 86400)
      rest = int((seconds - days * 86400) * 100)
      era = int((days + 719468) / 146097)
      of_era = days + 719468 - era * 146097
      year = int((of_era - int(of_era / 1460) + int(of_era / 36524) - int(of_era / 146096)) / 365)
      of_year = of_era - (365 * year + int(year / 4) - int(year / 100))
      month = int((5 * of_year + 2) / 153)
      days = of_year - int((153 * month + 2) / 5) + 1
      month += month < 10 ? 3 : -9
      year += era * 400 + (month <= 2)
      return sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%02dZ", year, month, days, \
        rest / 360000, rest / 6000 % 60, rest / 100 % 60, rest % 100)
    }

    # look: find new programs and processes. Only a shell can list a folder.
    function look(   command, date, begun, pids, free, disks, interfaces) {
      is_whole = now - whole >= whole_after
      command = "date +%s.%N; echo */begun; (cd /proc; echo [0-9]*)"
      if (is_whole) command = command "; stat -f -c \"%a %S\" .; echo /sys/block/*/device; echo /sys/class/net/*/device"
      command | getline date
      command | getline begun
      command | getline pids
      command | getline free
      command | getline disks
      command | getline interfaces
      close(command)
      looked = now
      set_clock(date)
      if (is_whole) look_at_host(free, disks, interfaces)
      if (is_whole || is_start) find_programs(begun)
      find_processes(pids)
    }
    # set_clock: let `ahead` be the difference of the clock and the uptime. Both have their own moment, but do not jump.
    function set_clock(date,   found) {
      found = date - uptime()
      if (found - ahead > 0.02 || ahead - found > 0.02) ahead = found
    }
    function look_at_host(free, disks, interfaces,   number) {
      whole = now
      split(free, number, " ")
      is_full = number[1] * number[2] < least_free
      name_devices(disks, 4, is_disk)
      name_devices(interfaces, 5, is_interface)
    }
    # name_devices: let a set be the names in these paths. Devices of hardware have a path; loops, bridges and so on have not.
    function name_devices(paths, place, names,   path, part, i) {
      split("", names)
      for (i = split(paths, path, " "); i > 0; i--) {
        split(path[i], part, "/")
        if (part[place] != "*") names[part[place]]
      }
    }
    # find_programs: find components that were started. The first process of one may have been seen too early.
    function find_programs(files,   file, i, count, folder, birth, pid) {
      if (is_whole) split("", seen)
      count = split(files, file, " ")
      for (i = 1; i <= count; i++) {
        folder = substr(file[i], 1, length(file[i]) - length("/begun"))
        birth = first_line(file[i])
        if (birth == "" || (!is_whole && folder in launch && has_tag[folder] && birth == launch[folder])) continue
        if (!(folder in launch) || birth != launch[folder]) begin(folder, birth)
        pid = first_line(folder "/pid")
        root[pid " " first_line(folder "/born")] = folder
        delete seen[pid]
        has_tag[folder] = first_line(folder "/tag")
        tagged[has_tag[folder]] = folder
      }
      delete tagged[""] # it is not there yet
    }
    # begin: forget the processes of a component. Go on with the file of a program that another sampler has measured.
    function begin(folder, birth,   file, pid) {
      for (pid in folder_of) if (folder_of[pid] == folder) drop(pid)
      members[folder] = ""
      cpu_before[folder] = in1_before[folder] = out1_before[folder] = in2_before[folder] = out2_before[folder] = 0
      file = folder "/usage.csv"
      since[folder] = birth / 100 + shift
      if (first_line(file) == tree_columns && !(folder in launch)) {
        since[folder] = now
      } else {
        print tree_columns >file
        if (close(file) != 0) exit 1
      }
      launch[folder] = birth
    }
    function drop(pid) {
      delete folder_of[pid]
      delete cpu_time[pid]
      delete io[pid]
      delete seen[pid]
    }
    function find_processes(pids,   pid, i, count) {
      count = split(pids, pid, " ")
      for (i = 1; i <= count; i++) if (!(pid[i] in seen) && read_process(pid[i])) examine(pid[i])
    }
    # examine: add a process to a component if it has its tag, or descends from one of its processes. Other servers of
    # screen, and processes that descend from them, belong to other sessions.
    function examine(pid,   folder) {
      seen[pid]
      delete outside[pid]
      if (is_screen && $4 == pid && pid != server || $2 in outside || $4 in outside) outside[pid]
      else if ($23 in tagged) folder = tagged[$23]
      else if (pid " " $20 in root) folder = root[pid " " $20]
      else if ($2 in folder_of) folder = folder_of[$2]
      else if ($4 in folder_of) folder = folder_of[$4]
      if (folder == "" || pid in folder_of) return
      folder_of[pid] = folder
      birth[pid] = $20
      members[folder] = members[folder] " " pid
    }
    # read_process: let $0 be /proc/PID/stat without id and name: $1 is the third field of proc(5). The name may hold spaces
    # and newlines.
    function read_process(pid,   file, is_read) {
      file = "/proc/" pid "/stat"
      is_read = (getline <file) > 0
      is_screen = index($0, " (screen) ")
      sub(/^.*\) /, "")
      if (is_read && NF < 20) {
        while ((getline <file) > 0);
        sub(/^.*\) /, "")
      }
      close(file)
      return is_read
    }
    function read_file(file,   is_read) {
      is_read = (getline <file) > 0
      close(file)
      return is_read
    }

    # sample_host: measure the host. The first time there is no row, because most numbers are differences.
    function sample_host(   row, i) {
      read_cpu()
      read_memory()
      read_disks()
      read_network()
      row = stamp "," cpus "," sprintf("%.3f,%.0f,%.0f", cpus * share(busy - host_busy, all - host_all), total, used)
      for (i = 1; i <= 4; i++) row = row "," (i in host_now ? sprintf("%.0f", positive(host_now[i] - host[i])) : "")
      if (host_all) append(".usage.csv", row)
      host_busy = busy
      host_all = all
      for (i in host_now) host[i] = host_now[i]
      split("", host_now)
    }
    function positive(number) { return number > 0 ? number : 0 }
    function share(part, whole) { return whole > 0 ? positive(part) / whole : 0 }
    function read_cpu() {
      getline <"/proc/stat"
      busy = $2 + $3 + $4 + $7 + $8 # user, nice, system, irq, softirq
      all = busy + $5 + $6 + $9 # idle, iowait, steal
      if (is_whole) for (cpus = 0; (getline <"/proc/stat") > 0 && /^cpu/;) cpus++
      close("/proc/stat")
    }
    function read_memory() {
      while ((getline <"/proc/meminfo") > 0 && $1 != "MemAvailable:") if ($1 == "MemTotal:") total = $2 * 1024
      used = total - $2 * 1024
      close("/proc/meminfo")
    }
    function read_disks() {
      while ((getline <"/proc/diskstats") > 0) if ($3 in is_disk) {
        host_now[1] += $6 * 512 # sectors
        host_now[2] += $10 * 512
      }
      close("/proc/diskstats")
    }
    # read_network: without an interface of hardware, as in a container, count all but the loopback.
    function read_network(   has_hardware, name) {
      for (name in is_interface) has_hardware = 1
      while ((getline <"/proc/net/dev") > 0) {
        if (!sub(/:/, " ") || !(has_hardware ? $1 in is_interface : $1 != "lo")) continue
        host_now[3] += $2
        host_now[4] += $10
      }
      close("/proc/net/dev")
    }

    # sample_trees: measure the processes of components. When a process waits for a child that has ended, the kernel adds
    # the use of the child to its own. So the use of a tree is the difference of two sums.
    function sample_trees(   folder, pid, i, count) {
      for (folder in members) if (now - since[folder] >= 0.5) {
        processes = threads = pages = cpu = in1 = out1 = in2 = out2 = is_blind = 0
        has_ended = 0
        count = split(members[folder], pid, " ")
        for (i = 1; i <= count; i++) add_process(pid[i], folder)
        if (processes) write_tree(folder)
        if (has_ended) list_members(folder)
      }
    }
    # add_process: add the numbers of a process to the sums of its tree. A zombie has only CPU time.
    function add_process(pid, folder,   use, is_new, is_zombie) {
      if (!read_process(pid) || $20 != birth[pid]) {
        end_process(pid, folder)
        return
      }
      use = $12 + $13 + $14 + $15
      is_new = !(pid in cpu_time)
      parent[pid] = $2
      is_zombie = ($1 == "Z")
      if (!is_zombie) {
        processes++
        threads += $18
        pages += $22
      }
      # A process that has used less than 10 ms of CPU time has hardly read or written anything. Look seldom then.
      if (!is_zombie && (is_new || use != cpu_time[pid] || has_looked))
        io[pid] = io_numbers("/proc/" pid "/io")
      if (io[pid] == "") is_blind = 1 # the file of another user
      $0 = io[pid]
      if (is_new) share_out(pid, folder, use)
      cpu_time[pid] = use
      cpu += use
      in1 += $1
      out1 += $2
      in2 += $5
      out2 += $6
    }
    # io_numbers: return rchar, wchar, syscr, syscw, read_bytes and write_bytes.
    function io_numbers(file,   text) {
      text = ""
      while ((getline <file) > 0) text = text " " $2
      close(file)
      return text
    }
    # share_out: of a process that is measured for the first time, but was born before the last row, a part of the use
    # belongs to earlier rows.
    function share_out(pid, folder, use,   age) {
      age = now - birth[pid] / 100 - shift
      if (age > now - since[folder]) count_before(folder, use, 1 - (now - since[folder]) / age)
    }
    # count_before: add a part of the use of a process, and of the I/O in $0, to the sums that have been counted.
    function count_before(folder, use, part) {
      cpu_before[folder] += use * part
      in1_before[folder] += $1 * part
      out1_before[folder] += $2 * part
      in2_before[folder] += $5 * part
      out2_before[folder] += $6 * part
    }
    # end_process: nobody of the tree waits for an orphan. So its use is missing in the next sums.
    function end_process(pid, folder) {
      has_ended = 1
      $0 = io[pid]
      if (!(parent[pid] in folder_of)) count_before(folder, cpu_time[pid], -1)
      drop(pid)
    }
    function list_members(folder,   pid) {
      members[folder] = ""
      for (pid in folder_of) if (folder_of[pid] == folder) members[folder] = members[folder] " " pid
    }
    function write_tree(folder,   row) {
      row = stamp "," sprintf("%.3f,%.0f,%d,%d,", \
        positive(cpu - cpu_before[folder]) / 100 / (now - since[folder]), pages * page, processes, threads)
      if (is_blind) row = row ",,,"
      else row = row sprintf("%.0f,%.0f,%.0f,%.0f", positive(in1 - in1_before[folder]), \
        positive(out1 - out1_before[folder]), positive(in2 - in2_before[folder]), positive(out2 - out2_before[folder]))
      append(folder "/usage.csv", row)
      since[folder] = now
      cpu_before[folder] = cpu
      in1_before[folder] = in1
      out1_before[folder] = out1
      in2_before[folder] = in2
      out2_before[folder] = out2
    }
  '
}
