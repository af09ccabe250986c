// Randomness as an argument, so that a simulation can be replayed from its seed.
#pragma once

#include <cstdint>
#include <string>

namespace slipway {

// Thread-safety is the implementation's: SystemRandom may be used from any thread, SeededRandom from one.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0. By Lemire's multiplication, without rejection: the bias is below 2^-32
  // for the bounds used here.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<__uint128_t>(next()) * bound) >> 64);
  }
  // `length` letters and digits that are hard to confuse when read aloud (no vowels, no 0/1).
  std::string token(int length);
};

class SystemRandom final : public Random {
 public:
  uint64_t next() override;
};

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() override;

 private:
  uint64_t state_;
};

}  // namespace slipway
