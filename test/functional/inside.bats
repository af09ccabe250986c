# Looking inside: logs, exec, run.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

err_is_told() { slipway logs talker.main -o json | jq -e 'select(.stream == "err") | .text == "to err"'; }

@test "logs, exec and run" {
  service talker <<'EOF'
main:
  cmd: echo "to out"; echo "to err" >&2; exec sleep 100000
  mem: 64
EOF
  run -0 slipway up "$TREE"
  eventually 20 bash -c "cd $TREE && $SLIPWAY logs talker.main | grep -q 'to out'"
  eventually 20 err_is_told

  task=$(slipway status -o json | jq -r '.instances[0].tasks[0].id')
  run -0 slipway exec "$task" -- sh -c 'echo hello $SLIPWAY_TASK'
  [ "$output" = "hello $task" ]
  run -7 slipway exec "$task" -- sh -c 'exit 7'
  echo "through stdin" | slipway exec "$task" -- cat | grep -q "through stdin"

  run -0 slipway run talker.main -- sh -c 'echo once'
  [[ "$output" == *once* ]]
  run -5 slipway run talker.main -- sh -c 'exit 5'
}
