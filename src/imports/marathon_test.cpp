#include <gmock/gmock.h>

#include "imports/import.h"
#include "support/compiled_import.h"

namespace slipway::imports {
namespace {

using test::CompiledImport;
using test::lines_of;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Import groups() {
  const auto text = io::read_file(std::string(SLIPWAY_SOURCE_DIR) + "/src/imports/testdata/groups.json");
  EXPECT_TRUE(text.has_value());
  return import_marathon(text.value_or(""), "groups.json");
}

TEST(Marathon, AGroupIsAServiceAndItsAppsAreInstances) {
  const CompiledImport compiled(groups());
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_THAT(compiled.names(), ElementsAre("chronicle.main", "shop-data.postgres", "shop.exporter",
                                            "shop.web", "shop.worker_v2-nightly"));
}

TEST(Marathon, WhatAnAppSaysIsWhatItsInstanceIs) {
  const CompiledImport compiled(groups());
  const model::Instance& web = compiled.instances.at("shop.web");
  EXPECT_EQ(web.spec.image.name, "docker://registry.example.com/shop/web:2024.2");
  EXPECT_THAT(web.spec.args, ElementsAre("--workers", "4"));
  EXPECT_EQ(web.count, 4);
  EXPECT_EQ(web.spec.resources.cpus, 1.5);
  EXPECT_EQ(web.spec.resources.mem_mb, 1024);
  EXPECT_EQ(web.spec.resources.disk_mb, 512);
  EXPECT_EQ(web.spec.user, "1000");
  EXPECT_EQ(web.spec.container_port, 8000);
  EXPECT_EQ(web.spec.env, (std::map<std::string, std::string>{{"SHOP_ENV", "prod"}, {"RETRIES", "3"}}));
  EXPECT_THAT(web.spec.volumes, ElementsAre(model::Volume{"/etc/shop", "/srv/config/shop", true}));
  EXPECT_THAT(web.proxy->domains, ElementsAre("shop.example.com", "www.shop.example.com"));
  EXPECT_EQ(web.proxy->port, std::nullopt);
  EXPECT_EQ(web.spec.health.mode, model::HealthMode::Http);
  EXPECT_EQ(web.spec.health.uri, "/status");
  EXPECT_EQ(web.spec.health.grace_period, 300s);  // Marathon's own default
  EXPECT_EQ(web.bounce.method, model::BounceMethod::Crossover);
  EXPECT_EQ(web.bounce.margin, 0.75);
  EXPECT_EQ(web.spec.stop_grace, 20s);
  EXPECT_EQ(web.spec.max_launch_delay, 300s);
}

TEST(Marathon, ConstraintsAreSelectorsAndPlacement) {
  const CompiledImport compiled(groups());
  const model::Placement& placement = compiled.instances.at("shop.web").spec.placement;
  EXPECT_EQ(placement.max_per_node, 1);
  EXPECT_EQ(placement.max_per, (std::map<std::string, int>{{"rack_id", 2}}));
  EXPECT_THAT(placement.spread, ElementsAre("rack_id"));
  std::vector<std::string> selectors;
  for (const model::NodeSelector& selector : placement.selectors) selectors.push_back(selector.text());
  EXPECT_THAT(selectors,
              ElementsAre("class In [web]", "hostname NotIn [node-1.example.com]", "zone In [a, b]"));
}

TEST(Marathon, TheFirstPortIsThePort) {
  const CompiledImport compiled(groups());
  const model::Instance& chronicle = compiled.instances.at("chronicle.main");
  EXPECT_EQ(chronicle.spec.container_port, 10100);
  EXPECT_EQ(chronicle.spec.env.at("PORT0"), "10100");
  EXPECT_EQ(chronicle.spec.net, model::NetMode::Bridge);
  EXPECT_FALSE(chronicle.proxy.has_value());  // nobody balanced it
  const model::Instance& exporter = compiled.instances.at("shop.exporter");
  EXPECT_EQ(exporter.spec.container_port, 9187);
  EXPECT_EQ(exporter.spec.net, model::NetMode::Host);  // it requires the port of the host
  EXPECT_EQ(exporter.spec.health.mode, model::HealthMode::None);
  const model::Instance& postgres = compiled.instances.at("shop-data.postgres");
  EXPECT_EQ(postgres.proxy->port, 5432);
  EXPECT_EQ(postgres.proxy->mode, model::ProxyMode::Tcp);
  EXPECT_EQ(postgres.spec.resources.mem_mb, 128);
}

TEST(Marathon, ValuesBeyondOurRangesAreBroughtInside) {
  const CompiledImport compiled(groups());
  const model::Instance& worker = compiled.instances.at("shop.worker_v2-nightly");
  EXPECT_EQ(worker.spec.resources.mem_mb, 4);
  EXPECT_EQ(worker.count, 0);
  EXPECT_EQ(worker.bounce.method, model::BounceMethod::DownThenUp);
  EXPECT_EQ(worker.spec.health.max_consecutive_failures, 1000);
}

TEST(Marathon, WhatHasNoCounterpartIsListedLineByLine) {
  EXPECT_THAT(
      lines_of(groups().lost),
      ElementsAre(
          "18:18: PORT1 has no counterpart", "19:9: a second port has no counterpart",
          "28:7: fetch has no counterpart", "37:7: dependencies of /shop has no counterpart",
          "51:15: forcePullImage has no counterpart",
          "53:64: the docker parameter log-driver none has no counterpart",
          "56:17: a second port has no counterpart", "61:15: the volume cache has no counterpart",
          "64:19: the secret in DB_PASSWORD has no counterpart", "65:11: secrets has no counterpart",
          "69:13: the label HAPROXY_0_REDIRECT_TO_HTTPS has no counterpart",
          "70:13: the label owner has no counterpart", "74:13: a second health check has no counterpart",
          "77:73: the constraint kernel LIKE 5\\..* has no counterpart",
          "79:62: maximumOverCapacity has no counterpart", "82:11: unreachableStrategy has no counterpart",
          "90:24: the network dcos has no counterpart",
          "91:91: a health check that replaces nothing has no counterpart",
          "93:11: acceptedResourceRoles has no counterpart"));
}

TEST(Marathon, EveryFormOfTheApiIsRead) {
  const std::string app = R"({"id": "a", "cmd": "x", "mem": null, "args": null})";
  for (const std::string& text :
       {app, "[" + app + "]", "{\"app\": " + app + "}", "{\"apps\": [" + app + "]}"}) {
    EXPECT_THAT(CompiledImport(import_marathon(text, "a.json")).names(), ElementsAre("a.main")) << text;
  }
}

TEST(Marathon, MistakesStopTheImportWithTheirPlaces) {
  const auto problems = [](const std::string& text) {
    const Import import = import_marathon(text, "a.json");
    EXPECT_THAT(import.files, IsEmpty());
    return lines_of(import.problems);
  };
  EXPECT_THAT(problems("{\"id\": \"a\",\n \"cmd\": }"),
              ElementsAre("2:9: \"}\" stands where a value should be"));
  EXPECT_THAT(problems("[{\"cmd\": \"x\"}]"), ElementsAre("1:2: an app has no id"));
  EXPECT_THAT(problems("[{\"id\": \"a\"}]"), ElementsAre("1:2: the app has neither cmd nor an image"));
  EXPECT_THAT(problems("[{\"id\": \"a.b\", \"cmd\": \"x\"},\n {\"id\": \"a-b\", \"cmd\": \"x\"}]"),
              ElementsAre("2:9: a second a-b.main comes of this"));
  EXPECT_THAT(problems("[{\"id\": \"/\", \"cmd\": \"x\"}]"), ElementsAre("1:9: no name can be made of this"));
  EXPECT_THAT(problems("[{\"id\": \"a\", \"cmd\": \"x\", \"cpus\": \"1\"}]"),
              ElementsAre("1:34: cpus should be a number"));
  EXPECT_THAT(problems("3"), ElementsAre(HasSubstr("neither an app nor a group")));
}

TEST(Marathon, AnAnswerOfTwoThousandAppsIsRead) {
  std::string text = "{\"apps\": [";
  for (int i = 0; i < 2000; ++i) {
    text += (i > 0 ? "," : "") + std::string(R"({"id": "/g)") + std::to_string(i / 20) + "/app" +
            std::to_string(i) + R"(", "cmd": "run $PORT0", "portDefinitions": [{"port": )" +
            std::to_string(10'000 + i) + "}]}";
  }
  const CompiledImport compiled(import_marathon(text + "]}", "all.json"));
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_THAT(compiled.instances, SizeIs(2000));
}

}  // namespace
}  // namespace slipway::imports
