#include "api/exec_frame.h"

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::api {

namespace {

constexpr size_t kHeadBytes = 5;

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::string encode(const Frame& frame) {
  CHECK(frame.payload.size() <= kMaxFrameBytes);
  const auto length = static_cast<uint32_t>(frame.payload.size());
  std::string out(1, static_cast<char>(frame.type));
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((length >> shift) & 0xff);
  return out + frame.payload;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (buffer_.size() < kHeadBytes) return std::optional<Frame>();
  const auto type = static_cast<uint8_t>(buffer_[0]);
  const uint32_t length = big_endian(std::string_view(buffer_).substr(1, 4));
  if (type > static_cast<uint8_t>(FrameType::Error) || length > kMaxFrameBytes) {
    return Error(ErrorCode::Invalid, fmt::format("exec frame of type {} and {} bytes", type, length));
  }
  if (buffer_.size() < kHeadBytes + length) return std::optional<Frame>();
  Frame frame{static_cast<FrameType>(type), buffer_.substr(kHeadBytes, length)};
  buffer_.erase(0, kHeadBytes + length);
  return std::optional<Frame>(std::move(frame));
}

}  // namespace slipway::api
