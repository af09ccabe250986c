// A fuzzer's bytes as randomness: each draw uses one byte, so that a changed byte changes one decision.
// Beyond the last byte all draws are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"

namespace slipway::test {

class ByteRandom final : public Random {
 public:
  explicit ByteRandom(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // The byte stands in front, where below() reads it: of bounds up to 256 every value can come.
  uint64_t next() override { return at_ < bytes_.size() ? static_cast<uint64_t>(bytes_[at_++]) << 56 : 0; }
  bool empty() const { return at_ >= bytes_.size(); }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace slipway::test
