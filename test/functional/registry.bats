# Images from a registry: the real one of Debian's package, on this machine, with a port and a folder of its own.
load support
setup() {
  setup_scenario
  REGISTRY_PORT=$(free_port)
  IMAGE=docker://127.0.0.1:$REGISTRY_PORT/shop/tool:v1
  plain_image >/dev/null
  printf 'main:\n  image: %s\n  cmd: [/bin/busybox, sleep, "100000"]\n' "$IMAGE" | service tool
  printf 'main:\n  cmd: [sleep, "100000"]\n' | service other
}
teardown() {
  [ -z "${REGISTRY:-}" ] || kill "$REGISTRY" 2>/dev/null || true
  teardown_scenario
}

start_registry() {
  cat >"$WORK/registry.yml" <<EOF
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $WORK/registry}}
http: {addr: "127.0.0.1:$REGISTRY_PORT"}
EOF
  docker-registry serve "$WORK/registry.yml" >"$WORK/registry.log" 2>&1 3>&- &
  REGISTRY=$!
  eventually 30 curl -fsS "http://127.0.0.1:$REGISTRY_PORT/v2/"
}
push() { skopeo copy -q --dest-tls-verify=false "oci:$WORK/layout:v1" "$IMAGE"; }
tool_runs() { status_is tool.main '.state == "running" and .healthy == 1'; }

@test "a service runs from a registry's image" {
  start_registry
  push
  run -0 slipway up "$TREE"
  tool_runs
  [ "$(slipway exec tool.main -- /bin/busybox ls -A /bin)" = busybox ]
}

@test "a tag that the registry does not have is named, and runs once it is pushed" {
  start_registry
  run -1 slipway up "$TREE"
  eventually 30 reason_has tool.main "127.0.0.1:$REGISTRY_PORT/shop/tool:v1.*unknown"
  eventually 30 status_is other.main '.healthy == 1'
  push
  eventually 90 tool_runs
}

@test "a registry that refuses is named, and its image runs once it is back" {
  run -1 slipway up "$TREE"
  eventually 30 reason_has tool.main "127.0.0.1:$REGISTRY_PORT.*connection refused"
  eventually 30 status_is other.main '.healthy == 1'
  start_registry
  push
  eventually 90 tool_runs
}
