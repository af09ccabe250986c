#include "base/result.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace slipway {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::Invalid, "odd number");
  return number / 2;
}

Result<int> quarter(int number) {
  const int once = TRY_CONTEXT(half(number), "first half");
  return TRY(half(once));
}

TEST(Result, TryPassesValuesOnAndErrorsUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().text(), "odd number");
  EXPECT_EQ(quarter(5).error().text(), "first half: odd number");
  EXPECT_EQ(quarter(5).error().code(), ErrorCode::Invalid);
}

Status check_even(int number) {
  TRY(half(number));
  TRY_CONTEXT(Status(), "never");
  return {};
}

Status check_all_even(int first, int second) {
  TRY_CONTEXT(check_even(first), "first");
  TRY(check_even(second));
  return {};
}

TEST(Result, TryTakesAStatusToo) {
  EXPECT_TRUE(check_all_even(2, 4).has_value());
  EXPECT_EQ(check_all_even(1, 4).error().text(), "first: odd number");
  EXPECT_EQ(check_all_even(2, 3).error().text(), "odd number");
}

TEST(Result, ErrnoKeepsItsKindAndItsText) {
  EXPECT_EQ(errno_error(ENOSPC, "write log").code(), ErrorCode::Exhausted);
  EXPECT_EQ(errno_error(ENOENT, "open a").text(), "open a: No such file or directory");
}

TEST(Result, EveryCodeHasAnExitCodeAndAStatusThatComesBack) {
  for (const auto code : {ErrorCode::Invalid, ErrorCode::NotFound, ErrorCode::Conflict,
                          ErrorCode::Unauthorized, ErrorCode::Forbidden, ErrorCode::Unavailable,
                          ErrorCode::Timeout, ErrorCode::Exhausted, ErrorCode::Internal}) {
    EXPECT_EQ(code_of_http_status(http_status(code)), code);
    EXPECT_GT(exit_code(code), 0);
  }
}

}  // namespace
}  // namespace slipway
