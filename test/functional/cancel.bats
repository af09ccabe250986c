# A build under way holds nobody up: the control plane ends with it, and nothing of it is left.
load support
setup() {
  setup_scenario
  mkdir -p "$TREE/slow/app"
  install -m 755 "$(command -v busybox)" "$TREE/slow/app/busybox"
  # The odd number tells our sleep from others.
  printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sleep", "300.%s"]\n' "$$" \
    >"$TREE/slow/app/Dockerfile"
  printf 'main:\n  build: app\n  cmd: [/bin/busybox, true]\n' >"$TREE/slow/run.yaml"
  slipway up "$TREE" --detach
  eventually 60 builder
}
teardown() { teardown_scenario; }

builder() { pgrep -f "sleep 300.$$\$|buildah.*$WORK"; }
nobody_builds() { ! builder; }

@test "down does not wait for a build, and nothing of it is left" {
  run -0 slipway down --timeout 60s
  run builder
  [ "$status" != 0 ]
  [ ! -e "$WORK/state" ]
  run ! grep "$WORK" /proc/mounts
}

@test "down --keep ends the build, and the next control plane begins it anew" {
  run -0 slipway down --keep
  eventually 20 nobody_builds
  run -0 slipway up "$TREE" --detach
  eventually 60 builder
  # What the first build left half-done was swept; the second one's is there.
  run -0 unshare --mount buildah --root "$WORK/state/engine/images/buildah/root" --runroot "$WORK/state/engine/images/buildah/run" \
    containers --quiet
  [ "${#lines[@]}" -le 2 ]
}
