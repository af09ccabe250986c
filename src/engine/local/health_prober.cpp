#include "engine/local/health_prober.h"

#include <cerrno>
#include <csignal>
#include <set>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/mutex.h"
#include "engine/health.h"
#include "engine/local/health_probe.h"
#include "engine/local/probe_turns.h"
#include "io/patient_pool.h"

namespace slipway::engine::local {

namespace {
// Serial 0 is the wake-up descriptor; watches count from 1.
constexpr uint64_t kWakeSerial = 0;
}  // namespace

class HealthProber::Loop {
 public:
  Loop(const Clock& clock, CommandCheck run_command, Listener listener);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Any thread: run on the loop's thread.
  void post(std::function<void()> task);

  // The loop's thread, as all below.
  void watch(ProbeTarget target);
  void forget(const model::TaskId& task);

 private:
  struct Watch {
    Watch(ProbeTarget t, bool healthy) : target(std::move(t)), tally(target.check, healthy) {}
    ProbeTarget target;
    HealthTally tally;
    std::unique_ptr<SocketProbe> probe;  // under way
    SteadyTime timer{};                  // its entry in timers_: next probe, or the end of this one's time
  };
  using Serial = uint64_t;

  void run();
  void run_posted();
  Duration until_next_timer();
  void fire_timers();
  void set_timer(Serial serial, Watch& watch, Duration wait);

  void begin_probe(Serial serial, Watch& watch);
  // What they begin has its turn, which they give back where it ends at once.
  void begin_socket_probe(Serial serial, Watch& watch);
  void begin_command(Serial serial, const Watch& watch);
  void step(Serial serial, Watch& watch);
  void finish(Serial serial, Watch& watch, const Verdict& verdict);
  void close_probe(Watch& watch);
  void start_waiting();
  Duration age(const Watch& watch) const;

  const Clock& clock_;
  CommandCheck run_command_;
  Listener listener_;
  io::Fd epoll_;
  io::Fd wake_;
  Serial last_serial_ = kWakeSerial;
  std::unordered_map<Serial, Watch> watches_;
  std::unordered_map<model::TaskId, Serial> serials_;
  std::set<std::pair<SteadyTime, Serial>> timers_;
  ProbeTurns sockets_{kSocketProbes, kSocketProbesEach};
  ProbeTurns commands_{kCommandProbes, kCommandProbesEach};

  Mutex mutex_;
  std::vector<std::function<void()>> posted_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;
  // Last, so that commands that run end before what they post to.
  io::PatientPool command_pool_;
};

HealthProber::Loop::Loop(const Clock& clock, CommandCheck run_command, Listener listener)
    : clock_(clock),
      run_command_(std::move(run_command)),
      listener_(std::move(listener)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      command_pool_({.places = kCommandPlaces,
                     .patience = kCommandPatience,
                     .threads = kCommandProbes,
                     .queue = kCommandProbes},
                    clock) {
  CHECK(epoll_.valid() && wake_.valid());
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeSerial}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0);
  thread_ = std::thread([this] { run(); });
}

HealthProber::Loop::~Loop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  post([] {});
  thread_.join();
}

void HealthProber::Loop::post(std::function<void()> task) {
  {
    const Lock lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void HealthProber::Loop::run() {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);  // OpenSSL writes without MSG_NOSIGNAL
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  epoll_event events[64];
  while (true) {
    {
      const Lock lock(mutex_);
      if (stopping_) return;
    }
    const int count = ::epoll_wait(epoll_.get(), events, 64, static_cast<int>(until_next_timer().count()));
    CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
      const Serial serial = events[i].data.u64;
      if (serial == kWakeSerial) {
        run_posted();
      } else if (const auto found = watches_.find(serial); found != watches_.end() && found->second.probe) {
        step(serial, found->second);
      }
    }
    fire_timers();
    start_waiting();
  }
}

void HealthProber::Loop::run_posted() {
  uint64_t drained = 0;
  static_cast<void>(!::read(wake_.get(), &drained, sizeof drained));
  std::vector<std::function<void()>> tasks;
  {
    const Lock lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

Duration HealthProber::Loop::until_next_timer() {
  // A minute is as good as for ever, and fits epoll_wait's int.
  constexpr Duration kLongest = 60s;
  if (timers_.empty()) return kLongest;
  return std::min(kLongest, Deadline{timers_.begin()->first}.left(clock_.steady_now()));
}

void HealthProber::Loop::fire_timers() {
  const SteadyTime now = clock_.steady_now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Serial serial = timers_.begin()->second;
    timers_.erase(timers_.begin());
    Watch& watch = watches_.at(serial);
    if (watch.probe) {
      finish(serial, watch, watch.probe->timed_out(watch.target.check.timeout));
    } else {
      begin_probe(serial, watch);
    }
  }
}

void HealthProber::Loop::set_timer(Serial serial, Watch& watch, Duration wait) {
  timers_.erase({watch.timer, serial});
  watch.timer = clock_.steady_now() + wait;
  timers_.emplace(watch.timer, serial);
}

void HealthProber::Loop::watch(ProbeTarget target) {
  forget(target.task);
  const Serial serial = ++last_serial_;
  serials_[target.task] = serial;
  const bool healthy = target.healthy;
  Watch& watch = watches_.try_emplace(serial, std::move(target), healthy).first->second;
  begin_probe(serial, watch);
}

void HealthProber::Loop::forget(const model::TaskId& task) {
  const auto found = serials_.find(task);
  if (found == serials_.end()) return;
  Watch& watch = watches_.at(found->second);
  timers_.erase({watch.timer, found->second});
  close_probe(watch);
  watches_.erase(found->second);
  serials_.erase(found);
}

void HealthProber::Loop::begin_probe(Serial serial, Watch& watch) {
  switch (watch.target.check.mode) {
    case model::HealthMode::None:
      return;
    case model::HealthMode::Cmd:
      return commands_.wait(watch.target.revision, serial);
    case model::HealthMode::Http:
    case model::HealthMode::Https:
    case model::HealthMode::Tcp:
      break;
  }
  if (watch.target.address) return sockets_.wait(watch.target.revision, serial);
  const std::string name = probe_name(watch.target.check, watch.target.address);
  finish(serial, watch, Verdict{false, name + ": the task has no address to probe"});
}

void HealthProber::Loop::begin_socket_probe(Serial serial, Watch& watch) {
  auto probe = SocketProbe::start(watch.target.check, *watch.target.address);
  if (!probe) {
    sockets_.end(watch.target.revision);
    return finish(serial, watch, Verdict{false, probe.error().text()});
  }
  epoll_event event{.events = (*probe)->events(), .data = {.u64 = serial}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, (*probe)->fd(), &event) != 0) {
    const std::string why = errno_error(errno, "watch a probe's socket").text();
    sockets_.end(watch.target.revision);
    return finish(serial, watch, Verdict{false, why});
  }
  watch.probe = std::move(*probe);
  set_timer(serial, watch, watch.target.check.timeout);
}

void HealthProber::Loop::begin_command(Serial serial, const Watch& watch) {
  const Status queued = command_pool_.submit([this, serial, target = watch.target] {
    std::optional<Verdict> verdict;
    if (const std::optional<Status> result = run_command_(target)) {
      verdict.emplace(Verdict{result->has_value(), ""});
      if (!*result) verdict->why = probe_name(target.check, target.address) + ": " + result->error().text();
    }
    post([this, serial, revision = target.revision, verdict = std::move(verdict)] {
      commands_.end(revision);
      const auto found = watches_.find(serial);
      if (found == watches_.end()) return;
      if (verdict) return finish(serial, found->second, *verdict);
      set_timer(serial, found->second, found->second.target.check.interval);
    });
  });
  CHECK(queued);  // no more have a turn than the pool takes
}

void HealthProber::Loop::step(Serial serial, Watch& watch) {
  const uint32_t before = watch.probe->events();
  if (const auto verdict = watch.probe->step()) return finish(serial, watch, *verdict);
  if (watch.probe->events() == before) return;
  epoll_event event{.events = watch.probe->events(), .data = {.u64 = serial}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watch.probe->fd(), &event) == 0);
}

void HealthProber::Loop::finish(Serial serial, Watch& watch, const Verdict& verdict) {
  close_probe(watch);
  const bool changed = verdict.passed ? watch.tally.pass() : watch.tally.fail(verdict.why, age(watch));
  set_timer(serial, watch, watch.tally.next_wait(age(watch)));
  if (changed) {
    listener_(HealthReport{watch.target.task, watch.target.run, watch.tally.health(), watch.tally.reason()});
  }
}

void HealthProber::Loop::close_probe(Watch& watch) {
  if (!watch.probe) return;
  watch.probe.reset();  // closing the socket takes it out of epoll
  sockets_.end(watch.target.revision);
}

void HealthProber::Loop::start_waiting() {
  // A watch may have been forgotten while it waited.
  while (const auto turn = sockets_.next()) {
    const auto found = watches_.find(turn->probe);
    if (found == watches_.end()) {
      sockets_.end(turn->revision);
    } else {
      begin_socket_probe(turn->probe, found->second);
    }
  }
  while (const auto turn = commands_.next()) {
    const auto found = watches_.find(turn->probe);
    if (found == watches_.end()) {
      commands_.end(turn->revision);
    } else {
      begin_command(turn->probe, found->second);
    }
  }
}

Duration HealthProber::Loop::age(const Watch& watch) const {
  return std::chrono::duration_cast<Duration>(clock_.steady_now() - watch.target.started_at);
}

HealthProber::HealthProber(const Clock& clock, CommandCheck run_command, Listener listener)
    : loop_(std::make_unique<Loop>(clock, std::move(run_command), std::move(listener))) {}

HealthProber::~HealthProber() = default;

void HealthProber::watch(ProbeTarget target) {
  loop_->post([loop = loop_.get(), target = std::move(target)] { loop->watch(target); });
}

void HealthProber::forget(const model::TaskId& task) {
  loop_->post([loop = loop_.get(), task] { loop->forget(task); });
}

}  // namespace slipway::engine::local
