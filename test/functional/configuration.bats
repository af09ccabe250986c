# Files that break, and files from a git repository: what was in force stays so, across restarts and outages.
load support
setup() { setup_scenario; }
teardown() {
  for pid in ${DAEMON:-} ${CONTROL:-}; do kill "$pid" 2>/dev/null || true; done
  teardown_scenario
}

says() { slipway status 2>&1 | grep -q -- "$1"; }
status_has() { slipway status -o json | jq -e "$1" >/dev/null; }

@test "a saved file is taken at once, and a broken one changes nothing, also across a restart" {
  printf 'main:\n  cmd: [sleep, "100000"]\n  instances: 1\n' | service web
  run -0 slipway up "$TREE"
  sed -i 's/instances: 1/instances: 2/' "$TREE/web/run.yaml"
  eventually 20 status_is web.main '.healthy == 2'

  # Broken while nobody looks.
  run -0 slipway down --keep
  printf 'main:\n  cmd: [sleep\n' | service web
  run -1 slipway up "$TREE" --detach
  eventually 20 status_has '.last_good == ["web"] and .broken == []'
  says "service web has broken files; its last good configuration stays in force"
  says "web/run.yaml"
  # In force means: it is healed, and can be scaled.
  task=$(tasks_of web.main | head -n 1 | cut -f 1)
  run -0 slipway scale web.main 3
  eventually 30 status_is web.main '.healthy == 3'
  tasks_of web.main | grep -q "$task"

  printf 'main:\n  cmd: [sleep, "100000"]\n  instances: 1\n' | service web
  eventually 20 status_has '.last_good == [] and (.problems | length == 0)'
}

# commit MESSAGE: all of $WORK/repository.
commit() {
  git -C "$WORK/repository" add -A
  git -C "$WORK/repository" -c user.name=test -c user.email=test@example.com commit -qm "$1"
  git -C "$WORK/repository" rev-parse HEAD
}
repository_service() {
  mkdir -p "$WORK/repository/services/$1"
  printf 'main:\n  cmd: [serve]\n  instances: %s\n' "$2" >"$WORK/repository/services/$1/run.yaml"
}
start_control_plane() {
  "$SLIPWAY" serve -c "$TREE/slipway.yaml" >>"$WORK/serve.log" 2>&1 3>&- &
  CONTROL=$!
  eventually 20 slipway status
}
start_daemon() {
  git daemon --reuseaddr --listen=127.0.0.1 --port="$1" --base-path="$WORK" --export-all 2>"$WORK/daemon.log" 3>&- &
  DAEMON=$!
}

@test "a git repository is followed by whole commits, and its server may be away" {
  git init -q -b main "$WORK/repository"
  repository_service web 1
  repository_service api 1
  first=$(commit first)
  git_port=$(free_port)
  start_daemon "$git_port"
  cat >>"$TREE/slipway.yaml" <<YAML
engine: fake
config:
  git: git://127.0.0.1:$git_port/repository
  path: services
  poll_seconds: 1
YAML
  start_control_plane
  eventually 20 status_has ".config.commit == \"$first\" and (.instances | length == 2)"
  says "configuration: commit ${first:0:12}"

  repository_service web 2
  printf 'main: [' >"$WORK/repository/services/api/run.yaml"
  second=$(commit second)
  eventually 20 status_has ".config.commit == \"$second\" and .last_good == [\"api\"]"
  eventually 20 status_is web.main '.desired == 2'
  status_is api.main '.desired == 1'

  # The commands that need no control plane take the same cluster file.
  run -4 slipway validate "$TREE/slipway.yaml"
  [[ "$output" == *services/api/run.yaml* ]]

  kill "$DAEMON" && wait "$DAEMON" 2>/dev/null || true
  DAEMON=
  eventually 20 says "cannot be followed since"
  status_has ".config.trouble != null and .config.trouble_since != null and .config.commit == \"$second\""

  kill "$CONTROL" && wait "$CONTROL" || true
  start_control_plane
  eventually 20 status_has ".config.commit == \"$second\" and .last_good == [\"api\"]"
  status_is web.main '.desired == 2'

  repository_service api 3
  third=$(commit third)
  start_daemon "$git_port"
  eventually 40 status_has ".config.commit == \"$third\" and .config.trouble == null"
  eventually 20 status_is api.main '.desired == 3'
  slipway down --keep
  wait "$CONTROL" || true
  CONTROL=
}
