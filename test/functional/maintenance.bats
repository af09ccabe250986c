# A machine is emptied, deploys are frozen, a wrong health check is left out: what is held back says why.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

control_pid() { slipway version -o json | jq -r .control_plane.pid; }
node_is() { slipway nodes -o json | jq -e ".nodes[0] | select($1)" >/dev/null; }

@test "the only node is drained: its tasks stay, status says why, and a new control plane still knows" {
  web_service web 2 "$(free_port)"
  run -0 slipway up "$TREE"
  node=$(slipway nodes -o json | jq -r '.nodes[0].id')
  before=$(tasks_of web.main)

  run -3 slipway drain "$node-x"
  [[ "$output" == *"'$node'"* ]]
  run -0 slipway drain "$node" --reason "new disk"
  node_is '.draining'
  eventually 20 reason_has web.main "no node takes tasks: 1 is being drained ($node)"
  slipway events --limit 20 | grep -q "node $node is drained by .*: new disk"
  run -5 slipway drain "$node" --wait --timeout 2s
  [[ "$output" == *"2 tasks still on $node"* ]]

  kill -9 "$(control_pid)"
  run -0 slipway up "$TREE" --detach
  node_is '.draining'
  [ "$(tasks_of web.main)" = "$before" ]
  slipway why web.main | grep -q "node $node, with 2 tasks, is being drained"

  run -0 slipway undrain "$node"
  node_is '.draining | not'
  eventually 20 status_is web.main '.state == "running" and .reason == null'
  [ "$(tasks_of web.main)" = "$before" ]
}

@test "a freeze holds deploys back and nothing else" {
  port=$(free_port)
  web_service web 2 "$port"
  run -0 slipway up "$TREE"
  run -0 slipway freeze --for 2h --reason "an incident"
  slipway status 2>&1 | grep -q "FROZEN, no deploy begins: freeze by .*: an incident"
  slipway status -o json | jq -e '.freeze.reason == "an incident"'
  web_service web 3 "$port" 2
  eventually 20 reason_has web.main "waits: all deploys of the cluster are frozen"
  eventually 30 status_is web.main '.healthy == 3 and (.revisions | length == 1)'
  curl -fsS "http://127.0.0.1:$port/" | grep -q "version 1"

  run -0 slipway unfreeze
  eventually 60 bash -c "curl -fsS http://127.0.0.1:$port/ | grep -q 'version 2'"
  eventually 60 status_is web.main '.state == "running" and .reason == null and (.revisions | length == 1)'
  slipway status -o json | jq -e '.freeze == null'
  run -0 slipway unfreeze
  [[ "$output" == *"nothing to lift"* ]]
}

@test "a wrong health check is left out until it is heeded again" {
  web_service web 1 "$(free_port)"
  sed -i 's|healthcheck_uri: /|healthcheck_uri: /nothing-here|' "$TREE/web/run.yaml"
  run -0 slipway up "$TREE" --detach
  eventually 30 status_is web.main '(.tasks | length == 1) and .healthy == 0'
  run -0 slipway skip-health web.main --for 1h --reason "the check is wrong"
  eventually 30 status_is web.main '.healthy == 1 and .overrides[0].kind == "skip_health"'
  slipway why web.main | grep -q "health checks are skipped by .*: the check is wrong"
  run -0 slipway check-health web.main
  eventually 30 status_is web.main '.healthy == 0 and .overrides == []'

  run -3 slipway skip-health web.mian
  [[ "$output" == *"web.main"* ]]
  run -2 slipway scale web.main -1
}
