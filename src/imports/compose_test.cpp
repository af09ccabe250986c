#include <gmock/gmock.h>

#include "imports/import.h"
#include "support/compiled_import.h"

namespace fs = std::filesystem;

namespace slipway::imports {
namespace {

using test::CompiledImport;
using test::lines_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const fs::path kData = fs::path(SLIPWAY_SOURCE_DIR) / "src/imports/testdata";

Import shop(const fs::path& into = "/tmp/tree") {
  auto import = import_compose(kData / "compose.yaml", into);
  EXPECT_TRUE(import.has_value());
  return import.has_value() ? *import : Import();
}

// The import of a file that says this.
Import imported(const std::string& text) {
  const auto folder = io::TemporaryDirectory::create();
  EXPECT_TRUE(io::write_file(folder->path() / "compose.yaml", text).has_value());
  return *import_compose(folder->path() / "compose.yaml", folder->path());
}

// As `shop`, compiled; the image of web is built elsewhere, so it is named instead.
CompiledImport compiled_shop() {
  Import import = shop();
  for (File& file : import.files) {
    const size_t build = file.text.find("  build: ");
    if (build != std::string::npos)
      file.text.replace(build, file.text.find('\n', build) - build, "  image: web:1");
  }
  return CompiledImport(import);
}

TEST(Compose, EachServiceIsAServiceWithOneInstance) {
  const CompiledImport compiled = compiled_shop();
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_THAT(compiled.names(), ElementsAre("db.main", "metrics-exporter.main", "web.main", "worker.main"));
}

TEST(Compose, PathsAreSeenFromTheServicesFolder) {
  for (const File& file : shop(kData / "tree").files) {
    if (file.path != "web/run.yaml") continue;
    EXPECT_THAT(file.text, HasSubstr("  build: \"../../web\"\n"));
  }
}

TEST(Compose, WhatAServiceSaysIsWhatItsInstanceIs) {
  const CompiledImport compiled = compiled_shop();
  const model::Instance& web = compiled.instances.at("web.main");
  EXPECT_THAT(web.spec.args, ElementsAre("gunicorn", "--bind", ":8000", "shop.wsgi:application"));
  EXPECT_EQ(web.count, 3);
  EXPECT_EQ(web.spec.resources.cpus, 0.5);
  EXPECT_EQ(web.spec.resources.cpu_burst_add, 1);
  EXPECT_EQ(web.spec.resources.mem_mb, 512);
  EXPECT_EQ(web.spec.container_port, 8000);
  EXPECT_EQ(web.proxy->port, 8080);
  EXPECT_THAT(web.spec.env,
              ElementsAre(Pair("CACHE_URL", "redis://cache:6379/0"), Pair("DEBUG", "false"),
                          Pair("LOG_LEVEL", "info"), Pair("PRICE", "$5"), Pair("TZ", "Europe/Berlin")));
  EXPECT_THAT(web.spec.health.cmd, ElementsAre("curl", "-f", "http://localhost:8000/health"));
  EXPECT_EQ(web.spec.health.interval, 10s);
  EXPECT_EQ(web.spec.health.timeout, 90s);
  EXPECT_EQ(web.spec.health.max_consecutive_failures, 5);
  EXPECT_EQ(web.bounce.method, model::BounceMethod::Crossover);
  EXPECT_TRUE(web.bounce.auto_rollback);
  EXPECT_EQ(web.spec.placement.max_per_node, 2);
  EXPECT_THAT(web.spec.placement.spread, ElementsAre("zone"));
  EXPECT_EQ(web.spec.placement.selectors.at(0).text(), "disk In [ssd]");
  EXPECT_THAT(web.spec.volumes, ElementsAre(model::Volume{"/srv/static", (kData / "static").string(), true},
                                            model::Volume{"/var/log/shop", "/srv/logs", false}));
  EXPECT_EQ(web.spec.stop_signal, "SIGINT");
  EXPECT_EQ(web.spec.stop_grace, 60s);
  EXPECT_EQ(web.spec.user, "1000:1000");
  EXPECT_TRUE(web.spec.read_only_root);
}

TEST(Compose, AnEntrypointReplacesTheImages) {
  const CompiledImport compiled = compiled_shop();
  const model::Instance& worker = compiled.instances.at("worker.main");
  EXPECT_THAT(*worker.spec.cmd, ElementsAre("python", "-m", "shop.worker", "--queue", "mail"));
  EXPECT_EQ(worker.spec.image.name, "docker://shop/web:2024.2");
  EXPECT_EQ(worker.count, 2);
  EXPECT_EQ(worker.spec.resources.cpus, 0.05);
  EXPECT_EQ(worker.spec.resources.cpu_burst_add, 0);
  EXPECT_EQ(worker.spec.resources.pids, 64);
  EXPECT_EQ(worker.spec.health.mode, model::HealthMode::None);
  EXPECT_THAT(worker.spec.env, ElementsAre(Pair("EMPTY", ""), Pair("QUEUE", "mail")));
  const model::Instance& db = compiled.instances.at("db.main");
  EXPECT_THAT(db.spec.health.cmd, ElementsAre("sh", "-c", "pg_isready -U postgres"));
  EXPECT_EQ(db.spec.container_port, 5432);
  EXPECT_EQ(db.spec.env.at("POSTGRES_PASSWORD"), "secret");
}

TEST(Compose, WhatHasNoCounterpartIsListedLineByLine) {
  EXPECT_THAT(
      lines_of(shop().lost),
      ElementsAre("8:3: web.logging has no counterpart", "8:3: worker.logging has no counterpart",
                  "18:7: web.build.args has no counterpart", "23:9: the port 9229 has no counterpart",
                  "28:19: SESSION_KEY has no value here", "30:5: web.depends_on has no counterpart",
                  "42:43: deploy.update_config.parallelism has no counterpart",
                  "44:48: the constraint node.role == worker has no counterpart",
                  "49:9: the volume uploads has no counterpart", "70:5: worker.profiles has no counterpart",
                  "72:3: db has no limit of memory", "76:15: the volume pgdata has no counterpart",
                  "77:5: db.shm_size has no counterpart", "81:3: metrics.exporter has no limit of memory",
                  "85:9: the port 8080 is left out: another has it",
                  "86:9: the port 53 of udp has no counterpart",
                  "87:5: metrics.exporter.privileged has no counterpart",
                  "88:5: metrics.exporter.restart has no counterpart"));
}

TEST(Compose, MistakesStopTheImportWithTheirPlaces) {
  const auto problems = [](const std::string& text) {
    const Import import = imported(text);
    EXPECT_THAT(import.files, IsEmpty());
    return lines_of(import.problems);
  };
  EXPECT_THAT(problems("services:\n\tweb: {}\n"), ElementsAre(HasSubstr("2:1: a tab indents")));
  EXPECT_THAT(problems("services: {web: {command: x}}\n"),
              ElementsAre("1:12: web has neither image nor build"));
  EXPECT_THAT(problems("web: {image: x}\n"), ElementsAre("1:1: there are no services"));
  EXPECT_THAT(problems("services:\n  web: {image: '${TAG:?set it}'}\n"),
              ElementsAre("2:16: TAG is not set: set it"));
  EXPECT_THAT(problems("services:\n  web:\n    extends: {service: x}\n"),
              ElementsAre("3:5: extends is not followed"));
  EXPECT_THAT(problems("services:\n  web: {image: x, command: 'a \"b'}\n"),
              ElementsAre("2:28: a quote in command is never closed"));
  EXPECT_THAT(problems("services:\n  web: {image: x, stop_grace_period: soon}\n"),
              ElementsAre("2:38: stop_grace_period is \"soon\""));
  EXPECT_THAT(problems("services:\n  web: {image: x, env_file: none.env}\n"),
              ElementsAre("2:29: the env_file none.env cannot be read"));
  EXPECT_THAT(problems("services:\n  a.b: {image: x}\n  a-b: {image: x}\n"),
              ElementsAre("3:3: a second a-b.main comes of this"));
}

TEST(Compose, AMissingFileIsAnError) {
  EXPECT_EQ(import_compose("/nowhere/compose.yaml", ".").error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::imports
