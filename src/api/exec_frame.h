// The frames of an exec connection (after the upgrade to `slipway-exec`), the same both ways: one byte of
// type, four bytes of length (big-endian), the payload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::api {

enum class FrameType : uint8_t {
  Stdin = 0,   // to the command; an empty payload ends its input
  Stdout = 1,  // from the command
  Stderr = 2,
  Exit = 3,    // the exit code in decimal; the last frame
  Resize = 4,  // "rows columns" of the caller's terminal
  Error = 5,   // why it could not go on, as text; the last frame
};

struct Frame {
  FrameType type = FrameType::Stdin;
  std::string payload;
  bool operator==(const Frame&) const = default;
};

// No frame is larger; writers cut their data into pieces below it.
constexpr size_t kMaxFrameBytes = 1 << 20;

std::string encode(const Frame& frame);

// Frames out of bytes that come in pieces of any size. One thread.
class FrameReader {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next whole frame; nullopt until one is there. Invalid when the bytes are no frame: the connection is
  // then of no more use.
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
};

}  // namespace slipway::api
