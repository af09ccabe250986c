# On a host whose packet filter belongs to others too (Docker, ufw), tasks reach out and are reached, and `down` takes
# only what is ours. The host is a network namespace with an "internet" behind it, so that the machine's own rules stay
# as they are.
load support

setup() {
  setup_scenario
  sed -i 's/^proxy:/proxy:\n  bind: "*"/' "$TREE/slipway.yaml"
  HIDDEN=()
  HOST=slwh$$ OUTSIDE=slwo$$
  ip netns add "$HOST"
  ip netns add "$OUTSIDE"
  ip link add eth0 netns "$HOST" type veth peer name eth0 netns "$OUTSIDE"
  for name in "$HOST" "$OUTSIDE"; do ip -n "$name" link set lo up; done
  ip -n "$HOST" addr add 198.51.100.1/24 dev eth0
  ip -n "$OUTSIDE" addr add 198.51.100.2/24 dev eth0
  for name in "$HOST" "$OUTSIDE"; do ip -n "$name" link set eth0 up; done
  ip -n "$HOST" route add default via 198.51.100.2
  on_host sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
  mkdir "$WORK/www"
  echo "from outside" >"$WORK/www/index.html"
  # It knows no way to the tasks' addresses: they must come as the host.
  nsenter --net="/run/netns/$OUTSIDE" busybox httpd -f -p 8000 -h "$WORK/www" 3>&- &
  nsenter --net="/run/netns/$HOST" busybox httpd -f -p 8001 -h "$WORK/www" 3>&- &
  port=$(free_port)
}

teardown() {
  stop_docker
  teardown_scenario
  for name in $(jobs -p); do kill "$name" || true; done
  for name in "$HOST" "$OUTSIDE"; do ip netns delete "$name" || true; done
}

# Not `ip netns exec`, which hides the control groups.
on_host() { nsenter --net="/run/netns/$HOST" "$@"; }
from_outside() { nsenter --net="/run/netns/$OUTSIDE" curl -fsS --max-time 5 "http://198.51.100.1:$port/"; }
slipway() { (cd "$TREE" && without_hidden nsenter --net="/run/netns/$HOST" "$SLIPWAY" "$@"); }

start_docker() {
  command -v dockerd >/dev/null && command -v docker >/dev/null || skip "needs dockerd (package docker.io)"
  on_host dockerd --data-root "$WORK/docker/data" --exec-root "$WORK/docker/exec" --pidfile "$WORK/docker/pid" \
    -H "unix://$WORK/docker/sock" >"$WORK/docker.log" 2>&1 3>&- &
  eventually 60 docker_does version
  mkdir -p "$WORK/image/bin"
  cp "$(command -v busybox)" "$WORK/image/bin/busybox"
  tar -C "$WORK/image" -c . | docker_does import - busybox
}

stop_docker() {
  [ -s "$WORK/docker/pid" ] || return 0
  docker_pid=$(cat "$WORK/docker/pid")
  kill "$docker_pid"
  eventually 30 docker_has_ended
  umount "$WORK/docker/data" 2>/dev/null || true  # a mount of its own, which it may leave behind
}

docker_does() { docker -H "unix://$WORK/docker/sock" "$@"; }
docker_has_ended() { ! kill -0 "$docker_pid" 2>/dev/null; }
docker_reaches_out() { docker_does run --rm busybox /bin/busybox wget -q -O- http://198.51.100.2:8000/; }

# Slipway itself is to be started where these programs are not there; it looks beyond PATH.
hide() {
  HIDDEN=()
  for name in "$@"; do
    if [ -e "/usr/sbin/$name" ]; then HIDDEN+=("/usr/sbin/$name"); fi
  done
}
without_hidden() {
  # shellcheck disable=SC2016
  unshare --mount sh -c 'n=$1; shift; while [ "$n" -gt 0 ]; do mount --bind /dev/null "$1"; shift; n=$((n - 1)); done
    exec "$@"' sh "${#HIDDEN[@]}" "${HIDDEN[@]}" "$@"
}

# Without how many packets each policy has met.
foreign_rules() { on_host iptables-save | grep -E '^-A|^:.*DROP' | grep -v slipway | sed 's/ \[[0-9:]*\]$//' || true; }
our_rules() {
  on_host iptables-save | grep slipway || true
  on_host nft list tables | grep slipway || true
}

# The task fetches from outside before it serves what it got; outside asks for it through the proxy.
tasks_reach_out_and_are_reached() {
  service web <<EOF
main:
  cmd: mkdir -p /tmp/www && curl -fsS -m 5 -o /tmp/www/index.html http://198.51.100.2:8000/ && exec busybox httpd -f -p "\$PORT" -h /tmp/www
  container_port: 8080
  proxy: {port: $port}
EOF
  run -0 slipway up "$TREE"
  from_outside | grep "from outside"
  [ -n "$(our_rules)" ]
  task=$(slipway status -o json | jq -r '.instances[0].tasks[0].id')
  eventually 10 task_gets_from_host "$port"  # by the proxy
}

task_gets_from_host() {
  slipway exec "$task" -- \
    sh -c 'curl -fsS -m 2 "http://$(ip route | sed -n "s/^default via \([^ ]*\).*/\1/p"):$0/"' "$1" |
    grep "from outside"
}

down_leaves_only_what_was_there() {
  run -0 slipway down
  [ -z "$(our_rules)" ]
  [ "$(foreign_rules)" = "$1" ]
}

@test "beside a running Docker" {
  start_docker
  before=$(foreign_rules)
  on_host iptables-save | grep ':FORWARD DROP'
  tasks_reach_out_and_are_reached
  docker_reaches_out
  down_leaves_only_what_was_there "$before"
  docker_reaches_out
}

@test "a Docker that comes later does not cut tasks off" {
  tasks_reach_out_and_are_reached
  start_docker
  run -0 slipway exec "$task" -- curl -fsS -m 5 http://198.51.100.2:8000/
  from_outside
  docker_reaches_out
  slipway down
  [ -z "$(our_rules)" ]
  docker_reaches_out
}

@test "where everything is dropped that is not allowed, as ufw does" {
  on_host iptables-restore <<EOF
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
:ufw-user-input -
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -j ufw-user-input
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A ufw-user-input -i eth0 -p tcp --dport $port -j ACCEPT
COMMIT
EOF
  before=$(foreign_rules)
  tasks_reach_out_and_are_reached
  run ! task_gets_from_host 8001  # what the host closes is closed to tasks
  down_leaves_only_what_was_there "$before"
}

@test "with nft alone" {
  hide xtables-nft-multi xtables-legacy-multi
  tasks_reach_out_and_are_reached
  [ -z "$(on_host iptables-save | grep slipway:)" ]
  down_leaves_only_what_was_there ""
}

@test "with iptables alone" {
  hide nft
  tasks_reach_out_and_are_reached
  down_leaves_only_what_was_there ""
}
