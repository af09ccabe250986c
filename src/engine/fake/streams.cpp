#include "engine/fake/streams.h"

#include <algorithm>
#include <atomic>
#include <deque>

namespace slipway::engine::fake {
namespace {

constexpr size_t kLinesAtOnce = 1000;
constexpr size_t kChunkBytes = 64 << 10;

class FakeLogReader final : public LogReader {
 public:
  FakeLogReader(std::shared_ptr<FakeCluster> cluster, std::shared_ptr<TaskLog> log, const LogRequest& request)
      : cluster_(std::move(cluster)), log_(std::move(log)), request_(request) {}

  // Where the first line stands that `since` and `tail` let through. The cluster's lock is held.
  void seek() {
    next_ = log_->begin();
    while (request_.since && next_ < log_->end() && log_->line(next_).at < *request_.since) ++next_;
    if (!request_.tail) return;
    uint64_t wanted = static_cast<uint64_t>(std::max(*request_.tail, 0));
    uint64_t start = log_->end();
    while (start > next_ && wanted > 0) {
      --start;
      if (passes(log_->line(start))) --wanted;
    }
    next_ = start;
  }

  Result<std::vector<LogLine>> read(Duration wait) override {
    std::vector<LogLine> lines;
    cluster_->wait_until(request_.follow ? wait : 0ms, [&](World&) {
      next_ = std::max(next_, log_->begin());
      for (; next_ < log_->end() && lines.size() < kLinesAtOnce; ++next_) {
        if (passes(log_->line(next_))) lines.push_back(log_->line(next_));
      }
      ended_ = next_ == log_->end() && (!request_.follow || log_->closed());
      return ended_ || !lines.empty();
    });
    return lines;
  }

  bool ended() const override { return ended_; }

 private:
  bool passes(const LogLine& line) const { return line.stream == Stream::Out ? request_.out : request_.err; }

  const std::shared_ptr<FakeCluster> cluster_;
  const std::shared_ptr<TaskLog> log_;
  const LogRequest request_;
  uint64_t next_ = 0;
  bool ended_ = false;
};

// The process runs whenever somebody looks: under the cluster's lock, which also guards all its state.
class FakeExecSession final : public ExecSession {
 public:
  FakeExecSession(std::shared_ptr<FakeCluster> cluster, model::TaskId task)
      : cluster_(std::move(cluster)), task_(std::move(task)) {}

  Status start(World& world, const ExecRequest& request) {
    process_ = TRY(world.process_in(request, [this](Stream stream, const std::string& line) {
      output_.push_back(Chunk{stream, line + "\n"});
    }));
    return {};
  }

  Result<std::optional<Chunk>> read(Duration wait) override {
    std::optional<Chunk> chunk;
    cluster_->wait_until(wait, [&](World& world) {
      carry_on(world);
      if (!output_.empty()) chunk = take_chunk();
      if (output_.empty() && exit_) finished_ = true;
      return chunk || exit_;
    });
    return chunk;
  }

  Status write(std::string_view input) override {
    return cluster_->with([&](World& world) -> Status {
      if (exit_ || !world.runs(task_)) return Error(ErrorCode::Unavailable, "the command has ended");
      process_->write_input(input);
      return {};
    });
  }

  Status close_input() override {
    return cluster_->with([&](World&) -> Status {
      process_->close_input();
      return {};
    });
  }

  void resize(int, int) override {}
  bool finished() const override { return finished_; }
  int exit_code() const override { return exit_code_; }

 private:
  void carry_on(World& world) {
    if (exit_) return;
    if (!world.runs(task_)) {  // the process's surroundings may be gone: it is not touched again
      end(model::Exit{std::nullopt, 9, false});
      return;
    }
    Process::Pause pause = process_->run();
    while (!pause.exit && pause.wait) pause = process_->run();  // no time passes in here
    if (pause.exit) end(*pause.exit);
  }

  void end(const model::Exit& exit) {
    exit_ = exit;
    exit_code_ = exit.signal ? 128 + *exit.signal : exit.code.value_or(0);
  }

  Chunk take_chunk() {
    Chunk chunk{output_.front().stream, output_.front().data.substr(0, kChunkBytes)};
    output_.front().data.erase(0, kChunkBytes);
    if (output_.front().data.empty()) output_.pop_front();
    return chunk;
  }

  const std::shared_ptr<FakeCluster> cluster_;
  const model::TaskId task_;
  std::unique_ptr<Process> process_;
  std::deque<Chunk> output_;
  std::optional<model::Exit> exit_;
  std::atomic<bool> finished_ = false;
  std::atomic<int> exit_code_ = 0;
};

}  // namespace

Result<std::unique_ptr<LogReader>> open_log(std::shared_ptr<FakeCluster> cluster, const LogRequest& request) {
  return cluster->with([&](World& world) -> Result<std::unique_ptr<LogReader>> {
    auto reader = std::make_unique<FakeLogReader>(cluster, TRY(world.log(request.task)), request);
    reader->seek();
    return std::unique_ptr<LogReader>(std::move(reader));
  });
}

Result<std::unique_ptr<ExecSession>> open_exec(std::shared_ptr<FakeCluster> cluster,
                                               const ExecRequest& request) {
  return cluster->with([&](World& world) -> Result<std::unique_ptr<ExecSession>> {
    auto session = std::make_unique<FakeExecSession>(cluster, request.task);
    TRY(session->start(world, request));
    return std::unique_ptr<ExecSession>(std::move(session));
  });
}

}  // namespace slipway::engine::fake
