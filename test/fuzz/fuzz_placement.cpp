// Whatever becomes of a cluster, plan::Room places and explains as its naive twin does.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "base/check.h"
#include "support/byte_random.h"
#include "support/placement_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  slipway::test::ByteRandom random({data, size});
  slipway::test::PlacementCase life(random);
  for (int step = 0; step < 200 && !random.empty(); ++step) {
    const std::string difference = life.run(1);
    if (!difference.empty()) std::fprintf(stderr, "%s\n", difference.c_str());
    CHECK(difference.empty());
  }
  return 0;
}
