#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace slipway {

std::string Random::token(int length) {
  constexpr char kLetters[] = "bcdfghjkmnpqrstvwxz23456789";
  std::string text;
  for (int i = 0; i < length; ++i) text += kLetters[below(sizeof kLetters - 1)];
  return text;
}

uint64_t SystemRandom::next() {
  uint64_t value = 0;
  CHECK(getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value));
  return value;
}

uint64_t SeededRandom::next() {
  state_ += 0x9E3779B97F4A7C15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace slipway
