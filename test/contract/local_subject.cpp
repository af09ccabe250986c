// The local engine as a subject of the contract suite: real containers, in a mount and network namespace of
// the test's own. Needs root; without it the suite is skipped by name.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <poll.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "contract/subject.h"
#include "contract/traces.h"
#include "engine/local/local_engine.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::contract {
namespace {

using engine::local::LocalEngine;
using engine::local::LocalOptions;

// The first line that a server sends back to one request.
Result<std::string> http_get(const model::Address& address) {
  const io::Fd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval patience{2, 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<uint16_t>(address.port));
  if (::inet_pton(AF_INET, address.ip.c_str(), &there.sin_addr) != 1) {
    return Error(ErrorCode::Invalid, "no address: " + address.text());
  }
  if (::connect(peer.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
    return errno_error(errno, "connect to " + address.text());
  }
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: task\r\nConnection: close\r\n\r\n";
  if (::send(peer.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) {
    return errno_error(errno, "send to " + address.text());
  }
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(peer.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  const size_t body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return Error(ErrorCode::Unavailable, "no answer from " + address.text());
  return std::string(trim(answer.substr(body + 4)));
}

class LocalSubject final : public Subject {
 public:
  LocalSubject(std::string cluster, io::TemporaryDirectory directory)
      : cluster_(std::move(cluster)), directory_(std::move(directory)) {}

  // Puts the workload where every user of the machine may run it.
  Status prepare() {
    for (const auto& path : {directory_.path(), directory_.path() / "folder"}) {
      TRY(io::make_directories(path));
      if (::chmod(path.c_str(), 0755) != 0) return errno_error(errno, "chmod " + path.native());
    }
    std::error_code failed;
    std::filesystem::copy_file(CONTRACT_TOOL, tool(), failed);
    if (failed) return errno_error(failed.value(), "copy " CONTRACT_TOOL);
    return {};
  }

  std::string name() const override { return "local"; }
  const Clock& clock() const override { return clock_; }
  Status start() override {
    LocalOptions options;
    options.cluster = cluster_;
    options.state = directory_.path() / "state";
    if (const char* runtime = std::getenv("CONTRACT_RUNTIME")) options.runtime = runtime;
    options.isolation = "container";
    engine_ = TRY(LocalEngine::create(options, clock_, random_));
    return {};
  }
  void stop() override { engine_.reset(); }
  engine::Engine& engine() override { return *engine_; }

  // Tasks live in the machine's time.
  void pass(Duration time) override {
    const Deadline end = clock_.deadline_in(time);
    while (!end.passed(clock_.steady_now())) {
      ::poll(nullptr, 0, static_cast<int>(end.left(clock_.steady_now()).count()));
    }
  }

  std::vector<std::string> argv(const Script& script, const std::vector<std::string>& arguments) override {
    std::vector<std::string> words = {tool().native()};
    words.insert(words.end(), script.begin(), script.end());
    if (!arguments.empty()) words.emplace_back("--");
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }

  // An OCI layout made on the spot: the tool and nothing else.
  Result<model::Image> image() override {
    const std::string layout = (directory_.path() / "image").native(),
                      bundle = (directory_.path() / "bundle").native();
    const std::string tagged = layout + ":1";
    TRY(run({"umoci", "init", "--layout", layout}));
    TRY(run({"umoci", "new", "--image", tagged}));
    TRY(run({"umoci", "unpack", "--image", tagged, bundle}));
    TRY(run({"cp", tool().native(), bundle + "/rootfs/tool"}));
    TRY(run({"umoci", "repack", "--image", tagged, bundle}));
    TRY(run({"umoci", "config", "--image", tagged, "--config.entrypoint", "/tool"}));
    return model::Image{model::ImageKind::Reference, "oci:" + tagged, ""};
  }
  model::Image missing_image() override {
    return model::Image{model::ImageKind::Reference, "docker-archive:/no/such/image.tar", ""};
  }
  std::string missing_command() override { return "/no/such/command"; }
  std::string missing_folder() override { return "/no/such/folder"; }

  std::string folder() override { return (directory_.path() / "folder").native(); }
  Status write_file(const std::string& path, const std::string& text) override {
    return io::write_file(path, text);
  }
  Status remove_file(const std::string& path) override { return io::remove_all(path); }
  Result<std::string> read_file(const std::string& path) override { return io::read_file(path); }

  Result<std::string> ask(const model::Address& address) override { return http_get(address); }

  Status kill_behind(const model::Task& task) override {
    // A task runs from the moment its container is let go; its environment shows once it has become its
    // program.
    const Deadline soon = clock_.deadline_in(10s);
    auto pids = processes_with("SLIPWAY_TASK=" + task.id.str());
    while (pids.empty() && !soon.passed(clock_.steady_now())) {
      ::poll(nullptr, 0, 5);
      pids = processes_with("SLIPWAY_TASK=" + task.id.str());
    }
    if (pids.empty()) return Error(ErrorCode::NotFound, "no process of task " + task.id.str());
    for (const int pid : pids) {
      if (::kill(pid, SIGKILL) != 0 && errno != ESRCH) return errno_error(errno, fmt::format("kill {}", pid));
    }
    return {};
  }
  std::set<std::string> traces() override {
    const std::filesystem::path state = directory_.path() / "state";
    auto found = machine_traces(cluster_, state);
    // The lock of the state directory, and the way to it, are of the control plane that lives, not of what it
    // ran; and the store of images is a bounded cache that makes the next start a quick one.
    const std::string own = "file " + (state / "engine").native();
    std::erase_if(found, [&](const std::string& trace) {
      return trace == own || trace == own + "/lock" || trace.starts_with(own + "/images");
    });
    return found;
  }
  std::set<std::string> handles() override { return open_descriptors(); }

 private:
  std::filesystem::path tool() const { return directory_.path() / "contract_tool"; }
  Status run(const std::vector<std::string>& argv) const {
    io::Command command;
    command.argv = argv;
    TRY(io::run_ok(command, clock_, clock_.deadline_in(60s)));
    return {};
  }

  const std::string cluster_;
  const io::TemporaryDirectory directory_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<LocalEngine> engine_;
};

}  // namespace

Result<std::unique_ptr<Subject>> make_subject(const std::string& cluster) {
  if (::geteuid() != 0) return Error(ErrorCode::Forbidden, "containers of the local engine need root");
  // Once, for the whole program; every engine object's threads and children start from here.
  static const std::string trouble = enter_private_machine();
  if (!trouble.empty()) return Error(ErrorCode::Forbidden, trouble);
  // Not below /tmp, which is the task's own inside a container.
  auto directory = TRY(io::TemporaryDirectory::create("/var/tmp"));
  // The pid keeps runs of this program on one machine apart.
  auto subject =
      std::make_unique<LocalSubject>(fmt::format("{}-{}", cluster, ::getpid()), std::move(directory));
  TRY(subject->prepare());
  return std::unique_ptr<Subject>(std::move(subject));
}

}  // namespace slipway::contract
