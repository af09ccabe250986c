# Images that never become ready hold up nobody else's.
load support
setup() { setup_scenario; }
teardown() { teardown_scenario; }

# hanging_build NAME SECONDS: a service whose image is built by a command that sleeps so long.
hanging_build() {
  mkdir -p "$TREE/$1/app"
  cp "$(command -v busybox)" "$TREE/$1/app/busybox"
  cat >"$TREE/$1/app/Dockerfile" <<EOF
FROM scratch
COPY busybox /bin/busybox
LABEL service=$1
RUN ["/bin/busybox", "sleep", "$2"]
EOF
  printf 'main:\n  build: app\n' | service "$1"
}

builds_hang() { [ "$(pgrep -fc "^/bin/busybox sleep $1\$")" -ge "$2" ]; }

@test "builds that hang keep no other service's image waiting, and end with the control plane" {
  plain_image >/dev/null
  # Told apart from whatever else sleeps on this machine.
  long=10000$(free_port)
  for name in one two three four; do hanging_build $name "$long"; done
  run -0 slipway up "$TREE" --detach
  eventually 60 builds_hang "$long" 2
  service good <<EOF
main:
  image: oci:$WORK/layout:v1
  cmd: [/bin/busybox, sleep, "100000"]
EOF
  eventually 60 status_is good.main '.state == "running" and .healthy == 1'
  reason_has one.main "building image"
  run -0 slipway down --timeout 60s
  run ! builds_hang "$long" 1
}
