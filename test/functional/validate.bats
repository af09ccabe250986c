# Trees with one of every kind of mistake: a line with its place for each, exit code 4.
load support

mistakes() {
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  local tree=$BATS_TEST_DIRNAME/../golden/$1
  run -4 --separate-stderr "$SLIPWAY" validate "$tree"
  [ "${#lines[@]}" = "$(wc -l <"$tree.txt")" ]
  for line in "${lines[@]}"; do [[ "$line" =~ ^[^:]+\.(yaml|json):[0-9]+:[0-9]+:\  ]]; done
}

@test "validate finds each mistake of our files" {
  mistakes mistakes
}

@test "validate finds each mistake of PaaSTA's files" {
  mistakes mistakes_paasta
}

@test "validate is content with the example" {
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  run -0 "$SLIPWAY" validate "$BATS_TEST_DIRNAME/../../examples/shop"
}
