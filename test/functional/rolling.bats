# A changed file rolls to the new version while requests go on, and none of them fails.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

new_version_serves() {
  status_is web.main '.state == "running" and .healthy == 3 and (.revisions | length == 1)' &&
    curl -fsS "http://127.0.0.1:$port/" | grep -q "version 2"
}

@test "a bounce under load loses no request" {
  port=$(free_port)
  web_service web 3 "$port"
  run -0 slipway up "$TREE"
  (
    failed=0 served=0
    while [ -d "$WORK" ] && [ ! -e "$WORK/stop" ]; do
      if curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$port/"; then served=$((served + 1)); else failed=$((failed + 1)); fi
    done
    echo "$served $failed" >"$WORK/load"
  ) 3>&- &
  load=$!
  web_service web 3 "$port" 2
  eventually 60 new_version_serves
  touch "$WORK/stop"
  wait "$load"
  read -r served failed <"$WORK/load"
  echo "served $served, failed $failed"
  [ "$served" -gt 0 ]
  [ "$failed" = 0 ]
  slipway history web.main | grep -q 'VERSION'
}

@test "an unchanged file restarts nothing, reordered keys included" {
  port=$(free_port)
  web_service web 1 "$port"
  run -0 slipway up "$TREE"
  before=$(tasks_of web.main)
  { echo 'main:'; sed 1d "$TREE/web/run.yaml" | tac; } >"$WORK/reordered"
  cp "$WORK/reordered" "$TREE/web/run.yaml"
  run -0 slipway up "$TREE"
  [ "$(tasks_of web.main)" = "$before" ]
}
