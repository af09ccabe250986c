# A tree without a cluster file's help comes up, answers through the proxy, tells its state in the contract's JSON, and
# goes down without a trace.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

# leftovers BRIDGE [KIND]: what this cluster has on the machine, or that of one kind.
leftovers() {
  local kinds=${2:-link rule cgroup mount process}
  for kind in $kinds; do
    case $kind in
      link) ip -o link show | grep -o "$1" ;;
      rule) { iptables-save; nft list ruleset; } 2>/dev/null | grep -e "$1" ;;
      cgroup) find /sys/fs/cgroup -maxdepth 3 -type d -path "*slipway/$CLUSTER" 2>/dev/null ;;
      mount) grep -hs "$WORK" /proc/[0-9]*/mountinfo ;;
      process) pgrep -fa "$WORK" | grep -v bats ;;
    esac
  done || true
}

@test "up, answer, status, down, nothing left" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  curl -fsS "http://127.0.0.1:$port/" | grep "version 1 of"

  slipway status -o json >"$WORK/status.json"
  jq -e --arg cluster "$CLUSTER" '.cluster == $cluster and .engine == "local" and (.generation > 0)' "$WORK/status.json"
  jq -e '.instances[0] | .service == "web" and .instance == "main" and .state == "running" and .desired == 2
         and .healthy == 2 and (.tasks | length == 2) and (.revisions | length == 1) and .bounce == null
         and .overrides == [] and .reason == null and (.endpoints | length == 1)' "$WORK/status.json"

  bridge=$(bridge_of web.main)
  for kind in link rule cgroup mount process; do  # else finding none at the end would mean nothing
    leftovers "$bridge" "$kind" | grep -q . || { echo "cannot see its own $kind"; return 1; }
  done
  run -0 slipway down
  [ ! -e "$WORK/state" ]
  run leftovers "$bridge"
  [ -z "$output" ]
}

@test "down --keep leaves the tasks, and the next up adopts them" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  before=$(tasks_of web.main)
  run -0 slipway down --keep
  curl -fsS "http://127.0.0.1:$port/" >/dev/null
  run -0 slipway up "$TREE"
  [ "$(tasks_of web.main)" = "$before" ]
}

@test "down deletes what is Slipway's in the state directory, and nothing else" {
  mkdir -p "$WORK/state" && echo mine >"$WORK/state/precious.txt"
  printf 'main:\n  cmd: [sleep, "100000"]\n  stop_timeout_seconds: 1\n' | service idle
  run -0 slipway up "$TREE"
  run -0 slipway down
  [ "$(ls "$WORK/state")" = precious.txt ]
}
