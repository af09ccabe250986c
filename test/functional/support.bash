# What every scenario needs: a config tree and a control plane of its own, waits with deadlines, and a clean end.

bats_require_minimum_version 1.5.0

setup_scenario() {
  [ "$(id -u)" = 0 ] || skip "needs root"
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  WORK=$(mktemp -d /tmp/slipway-functional.XXXXXX)
  TREE=$WORK/tree
  export SLIPWAY_RUN_DIR=$WORK/run NO_COLOR=1
  mkdir -p "$TREE"
  # A cluster and a shared http port of its own, so that scenarios can run beside anything, one another included.
  CLUSTER=test-$$
  printf 'cluster: %s\nstate: %s\nproxy:\n  http_port: %s\n' "$CLUSTER" "$WORK/state" "$(free_port)" >"$TREE/slipway.yaml"
}

teardown_scenario() {
  [ -n "${WORK:-}" ] || return 0
  if [ -d "$WORK/state" ]; then
    if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
      slipway status -v || true
      tail -n 40 "$WORK/state/slipway.log" || true
    fi
    slipway up "$TREE" --detach >/dev/null 2>&1 || true  # a dead control plane is raised to take down what it left
    slipway down --timeout 60s || true
  fi
  mountpoint -q "$WORK/disk" && umount "$WORK/disk"
  rm -rf "$WORK"
}

slipway() { (cd "$TREE" && "$SLIPWAY" "$@"); }

# A port that nobody listens on now, different at each call.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 10000))
    ss -Hltn "sport = :$port" | grep -q . || { echo "$port"; return; }
  done
  return 1
}

# eventually SECONDS COMMAND...: until it succeeds; fails, showing its last output, when the time is over.
eventually() {
  local deadline=$((SECONDS + $1)) output
  shift
  until output=$("$@" 2>&1); do
    if [ "$SECONDS" -ge "$deadline" ]; then
      printf 'still not so: %s\n%s\n' "$*" "$output" >&2
      return 1
    fi
    read -rt 0.1 <> <(:) || true
  done
}

# status_is INSTANCE JQ-CONDITION: of the instance's object in `status -o json`.
status_is() {
  slipway status -o json |
    jq -e --arg id "$1" ".instances[] | select(.service + \".\" + .instance == \$id) | select($2)" >/dev/null
}

# reason_has INSTANCE TEXT: both `status` and `why` say it.
reason_has() {
  slipway status -o json | jq -r --arg id "$1" '.instances[] | select(.service + "." + .instance == $id) | .reason' |
    grep -iq -- "$2" && slipway why "$1" | grep -iq -- "$2"
}

# bridge_of INSTANCE: the network link by which this machine reaches its tasks.
bridge_of() {
  ip -o route get "$(slipway status -o json |
    jq -r --arg id "$1" '[.instances[] | select(.service + "." + .instance == $id) | .tasks[].addresses[].ip][0]')" |
    grep -o 'slw-[0-9a-f]*'
}

# service NAME: its run.yaml from standard input.
service() {
  mkdir -p "$TREE/$1"
  cat >"$TREE/$1/run.yaml"
}

# A web service that answers with $VERSION, COUNT tasks on PORT.
web_service() {
  service "$1" <<EOF
main:
  cmd: mkdir -p /tmp/www && echo "version \$VERSION of \$SLIPWAY_TASK" > /tmp/www/index.html && exec busybox httpd -f -p "\$PORT" -h /tmp/www
  env: {VERSION: "${4:-1}"}
  instances: $2
  cpus: 0.1
  mem: 64
  container_port: 8080
  healthcheck_uri: /
  healthcheck_interval_seconds: 1
  proxy: {port: $3}
EOF
}

# An image of busybox alone, made without a builder: $WORK/layout:v1.
plain_image() {
  umoci init --layout "$WORK/layout"
  umoci new --image "$WORK/layout:v1"
  umoci insert --image "$WORK/layout:v1" "$(command -v busybox)" /bin/busybox
}

tasks_of() {
  slipway status -o json |
    jq -r --arg id "$1" '.instances[] | select(.service + "." + .instance == $id) | .tasks[] | [.id, .started_at, .restarts] | @tsv' | sort
}
