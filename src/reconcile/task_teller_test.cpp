#include "reconcile/task_teller.h"

#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/fake/fake_engine.h"
#include "io/http.h"
#include "reconcile/task_call.h"

namespace slipway::reconcile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Heard = plan::DrainReport::Heard;

// A task's own HTTP server, on a loop of its own: it counts what it is asked, and answers as it is told to.
class Listener {
 public:
  Listener() {
    server_ = io::HttpServer::listen(
                  loop_, "127.0.0.1:0",
                  [this](io::HttpRequest request, const io::HttpRespond& respond) { take(request, respond); })
                  .value();
    port_ = server_->port();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Listener() {
    loop_.stop();
    thread_.join();
    server_.reset();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  model::Address address() const { return {"127.0.0.1", port_, 80}; }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void answer(const std::string& path, int status) {
    const std::lock_guard lock(mutex_);
    statuses_[path] = status;
  }

 private:
  void take(const io::HttpRequest& request, const io::HttpRespond& respond) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(request.method + " " + request.target);
    const auto status = statuses_.find(request.target);
    respond(io::HttpResponse::text(status == statuses_.end() ? 200 : status->second, "two jobs left\n"));
  }

  io::EventLoop loop_;
  std::unique_ptr<io::HttpServer> server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::map<std::string, int> statuses_;
};

plan::DrainReport told(bool safe = false, std::string error = "") {
  return {.heard = Heard::Drain, .safe = safe, .error = std::move(error)};
}

// The test is the control thread: it follows and then runs the loop until an answer has come.
class TaskTellerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    model::TaskSpec spec;
    spec.cmd = std::vector<std::string>{"serve"};
    const model::Revision revision = model::make_revision({"shop", "web"}, spec);
    ASSERT_TRUE(engine_.scale(revision, 1, 1, clock_.deadline_in(1s)));
    observed_ = engine_.observe(clock_.deadline_in(1s)).value();
    ASSERT_EQ(observed_.tasks.size(), 1U);
    task_ = observed_.tasks[0].id;
  }

  model::TellTaskStep wish(bool drain = true) {
    return {task_, listener_.address(), {model::DrainMethod::Http, 30s, params_}, drain, started_at()};
  }
  model::TellTaskStep command(std::map<std::string, std::string> params) {
    return {task_, {}, {model::DrainMethod::Command, 30s, std::move(params)}, true, started_at()};
  }
  plan::DrainReport follow(const std::vector<model::TellTaskStep>& wishes) {
    teller_->look(observed_);
    teller_->follow(wishes);
    return report();
  }
  // Follows, and waits for the answer that follows from it.
  plan::DrainReport answered(const std::vector<model::TellTaskStep>& wishes) {
    follow(wishes);
    loop_.run();
    return report();
  }
  std::optional<Time> started_at() const { return observed_.tasks.at(0).started_at; }
  plan::DrainReport report() const {
    const auto reports = teller_->reports();
    const auto found = reports.find(task_);
    return found == reports.end() ? plan::DrainReport() : found->second;
  }

  FakeClock clock_;
  SeededRandom random_{1};
  SystemClock real_clock_;
  engine::fake::FakeEngine engine_{clock_, random_};
  model::Observed observed_;
  model::TaskId task_;
  Listener listener_;
  std::map<std::string, std::string> params_ = {
      {"drain", "/drain"}, {"safe", "GET /drained"}, {"undrain", "POST /undrain"}};
  io::EventLoop loop_;
  // Calls take real time, pauses virtual time.
  class Clocks final : public Clock {
   public:
    Clocks(const Clock& real, const FakeClock& fake) : real_(real), fake_(fake) {}
    Time now() const override { return fake_.now(); }
    SteadyTime steady_now() const override {
      return real_.steady_now() + fake_.steady_now().time_since_epoch();
    }

   private:
    const Clock& real_;
    const FakeClock& fake_;
  };
  Clocks clocks_{real_clock_, clock_};
  std::unique_ptr<TaskTeller> teller_ = std::make_unique<TaskTeller>(
      clocks_,
      [this](const auto& wish, TaskCall what, auto done) { caller_->start(wish, what, std::move(done)); },
      [this] { loop_.stop(); });
  std::unique_ptr<TaskCaller> caller_ = std::make_unique<TaskCaller>(engine_, loop_, clocks_);
};

TEST_F(TaskTellerTest, TellsOnceAndAsksUntilItIsSafe) {
  listener_.answer("/drained", 503);
  EXPECT_EQ(answered({wish()}), told());
  EXPECT_EQ(answered({}), told(false, "GET /drained answered 503: two jobs left"));
  listener_.answer("/drained", 200);
  EXPECT_FALSE(follow({}).safe) << "it was asked a moment ago";
  clock_.advance(1s);
  EXPECT_EQ(answered({}), told(true));
  clock_.advance(1min);
  follow({});
  EXPECT_THAT(listener_.asked(), ElementsAre("POST /drain", "GET /drained", "GET /drained"));
}

TEST_F(TaskTellerTest, WithoutSafeATaskIsSafeOnceItIsTold) {
  params_.erase("safe");
  EXPECT_EQ(answered({wish()}).heard, Heard::Drain);
  EXPECT_TRUE(answered({}).safe);
  EXPECT_THAT(listener_.asked(), ElementsAre("POST /drain"));
}

TEST_F(TaskTellerTest, TriesAgainAfterAPauseAndOnlyWhileItIsWished) {
  listener_.answer("/drain", 500);
  EXPECT_EQ(answered({wish()}).error, "POST /drain answered 500: two jobs left");
  follow({wish()});
  EXPECT_EQ(listener_.asked().size(), 1U);
  clock_.advance(1s);
  listener_.answer("/drain", 204);
  EXPECT_EQ(answered({wish()}), told());
  EXPECT_EQ(listener_.asked().size(), 2U);
}

TEST_F(TaskTellerTest, AChangeOfMindBeforeItWasToldIsForgotten) {
  listener_.answer("/drain", 500);
  answered({wish()});
  clock_.advance(1s);
  follow({});
  EXPECT_TRUE(teller_->reports().empty());
  EXPECT_EQ(listener_.asked().size(), 1U);
}

TEST_F(TaskTellerTest, TakesTheDrainBack) {
  answered({wish()});
  answered({});
  EXPECT_EQ(answered({wish(false)}), (plan::DrainReport{.heard = Heard::Stay, .safe = false, .error = ""}));
  EXPECT_EQ(listener_.asked().back(), "POST /undrain");
  follow({wish(false)});
  EXPECT_EQ(listener_.asked().size(), 3U) << "it has heard that";
  follow({});
  EXPECT_TRUE(teller_->reports().empty());
}

TEST_F(TaskTellerTest, AfterACallThatFailedNobodyKnowsWhatTheTaskHasHeard) {
  answered({wish()});
  answered({});
  listener_.answer("/undrain", 500);
  EXPECT_EQ(answered({wish(false)}).heard, Heard::Unknown);
  EXPECT_FALSE(report().safe);
  clock_.advance(1s);
  EXPECT_EQ(answered({wish()}), told()) << "to drain after all: it is told again";
}

TEST_F(TaskTellerTest, AProcessThatWasStartedAgainHasHeardNothing) {
  answered({wish()});
  observed_.tasks[0].started_at = *started_at() + 1min;
  EXPECT_EQ(follow({}), plan::DrainReport());
  EXPECT_EQ(answered({wish()}), told());
}

TEST_F(TaskTellerTest, ForgetsATaskThatIsGone) {
  answered({wish()});
  observed_.tasks.clear();
  follow({});
  EXPECT_TRUE(teller_->reports().empty());
}

TEST_F(TaskTellerTest, SaysWhyATaskCannotBeReached) {
  auto nowhere = wish();
  nowhere.address.ip.clear();
  EXPECT_EQ(answered({nowhere}).error, "POST /drain: the task has no address");
  clock_.advance(1s);
  nowhere.address = {"127.0.0.1", 1, 80};
  EXPECT_THAT(answered({nowhere}).error, HasSubstr("127.0.0.1:1"));
}

TEST_F(TaskTellerTest, RunsCommandsInsideTheTask) {
  const auto step =
      command({{"drain", "fake write /leaving yes; exit 0"}, {"safe", "fake cat /leaving; exit 3"}});
  EXPECT_EQ(answered({step}), told());
  EXPECT_EQ(answered({}).error, "command 'fake cat /leaving; exit 3' ended with exit code 3: yes");
}

TEST_F(TaskTellerTest, ACommandThatDoesNotEndIsGivenUp) {
  const Status status = call_by_command(engine_, task_, "fake forever", clock_, clock_.deadline_in(0ms));
  EXPECT_EQ(status.error().code(), ErrorCode::Timeout);
}

}  // namespace
}  // namespace slipway::reconcile
