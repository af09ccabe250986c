// Real containers on this host: needs root, conmon and crun or runc.
#include "engine/local/launcher.h"

#include <csignal>
#include <fstream>
#include <unistd.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {
namespace {

namespace fs = std::filesystem;

// A minimal image: a static busybox and its names. Made once.
const fs::path& busybox_rootfs() {
  static const io::TemporaryDirectory folder = io::TemporaryDirectory::create().value();
  static const fs::path rootfs = [] {
    const fs::path root = folder.path() / "rootfs";
    for (const char* name : {"bin", "etc", "data", "app"}) fs::create_directories(root / name);
    fs::copy_file("/bin/busybox", root / "bin/busybox");
    for (const char* name : {"sh",    "cat",  "echo",  "sleep", "id",       "mount",  "unshare", "head",
                             "tail",  "ls",   "touch", "env",   "hostname", "pwd",    "dd",      "nc",
                             "httpd", "wget", "mkdir", "kill",  "grep",     "chroot", "ulimit"}) {
      fs::create_symlink("busybox", root / "bin" / name);
    }
    std::ofstream(root / "etc/passwd") << "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/app:/bin/sh\n";
    std::ofstream(root / "etc/group") << "root:x:0:\napp:x:1001:\nextra:x:1002:app\n";
    return root;
  }();
  return rootfs;
}

class LauncherTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: starts real containers";
    if (!io::find_program("conmon") || !io::find_program(GetParam()))
      GTEST_SKIP() << "needs conmon and " << GetParam();
    const Status found = runtime_.look(deadline());
    ASSERT_TRUE(found) << found.error().text();
    network_ = Network::open(state_.path(), cluster_, clock_, deadline()).value();
    Result<std::unique_ptr<Launcher>> launcher = Launcher::create(
        {.state = state_.path(), .cluster = cluster_, .runtime = runtime_, .network = network_.get()},
        clock_);
    ASSERT_TRUE(launcher) << launcher.error().text();
    launcher_ = std::move(*launcher);
    image_.rootfs = busybox_rootfs();
  }

  void TearDown() override {
    if (!launcher_) return;
    for (const model::TaskId& task : tasks_) {
      const Status destroyed = launcher_->destroy(task, "", deadline());
      EXPECT_TRUE(destroyed) << destroyed.error().text();
    }
    EXPECT_TRUE(launcher_->release());
    EXPECT_TRUE(network_->remove(deadline()));
    EXPECT_FALSE(fs::exists("/sys/class/net/" + network_->bridge()));
    EXPECT_FALSE(fs::exists("/sys/fs/cgroup/memory/slipway/" + cluster_));
    EXPECT_FALSE(fs::exists("/sys/fs/cgroup/slipway/" + cluster_));
    EXPECT_FALSE(fs::exists("/sys/fs/cgroup/unified/slipway/" + cluster_));
    EXPECT_EQ(io::read_file("/proc/self/mountinfo")->find(state_.path().string()), std::string::npos);
  }

  Deadline deadline() const { return clock_.deadline_in(30s); }

  model::TaskSpec shell(const std::string& script) const {
    model::TaskSpec spec;
    spec.image.kind = model::ImageKind::Reference;
    spec.image.name = "busybox";
    spec.net = model::NetMode::None;
    spec.cmd = {"/bin/sh", "-c", script};
    return spec;
  }

  Result<Launched> launch(const std::string& name, const model::TaskSpec& spec,
                          const std::string& address = "") {
    const model::TaskId task(name);
    tasks_.push_back(task);
    const model::Revision revision = model::make_revision({"shop", "web"}, spec);
    const bool on_host = spec.image.kind == model::ImageKind::HostFilesystem;
    return launcher_->launch({task, revision, on_host ? nullptr : &image_, address, spec.container_port},
                             deadline());
  }

  // The exit file's text, once conmon has ended.
  std::string exit_of(const std::string& name, const Launched& launched) {
    const Status ended = wait_for_end(launched.supervisor, clock_, deadline());
    EXPECT_TRUE(ended) << ended.error().text();
    const model::TaskId task(name);
    Result<std::string> text = io::read_file(launcher_->paths(task).exit_file(task));
    return text ? *text : text.error().text();
  }

  // What the task wrote, without conmon's marks ("TIME stdout F text").
  std::string output_of(const std::string& name) {
    std::string out;
    for (const std::string& line : split(*io::read_file(launcher_->paths(model::TaskId(name)).log()), '\n')) {
      size_t at = 0;
      for (int i = 0; i < 3 && at != std::string::npos; ++i) at = line.find(' ', at == 0 ? 0 : at + 1);
      if (at != std::string::npos) out += line.substr(at + 1) + "\n";
    }
    return out;
  }

  // Runs to its end and returns "exit code|output".
  std::string run(const std::string& name, const model::TaskSpec& spec) {
    const Result<Launched> launched = launch(name, spec);
    if (!launched) return launched.error().text();
    const std::string code = exit_of(name, *launched);
    return code + "|" + output_of(name);
  }

  SystemClock clock_;
  io::TemporaryDirectory state_ = io::TemporaryDirectory::create().value();
  std::string cluster_ = "test-" + std::to_string(::getpid());
  HostRuntime runtime_{{state_.path(), RuntimeKind::Container, GetParam(), ""}, clock_};
  std::unique_ptr<Network> network_;
  std::unique_ptr<Launcher> launcher_;
  PreparedImage image_;
  std::vector<model::TaskId> tasks_;
};

TEST_P(LauncherTest, TellsTheExitCodeAndKeepsTheOutput) {
  EXPECT_EQ(run("t1", shell("echo out; echo err >&2; exit 3")), "3|out\nerr\n");
  EXPECT_EQ(run("t2", shell("sh -c 'kill -SEGV $$'; exit $?")), "139|Segmentation fault\n");
}

TEST_P(LauncherTest, PassesArgumentsAndEnvironmentByteForByte) {
  model::TaskSpec spec = shell("");
  spec.cmd = {"/bin/sh", "-c", "echo \"$A\"; echo \"$1\"; pwd; echo $SLIPWAY_TASK $PORT", "x",
              "a $HOME 'b'\n\xC3\xA9"};
  spec.env["A"] = "one two\n$three \"four\"";
  spec.work_dir = "/data";
  spec.container_port = 8080;
  EXPECT_EQ(run("args", spec), "0|one two\n$three \"four\"\na $HOME 'b'\n\xC3\xA9\n/data\nargs 8080\n");
}

TEST_P(LauncherTest, KeepsWritesOfATaskToItself) {
  EXPECT_EQ(run("w1", shell("echo mine > /data/file && cat /data/file")), "0|mine\n");
  EXPECT_EQ(run("w2", shell("ls /data")), "0|");
  EXPECT_FALSE(fs::exists(busybox_rootfs() / "data/file"));
  // A second life of the same task starts from an empty layer too.
  EXPECT_EQ(run("w1", shell("ls /data; exit 4")).substr(0, 2), "4|");
}

TEST_P(LauncherTest, RunsOnTheHostsFilesystemWithoutAnImage) {
  model::TaskSpec spec = shell("touch /etc/slipway-was-here && cat /etc/hostname && ls " +
                               state_.path().string() + " | wc -l && mount | grep -c overlay");
  spec.image = {};
  EXPECT_EQ(run("host-task", spec), "0|host-task\n0\n1\n");
  EXPECT_FALSE(fs::exists("/etc/slipway-was-here"));
}

TEST_P(LauncherTest, TakesTheUserFromTheImage) {
  model::TaskSpec spec = shell("id; echo $HOME");
  spec.user = "app";
  EXPECT_EQ(run("user", spec), "0|uid=1000(app) gid=1001(app) groups=1001(app),1002(extra)\n/app\n");
  spec.user = "nobody-here";
  EXPECT_NE(run("user2", spec).find("user `nobody-here` is not in the image's /etc/passwd"),
            std::string::npos);
}

TEST_P(LauncherTest, NamesACommandThatDoesNotExist) {
  model::TaskSpec spec = shell("");
  spec.cmd = {"no-such-command"};
  const Result<Launched> launched = launch("missing", spec);
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code(), ErrorCode::NotFound) << launched.error().text();
  EXPECT_NE(launched.error().text().find("no-such-command"), std::string::npos) << launched.error().text();
}

TEST_P(LauncherTest, NamesAVolumeThatDoesNotExist) {
  model::TaskSpec spec = shell("true");
  spec.volumes.push_back({"/data", "/no/such/folder", true});
  const Result<Launched> launched = launch("volume", spec);
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code(), ErrorCode::NotFound);
  EXPECT_NE(launched.error().text().find("/no/such/folder"), std::string::npos);
}

TEST_P(LauncherTest, MountsVolumesAndAReadOnlyRoot) {
  const io::TemporaryDirectory shared = io::TemporaryDirectory::create().value();
  fs::create_directories(shared.path() / "ro");
  fs::create_directories(shared.path() / "rw");
  model::TaskSpec spec = shell("touch /rw/a; touch /ro/b; touch /bin/c; touch /tmp/d && echo tmp");
  spec.volumes = {{"/ro", shared.path() / "ro", true}, {"/rw", shared.path() / "rw", false}};
  spec.read_only_root = true;
  const std::string result = run("volumes", spec);
  EXPECT_TRUE(fs::exists(shared.path() / "rw/a")) << result;
  EXPECT_FALSE(fs::exists(shared.path() / "ro/b"));
  EXPECT_NE(result.find("/ro/b: Read-only file system"), std::string::npos) << result;
  EXPECT_NE(result.find("/bin/c: Read-only file system"), std::string::npos) << result;
  EXPECT_NE(result.find("tmp\n"), std::string::npos) << result;
}

TEST_P(LauncherTest, HoldsTheMemoryLimitAndTellsOfIt) {
  model::TaskSpec spec = shell("head -c 100000000 /dev/zero | tail; echo survived");
  spec.cmd = {"/bin/sh", "-c", "exec tail /dev/zero"};
  spec.resources.mem_mb = 16;
  const Result<Launched> launched = launch("memory", spec);
  ASSERT_TRUE(launched) << launched.error().text();
  EXPECT_EQ(exit_of("memory", *launched), "137");
  EXPECT_TRUE(launcher_->was_out_of_memory(model::TaskId("memory")));
}

TEST_P(LauncherTest, HoldsTheLimitOfProcesses) {
  model::TaskSpec spec = shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 30 & done; echo all");
  spec.resources.pids = 6;
  EXPECT_EQ(run("pids", spec).find("all"), std::string::npos);
}

TEST_P(LauncherTest, RefusesDangerousSystemCallsAndCapabilities) {
  const std::string result =
      run("seccomp",
          shell("mount -t tmpfs x /data; unshare -U true; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' "
                "/proc/1/status; cat /proc/kcore | head -c1; touch /sys/x; echo 1 > /proc/sys/kernel/panic"));
  EXPECT_NE(result.find("mount"), std::string::npos) << result;
  EXPECT_NE(result.find("unshare"), std::string::npos) << result;
  EXPECT_NE(result.find("Operation not permitted"), std::string::npos) << result;
  EXPECT_NE(result.find("CapEff:\t00000000000405fb"), std::string::npos) << result;
  EXPECT_NE(result.find("CapBnd:\t00000000000405fb"), std::string::npos) << result;
  EXPECT_NE(result.find("NoNewPrivs:\t1"), std::string::npos) << result;
  EXPECT_NE(result.find("Seccomp:\t2"), std::string::npos) << result;
  EXPECT_NE(result.find("Read-only file system"), std::string::npos) << result;
}

TEST_P(LauncherTest, RunsCommandsInsideARunningTask) {
  const Result<Launched> launched = launch("exec", shell("sleep 1000"));
  ASSERT_TRUE(launched) << launched.error().text();
  const model::TaskId task("exec");
  ExecOptions options;
  options.argv = {"/bin/sh", "-c", "echo $EXTRA $SLIPWAY_TASK; hostname; exit 7"};
  options.env["EXTRA"] = "more";
  const Result<io::Command> command = launcher_->exec_command(task, options);
  ASSERT_TRUE(command) << command.error().text();
  const Result<io::Finished> finished = io::run(*command, clock_, deadline());
  ASSERT_TRUE(finished) << finished.error().text();
  EXPECT_EQ(finished->out, "more exec\nexec\n") << finished->err;
  EXPECT_EQ(finished->exit_code, 7);
  const Result<CgroupUsage> usage = launcher_->usage(task);
  ASSERT_TRUE(usage) << usage.error().text();
  EXPECT_GT(usage->memory_bytes, 0U);
}

// A service manager that ends our control group is not to end tasks.
TEST_P(LauncherTest, MonitorIsInNoControlGroupOfOurs) {
  const Result<Launched> launched = launch("group", shell("sleep 1000"));
  ASSERT_TRUE(launched) << launched.error().text();
  const std::string groups = *io::read_file("/proc/" + std::to_string(launched->supervisor.pid) + "/cgroup");
  int followed = 0;
  for (const std::string& line : split(groups, '\n')) {
    const bool by_systemd = line.find(":name=systemd:") != std::string::npos || line.starts_with("0::");
    if (!by_systemd) continue;
    EXPECT_TRUE(line.ends_with(":/slipway/" + cluster_ + "/_monitors")) << line;
    ++followed;
  }
  EXPECT_GT(followed, 0) << groups;
}

TEST_P(LauncherTest, CommandIsKilledOnlyWhereItsNumberIsTheTasks) {
  const Result<Launched> launched = launch("kill", shell("sleep 1000"));
  ASSERT_TRUE(launched) << launched.error().text();
  const fs::path file = state_.path() / "kill.pid";
  io::Command command;
  command.argv = {"sleep", "1000"};
  const pid_t stranger = io::spawn(command).value();
  ASSERT_TRUE(io::write_file(file, std::to_string(stranger)));
  launcher_->kill_exec(model::TaskId("kill"), file);
  EXPECT_EQ(::waitpid(stranger, nullptr, WNOHANG), 0)
      << "a number that has come to mean a process of the host";
  ::kill(stranger, SIGKILL);
  EXPECT_EQ(::waitpid(stranger, nullptr, 0), stranger);
  ASSERT_TRUE(io::write_file(file, std::to_string(launched->container.pid)));
  launcher_->kill_exec(model::TaskId("kill"), file);
  EXPECT_EQ(exit_of("kill", *launched), "137");
}

TEST_P(LauncherTest, FindsAndStopsWhatAnEarlierControlPlaneLeft) {
  const Result<Launched> launched = launch("left", shell("sleep 1000"));
  ASSERT_TRUE(launched) << launched.error().text();
  const model::TaskId task("left");
  const Result<Launched> found = launcher_->find(task);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->container, launched->container);
  EXPECT_EQ(found->supervisor, launched->supervisor);
  // What still waits at its gate has not begun.
  ASSERT_TRUE(io::write_file(launcher_->runtime().root() / "left" / "exec.fifo", ""));
  EXPECT_EQ(launcher_->find(task).error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(launcher_->stop(task, "", deadline()));
  EXPECT_FALSE(is_alive(launched->container));
  EXPECT_FALSE(is_alive(launched->supervisor));
  EXPECT_EQ(*io::read_file(launcher_->paths(task).exit_file(task)), "137");
  ASSERT_TRUE(launcher_->stop(task, "", deadline())) << "stopping is idempotent";
  EXPECT_FALSE(launcher_->find(task));
}

TEST_P(LauncherTest, SignalsOnlyTheProcessItNames) {
  const Result<Launched> launched =
      launch("signal", shell("trap 'echo got it; exit 5' TERM; while :; do sleep 0.05; done"));
  ASSERT_TRUE(launched) << launched.error().text();
  EXPECT_FALSE(signal_process({launched->container.pid, launched->container.start_time + 1}, SIGKILL));
  EXPECT_TRUE(is_alive(launched->container));
  EXPECT_TRUE(signal_process(launched->container, SIGKILL));
  EXPECT_EQ(exit_of("signal", *launched), "137");
}

// One connection; what the other side says until it closes.
std::string read_from(const std::string& ip, int port) {
  const io::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, ip.c_str(), &target.sin_addr);
  if (::connect(client.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0) return "";
  char buffer[256];
  const ssize_t got = ::read(client.get(), buffer, sizeof(buffer));
  return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : "";
}

TEST_P(LauncherTest, AnswersAtItsAddressOnTheBridge) {
  model::TaskSpec spec = shell("cat /etc/hosts; exec nc -ll -p 8080 -e /bin/echo hello");
  spec.net = model::NetMode::Bridge;
  const std::string address = network_->allocate().value();
  const Result<Launched> launched = launch("bridge", spec, address);
  ASSERT_TRUE(launched) << launched.error().text();
  std::string answer;
  const Deadline patience = deadline();
  while (answer.empty() && !patience.passed(clock_.steady_now())) answer = read_from(address, 8080);
  EXPECT_EQ(answer, "hello\n");
  // conmon writes it down in its own time, which is no part of the answer's.
  const auto knows_itself = [&] {
    return output_of("bridge").find(address + "\tbridge") != std::string::npos;
  };
  while (!knows_itself() && !patience.passed(clock_.steady_now())) std::this_thread::yield();
  EXPECT_TRUE(knows_itself()) << output_of("bridge");
  EXPECT_TRUE(launcher_->destroy(model::TaskId("bridge"), address, deadline()));
  for (const auto& entry : fs::directory_iterator("/sys/class/net")) {
    EXPECT_FALSE(fs::exists(entry.path() / "master" / "bridge") &&
                 fs::read_symlink(entry.path() / "master").filename() == network_->bridge())
        << entry.path();
  }
}

TEST_P(LauncherTest, ACommandOfTheHostSeesNothingOfTheControlPlane) {
  // Not below /tmp, where every task has a folder of its own.
  const io::TemporaryDirectory control = io::TemporaryDirectory::create("/var/tmp").value();
  ASSERT_TRUE(io::write_file(control.path() / "slipway.db", "secrets"));
  ASSERT_TRUE(io::make_directories(control.path() / "engine"));
  const io::TemporaryDirectory other = io::TemporaryDirectory::create("/var/tmp").value();
  ASSERT_TRUE(io::write_file(other.path() / "api.sock", "a way in"));
  launcher_ = Launcher::create({.state = control.path() / "engine",
                                .cluster = cluster_,
                                .hidden = {control.path(), other.path(), "/no/such/folder"},
                                .runtime = runtime_,
                                .network = network_.get()},
                               clock_)
                  .value();
  const io::TemporaryDirectory open = io::TemporaryDirectory::create("/var/tmp").value();
  ASSERT_TRUE(io::write_file(open.path() / "seen", ""));
  model::TaskSpec spec = shell("for d in " + control.path().string() + " " + other.path().string() + " " +
                               open.path().string() + "; do ls -A $d; done");
  spec.image = {};
  EXPECT_EQ(run("curious", spec), "0|seen\n");
}

TEST_P(LauncherTest, AReadOnlyVolumeIsSoBelowAMountToo) {
  const io::TemporaryDirectory volume = io::TemporaryDirectory::create().value();
  const fs::path below = volume.path() / "below";
  ASSERT_TRUE(io::make_directories(below));
  ASSERT_EQ(::mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr), 0);
  model::TaskSpec spec =
      shell("touch /v/top; touch /v/below/inner; ls -A /v /v/below | grep -e top -e inner");
  spec.volumes = {{"/v", volume.path().string(), true}};
  EXPECT_EQ(run("reader", spec).substr(0, 2), "1|");
  EXPECT_FALSE(fs::exists(below / "inner"));
  spec.volumes[0].read_only = false;
  EXPECT_EQ(run("writer", spec), "0|top\ninner\n");
  EXPECT_EQ(::umount(below.c_str()), 0);
}

TEST_P(LauncherTest, SharesTheHostsNetworkWhenAsked) {
  model::TaskSpec spec = shell("ls /sys/class/net | grep -c slw-");
  spec.net = model::NetMode::Host;
  EXPECT_EQ(run("host-net", spec).substr(0, 2), "0|");
}

INSTANTIATE_TEST_SUITE_P(Runtimes, LauncherTest, ::testing::Values("crun", "runc"),
                         [](const auto& runtime) { return runtime.param; });

}  // namespace
}  // namespace slipway::engine::local
