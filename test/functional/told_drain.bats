# Drain methods http and command: a task is told once that it is to go, and stopped when it says that it may be.
load support
setup() {
  setup_scenario
  # What the tasks are told and answer, for both sides to see.
  SHARED=$WORK/shared
  mkdir -p "$SHARED/www/cgi-bin"
  # drain counts; drained succeeds as soon as there is a file `safe`.
  cat >"$SHARED/www/cgi-bin/drain" <<'EOF'
#!/bin/sh
echo "$REQUEST_METHOD $SLIPWAY_TASK" >>/mnt/told
printf 'HTTP/1.0 202 Accepted\r\n\r\n'
EOF
  cat >"$SHARED/www/cgi-bin/drained" <<'EOF'
#!/bin/sh
if [ -e /mnt/safe ]; then printf 'HTTP/1.0 200 OK\r\n\r\n'; else printf 'HTTP/1.0 503 Busy\r\n\r\none job left\n'; fi
EOF
  echo fine >"$SHARED/www/index.html"
  chmod 755 "$SHARED/www/cgi-bin"/*
  chmod 777 "$SHARED"
}
teardown() { teardown_scenario; }

# told_service VERSION TIMEOUT METHOD PARAMS
told_service() {
  service web <<EOF
main:
  cmd: exec busybox httpd -f -p "\$PORT" -h /mnt/www
  env: {VERSION: "$1"}
  instances: 2
  cpus: 0.1
  mem: 64
  container_port: 8080
  healthcheck_uri: /
  healthcheck_interval_seconds: 1
  extra_volumes: [{container_path: /mnt, host_path: $SHARED, mode: RW}]
  drain_timeout_seconds: $2
  drain_method: $3
  drain_method_params: {$4}
EOF
}
HTTP='drain: POST /cgi-bin/drain, safe: GET /cgi-bin/drained'
COMMAND='drain: "echo \"command $SLIPWAY_TASK\" >> /mnt/told", safe: "echo not yet; test -e /mnt/safe"'

told() { sort "$SHARED/told" 2>/dev/null; }
ids_of() { tasks_of web.main | cut -f1; }
told_twice() { [ "$(told | wc -l)" = 2 ]; }

# rolls_and_tells METHOD PARAMS WORD: both old tasks are told once, by WORD, and live until they say that they are safe.
rolls_and_tells() {
  told_service 1 120 "$1" "$2"
  run -0 slipway up "$TREE"
  before=$(ids_of)
  told_service 2 120 "$1" "$2"
  eventually 60 told_twice
  eventually 20 status_is web.main '(.draining | length == 2) and .healthy == 2'
  eventually 20 reason_has web.main "has not said that it is done"
  [ "$(ids_of | grep -cFx "$before")" = 2 ]
  touch "$SHARED/safe"
  eventually 60 status_is web.main '.state == "running" and (.tasks | length == 2) and (.revisions | length == 1)'
  [ "$(told)" = "$(sed "s/^/$3 /" <<<"$before" | sort)" ]
  ! slipway events --limit 100 | grep -q "is stopped though"
}

@test "http: old tasks are told once each, and stopped only when they say that they are safe" {
  rolls_and_tells http "$HTTP" POST
}

@test "command: the same, run inside the task" {
  rolls_and_tells command "$COMMAND" command
}

@test "a drain that never becomes safe ends at its timeout and says so" {
  told_service 1 3 http "$HTTP"
  run -0 slipway up "$TREE"
  told_service 2 3 http "$HTTP"
  eventually 60 status_is web.main '.state == "running" and (.tasks | length == 2) and (.revisions | length == 1) and (.tasks[0].id | . != null)'
  eventually 60 bash -c "cd '$TREE' && '$SLIPWAY' events --limit 100 | grep 'is stopped though it has not said that it is done: GET /cgi-bin/drained answered 503: one job left'"
  told_twice
}
