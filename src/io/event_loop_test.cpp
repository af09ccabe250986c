#include "io/event_loop.h"

#include <atomic>
#include <csignal>
#include <future>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "io/file.h"

namespace slipway::io {
namespace {

TEST(EventLoop, RunsWhatIsPostedInOrderAndWhatWasPostedBeforeTheStop) {
  EventLoop loop;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop.post([&order, i] { order.push_back(i); });
  loop.stop();
  loop.post([&order] { order.push_back(99); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(EventLoop, TakesTasksFromOtherThreads) {
  EventLoop loop;
  std::atomic<int> count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        loop.post([&] {
          if (++count == 400) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 400);
}

TEST(EventLoop, FiresTimersInOrderAndNotTheCancelledOnes) {
  EventLoop loop;
  std::vector<int> order;
  const auto cancelled = loop.after(1ms, [&] { order.push_back(0); });
  loop.after(20ms, [&] {
    order.push_back(2);
    loop.stop();
  });
  loop.after(2ms, [&] { order.push_back(1); });
  loop.cancel(cancelled);
  loop.run();
  loop.cancel(cancelled);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoop, DoesNotFireTimersAfterAStop) {
  EventLoop loop;
  bool fired = false;
  loop.after(0ms, [&] { fired = true; });
  loop.stop();
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(EventLoop, CallsAgainWhileADescriptorStaysReadable) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  int calls = 0;
  const Status watched = loop.on_readable(reader.get(), [&] {
    // Nothing is read until the third call: the watch is level-triggered.
    if (++calls < 3) return;
    loop.unwatch(reader.get());
    loop.stop();
  });
  ASSERT_TRUE(watched);
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  loop.run();
  EXPECT_EQ(calls, 3);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 1) << "the borrowed descriptor must stay open";
}

TEST(EventLoop, SaysThatThereIsNoDescriptorLeftToWatchWith) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd lowest(dup(reader.get()));  // all below it are taken
  const rlimit none{static_cast<rlim_t>(lowest.get()) + 1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status refused = loop.on_readable(reader.get(), [] {});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(loop.on_readable(reader.get(), [&] { loop.stop(); }));
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  loop.run();
}

TEST(EventLoop, ReplacesAWatchOfTheSameNumber) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  bool old_called = false;
  ASSERT_TRUE(loop.on_readable(reader.get(), [&] { old_called = true; }));
  loop.unwatch(reader.get());
  ASSERT_TRUE(loop.on_readable(reader.get(), [&] { loop.stop(); }));
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  loop.run();
  EXPECT_FALSE(old_called);
}

TEST(EventLoop, TurnsSignalsIntoTasks) {
  EventLoop loop;
  std::vector<int> seen;
  loop.on_signal(SIGUSR1, [&](int number) {
    seen.push_back(number);
    if (seen.size() < 2) {
      ::raise(SIGUSR1);
    } else {
      loop.stop();
    }
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR1}));
}

TEST(WorkerPool, RunsTasksAndRefusesMoreThanTheQueueHolds) {
  std::promise<void> started, go, done;
  WorkerPool pool(1, 1);
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    go.get_future().wait();
  }));
  started.get_future().wait();
  ASSERT_TRUE(pool.submit([&] { done.set_value(); }));
  const Status refused = pool.submit([] {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  go.set_value();
  done.get_future().wait();
}

TEST(WorkerPool, DropsWhatWaitsWhenItIsDestroyed) {
  std::promise<void> started, go;
  std::atomic<bool> second_ran = false;
  auto waiting = std::make_shared<int>(0);
  const std::weak_ptr<int> dropped = waiting;
  auto pool = std::make_unique<WorkerPool>(1, 8);
  ASSERT_TRUE(pool->submit([&] {
    started.set_value();
    go.get_future().wait();
  }));
  ASSERT_TRUE(pool->submit([&second_ran, held = std::move(waiting)] { second_ran = true; }));
  started.get_future().wait();
  std::thread destroyer([&] { pool.reset(); });
  go.set_value();
  destroyer.join();
  // The second task either ran before the destruction began or was dropped; its captures are gone either way.
  EXPECT_TRUE(dropped.expired());
}

}  // namespace
}  // namespace slipway::io
