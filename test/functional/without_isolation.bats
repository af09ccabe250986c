# Without containers: plain processes, said loudly, with the same commands and the same healing.
load support
setup() { setup_scenario; echo 'isolation: none' >>"$TREE/slipway.yaml"; }
teardown() { teardown_scenario; }

@test "plain processes come up, are routed, are adopted, and go down" {
  port=$(free_port)
  mkdir -p "$WORK/www" && echo fine >"$WORK/www/index.html"
  service web <<EOF
main:
  cmd: exec busybox httpd -f -p "127.0.0.1:\$PORT" -h $WORK/www
  instances: 2
  container_port: 8080
  healthcheck_uri: /
  net: host
  proxy: {port: $port}
EOF
  run -0 slipway up "$TREE"
  curl -fsS "http://127.0.0.1:$port/" | grep -q fine
  slipway status 2>&1 | grep -iq isolat
  before=$(tasks_of web.main)
  kill -9 "$(slipway version -o json | jq -r .control_plane.pid)"
  run -0 slipway up "$TREE"
  [ "$(tasks_of web.main)" = "$before" ]
  run -0 slipway down
  ! pgrep -f "$WORK/www"
}
