// The configuration compiler on a tree of services with six files and six instances each: all of it, on one
// core and on those there are; after one file changed; and by another process that finds it compiled. Beside
// the first the floor: reading the same bytes and having libyaml find the tokens in them.
#include <cstdio>
#include <filesystem>
#include <malloc.h>
#include <string>
#include <vector>
#include <yaml.h>

#include <fmt/format.h>

#include "bench.h"
#include "config/compiled_store.h"
#include "config/service_source.h"
#include "config/tree.h"
#include "io/file.h"
#include "io/parallel.h"
#include "resident.h"

namespace bench {
namespace {

namespace config = slipway::config;
namespace fs = std::filesystem;
namespace io = slipway::io;

constexpr int kInstances = 6;
constexpr const char* kCluster = "bench";

std::string name_of(int service) {
  return fmt::format("service-{:05}", service);
}

std::string run_file(int service, int version) {
  std::string text = "# What this service runs.\n_template: &template\n  cpus: 0.5\n  mem: 512\n  env:\n";
  text += fmt::format("    LOG_LEVEL: info\n    VERSION: \"{}\"\n    REGION: eu-west-1\n\n", version);
  for (int i = 0; i < kInstances; ++i) {
    text += fmt::format(
        "instance-{0}:\n  <<: *template\n  cmd: [/usr/bin/serve, --port, \"8080\", --shard, \"{0}\"]\n"
        "  instances: {1}\n  container_port: 8080\n  healthcheck_uri: /status\n"
        "  healthcheck_interval_seconds: 5\n  bounce_margin_factor: 0.9\n  drain_timeout_seconds: 20\n"
        "  deploy_group: everywhere.{0}\n",
        i, 1 + (service + i) % 7);
    if (i < 2) text += fmt::format("  proxy:\n    domains: [s{}-{}.bench.test]\n", service, i);
  }
  return text;
}

std::string cluster_file(const char* cluster, int service) {
  std::string text = fmt::format("# Where {} differs.\n", cluster);
  for (int i = 0; i < kInstances; ++i) {
    text += fmt::format("instance-{}:\n  instances: {}\n  mem: {}\n  env:\n    CLUSTER: {}\n", i,
                        1 + (service + i) % 5, 256 + 128 * i, cluster);
  }
  return text;
}

slipway::Status write_service(const fs::path& tree, int service) {
  const fs::path folder = tree / name_of(service);
  TRY(io::make_directories(folder));
  TRY(io::write_file(folder / "service.yaml",
                     "description: what it is for, in a sentence or two\nstop_timeout_seconds: 15\n"
                     "env: {TEAM: bench, TIER: \"2\"}\n"));
  TRY(io::write_file(folder / "run.yaml", run_file(service, 1)));
  for (const char* cluster : {kCluster, "stage", "dev", "prod"}) {
    TRY(io::write_file(folder / fmt::format("run-{}.yaml", cluster), cluster_file(cluster, service)));
  }
  return {};
}

// Reads what a compilation reads, and finds its tokens.
size_t lex(const fs::path& tree) {
  size_t tokens = 0;
  const auto folders = config::list_services(tree);
  if (!folders.has_value()) return 0;
  for (const config::ServiceFolder& folder : *folders) {
    for (const config::SourceFile& file : config::read_service(folder, kCluster).files) {
      yaml_parser_t parser;
      yaml_parser_initialize(&parser);
      yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(file.text.data()),
                                   file.text.size());
      yaml_token_t token;
      bool more = true;
      while (more && yaml_parser_scan(&parser, &token) != 0) {
        more = token.type != YAML_STREAM_END_TOKEN;
        yaml_token_delete(&token);
        ++tokens;
      }
      yaml_parser_delete(&parser);
    }
  }
  return tokens;
}

config::TreeOptions options(const fs::path& tree, int threads) {
  return {.folder = tree, .cluster = kCluster, .threads = threads};
}

// Milliseconds to compile all; 0 where something is wrong with the tree.
double compile_all(const slipway::Clock& clock, config::TreeOptions how, size_t instances) {
  config::Tree tree(std::move(how));
  const double took = milliseconds(clock, [&] { keep(tree.look_at_all()); });
  return tree.desired().instances.size() == instances ? took : 0;
}

struct Held {
  double change_ms = 0;
  double look_ms = 0;  // at a tree in which nothing changed
  double kb = 0;       // resident, that came with the tree
};

// Compiles all, then changes one file again and again.
Held hold(const slipway::Clock& clock, const fs::path& folder, int services) {
  ::malloc_trim(0);
  const double before = static_cast<double>(resident("VmRSS:"));
  config::Tree tree(options(folder, 1));
  keep(tree.look_at_all());
  ::malloc_trim(0);
  Held held;
  held.kb = static_cast<double>(resident("VmRSS:")) - before;
  std::vector<double> changes, looks;
  for (int run = 0; run < kRuns; ++run) {
    const int service = services / 2 + run;
    const auto written =
        io::write_file(folder / name_of(service % services) / "run.yaml", run_file(service, 2 + run));
    if (!written.has_value()) return {};
    slipway::model::Desired desired;
    changes.push_back(milliseconds(clock, [&] {
      keep(tree.look_at({name_of(service % services)}));
      desired = tree.desired();
    }));
    looks.push_back(milliseconds(clock, [&] { keep(tree.look_at_all()); }));
  }
  held.change_ms = median(changes);
  held.look_ms = median(looks);
  return held;
}

// A process that finds everything compiled; the first one writes it.
double compile_again(const slipway::Clock& clock, const fs::path& tree, const fs::path& file,
                     size_t instances) {
  double took = 0;
  for (int process = 0; process < 2; ++process) {
    took = milliseconds(clock, [&] {
      config::CompiledStore store(file);
      config::TreeOptions how = options(tree, 1);
      how.store = &store;
      took = compile_all(clock, std::move(how), instances);
    });
  }
  return took;
}

slipway::Result<Figures> measure(int services) {
  const slipway::SystemClock clock;
  const auto folder = TRY(io::TemporaryDirectory::create());
  const fs::path tree = folder.path() / "tree";
  for (int i = 0; i < services; ++i) TRY(write_service(tree, i));
  const auto instances = static_cast<size_t>(services) * kInstances;
  const int runs = services > 5000 ? 1 : kRuns;
  const int cores = io::usable_cores();
  const std::string size = fmt::format("{} services, {} instances", services, instances);

  keep(lex(tree));  // so that nobody pays for the disk
  const Held held = hold(clock, tree, services);
  std::vector<double> floors, cold, parallel;
  for (int run = 0; run < runs; ++run) {
    floors.push_back(milliseconds(clock, [&] { keep(lex(tree)); }));
    cold.push_back(compile_all(clock, options(tree, 1), instances));
    parallel.push_back(compile_all(clock, options(tree, cores), instances));
  }
  const Reference floor{"floor", median(floors)};
  const double again = compile_again(clock, tree, folder.path() / "compiled", instances);
  if (median(cold) == 0) return slipway::Error(slipway::ErrorCode::Internal, "the tree has problems");
  return Figures{
      {"config.cold", size, median(cold), "ms", floor, "3x"},
      {"config.parallel", fmt::format("{}, {} cores", size, cores), median(parallel), "ms", floor, ""},
      {"config.restart", size, again, "ms", floor, ""},
      {"config.one-change", size, held.change_ms, "ms", {}, "5 ms"},
      {"config.look", size, held.look_ms, "ms", {}, ""},
      {"config.memory", size, held.kb / static_cast<double>(instances), "KB/instance", {}, ""}};
}

}  // namespace

Figures bench_config() {
  Figures all;
  for (const int services : {167, 1'667, 16'667}) {
    auto figures = measure(services);
    if (!figures.has_value()) {
      std::fprintf(stderr, "config: %s\n", figures.error().text().c_str());
      return {};
    }
    for (Figure& figure : *figures) all.push_back(std::move(figure));
  }
  return all;
}

}  // namespace bench
