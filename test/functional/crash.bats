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
  pid=$(cat /sys/fs/cgroup/pids/slipway/test/"$task"/cgroup.procs /sys/fs/cgroup/slipway/test/"$task"/cgroup.procs 2>/dev/null | head -1)
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
