// How much a store keeps. Every implementation keeps the same, so that a fake behaves like the real thing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace slipway::state {

// Two months of a busy instance that is deployed twice a working day.
constexpr int64_t kBouncesPerInstance = 100;
// Over all instances: those long gone from the files leave history behind that nothing else would bound.
constexpr int64_t kBouncesInAll = 20'000;
// About 2 MB of text, and more than a person will ever read back.
constexpr int64_t kEvents = 10'000;
// Of one text handed in (a memory, a spec, a reason). What is longer is a bug of the caller and refused as
// Invalid.
constexpr size_t kTextBytes = 1 << 20;

}  // namespace slipway::state
