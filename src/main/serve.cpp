#include "main/serve.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <unistd.h>

#include <fmt/format.h>

#include "api/registry.h"
#include "api/server.h"
#include "base/log.h"
#include "config/config.h"
#include "discovery/aside_proxy.h"
#include "discovery/worker_user.h"
#include "engine/fake/fake_engine.h"
#include "engine/local/local_engine.h"
#include "io/environment.h"
#include "io/event_loop.h"
#include "io/file.h"
#include "io/process.h"
#include "reconcile/loop.h"
#include "state/sqlite_store.h"

namespace slipway::daemon {

namespace {

constexpr std::string_view kArea = "serve";

Result<std::unique_ptr<engine::Engine>> make_engine(const config::ClusterConfig& cluster, const Clock& clock,
                                                    Random& random) {
  if (cluster.engine == "fake") {
    engine::fake::Options options;
    options.live = true;
    return std::unique_ptr<engine::Engine>(
        std::make_unique<engine::fake::FakeEngine>(clock, random, options));
  }
  if (cluster.engine != "local") {
    return Error(ErrorCode::Invalid, fmt::format("engine '{}' is neither local nor fake", cluster.engine));
  }
  engine::local::LocalOptions options;
  options.cluster = cluster.cluster;
  options.state = cluster.state;
  options.isolation = cluster.isolation;
  options.runtime = cluster.runtime;
  options.log_bytes = static_cast<uint64_t>(cluster.limits.log_mb) << 20;
  options.image_bytes = static_cast<uint64_t>(cluster.limits.image_gb) << 30;
  options.max_tasks = cluster.limits.tasks;
  options.starts = cluster.limits.starts;
  auto engine = TRY(engine::local::LocalEngine::create(std::move(options), clock, random));
  return std::unique_ptr<engine::Engine>(std::move(engine));
}

std::unique_ptr<discovery::Proxy> make_proxy(const config::ClusterConfig& cluster, engine::Engine& engine,
                                             const Clock& clock) {
  discovery::ProxySettings settings;
  settings.bind = cluster.proxy.bind;
  settings.http_port = cluster.proxy.http_port;
  settings.haproxy = cluster.proxy.haproxy;
  settings.directory = (cluster.state / "proxy").string();
  settings.cgroup = fmt::format("/slipway/{}/_proxy", cluster.cluster);
  if (const auto worker = discovery::worker_user()) {
    settings.user = worker->user;
    settings.group = worker->group;
  }
  if (auto* local = dynamic_cast<engine::local::LocalEngine*>(&engine)) {
    settings.listens = [local](const std::set<int>& ports) { local->let_tasks_reach(ports); };
  }
  return std::make_unique<discovery::AsideProxy>(discovery::make_haproxy_proxy(std::move(settings), clock),
                                                 clock);
}

Result<config::ClusterConfig> load(const cli::ServeOptions& options) {
  auto loaded = options.file ? TRY(config::load_cluster_file(*options.file))
                             : TRY(config::load_cluster_directory(options.directory.value_or(".")));
  if (loaded.problems.empty()) return loaded.cluster;
  std::string text;
  for (const model::Problem& problem : loaded.problems) text += "\n  " + problem.text();
  return Error(ErrorCode::Invalid, "the cluster file has problems:" + text);
}

api::ControlPlane plane_of(const config::ClusterConfig& cluster, const cli::ServeOptions& options) {
  api::ControlPlane plane;
  plane.cluster = cluster.cluster;
  plane.directory = cluster.config;
  plane.endpoint = cluster.api;
  plane.state = cluster.state;
  plane.source = options.file ? std::filesystem::absolute(*options.file) : cluster.config;
  return plane;
}

// Everything that lives as long as the daemon, in the order in which it is built; destroyed in reverse.
struct Daemon {
  SystemClock clock;
  SystemRandom random;
  config::ClusterConfig cluster;
  io::Fd lock;
  io::EventLoop loop;
  std::unique_ptr<state::Store> store;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<discovery::Proxy> proxy;
  std::unique_ptr<reconcile::Loop> control;
  std::unique_ptr<api::ApiServer> api;
};

Status build(Daemon& daemon, const cli::ServeOptions& options, const std::string& version) {
  daemon.cluster = TRY(load(options));
  const config::ClusterConfig& cluster = daemon.cluster;
  TRY(io::make_directories(cluster.state, 0711));
  daemon.lock = TRY_CONTEXT(io::lock_file(cluster.state / "slipway.lock"),
                            "another control plane has " + cluster.state.string());
  daemon.store = TRY(state::SqliteStore::open(cluster.state / "slipway.db", daemon.clock));
  if (options.up && TRY(daemon.store->going_down())) TRY(daemon.store->set_going_down(false));
  daemon.engine = TRY_CONTEXT(make_engine(cluster, daemon.clock, daemon.random), "start the engine");
  daemon.proxy = make_proxy(cluster, *daemon.engine, daemon.clock);
  daemon.control =
      std::make_unique<reconcile::Loop>(reconcile::LoopParts{daemon.loop, *daemon.engine, *daemon.proxy,
                                                             *daemon.store, daemon.clock, daemon.random},
                                        cluster, [&loop = daemon.loop] { loop.stop(); });
  TRY(daemon.control->start());
  api::ServerFacts facts;
  facts.version = version;
  facts.cluster = cluster.cluster;
  facts.engine = cluster.engine;
  facts.config = cluster.config.string();
  facts.state = cluster.state.string();
  facts.pid = getpid();
  daemon.api = TRY_CONTEXT(
      api::ApiServer::start(daemon.loop, cluster.api, *daemon.control, std::move(facts), daemon.clock),
      "serve the API at " + cluster.api);
  return {};
}

}  // namespace

int serve(const cli::ServeOptions& options, const std::string& version) {
  if (options.verbose) log::set_level(log::Level::Debug);
  std::signal(SIGPIPE, SIG_IGN);
  // Every task takes two of them, every connection one.
  const Status raised = io::raise_descriptor_limit();
  if (!raised.has_value()) log::warning(kArea, "{}", raised.error().text());
  auto daemon = std::make_unique<Daemon>();
  const Status built = build(*daemon, options, version);
  if (!built.has_value()) {
    log::error(kArea, "{}", built.error().text());
    return exit_code(built.error().code());
  }
  const auto registry = api::registry_directory(io::environment());
  const Status registered = api::register_control_plane(registry, plane_of(daemon->cluster, options));
  // Commands then need --api, which is no reason not to run.
  if (!registered.has_value()) log::warning(kArea, "{}", registered.error().text());
  for (const int signal : {SIGTERM, SIGINT}) {
    daemon->loop.on_signal(signal, [&loop = daemon->loop](int) {
      log::info(kArea, "told to end; tasks go on and the next control plane finds them");
      loop.stop();
    });
  }
  log::info(kArea, "slipway {} runs cluster {} from {}; API at {}", version, daemon->cluster.cluster,
            daemon->cluster.config.string(), daemon->cluster.api);
  daemon->loop.run();

  if (!daemon->control->snapshot()->released) {
    // Tasks go on. Whoever adopts them is built for a process that was killed, so there is nothing to take
    // apart; a build under way would hold an orderly end for minutes.
    log::info(kArea, "ended; tasks go on");
    std::_Exit(0);
  }
  const config::ClusterConfig cluster = daemon->cluster;
  daemon.reset();
  const Status forgotten = api::forget_state(cluster.state);
  if (!forgotten.has_value()) log::error(kArea, "{}", forgotten.error().text());
  const Status unregistered = api::unregister_control_plane(registry, cluster.state);
  if (!unregistered.has_value()) log::error(kArea, "{}", unregistered.error().text());
  log::info(kArea, "ended; nothing is left");
  return 0;
}

}  // namespace slipway::daemon
