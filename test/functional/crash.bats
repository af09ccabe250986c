# kill -9 of a task, of the control plane, and of both: tasks come back, nothing else restarts.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

control_pid() { slipway version -o json | jq -r .control_plane.pid; }

@test "a killed task is started again and counted" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  task=$(slipway status -o json | jq -r '.instances[0].tasks[0].id')
  slipway exec "$task" -- sh -c 'kill -9 1' || true
  pid=$(cat /sys/fs/cgroup/pids/slipway/"$CLUSTER"/"$task"/cgroup.procs /sys/fs/cgroup/slipway/"$CLUSTER"/"$task"/cgroup.procs 2>/dev/null | head -1)
  [ -z "$pid" ] || kill -9 "$pid"
  eventually 20 status_is web.main ".healthy == 2 and (.tasks | map(.restarts) | add) >= 1"
  slipway why web.main | grep -q SIGKILL
}

@test "a killed control plane restarts no task, and traffic goes on" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  before=$(tasks_of web.main)
  kill -9 "$(control_pid)"
  curl -fsS "http://127.0.0.1:$port/" >/dev/null
  run -0 slipway up "$TREE"
  [ "$(tasks_of web.main)" = "$before" ]
  curl -fsS "http://127.0.0.1:$port/" >/dev/null
}

@test "a control plane killed in the middle of a bounce finishes it" {
  port=$(free_port)
  web_service web 3 "$port"
  run -0 slipway up "$TREE"
  web_service web 3 "$port" 2
  eventually 20 status_is web.main '.revisions | length == 2'
  kill -9 "$(control_pid)"
  run -0 slipway up "$TREE"
  eventually 60 status_is web.main '.healthy == 3 and (.revisions | length == 1) and (.tasks | length == 3)'
  curl -fsS "http://127.0.0.1:$port/" | grep -q "version 2"
}

@test "a bounce that outlives its control plane is one record of history" {
  port=$(free_port)
  web_service web 3 "$port"
  run -0 slipway up "$TREE"
  web_service web 3 "$port" 2
  eventually 20 status_is web.main '.revisions | length == 2'
  kill -9 "$(control_pid)"
  run -0 slipway up "$TREE"
  eventually 60 status_is web.main '.healthy == 3 and (.revisions | length == 1) and .bounce == null'
  slipway history web.main -o json >"$WORK/history.json"
  jq -e '.bounces | length == 2 and all(.outcome == "done" and .ended_at != null)' "$WORK/history.json"
}

@test "a service whose file broke while nobody watched keeps its front door" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  before=$(tasks_of web.main)
  kill -9 "$(control_pid)"
  cp "$TREE/web/run.yaml" "$WORK/good.yaml"
  printf 'main:\n  cmd: [sleep\n' | service web
  web_service other 1 "$(free_port)"
  (
    failed=0 served=0
    while [ ! -e "$WORK/stop" ] && [ "$served" -lt 100000 ]; do
      if curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$port/"; then served=$((served + 1)); else failed=$((failed + 1)); fi
    done
    echo "$served $failed" >"$WORK/load"
  ) 3>&- &
  load=$!
  run -1 slipway up "$TREE"
  eventually 20 status_is web.main '.healthy == 2 and (.reason | contains("mended"))'
  eventually 20 status_is other.main '.healthy == 1'
  cp "$WORK/good.yaml" "$TREE/web/run.yaml"
  eventually 20 status_is web.main '.healthy == 2 and .reason == null'
  touch "$WORK/stop"
  wait "$load"
  read -r served failed <"$WORK/load"
  echo "served $served, failed $failed"
  [ "$served" -gt 0 ]
  [ "$failed" = 0 ]
  [ "$(tasks_of web.main)" = "$before" ]
}

# A task that ignores the stop signal holds a `down` for as long as its grace, so that it can be interrupted.
stubborn_service() {
  printf 'main:\n  cmd: [sh, -c, "trap true TERM; while :; do sleep 1; done"]\n  stop_timeout_seconds: 8\n' |
    service stubborn
}

@test "a down whose control plane is killed is gone on with by the next" {
  stubborn_service
  run -0 slipway up "$TREE"
  run -5 slipway down --timeout 1s
  kill -9 "$(control_pid)"
  "$SLIPWAY" serve --dir "$TREE" >"$WORK/serve.log" 2>&1 3>&- &
  wait "$!"
  grep -q "going on with taking everything down" "$WORK/serve.log"
  [ ! -e "$WORK/state" ]
}

@test "an up takes back a down whose control plane was killed" {
  stubborn_service
  run -0 slipway up "$TREE"
  run -5 slipway down --timeout 1s
  kill -9 "$(control_pid)"
  run -0 slipway up "$TREE"
  eventually 30 status_is stubborn.main '.state == "running" and .healthy == 1'
  slipway status -o json | jq -e '.shutting_down | not'
}
