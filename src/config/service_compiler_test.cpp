#include "config/service_compiler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/problems.h"
#include "model/revision.h"

namespace slipway::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Files {
  std::string run = {};
  std::string cluster = {};
  std::string service = {};
  std::string name = "web";
};

CompiledService compiled(const Files& files) {
  ServiceSource source;
  source.name = files.name;
  source.path = files.name;
  source.folder = "/tree/" + files.name;
  source.files = {{.role = FileRole::Run, .of_cluster = true, .path = "run-prod.yaml", .text = files.cluster},
                  {.role = FileRole::Run, .path = "run.yaml", .text = files.run},
                  {.role = FileRole::Service, .path = "service.yaml", .text = files.service}};
  return compile_service(source, "prod");
}

std::vector<std::string> problems_of(const Files& files) {
  const CompiledService service = compiled(files);
  std::vector<std::string> texts;
  for (const Finding& finding : service.findings) {
    texts.push_back(problem_of(finding, service.files, service.name).text());
  }
  return texts;
}

// The problems of one instance with these keys, beside a command that is right.
std::vector<std::string> problems_in(const std::string& keys) {
  return problems_of({.run = "main:\n  cmd: x\n" + keys});
}

// The only instance of these files, which must be in order.
model::Instance instance_of(const Files& files) {
  const CompiledService service = compiled(files);
  EXPECT_THAT(problems_of(files), IsEmpty());
  EXPECT_EQ(service.instances.size(), 1u);
  return service.instances.empty() ? model::Instance() : service.instances[0].instance;
}

TEST(ServiceCompiler, ACommandAloneIsAnInstanceWithDefaultsForASmallMachine) {
  const model::Instance instance = instance_of({.run = "main:\n  cmd: sleep 1000\n"});
  EXPECT_EQ(instance.id.text(), "web.main");
  EXPECT_EQ(instance.origin.text(), "run.yaml:1:1");
  EXPECT_EQ(instance.spec.image.kind, model::ImageKind::HostFilesystem);
  EXPECT_THAT(*instance.spec.cmd, ElementsAre("sh", "-c", "sleep 1000"));
  EXPECT_EQ(instance.count, 1);
  EXPECT_EQ(instance.spec.resources, model::Resources());
  EXPECT_EQ(instance.spec.health.mode, model::HealthMode::None);
  EXPECT_EQ(instance.spec.health.interval, 2s);
  EXPECT_EQ(instance.spec.health.max_consecutive_failures, 3);
  EXPECT_EQ(instance.bounce, model::Bounce());
  EXPECT_EQ(instance.drain, model::Drain());
  EXPECT_EQ(instance.deploy_group, "prod.main");
  EXPECT_THAT(instance.registrations, ElementsAre("web.main"));
  EXPECT_EQ(instance.desired_state, "start");
  EXPECT_EQ(instance.replication_threshold, 50);
}

TEST(ServiceCompiler, EveryKeyArrives) {
  const model::Instance instance = instance_of({.run = R"(
main:
  image: nginx:1.25
  args: [-g, daemon off;]
  env: {LEVEL: debug, RATE: 1.50}
  work_dir: /srv
  user: "10:20"
  read_only_root: true
  instances: 3
  cpus: 0.5
  cpu_burst_add: 2
  mem: 64
  disk: 100
  gpus: 1
  pids: 50
  net: host
  container_port: 8080
  proxy: {port: 80, mode: tcp}
  registrations: [web.api, web.main]
  healthcheck_mode: cmd
  healthcheck_cmd: [test, -f, /ok]
  healthcheck_grace_period_seconds: 0.5
  healthcheck_interval_seconds: 1
  healthcheck_timeout_seconds: 3
  healthcheck_max_consecutive_failures: 7
  bounce_method: upthendown
  bounce_margin_factor: 0.5
  bounce_deadline_seconds: 60
  bounce_health_params: {min_task_uptime: 9}
  drain_method: command
  drain_timeout_seconds: 5
  drain_method_params: {drain: /drain}
  stop_signal: SIGINT
  stop_timeout_seconds: 4
  max_launch_delay_seconds: 30
  extra_volumes:
    - {containerPath: /z, hostPath: /srv/z, mode: RW}
    - {container_path: /a, host_path: /srv/a}
  pool: big
  deploy_whitelist: [rack, [a, b]]
  deploy_blacklist: [[rack, c]]
  node_selectors: {disk: ssd}
  deploy_group: "{cluster}-{service}-{instance}"
  monitoring: {team: shop}
  replication_threshold: 90
)"});
  const model::TaskSpec& spec = instance.spec;
  EXPECT_EQ(spec.image, (model::Image{model::ImageKind::Reference, "docker://nginx:1.25", ""}));
  EXPECT_FALSE(spec.cmd.has_value());
  EXPECT_THAT(spec.args, ElementsAre("-g", "daemon off;"));
  EXPECT_EQ(spec.env, (std::map<std::string, std::string>{{"LEVEL", "debug"}, {"RATE", "1.50"}}));
  EXPECT_EQ(spec.work_dir, "/srv");
  EXPECT_EQ(spec.user, "10:20");
  EXPECT_TRUE(spec.read_only_root);
  EXPECT_EQ(spec.resources, (model::Resources{0.5, 2, 64, 100, 1, 50}));
  EXPECT_EQ(spec.net, model::NetMode::Host);
  EXPECT_EQ(spec.container_port, 8080);
  EXPECT_EQ(spec.health,
            (model::HealthCheck{model::HealthMode::Cmd, "/", {"test", "-f", "/ok"}, 500ms, 1s, 3s, 7}));
  EXPECT_EQ(spec.stop_signal, "SIGINT");
  EXPECT_EQ(spec.stop_grace, 4s);
  EXPECT_EQ(spec.max_launch_delay, 30s);
  EXPECT_THAT(spec.volumes,
              ElementsAre(model::Volume{"/a", "/srv/a", true}, model::Volume{"/z", "/srv/z", false}));
  EXPECT_EQ(instance.count, 3);
  EXPECT_EQ(instance.proxy, (model::Proxy{80, model::ProxyMode::Tcp, {}}));
  EXPECT_EQ(instance.bounce, (model::Bounce{model::BounceMethod::UpThenDown, 0.5, 9s, 60s}));
  EXPECT_EQ(instance.drain, (model::Drain{model::DrainMethod::Command, 5s, {{"drain", "/drain"}}}));
  EXPECT_EQ(instance.spec.placement.pool, "big");
  EXPECT_EQ(instance.deploy_group, "prod-web-main");
  EXPECT_THAT(instance.registrations, ElementsAre("web.api", "web.main"));
  EXPECT_EQ(instance.deploy_whitelist.dump(), R"(["rack",["a","b"]])");
  EXPECT_EQ(instance.deploy_blacklist.dump(), R"([["rack","c"]])");
  EXPECT_EQ(instance.node_selectors.dump(), R"({"disk":"ssd"})");
  EXPECT_EQ(instance.monitoring.dump(), R"({"team":"shop"})");
  EXPECT_EQ(instance.replication_threshold, 90);
}

TEST(ServiceCompiler, TheHealthCheckFollowsFromWhatThereIs) {
  const auto mode = [](const std::string& keys) {
    return model::to_text(instance_of({.run = "main:\n  cmd: x\n" + keys}).spec.health.mode);
  };
  EXPECT_EQ(mode(""), "none");
  EXPECT_EQ(mode("  container_port: 80\n"), "tcp");
  EXPECT_EQ(mode("  container_port: 80\n  proxy: {port: 1}\n"), "http");
  EXPECT_EQ(mode("  container_port: 80\n  proxy: {port: 1, mode: tcp}\n"), "tcp");
  EXPECT_EQ(mode("  container_port: 80\n  healthcheck_uri: /ok\n"), "http");
  EXPECT_EQ(mode("  healthcheck_cmd: true\n"), "cmd");
  EXPECT_EQ(mode("  container_port: 80\n  healthcheck_mode: none\n"), "none");
}

TEST(ServiceCompiler, DrainIsByTheProxyWhereThereIsOne) {
  const model::Instance instance =
      instance_of({.run = "main: {cmd: x, container_port: 80, proxy: {port: 1}}\n"});
  EXPECT_EQ(instance.drain.method, model::DrainMethod::Proxy);
}

TEST(ServiceCompiler, TheClusterFileWinsOverRunAndRunOverService) {
  const Files files = {.run = "main:\n  cpus: 0.2\n  mem: 20\n  env: {B: run, C: run}\n  args: [run]\n",
                       .cluster = "main:\n  cpus: 0.3\n  env: {C: cluster}\n  args: [cluster]\n",
                       .service = "image: x\ncpus: 0.1\nmem: 10\ndisk: 10\nenv: {A: service, B: service}\n"};
  const model::Instance instance = instance_of(files);
  EXPECT_EQ(instance.spec.resources.cpus, 0.3);
  EXPECT_EQ(instance.spec.resources.mem_mb, 20);
  EXPECT_EQ(instance.spec.resources.disk_mb, 10);
  EXPECT_EQ(instance.spec.env,
            (std::map<std::string, std::string>{{"A", "service"}, {"B", "run"}, {"C", "cluster"}}));
  EXPECT_THAT(instance.spec.args, ElementsAre("cluster"));
}

TEST(ServiceCompiler, InstancesOfBothFilesAreThereByName) {
  const CompiledService service =
      compiled({.run = "b: {cmd: x}\n", .cluster = "a: {cmd: x}\nb: {instances: 0}\n"});
  ASSERT_EQ(service.instances.size(), 2u);
  EXPECT_EQ(service.instances[0].instance.origin.text(), "run-prod.yaml:1:1");
  EXPECT_EQ(service.instances[1].instance.origin.text(), "run.yaml:1:1");
  EXPECT_EQ(service.instances[1].instance.count, 0);
}

TEST(ServiceCompiler, TemplatesAreAnchorsAndNoInstances) {
  const model::Instance instance =
      instance_of({.run = "_base: &base\n  cmd: x\n  mem: 32\nmain:\n  <<: *base\n  mem: 64\n"});
  EXPECT_EQ(instance.id.instance, "main");
  EXPECT_EQ(instance.spec.resources.mem_mb, 64);
}

TEST(ServiceCompiler, AMistakeInATemplateIsOneMistake) {
  EXPECT_THAT(problems_of({.run = "_base: &base\n  cmd: x\n  cpu: 1\na: {<<: *base}\nb: {<<: *base}\n"}),
              ElementsAre("run.yaml:3:3: unknown key \"cpu\"; did you mean cpus?"));
}

TEST(ServiceCompiler, ABuildIsAFolderBesideTheFiles) {
  EXPECT_EQ(instance_of({.run = "main: {build: .}\n"}).spec.image.name, "/tree/web");
  EXPECT_EQ(instance_of({.run = "main: {build: ../base/app/}\n"}).spec.image.name, "/tree/base/app");
}

TEST(ServiceCompiler, ImagesKeepTheirKind) {
  const auto name = [](const std::string& image) {
    return instance_of({.run = "main: {image: \"" + image + "\"}\n"}).spec.image.name;
  };
  EXPECT_EQ(name("busybox"), "docker://busybox");
  EXPECT_EQ(name("docker://host:5000/a/b@sha256:12"), "docker://host:5000/a/b@sha256:12");
  EXPECT_EQ(name("oci:images/a:1"), "oci:/tree/web/images/a:1");
  EXPECT_EQ(name("docker-archive:/srv/a.tar"), "docker-archive:/srv/a.tar");
}

TEST(ServiceCompiler, TheNearerOfImageAndBuildWins) {
  const Files files = {.run = "main: {build: app}\n", .service = "image: x\n"};
  EXPECT_EQ(instance_of(files).spec.image.kind, model::ImageKind::Build);
}

TEST(ServiceCompiler, NeitherTheOrderOfKeysNorWhereTheyStandChangesARevision) {
  const auto revision = [](const Files& files) {
    const model::Instance instance = instance_of(files);
    return model::make_revision(instance.id, instance.spec).id.str();
  };
  const std::string one = revision({.run = "main:\n  cmd: x\n  env: {A: 1, B: 2}\n  mem: 64\n"});
  EXPECT_EQ(one, revision({.run = "main:\n  mem: 64\n  env: {B: 2}\n", .service = "cmd: x\nenv: {A: 1}\n"}));
  EXPECT_EQ(one, revision({.run = "main: {cmd: x, env: {A: 1, B: 2}, mem: 64, instances: 5, cpus: 0.1}\n"}));
  EXPECT_NE(one, revision({.run = "main: {cmd: x, env: {A: 1, B: 2}, mem: 65}\n"}));
}

TEST(ServiceCompiler, NothingToRunIsAProblem) {
  EXPECT_THAT(
      problems_of({.run = "main:\n  cpus: 1\n"}),
      ElementsAre("run.yaml:1:1: there is nothing to run; set image, or build, or a cmd for the host's own "
                  "filesystem"));
}

TEST(ServiceCompiler, KeysThatExcludeEachOtherAreTold) {
  EXPECT_THAT(problems_of({.run = "main:\n  cmd: x\n  args: [y]\n  image: a\n  build: b\n"}),
              ElementsAre("run.yaml:3:3: args and cmd exclude each other; keep one of them",
                          "run.yaml:5:3: build and image exclude each other; keep one of them"));
}

TEST(ServiceCompiler, WhatNeedsAPortAsksForIt) {
  EXPECT_THAT(
      problems_in("  proxy: {port: 80}\n"),
      ElementsAre("run.yaml:3:10: proxy needs container_port; set the port that the tasks listen on"));
  EXPECT_THAT(
      problems_in("  healthcheck_mode: tcp\n"),
      ElementsAre("run.yaml:3:21: healthcheck_mode tcp needs container_port; set the port that the tasks "
                  "listen on"));
  // A check that was asked for is never left out in silence.
  EXPECT_THAT(problems_in("  healthcheck_uri: /ok\n"),
              ElementsAre("run.yaml:3:20: healthcheck_uri needs container_port; set the port that the tasks "
                          "listen on, or healthcheck_mode: none"));
  EXPECT_THAT(problems_in("  healthcheck_uri: /ok\n  healthcheck_mode: none\n"), ElementsAre());
  EXPECT_THAT(
      problems_in("  net: none\n  container_port: 80\n"),
      ElementsAre(
          "run.yaml:3:8: net is none, and there is a container_port; without a network no port can be "
          "reached: remove one of them"));
}

TEST(ServiceCompiler, OneMistakeHasNoConsequencesOnTheList) {
  EXPECT_THAT(
      problems_in("  container_port: many\n  proxy: {port: 80}\n"),
      ElementsAre(
          "run.yaml:3:19: container_port is \"many\"; it should be an integer from 1 to 65535, such as "
          "8888"));
}

TEST(ServiceCompiler, ACommandCheckNeedsItsCommand) {
  EXPECT_THAT(
      problems_in("  healthcheck_mode: cmd\n"),
      ElementsAre("run.yaml:3:21: healthcheck_mode cmd needs healthcheck_cmd; set the command that tells "
                  "whether a task is healthy"));
}

TEST(ServiceCompiler, AProxyMustLeadSomewhere) {
  EXPECT_THAT(problems_in("  container_port: 80\n  proxy: {mode: http}\n"),
              ElementsAre("run.yaml:4:10: proxy has neither port nor domains; set one, or remove the proxy"));
  EXPECT_THAT(
      problems_in("  container_port: 80\n  proxy: {mode: tcp, domains: [a.b]}\n"),
      ElementsAre(
          "run.yaml:4:31: proxy.domains with mode tcp; only http says which host it wants: remove one "
          "of them"));
  EXPECT_THAT(problems_in("  container_port: 80\n  proxy: {domains: [a_b, -x.y, 'a b']}\n"),
              ElementsAre("run.yaml:4:21: \"a_b\" is no host name; it should be such as shop.example.com",
                          "run.yaml:4:26: \"-x.y\" is no host name; it should be such as shop.example.com",
                          "run.yaml:4:32: \"a b\" is no host name; it should be such as shop.example.com"));
}

TEST(ServiceCompiler, TextsHaveTheirForm) {
  EXPECT_THAT(
      problems_in("  container_port: 80\n  healthcheck_uri: status\n  user: 1:x\n  work_dir: srv\n"
                  "  registrations: [web]\n  deploy_group: '{clutser}.x'\n  env: {A=B: c}\n"),
      ElementsAre("run.yaml:4:20: healthcheck_uri is \"status\"; it should begin with / and have no blanks",
                  "run.yaml:5:9: user is \"1:x\"; it should be a name, a number, or uid:gid",
                  "run.yaml:6:13: work_dir is \"srv\"; it should begin with /",
                  "run.yaml:7:19: \"web\" is no registration; it should be of the form service.namespace",
                  "run.yaml:8:17: deploy_group is \"{clutser}.x\"; only {cluster}, {instance} and {service} "
                  "are filled in",
                  "run.yaml:9:9: \"A=B\" is no name for a variable; use letters, digits and _, and no digit "
                  "first"));
  EXPECT_THAT(problems_of({.run = "main: {image: 'ftp://x'}\n"}),
              ElementsAre("run.yaml:1:15: image is \"ftp://x\"; it should be such as docker://host/name:tag, "
                          "oci:folder or name:tag"));
}

TEST(ServiceCompiler, AnEmptyCommandIsNone) {
  EXPECT_THAT(problems_of({.run = "a: {cmd: ''}\nb: {cmd: []}\n"}),
              ElementsAre("run.yaml:1:10: cmd is empty; name a command, or remove the key",
                          "run.yaml:2:10: cmd is empty; name a command, or remove the key"));
}

TEST(ServiceCompiler, VolumesHaveWholePathsEachOnce) {
  EXPECT_THAT(
      problems_in("  extra_volumes:\n  - {container_path: a, host_path: /b}\n"
                  "  - {container_path: /c, host_path: /b}\n  - {containerPath: /c, hostPath: ./d}\n"),
      ElementsAre("run.yaml:4:22: container_path is \"a\"; it should begin with /",
                  "run.yaml:6:21: two volumes have the container_path \"/c\"; keep one of them",
                  "run.yaml:6:35: host_path is \"./d\"; it should begin with /"));
}

TEST(ServiceCompiler, DrainMethodsNeedWhatTheyUse) {
  EXPECT_THAT(problems_in("  drain_method: proxy\n"),
              ElementsAre("run.yaml:3:17: drain_method proxy without a proxy; set proxy, or another method"));
  EXPECT_THAT(
      problems_in("  drain_method: http\n"),
      ElementsAre(
          "run.yaml:3:17: drain_method http needs container_port; set the port that the tasks listen on",
          "run.yaml:3:17: drain_method http needs drain_method_params.drain; say which path is called, "
          "such as drain: POST /drain"));
  EXPECT_THAT(
      problems_in("  drain_method: http\n  container_port: 80\n"
                  "  drain_method_params: {drain: drain, save: GET /x}\n"),
      ElementsAre(
          "run.yaml:5:32: drain is \"drain\"; it should be a path, perhaps with GET or POST before it, "
          "such as POST /drain",
          "run.yaml:5:39: unknown parameter \"save\"; there are drain, safe and undrain"));
}

TEST(ServiceCompiler, CanariesAreFewerThanTheTasks) {
  EXPECT_THAT(
      problems_in("  instances: 2\n  canary: 2\n"),
      ElementsAre(
          "run.yaml:4:11: canary is 2, and instances 2; a canary goes ahead of others: it should be less "
          "than instances"));
  EXPECT_THAT(
      problems_in("  instances: 3\n  canary: 1\n  bounce_method: downthenup\n"),
      ElementsAre(
          "run.yaml:4:11: canary with bounce_method downthenup; no old task is left beside the canary: "
          "choose another method, or no canary"));
  EXPECT_THAT(problems_in("  instances: 3\n  canary: 1\n  auto_rollback: true\n"), ElementsAre());
  EXPECT_EQ(problems_in("  instances: -2\n  canary: 5\n").size(), 1U) << "of the count alone";
}

TEST(ServiceCompiler, PlacementRulesAreRead) {
  const model::Placement placement = instance_of({.run = R"(main:
  cmd: x
  pool: big
  deploy_whitelist: [rack, [b, a]]
  deploy_blacklist: [[rack, c]]
  node_selectors:
    disk: ssd
    zone: [north, south]
    age: [{operator: Lt, value: 5}, {operator: Exists}]
  placement:
    max_per_node: 1
    max_per: {rack: 2}
    apart_from: [batch, search.main]
    spread: [zone, rack]
    packing: pack
)"})
                                         .spec.placement;
  EXPECT_EQ(placement.pool, "big");
  std::vector<std::string> selectors;
  for (const auto& selector : placement.selectors) selectors.push_back(selector.text());
  EXPECT_THAT(selectors, ElementsAre("age Exists", "age Lt 5", "disk In [ssd]", "rack In [a, b]",
                                     "rack NotIn [c]", "zone In [north, south]"));
  EXPECT_EQ(placement.max_per_node, 1);
  EXPECT_EQ(placement.max_per, (std::map<std::string, int>{{"rack", 2}}));
  EXPECT_EQ(placement.apart_from.back(), (model::ApartFrom{"search", "main"}));
  EXPECT_THAT(placement.spread, ElementsAre("zone", "rack"));
  EXPECT_EQ(placement.packing, model::Packing::Pack);
  EXPECT_EQ(model::placement_from_json(model::to_json(placement)).value(), placement);
}

TEST(ServiceCompiler, PlacementRulesThatContradictEachOtherAreTold) {
  EXPECT_THAT(
      problems_in(
          "  node_selectors:\n    rack: [{operator: In, values: [a]}, {operator: NotIn, values: [a]}]\n"),
      ElementsAre("run.yaml:4:5: no value of 'rack' is left: what In allows the other selectors of it "
                  "exclude; leave at "
                  "least one value"));
  EXPECT_THAT(
      problems_in("  node_selectors:\n    age: [{operator: Above, value: 4}]\n    disk: {}\n"),
      ElementsAre("run.yaml:4:22: operator is \"Above\"; it should be one of In, NotIn, Exists, "
                  "DoesNotExist, Gt, Lt",
                  "run.yaml:5:11: the selector for disk has another form; it should be a value, a list of "
                  "values, or a list of {operator, values}"));
  EXPECT_THAT(problems_in("  placement: {max_per: {rack: 0}, spread: [a, a]}\n"),
              ElementsAre("run.yaml:3:14: max_per 'rack' is 0; it must be 1 or more",
                          "run.yaml:3:14: spread names 'a' more than once; name it once"));
}

TEST(ServiceCompiler, PlacementHasItsForm) {
  EXPECT_THAT(
      problems_in("  deploy_whitelist: [rack, a]\n  deploy_blacklist: [[rack, [a]], [rack, b]]\n"),
      ElementsAre("run.yaml:3:21: deploy_whitelist has another form; it should be [attribute, [values]]",
                  "run.yaml:4:22: this part of deploy_blacklist has another form; it should be "
                  "[attribute, value]"));
}

TEST(ServiceCompiler, InstancesAreMapsWithNames) {
  EXPECT_THAT(
      problems_of({.run = "a:\nb: 5\nc d: {}\ne: [x]\n"}),
      ElementsAre(
          "run.yaml:1:3: the instance a has no value; write \"a: {}\" for an instance of nothing but "
          "defaults",
          "run.yaml:2:4: the instance b is 5; it should be a map of keys; see \"slipway config docs "
          "instance\"",
          "run.yaml:3:1: \"c d\" is no name for an instance; use letters, digits, - and _, at most 63",
          "run.yaml:4:4: the instance e is a list; it should be a map of keys; see \"slipway config "
          "docs instance\""));
}

TEST(ServiceCompiler, FilesAreMaps) {
  EXPECT_THAT(problems_of({.run = "- a\n", .service = "text\n"}),
              ElementsAre("run.yaml:1:1: the file is a list; it should be a map of instances",
                          "service.yaml:1:1: the file is \"text\"; it should be a map of keys"));
  EXPECT_THAT(problems_of({}), IsEmpty());
}

TEST(ServiceCompiler, ABrokenFileDoesNotMakeOthersLookBroken) {
  EXPECT_THAT(problems_of({.run = "main: {instances: 2}\n", .service = "image: [\n"}), testing::SizeIs(1));
}

TEST(ServiceCompiler, MistakesOfAllFilesComeTogetherInOrder) {
  EXPECT_THAT(
      problems_of(
          {.run = "main:\n  cmd: x\n  mem: 1\n", .cluster = "main: {gpu: 1}\n", .service = "tema: a\n"}),
      ElementsAre("run-prod.yaml:1:8: unknown key \"gpu\"; did you mean gpus?",
                  "run.yaml:3:8: mem is 1; it should be an integer from 4 to 16777216, such as 512",
                  "service.yaml:1:1: unknown key \"tema\"; did you mean team?"));
}

TEST(ServiceCompiler, BeyondAHundredProblemsAreCounted) {
  std::string run = "main:\n  cmd: x\n";
  for (int i = 0; i < 250; ++i) run += fmt::format("  unknown{}: x\n", i);
  const std::vector<std::string> problems = problems_of({.run = run});
  ASSERT_EQ(problems.size(), 101u);
  EXPECT_EQ(problems.back(),
            "run.yaml:103:3: 150 more problems from here on; they show when those before are mended");
}

TEST(ServiceCompiler, AServiceHasAName) {
  EXPECT_THAT(
      problems_of({.name = "we b"}),
      ElementsAre(
          "we b:1:1: the folder's name is no name for a service; use letters, digits, - and _, at most "
          "63"));
}

}  // namespace
}  // namespace slipway::config
