# Each kind of trouble ends in a clear reason in `status` and `why`, hurts no other service, and mends itself.
load support
setup() {
  setup_scenario
  port=$(free_port)
  web_service good 1 "$port"
}
teardown() {
  [ -z "${HOLDER:-}" ] || kill "$HOLDER" 2>/dev/null || true
  teardown_scenario
}

# `up` returns as soon as it knows what cannot come up, and --detach at once, so the rest may still be on its way.
good_serves() { eventually 30 good_answers; }
good_answers() { curl -fsS "http://127.0.0.1:$port/" >/dev/null && status_is good.main '.healthy == 1'; }

mended() { status_is "$1.main" '.state == "running" and .healthy == 1'; }

@test "an image that does not exist, then exists" {
  printf 'main:\n  image: "oci:%s/layout:v1"\n  cmd: [/bin/busybox, sleep, "100000"]\n' "$WORK" | service bad
  run -1 slipway up "$TREE"
  eventually 30 reason_has bad.main "$WORK/layout"
  good_serves
  plain_image >/dev/null
  eventually 90 mended bad
}

@test "a Dockerfile that fails, with its last lines, then builds" {
  mkdir -p "$TREE/bad"
  printf 'FROM scratch\nCOPY busybox-missing /\n' >"$TREE/bad/Dockerfile"
  printf 'main:\n  build: .\n  cmd: [/busybox-missing, sleep, "100000"]\n' >"$TREE/bad/run.yaml"
  run -1 slipway up "$TREE"
  eventually 60 reason_has bad.main busybox-missing
  good_serves
  cp "$(command -v busybox)" "$TREE/bad/busybox-missing"
  eventually 90 mended bad
}

@test "a command that does not exist, then exists" {
  printf 'main:\n  cmd: [/no/such/command]\n' | service bad
  run -1 slipway up "$TREE"
  eventually 30 reason_has bad.main /no/such/command
  good_serves
  printf 'main:\n  cmd: [sleep, "100000"]\n' | service bad
  eventually 30 status_is bad.main '.state == "running"'
}

@test "a port that nobody listens on, and a check that never passes, until they do" {
  printf 'main:\n  cmd: [sleep, "100000"]\n  container_port: 8080\n  healthcheck_mode: tcp\n  healthcheck_grace_period_seconds: 2\n  healthcheck_interval_seconds: 1\n' | service deaf
  printf 'main:\n  cmd: [sleep, "100000"]\n  healthcheck_mode: cmd\n  healthcheck_cmd: "false"\n  healthcheck_grace_period_seconds: 2\n  healthcheck_interval_seconds: 1\n' | service sick
  run -0 slipway up "$TREE" --detach
  eventually 40 reason_has deaf.main refused
  eventually 40 reason_has sick.main "exit code 1\|exited with\|exit 1"
  good_serves
  sed -i 's/cmd: .*sleep.*/cmd: exec busybox httpd -f -p "$PORT"/' "$TREE/deaf/run.yaml"
  sed -i 's/healthcheck_cmd: .*/healthcheck_cmd: "true"/' "$TREE/sick/run.yaml"
  eventually 60 mended deaf
  eventually 60 mended sick
}

@test "out of memory, then with enough of it" {
  printf 'main:\n  cmd: head -c 24000000 /dev/zero | tail -c 24000000 >/dev/null && exec sleep 100000\n  mem: 16\n' | service hog
  run -0 slipway up "$TREE" --detach
  eventually 40 reason_has hog.main "out of memory"
  eventually 20 status_is hog.main '.tasks[0].oom_killed'
  good_serves
  sed -i 's/mem: 16/mem: 128/' "$TREE/hog/run.yaml"
  eventually 60 mended hog
}

@test "a taken proxy port, then free" {
  taken=$(free_port)
  busybox httpd -f -p "127.0.0.1:$taken" -h "$WORK" >/dev/null 2>&1 3>&- &
  HOLDER=$!
  eventually 10 curl -s "http://127.0.0.1:$taken/"
  web_service late 1 "$taken"
  run -0 slipway up "$TREE" --detach
  eventually 40 reason_has late.main "$taken"
  good_serves
  kill "$HOLDER" && unset HOLDER
  eventually 40 curl -fsS "http://127.0.0.1:$taken/"
  eventually 20 status_is late.main '.state == "running"'
}

@test "two services with one domain: the second is named, the first serves, until it is gone" {
  for name in one two; do
    web_service $name 1 "$(free_port)"
    sed -i 's/proxy: {port: \(.*\)}/proxy: {port: \1, domains: [shop.test]}/' "$TREE/$name/run.yaml"
  done
  run slipway up "$TREE"
  [ "$status" != 0 ]
  [[ "$output" == *shop.test* ]]
  eventually 20 status_is one.main '.healthy == 1'
  good_serves
  rm -r "$TREE/one"
  eventually 60 domain_is_of two
}

# reached NAME PORT DOMAIN: a web service with a port of its own and a domain.
reached() {
  web_service "$1" 1 "$2"
  sed -i "s/proxy: .*/proxy: {port: $2, domains: [$3]}/" "$TREE/$1/run.yaml"
}
by_domain() { curl -fsS -H "Host: $1" "http://127.0.0.1:$(sed -n 's/.*http_port: //p' "$TREE/slipway.yaml")/"; }
domain_is_of() { by_domain shop.test | grep -q "of $1-"; }
# Requests without a pause, until $WORK/enough is there; each that fails leaves a line in $WORK/failed.
ask_on() {
  until [ -e "$WORK/enough" ]; do
    by_domain shop.test >/dev/null || echo "domain" >>"$WORK/failed"
    curl -fsS "http://127.0.0.1:$1/" >/dev/null || echo "port" >>"$WORK/failed"
    echo >>"$WORK/asked"
  done 2>>"$WORK/failed"
}
asked_more() { [ "$(wc -l <"$WORK/asked")" -gt "$1" ]; }
api_is_refused() {
  slipway status 2>&1 | grep -q 'api/run.yaml.*"shop.test" belongs to web.main: .*web/run.yaml'
}

@test "a newcomer with the domain of a service that runs takes it only when that gives it up" {
  web_port=$(free_port) api_port=$(free_port)
  reached web "$web_port" shop.test
  run -0 slipway up "$TREE"
  eventually 20 by_domain shop.test
  ask_on "$web_port" 3>&- &
  HOLDER=$!
  reached api "$api_port" Shop.test
  sed -i 's/Shop.test/shop.test/' "$TREE/api/run.yaml"
  eventually 20 api_is_refused
  eventually 90 asked_more "$(($(wc -l <"$WORK/asked") + 100))"

  # The next control plane knows who has it from what was stored.
  slipway down --keep
  run -1 slipway up "$TREE" --detach
  eventually 20 api_is_refused
  eventually 90 asked_more "$(($(wc -l <"$WORK/asked") + 100))"
  touch "$WORK/enough"
  wait "$HOLDER" && unset HOLDER
  [ ! -s "$WORK/failed" ] || { cat "$WORK/failed"; false; }
  status_is web.main '.healthy == 1'

  reached web "$web_port" other.test
  eventually 40 bash -c "curl -fsS -H 'Host: shop.test' http://127.0.0.1:$(sed -n 's/.*http_port: //p' "$TREE/slipway.yaml")/ | grep -q 'of api-'"
  by_domain other.test | grep -q "of web-"
}

@test "invalid YAML and unknown keys fail that service alone" {
  printf 'main:\n  cmd: [sleep\n' | service broken
  printf 'main:\n  cmd: [sleep, "100000"]\n  instnaces: 2\n' | service typo
  run slipway up "$TREE"
  [ "$status" != 0 ]
  [[ "$output" == *instances* ]]
  good_serves
  printf 'main:\n  cmd: [sleep, "100000"]\n  instances: 2\n' | service typo
  eventually 30 status_is typo.main '.healthy == 2'
}

@test "a full disk under the state directory" {
  mkdir -p "$WORK/disk"
  mount -t tmpfs -o size=12m tmpfs "$WORK/disk"
  sed -i "s|^state: .*|state: $WORK/disk/state|" "$TREE/slipway.yaml"
  run -0 slipway up "$TREE"
  head -c 64m /dev/zero >"$WORK/disk/filler" 2>/dev/null || true
  printf 'main:\n  cmd: [sleep, "100000"]\n  instances: 2\n' | service late
  eventually 40 bash -c "cd $TREE && $SLIPWAY status 2>&1 | grep -iq 'no space\|disk'"
  curl -fsS "http://127.0.0.1:$port/" >/dev/null
  rm "$WORK/disk/filler"
  eventually 60 status_is late.main '.healthy == 2'
  slipway down --timeout 60s
  umount "$WORK/disk"
}
