# What an operator says live: it has an owner and a reason, shows in status, and can be taken back.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

@test "scale, stop, start, pause, resume, restart" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"

  run -0 slipway scale web.main 3 --reason "a sale" --for 2h
  eventually 30 status_is web.main '.healthy == 3 and .overrides[0].kind == "scale" and .overrides[0].reason == "a sale"'
  touch "$TREE/web/run.yaml"
  run -0 slipway stop web.main
  eventually 30 status_is web.main '.state == "stopped" and (.tasks | length == 0)'
  run -0 slipway start web.main
  eventually 30 status_is web.main '.healthy == 2 and .overrides == []'

  run -0 slipway pause web.main
  web_service web 2 "$port" 2
  eventually 10 status_is web.main '.overrides[0].kind == "pause"'
  status_is web.main '.revisions | length == 1'
  run -0 slipway resume web.main
  eventually 30 status_is web.main '.healthy == 2 and (.revisions | length == 1) and .overrides == []'
  eventually 30 bash -c "curl -fsS http://127.0.0.1:$port/ | grep -q 'version 2'"
  eventually 30 status_is web.main '.healthy == 2 and (.revisions | length == 1)'

  before=$(tasks_of web.main | cut -f1)
  run -0 slipway restart web.main --wait
  eventually 30 status_is web.main '.healthy == 2 and (.revisions | length == 1) and .state == "running"'
  after=$(tasks_of web.main | cut -f1)
  [ "$before" != "$after" ]

  run -3 slipway stop web.mian
  [[ "$output" == *"web.main"* ]]
}
