# A load balancer that does not answer holds up nobody who does not need it, and is replaced.
load support
setup() { setup_scenario; }
teardown() {
  [ -z "${SILENT:-}" ] || kill -CONT "$SILENT" 2>/dev/null || true
  teardown_scenario
}

worker_service() {
  printf 'main:\n  cmd: [sleep, "100000"]\n  instances: 2\n  cpus: 0.1\n  mem: 32\n  env: {VERSION: "%s"}\n' "$1" |
    service worker
}
master() { cut -d' ' -f1 "$WORK/state/proxy/haproxy.pid"; }
other_master() { [ "$(master)" != "$SILENT" ]; }
answers() { curl -fsS --max-time 5 "http://127.0.0.1:$1/" | grep -q "version $2 of"; }
rolled() {
  [ "$(tasks_of worker.main | cut -f1 | sort | comm -12 - "$WORK/before" | wc -l)" = 0 ] &&
    status_is worker.main '.state == "running" and .healthy == 2'
}

@test "a stopped HAProxy: others are rolled, it is replaced, and all can be taken down" {
  port=$(free_port)
  web_service web 2 "$port"
  worker_service 1
  run -0 slipway up "$TREE"
  tasks_of worker.main | cut -f1 | sort >"$WORK/before"
  SILENT=$(master)
  kill -STOP "$SILENT"
  worker_service 2
  web_service web 2 "$port" 2
  eventually 60 rolled
  eventually 60 other_master
  eventually 60 answers "$port" 2
  eventually 60 status_is web.main '.state == "running" and .healthy == 2'
  run ! kill -0 "$SILENT"

  SILENT=$(master)
  kill -STOP "$SILENT"
  run -0 slipway down --timeout 90s
  run ! kill -0 "$SILENT"
}
