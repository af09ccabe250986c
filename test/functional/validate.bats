# A tree with ten different mistakes: ten lines with positions, exit code 4.
load support

@test "validate finds each mistake" {
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  run -4 --separate-stderr "$SLIPWAY" validate "$BATS_TEST_DIRNAME/../golden/mistakes"
  [ "${#lines[@]}" = 10 ]
  for line in "${lines[@]}"; do [[ "$line" =~ ^[^:]+\.yaml:[0-9]+:[0-9]+:\  ]]; done
}

@test "validate is content with the example" {
  SLIPWAY=${SLIPWAY:-$BATS_TEST_DIRNAME/../../build/dev/bin/slipway}
  run -0 "$SLIPWAY" validate "$BATS_TEST_DIRNAME/../../examples/shop"
}
