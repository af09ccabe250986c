#!/bin/bash
# The whole story on this machine, with a copy of examples/shop: up, rolled to a new version under load, a task killed,
# the control plane killed, and down without a trace. Each step is checked; the first that is not as it should be ends
# the demo with a line that says so and exit code 1. Whatever happens, all that was started is ended.
#
# SLIPWAY names the binary (`./dev demo` sets it). Needs curl, jq, ss and wrk.
#
# shellcheck disable=SC2016  # jq has variables of its own
# shellcheck disable=SC2013  # words are what is wanted
set -Eeuo pipefail

ROOT=$(cd "$(dirname "$0")/.." && pwd)
SLIPWAY=${SLIPWAY:-$ROOT/build/dev/bin/slipway}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/slipway-demo.XXXXXX")
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/slipway-notes.XXXXXX") # ours, not to be found when traces of $WORK are looked for
SHOP=$WORK/shop
CLUSTER=${WORK##*/}
CLUSTER=${CLUSTER/./-}
LOAD_PIDS=

say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS WHAT COMMAND...: asks until the command succeeds.
until_true() {
  local limit=$(($(now_ms) + $1 * 1000)) what=$2
  shift 2
  until "$@"; do
    if [ "$(now_ms)" -ge "$limit" ]; then
      say "--- the state when the demo gave up:" >&2
      slipway status -v >&2 || true
      [ ! -s "$SCRATCH/traces" ] || sed 's/^/left: /' "$SCRATCH/traces" >&2
      die "$what: not within the time"
    fi
    sleep 0.02
  done
}

# Control planes of the demo are registered apart from others that the user may have. Not exported: the tools that look
# for traces must not bear one themselves.
plain_slipway() { SLIPWAY_RUN_DIR=$WORK/run "$SLIPWAY" "$@"; }
slipway() { plain_slipway "$@" -C "$SHOP"; }

# ---- what is asked of status ------------------------------------------------------------------------------------

# status FILTER ARGS...: `jq FILTER` of the status, in which $web is the instance web.main.
status() {
  local filter=$1
  shift
  slipway status -o json 2>/dev/null |
    jq -er "$@" '(.instances[] | select(.service == "web")) as $web | '"$filter" 2>/dev/null
}
# All as many as wanted, none of them on its way.
all_healthy() {
  status '.instances | length == 3 and all(.desired > 0 and .healthy == .desired and .state == "running"
    and (.tasks | length) == .desired)' >/dev/null
}
rolled() {
  status '$web | .revision != $old and .state == "running" and .bounce == null and (.tasks | length) == .desired
    and all(.tasks[]; .revision != $old and .health == "healthy")' --arg old "$1" >/dev/null
}
# Healthy again, and really again: the task is another, or was started once more.
healed() {
  status '$web | .healthy == .desired and (.tasks | length) == .desired
    and all(.tasks[]; .health == "healthy" and (.id != $task or .restarts > ($restarts | tonumber)))' \
    --arg task "$1" --arg restarts "$2" >/dev/null
}
task_identities() { status '[.instances[].tasks[] | "\(.id) \(.started_at) \(.restarts)"] | sort | .[]'; }
control_plane_pid() { slipway version -o json | jq -er '.control_plane.pid'; }

# ---- processes --------------------------------------------------------------------------------------------------

# Pids that have this text in their environment.
pids_with() { grep -lsaF -- "$1" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' || true; }
# The first process of a task: the one of its processes that was started first.
first_process() {
  local pid
  for pid in $(pids_with "SLIPWAY_TASK=$1"); do
    # The 22nd field of stat is the start time; the 2nd may hold spaces, so what is after it is counted.
    sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk -v pid="$pid" '{print $20, pid}'
  done | sort -n | awk 'NR == 1 {print $2}'
}
gone() { [ ! -d "/proc/$1" ]; }
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }

# ---- traces -----------------------------------------------------------------------------------------------------

# What traces() finds; each of its lines begins with one of these.
TRACE_KINDS=(process mount "network namespace" link "firewall rule" cgroup "state directory")

# Notes what belongs to this cluster while it is up and can be asked; traces() looks for just that afterwards.
note_traces() {
  local pid ip
  printf '%s\n' "$WORK" "SLIPWAY_CLUSTER=$CLUSTER" >"$SCRATCH/words"
  for pid in $(pids_with "SLIPWAY_CLUSTER=$CLUSTER"); do readlink "/proc/$pid/ns/net" || true; done |
    sort -u | grep -vxF "$(readlink /proc/self/ns/net)" >>"$SCRATCH/netns" || true
  for ip in $(status '.instances[].tasks[].addresses[].ip'); do
    ip -o route get "$ip" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
  done | grep -vx lo | sort -u >>"$SCRATCH/bridge" || true
}

firewall_rules() {
  iptables-save 2>/dev/null || true
  ip6tables-save 2>/dev/null || true
  nft list ruleset 2>/dev/null || true
}

# One line for each thing of this cluster that is on the machine. Processes know the cluster by their environment or
# command line; mounts are looked for in every mount namespace.
traces() {
  local pid bridge
  for pid in $(grep -lsaFf "$SCRATCH/words" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null |
    sed 's|/proc/\([0-9]*\)/.*|\1|' | sort -un || true); do
    say "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-100)"
  done
  grep -hsF -- "$WORK" /proc/[0-9]*/mountinfo 2>/dev/null | awk '{print "mount " $5}' | sort -u || true
  if [ -s "$SCRATCH/netns" ]; then
    { readlink /proc/[0-9]*/ns/net 2>/dev/null; grep -hso 'net:\[[0-9]*\]' /proc/self/mountinfo; } | sort -u |
      grep -xFf <(sort -u "$SCRATCH/netns") | sed 's/^/network namespace /' || true
  fi
  for bridge in $(sort -u "$SCRATCH/bridge" 2>/dev/null); do
    ip -o link show 2>/dev/null | awk -F': ' -v b="$bridge" '$2 == b || $0 ~ ("master " b " ") {print "link " $2}'
    firewall_rules | grep -F -- "$bridge" | sed 's/^ */firewall rule /' || true
  done
  find /sys/fs/cgroup -type d -path "*/$CLUSTER" 2>/dev/null | sed 's/^/cgroup /' || true
  [ ! -e "$WORK/state" ] || say "state directory $WORK/state"
}

# ---- whatever happens -------------------------------------------------------------------------------------------

clean_up() {
  local code=$? pid
  trap - EXIT ERR INT TERM
  [ -z "$LOAD_PIDS" ] || kill $LOAD_PIDS 2>/dev/null || true
  if [ -e "$WORK/state" ]; then
    [ "$code" -eq 0 ] || tail -n 20 "$WORK/state/slipway.log" >&2 2>/dev/null || true
    SLIPWAY_RUN_DIR=$WORK/run timeout 120 "$SLIPWAY" down "$SHOP" >&2 || say "demo: 'slipway down' failed; killing what is left" >&2
  fi
  # Only what a failed `down` left: the processes and mounts of this demo, which are known by its folder and name.
  for pid in $(pids_with "$WORK") $(pids_with "SLIPWAY_CLUSTER=$CLUSTER"); do kill -9 "$pid" 2>/dev/null || true; done
  awk -v w="$WORK/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | sort -r |
    while read -r mount; do umount -l "$mount" || true; done
  rm -rf --one-file-system "$WORK" "$SCRATCH"
  exit "$code"
}
trap clean_up EXIT
trap 'printf "demo: line %s failed: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the story --------------------------------------------------------------------------------------------------

free_port() {
  local port
  for ((port = $1; port < $1 + 100; port += 10)); do
    [ -n "$(ss -Hltn "sport = :$port")" ] || { echo "$port"; return; }
  done
  die "no port is free from $1 on"
}

copy_example() {
  local port free
  mkdir -p "$SHOP"
  cp -r "$ROOT/examples/shop/." "$SHOP"
  "$ROOT/examples/shop/prepare" "$SHOP"
  for port in 18080 18081 18082; do
    free=$(free_port "$port")
    sed -i "s/\b$port\b/$free/" "$SHOP"/slipway.yaml "$SHOP"/*/run.yaml
  done
  sed -i "s/^cluster: .*/cluster: $CLUSTER/" "$SHOP/slipway.yaml"
  printf 'state: %s\n' "$WORK/state" >>"$SHOP/slipway.yaml"
  WEB_PORT=$(sed -n 's/^    port: //p' "$SHOP/web/run.yaml")
  LEGACY_PORT=$(sed -n 's/^    port: //p' "$SHOP/legacy/run.yaml")
}

answer() { curl -sf --max-time 5 "http://127.0.0.1:$WEB_PORT/"; }
answers_version() { answer | grep -q "^version $1,"; }
legacy_answers() { timeout 5 busybox nc 127.0.0.1 "$LEGACY_PORT" </dev/null | grep -q '^legacy, task '; }

bring_up() {
  local begin
  begin=$(now_ms)
  plain_slipway up "$SHOP" || die "'slipway up' failed"
  all_healthy || die "'slipway up' ended, but not everything is healthy"
  say "up: all healthy after $(($(now_ms) - begin)) ms"
  answers_version 1 || die "web does not answer with version 1: $(answer || true)"
  legacy_answers || die "legacy does not answer on port $LEGACY_PORT"
  note_traces
  see_traces
}

# Whatever is looked for at the end must be found now: otherwise finding none of it would mean nothing.
see_traces() {
  local kind
  traces >"$SCRATCH/traces"
  for kind in "${TRACE_KINDS[@]}"; do
    grep -q "^$kind " "$SCRATCH/traces" || die "cannot see, while everything is up, any trace of the kind '$kind'"
  done
}

# With the example up, on any machine: neither its speed nor what else runs there changes it much.
MAX_RESIDENT_KB=30720

# The processor's share is told and not judged: that does depend on what else the machine does.
measure_at_rest() {
  local pid before after ticks resident
  pid=$(control_plane_pid)
  ticks=$(getconf CLK_TCK)
  before=$(cpu_ticks "$pid")
  sleep 10
  after=$(cpu_ticks "$pid")
  resident=$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")
  awk -v kb="$resident" -v used=$((after - before)) -v hz="$ticks" \
    'BEGIN {printf "control plane at rest: %.1f MB resident, %.2f%% of a core over 10 s\n", kb / 1024, used * 10 / hz}'
  [ "$resident" -lt "$MAX_RESIDENT_KB" ] || die "the control plane holds $resident KB, which is not below $MAX_RESIDENT_KB"
}

# Readers and, beside them, a client that places orders: no load balancer may send a POST again, so one that is lost is
# lost for good. The orders are few, for each costs a process in its task.
start_load() {
  local url=http://127.0.0.1:$WEB_PORT
  # Longer than it will be needed; it is told to stop.
  wrk -t1 -c8 -d600s --timeout 10s "$url/" >"$SCRATCH/load.get" 2>&1 &
  LOAD_PIDS=$!
  wrk -t1 -c2 -d600s --timeout 10s -s "$ROOT/tools/orders.lua" "$url/cgi-bin/order" >"$SCRATCH/load.post" 2>&1 &
  LOAD_PIDS+=" $!"
}
# counted METHOD: how many requests were served, and how many not. A failure is whatever is not a 2xx answer with the
# right text: another status, a connection that could not be made or broke, an answer that did not come.
counted() {
  awk '/requests in / {total = $1; seen = 1}
       /Socket errors:/ {gsub(",", ""); lost = $4 + $6 + $8 + $10}
       /Non-2xx or 3xx responses:|Wrong answers:/ {wrong += $NF}
       END {if (!seen) exit 1; print total - wrong, lost + wrong}' "$SCRATCH/load.$1" ||
    die "the load generator said: $(cat "$SCRATCH/load.$1")"
}
stop_load() {
  local pid gets get_failures posts post_failures
  for pid in $LOAD_PIDS; do kill -INT "$pid"; done
  for pid in $LOAD_PIDS; do wait "$pid" || true; done
  LOAD_PIDS=
  counted get >"$SCRATCH/counted.get"
  counted post >"$SCRATCH/counted.post"
  read -r gets get_failures <"$SCRATCH/counted.get"
  read -r posts post_failures <"$SCRATCH/counted.post"
  say "requests: $((gets + posts)) served, $((get_failures + post_failures)) failed ($gets GET, $posts POST)"
  if [ $((get_failures + post_failures)) -ne 0 ]; then
    cat "$SCRATCH"/load.* >&2
    die "requests were lost: $get_failures GET, $post_failures POST"
  fi
  [ "$gets" -gt 100 ] && [ "$posts" -gt 20 ] || die "too few requests to mean anything"
}

roll_under_load() {
  local old begin
  old=$(status '$web.revision')
  start_load
  until_true 10 "load" sh -c "[ \"\$(ss -Htn dport = :$WEB_PORT | wc -l)\" -gt 0 ]"
  begin=$(now_ms)
  sed -i 's/VERSION: "1"/VERSION: "2"/' "$SHOP/web/run.yaml"
  until_true 120 "web's new version" rolled "$old"
  say "rolled web to version 2 under load in $(($(now_ms) - begin)) ms"
  # The old tasks' last requests are part of it: the load goes on a little after they are gone.
  sleep 1
  stop_load
  answers_version 2 || die "web does not answer with version 2: $(answer || true)"
}

kill_task() {
  local task restarts pid begin
  task=$(status '$web.tasks[0].id')
  restarts=$(status '$web.tasks[0].restarts')
  pid=$(first_process "$task")
  [ -n "$pid" ] || die "no process of task $task found"
  begin=$(now_ms)
  kill -9 "$pid" || die "cannot kill process $pid of task $task"
  until_true 30 "a killed task's return" healed "$task" "$restarts"
  say "killed $task: healthy again after $(($(now_ms) - begin)) ms"
}

kill_control_plane() {
  local pid before after
  before=$(task_identities)
  pid=$(control_plane_pid)
  kill -9 "$pid" || die "cannot kill the control plane (pid $pid)"
  until_true 5 "the control plane's end" gone "$pid"
  answers_version 2 || die "web does not answer while the control plane is dead"
  plain_slipway up "$SHOP" --detach || die "the control plane does not start again"
  until_true 30 "health after the control plane's return" all_healthy
  after=$(task_identities)
  if [ "$before" != "$after" ]; then
    diff <(echo "$before") <(echo "$after") >&2 || true
    die "tasks changed when the control plane was killed (- before, + after)"
  fi
  [ "$(control_plane_pid)" != "$pid" ] || die "the control plane was not killed"
  say "killed the control plane: $(echo "$after" | wc -l) tasks adopted, none restarted"
}

bring_down() {
  note_traces
  plain_slipway down "$SHOP" || die "'slipway down' failed"
  # The kernel takes its time with namespaces and their links after the last process has gone.
  until_true 10 "the end of every trace" no_traces
  [ "$(cat /proc/sys/net/ipv4/ip_forward)" = "$FORWARD_BEFORE" ] || die "ip_forward is not as it was"
  say "down: nothing is left, and each kind was seen before: $(printf '%s, ' "${TRACE_KINDS[@]}" | sed 's/, $//')"
}
no_traces() {
  traces >"$SCRATCH/traces"
  [ ! -s "$SCRATCH/traces" ]
}

for program in curl jq ss wrk busybox; do
  command -v "$program" >/dev/null || die "$program is missing (./dev demo installs what it needs)"
done
[ -x "$SLIPWAY" ] || die "$SLIPWAY is missing: ./dev build"
FORWARD_BEFORE=$(cat /proc/sys/net/ipv4/ip_forward)
copy_example
bring_up
measure_at_rest
roll_under_load
kill_task
kill_control_plane
bring_down
