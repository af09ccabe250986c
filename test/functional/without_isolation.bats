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

@test "a user without rights brings it up, is told, and takes down all of it" {
  chown -R nobody "$WORK"
  cp "$SLIPWAY" "$WORK/slipway" && chmod 755 "$WORK/slipway"  # the build may lie where others may not look
  slipway() {
    (cd "$TREE" && HOME=$WORK setpriv --reuid=nobody --regid=nogroup --clear-groups "$WORK/slipway" "$@")
  }
  sed -i '/^isolation:/d' "$TREE/slipway.yaml"  # auto: for who is not root that is none
  seconds=$((100000 + RANDOM))
  service web <<EOF
main:
  cmd: (setsid env -i sleep $seconds.1 &); setsid sleep $seconds.2 & sleep $seconds.3 & exec sleep $seconds.4
  instances: 2
  net: host
EOF
  run -0 slipway up "$TREE"
  run -0 slipway status
  [[ "$output" == *"tasks are not isolated"* ]]
  eventually 10 eight_sleep "$seconds"
  [ "$(ps -o user= -p "$(pgrep -f "^sleep $seconds" | head -1)")" = nobody ]
  run -0 slipway down
  run -1 pgrep -f "^sleep $seconds"
}

eight_sleep() { [ "$(pgrep -cf "^sleep $1")" = 8 ]; }
