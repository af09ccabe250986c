# A changed file rolls to the new version while requests go on, and none of them fails.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

# pages VERSION: three tasks, whose one page answers GET and, with what it was sent, POST.
pages() {
  mkdir -p "$WORK/www/cgi-bin"
  cat >"$WORK/www/cgi-bin/page" <<'EOF'
#!/bin/sh
sent=
[ "$REQUEST_METHOD" != POST ] || read -r sent
answer="version $VERSION: $REQUEST_METHOD $sent"
printf 'Content-Type: text/plain\r\nContent-Length: %s\r\n\r\n%s' "${#answer}" "$answer"
EOF
  chmod 755 "$WORK/www/cgi-bin/page"
  service web <<EOF
main:
  cmd: exec busybox httpd -f -p "\$PORT" -h /mnt
  env: {VERSION: "$1"}
  instances: 3
  cpus: 0.1
  mem: 64
  container_port: 8080
  healthcheck_uri: /cgi-bin/page
  healthcheck_interval_seconds: 1
  extra_volumes: [{container_path: /mnt, host_path: $WORK/www, mode: RO}]
  proxy: {port: $port}
EOF
}

# keep_asking METHOD CURL-ARGUMENTS...: until told to stop; then writes down how many requests were answered as they
# should be, and how many were not. curl itself tries nothing twice.
keep_asking() {
  local method=$1 answer served=0 failed=0
  shift
  while [ -d "$WORK" ] && [ ! -e "$WORK/stop" ]; do
    answer=$(curl -fsS -m 5 "$@" "http://127.0.0.1:$port/cgi-bin/page")
    case $answer in
      "version "[12]": $method $SENT") served=$((served + 1)) ;;
      *) failed=$((failed + 1)) && echo "$method failed: '$answer'" ;;
    esac
  done
  echo "$served $failed" >"$WORK/asked.$method"
}

new_version_serves() {
  status_is web.main '.state == "running" and .healthy == 3 and (.revisions | length == 1)' &&
    curl -fsS "http://127.0.0.1:$port/cgi-bin/page" | grep -q "version 2"
}

@test "a bounce under load loses no request, be it GET or POST" {
  port=$(free_port)
  pages 1
  run -0 slipway up "$TREE"
  SENT='' keep_asking GET 3>&- &
  SENT='three apples' keep_asking POST --data-binary $'three apples\n' 3>&- &
  pages 2
  eventually 60 new_version_serves
  touch "$WORK/stop"
  wait
  for method in GET POST; do
    read -r served failed <"$WORK/asked.$method"
    echo "$method: served $served, failed $failed"
    [ "$served" -gt 0 ]
    [ "$failed" = 0 ]
  done
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
