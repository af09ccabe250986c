# The resolved configuration, offline: a tree in PaaSTA's layout, and trees with something wrong.
load support

setup() {
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  TREE=$BATS_TEST_TMPDIR/tree
  cp -r "$BATS_TEST_DIRNAME/../../examples/paasta" "$TREE"
}

show() { "$SLIPWAY" config show --config "$TREE" "$@"; }

@test "a tree in PaaSTA's layout is shown whole" {
  run -0 --separate-stderr show --cluster prod -o json
  [ "$(jq -r 'keys | join(" ")' <<<"$output")" = \
    "reports.nightly.collect reports.nightly.mail web.canary web.main" ]
  [ "$(jq -c '.["web.main"] | [.cpus, .env.VERBOSE, .instances.max, .pool, .healthcheck.uri, .drain_method]' <<<"$output")" = \
    '[0.5,"False",6,"web","/health","hacheck"]' ]
  [ "$(jq -r '.["web.canary"].version' <<<"$output")" = null ]
  [ "$(jq -r '.["reports.nightly.mail"].version.docker_image' <<<"$output")" = \
    "services-web:paasta-3f9c2b7a41d03f9c2b7a41d03f9c2b7a41d03f9c" ]
}

@test "the only cluster that the files name need not be said" {
  run -0 --separate-stderr show web.main -o json
  [ "$(jq -r '.["web.main"].cluster' <<<"$output")" = prod ]
}

@test "a cluster that no file is for is an error that tells which there are" {
  run -3 --separate-stderr show --cluster dev -o json
  [[ "$stderr" = *"the files are for prod"* ]]
  touch "$TREE/web/eks-east.yaml"
  run -3 --separate-stderr show -o json
  [[ "$stderr" = *"east, prod"* ]]
}

@test "a broken service leaves the others, and valid JSON" {
  mkdir "$TREE/api"
  echo "main: [" > "$TREE/api/kubernetes-prod.yaml"
  run -4 --separate-stderr show --cluster prod -o json
  [ "$(jq 'length' <<<"$output")" = 4 ]
  [[ "$stderr" = *"api/kubernetes-prod.yaml:"* ]]
}
