#include "api/exec_frame.h"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

TEST(ExecFrame, IsOneByteOfTypeFourOfLengthAndThePayload) {
  EXPECT_EQ(encode({FrameType::Resize, "24 80"}), std::string("\x04\0\0\0\x05"
                                                              "24 80",
                                                              10));
}

TEST(ExecFrame, IsReadBackFromBytesThatComeOneByOne) {
  const Frame first{FrameType::Stdout, std::string("a\0b", 3)};
  const Frame last{FrameType::Exit, "3"};
  FrameReader reader;
  std::vector<Frame> frames;
  for (const char byte : encode(first) + encode({FrameType::Stdin, ""}) + encode(last)) {
    reader.feed(std::string_view(&byte, 1));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.has_value());
    if (*frame) frames.push_back(**frame);
  }
  EXPECT_EQ(frames, (std::vector<Frame>{first, {FrameType::Stdin, ""}, last}));
}

TEST(ExecFrame, OfAnUnknownTypeOrAnAbsurdLengthIsRefused) {
  FrameReader unknown;
  unknown.feed(std::string("\x09\0\0\0\0", 5));
  EXPECT_EQ(unknown.next().error().code(), ErrorCode::Invalid);
  FrameReader huge;
  huge.feed(std::string("\x01\x7f\0\0\0", 5));
  EXPECT_EQ(huge.next().error().code(), ErrorCode::Invalid);
}

}  // namespace
}  // namespace slipway::api
