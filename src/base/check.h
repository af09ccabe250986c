// CHECK(condition): a bug ends the process at once, with file and line. Always on; never for input. The
// daemon is safe to restart at any instant, so stopping is the cheapest honest answer to a broken invariant.
#pragma once

namespace slipway {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::slipway::check_failed(#condition, __FILE__, __LINE__))
#define UNREACHABLE() ::slipway::check_failed("unreachable", __FILE__, __LINE__)
