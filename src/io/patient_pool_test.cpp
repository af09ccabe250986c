#include "io/patient_pool.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace slipway::io {
namespace {

// Tasks that run until they are let go, and how many of them did so at once at most.
class PatientPoolTest : public testing::Test {
 protected:
  std::function<void()> task(std::promise<void>& begun) {
    return [this, &begun, go = go_] {
      const int now = ++running_;
      int most = most_;
      while (most < now && !most_.compare_exchange_weak(most, now)) {
      }
      begun.set_value();
      go.wait();
      --running_;
    };
  }
  void let_go() { release_.set_value(); }

  SystemClock clock_;
  std::atomic<int> most_ = 0;

 private:
  std::promise<void> release_;
  std::shared_future<void> go_ = release_.get_future().share();
  std::atomic<int> running_ = 0;
};

TEST_F(PatientPoolTest, WhatHangsKeepsOthersWaitingNoLongerThanItsPatience) {
  PatientPool pool({.places = 1, .patience = 20ms, .threads = 3}, clock_);
  std::promise<void> begun[3];
  for (auto& each : begun) ASSERT_TRUE(pool.submit(task(each)));
  for (auto& each : begun) each.get_future().wait();  // all three, though none has ended
  let_go();
}

TEST_F(PatientPoolTest, NoMoreRunThanThereArePlacesWhileTheyAreYoung) {
  PatientPool pool({.places = 2, .patience = 1h, .threads = 8}, clock_);
  std::promise<void> begun[6];
  for (auto& each : begun) ASSERT_TRUE(pool.submit(task(each)));
  let_go();
  for (auto& each : begun) each.get_future().wait();
  EXPECT_LE(most_, 2);
}

TEST_F(PatientPoolTest, NoMoreRunThanThereAreThreadsHoweverOldTheyAre) {
  PatientPool pool({.places = 2, .patience = 0ms, .threads = 3}, clock_);
  std::promise<void> begun[6];
  for (auto& each : begun) ASSERT_TRUE(pool.submit(task(each)));
  for (int i = 0; i < 3; ++i) begun[i].get_future().wait();
  let_go();
  for (int i = 3; i < 6; ++i) begun[i].get_future().wait();
  EXPECT_EQ(most_, 3);
}

TEST_F(PatientPoolTest, RefusesMoreThanTheQueueHoldsAndDropsWhatWaitsAtItsEnd) {
  std::promise<void> begun;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> dropped = held;
  std::thread releaser;
  {
    PatientPool pool({.places = 1, .patience = 1h, .threads = 2, .queue = 1}, clock_);
    ASSERT_TRUE(pool.submit(task(begun)));
    begun.get_future().wait();
    ASSERT_TRUE(pool.submit([held = std::move(held)] {}));
    const Status refused = pool.submit([] {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
    releaser = std::thread([this] { let_go(); });
  }
  releaser.join();
  EXPECT_TRUE(dropped.expired());
}

}  // namespace
}  // namespace slipway::io
