// Whatever the counts, decide_bounce agrees with the naive reading of the table, and one line of
// `slipway internal bounce` is answered by one line of JSON.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "plan/bounce.h"
#include "support/bounce_twin.h"
#include "support/byte_random.h"

namespace {

void check_decision(slipway::Random& random) {
  using slipway::model::BounceMethod;
  constexpr BounceMethod kMethods[] = {BounceMethod::Crossover, BounceMethod::Brutal,
                                       BounceMethod::UpThenDown, BounceMethod::DownThenUp};
  slipway::plan::BounceInput input;
  input.method = kMethods[random.below(4)];
  input.count = static_cast<int>(random.below(256));
  input.margin = static_cast<double>(1 + random.below(250)) / 250;
  input.new_exists = random.below(2) == 0;
  input.happy_new = static_cast<int>(random.below(256));
  const uint64_t old = random.below(256);
  for (uint64_t task = 0; task < old; ++task) input.old.push_back(std::to_string(task));
  CHECK(slipway::plan::decide_bounce(input) == slipway::test::naive_bounce(input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  slipway::test::ByteRandom random({data, size});
  check_decision(random);
  const std::string answer =
      slipway::plan::bounce_line(std::string(reinterpret_cast<const char*>(data), size));
  CHECK(answer.find('\n') == std::string::npos);
  CHECK(slipway::Json::parse(answer).has_value());
  return 0;
}
