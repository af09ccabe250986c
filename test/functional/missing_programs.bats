# A program that is missing is named, hurts nobody who does not need it, and is used as soon as it is there.
load support
setup() {
  setup_scenario
  # The control plane's PATH: a folder of links to all that is installed, from which programs can be taken.
  LINKS=$WORK/links
  mkdir "$LINKS"
  local folder
  for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [ ! -d "$folder" ] || find "$folder" -maxdepth 1 ! -type d -exec ln -st "$LINKS" {} + 2>/dev/null || true
  done
  port=$(free_port)
}
teardown() { teardown_scenario; }

start() { (cd "$TREE" && PATH=$LINKS "$SLIPWAY" up "$TREE" "$@"); }
trouble_has() { slipway status 2>&1 | grep -q "trouble: .*$1"; }
sleeper() { printf 'main:\n  cmd: [sleep, "100000"]\n' | service "$1"; }

@test "a missing runtime: what runs is adopted and serves, what is new waits for it" {
  web_service good 1 "$port"
  run -0 start
  before=$(tasks_of good.main)
  kill -9 "$(slipway version -o json | jq .control_plane.pid)"
  rm -f "$LINKS/crun" "$LINKS/runc"
  sleeper late
  run start --detach
  eventually 30 reason_has late.main "apt-get install crun"
  eventually 20 status_is good.main '.healthy == 1'
  [ "$(tasks_of good.main)" = "$before" ]
  curl -fsS "http://127.0.0.1:$port/" >/dev/null

  for program in crun runc; do
    ! command -v $program >/dev/null || ln -s "$(command -v $program)" "$LINKS/$program"
  done
  eventually 30 status_is late.main '.healthy == 1'
  [ "$(tasks_of good.main)" = "$before" ]
}

@test "a missing HAProxy: services without a proxy run, the others say why and are reached once it is there" {
  sed -i "s|^proxy:|proxy:\n  haproxy: $LINKS/the-haproxy|" "$TREE/slipway.yaml"
  web_service front 1 "$port"
  sleeper plain
  run start --detach
  eventually 30 status_is plain.main '.healthy == 1 and .state == "running"'
  eventually 30 trouble_has "$LINKS/the-haproxy is not installed"
  eventually 30 reason_has front.main "load balancer does not run: .*the-haproxy is not installed"
  ln -s "$(PATH=$PATH:/usr/sbin command -v haproxy)" "$LINKS/the-haproxy"
  eventually 60 curl -fsS "http://127.0.0.1:$port/"
  eventually 20 status_is front.main '.state == "running"'
}
