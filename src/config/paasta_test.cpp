// Each rule by which PaaSTA resolves an instance, on files as people write them.
#include <gmock/gmock.h>

#include "config/config.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// One service "web" of cluster "prod".
class PaastaTest : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(io::write_file(path, text).has_value());
  }
  void instances(std::string_view text) { write("web/kubernetes-prod.yaml", text); }

  const model::Desired& desired() {
    if (!desired_) desired_ = *compile(folder_.path(), "prod");
    return *desired_;
  }
  // What `config show` has of an instance; null where it is not shown.
  Json shown(const std::string& id = "web.main") {
    for (const auto* list : {&desired().instances, &desired().aside}) {
      for (const model::Instance& instance : *list) {
        if (instance.id.text() == id) return model::config_show_json(instance, "prod");
      }
    }
    return nullptr;
  }
  model::Instance instance(const std::string& id = "web.main") {
    for (const model::Instance& candidate : desired().instances) {
      if (candidate.id.text() == id) return candidate;
    }
    ADD_FAILURE() << "there is no " << id;
    return {};
  }
  std::vector<std::string> problems(model::Severity severity) {
    std::vector<std::string> texts;
    for (const model::Problem& problem : desired().problems) {
      if (problem.severity == severity) texts.push_back(problem.message + "; " + problem.hint);
    }
    return texts;
  }
  std::vector<std::string> errors() { return problems(model::Severity::Error); }
  std::vector<std::string> warnings() { return problems(model::Severity::Warning); }

  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
  std::optional<model::Desired> desired_;
};

TEST_F(PaastaTest, AnEmptyInstanceHasTheDefaultsOfTheCode) {
  instances("main: {}\n");
  const Json json = shown();
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_EQ(json.at("kind"), "service");
  EXPECT_THAT(json.at("source").as_string(), EndsWith("web/kubernetes-prod.yaml"));
  EXPECT_EQ(json.at("deploy_group"), "prod.main");
  EXPECT_EQ(json.at("desired_state"), "start");
  EXPECT_EQ(json.at("version"), nullptr);
  EXPECT_EQ(json.at("instances").dump(), R"({"autoscaled":false,"count":1,"max":null,"min":1})");
  EXPECT_EQ(json.at("cpus").as_double(), 1);
  EXPECT_EQ(json.at("cpu_burst_add").as_double(), 1);
  EXPECT_EQ(json.at("mem"), 4096);
  EXPECT_EQ(json.at("disk"), 1024);
  EXPECT_EQ(json.at("gpus"), nullptr);
  EXPECT_EQ(json.at("cmd"), nullptr);
  EXPECT_EQ(json.at("args").dump(), "[]");
  EXPECT_EQ(json.at("env").dump(), "{}");
  EXPECT_EQ(json.at("pool"), "default");
  EXPECT_EQ(json.at("net"), "bridge");
  EXPECT_EQ(json.at("container_port"), 8888);
  EXPECT_EQ(json.at("registrations").dump(), R"(["web.main"])");
  EXPECT_EQ(json.at("bounce_method"), "crossover");
  EXPECT_EQ(json.at("bounce_margin_factor"), 0.95);
  EXPECT_EQ(json.at("drain_method"), "noop");
  EXPECT_EQ(json.at("drain_method_params").dump(), "{}");
  EXPECT_EQ(json.at("healthcheck").dump(),
            R"({"cmd":null,"grace_period_seconds":60,"interval_seconds":10,"max_consecutive_failures":30,)"
            R"("mode":null,"timeout_seconds":10,"uri":"/status"})");
  EXPECT_EQ(json.at("volumes").dump(), "[]");
  EXPECT_EQ(json.at("deploy_whitelist"), nullptr);
  EXPECT_EQ(json.at("deploy_blacklist").dump(), "[]");
  EXPECT_EQ(json.at("node_selectors").dump(), "{}");
  EXPECT_EQ(json.at("monitoring").dump(), "{}");
  EXPECT_EQ(json.at("replication_threshold"), 50);
  EXPECT_EQ(json.at("revision").as_string().size(), 12u);
}

TEST_F(PaastaTest, InstanceOverAutotunedOverServiceWide) {
  write("web/service.yaml",
        "description: x\ncpus: 3\nmem: 300\ndisk: 300\nenv: {A: service, B: service, C: service}\n"
        "extra_volumes: [{hostPath: /s, containerPath: /s, mode: RO}]\n");
  write("web/autotuned_defaults/kubernetes-prod.yaml",
        "main: {cpus: 2, mem: 200, env: {A: tuned, B: tuned}}\n");
  instances("main: {cpus: 1.5, env: {A: instance}, extra_volumes: []}\n");
  const Json json = shown();
  EXPECT_EQ(json.at("cpus"), 1.5);
  EXPECT_EQ(json.at("mem"), 200);
  EXPECT_EQ(json.at("disk"), 300);
  EXPECT_EQ(json.at("env").dump(), R"({"A":"instance","B":"tuned","C":"service"})");
  EXPECT_EQ(json.at("volumes").dump(), "[]");
}

TEST_F(PaastaTest, EksReadsTheTunedValuesOfKubernetesWhereItHasNone) {
  write("web/eks-prod.yaml", "main: {}\n");
  write("web/autotuned_defaults/kubernetes-prod.yaml", "main: {cpus: 2}\n");
  EXPECT_EQ(shown().at("cpus").as_double(), 2);
}

TEST_F(PaastaTest, ANullHidesWhatIsBelow) {
  write("web/service.yaml", "cmd: run\ncpus: 2\n");
  instances("main: {cmd: ~, args: [x], cpus: null}\n");
  EXPECT_EQ(shown().at("cmd"), nullptr);
  EXPECT_EQ(shown().at("args").dump(), R"(["x"])");
  EXPECT_EQ(shown().at("cpus"), nullptr);
}

TEST_F(PaastaTest, CmdAndArgs) {
  instances(
      "text: {cmd: run --fast}\nlist: {cmd: [run, --fast]}\nargs: {args: [a, 010]}\nboth: {cmd: x, args: "
      "[]}\n");
  EXPECT_EQ(shown("web.text").at("cmd"), "run --fast");
  EXPECT_EQ(shown("web.text").at("args"), nullptr);
  EXPECT_EQ(shown("web.list").at("cmd").dump(), R"(["run","--fast"])");
  EXPECT_EQ(shown("web.args").at("args").dump(), R"(["a",8])");
  EXPECT_EQ(shown("web.both"), nullptr);
  EXPECT_THAT(errors(), ElementsAre(HasSubstr("cmd and args exclude each other")));
}

TEST_F(PaastaTest, EnvIsWrittenAsPythonDoes) {
  instances(
      "main:\n  env: {A: yes, B: 1.0, C: 010, D: ~, E: 1.10, F: [a, 1], G: 'no', H: 1:30, I: SECRET(db)}\n");
  EXPECT_EQ(
      shown().at("env").dump(),
      R"J({"A":"True","B":"1.0","C":"8","D":"None","E":"1.1","F":"['a', 1]","G":"no","H":"90","I":"SECRET(db)"})J");
}

TEST_F(PaastaTest, TemplatesAreOnlyAnchors) {
  instances("_base: &base {cpus: 2, env: {A: x}}\nmain: {<<: *base, env: {B: y}}\n");
  EXPECT_EQ(desired().instances.size(), 1u);
  EXPECT_EQ(shown().at("cpus").as_double(), 2);
  EXPECT_EQ(shown().at("env").dump(), R"({"B":"y"})");
}

TEST_F(PaastaTest, DeployGroupsAreFilledIn) {
  instances(
      "main: {deploy_group: '{cluster}.{service}.{instance}'}\nbraces: {deploy_group: '{{x}}'}\n"
      "none: {deploy_group: ~}\nwrong: {deploy_group: '{region}'}\n");
  EXPECT_EQ(shown("web.main").at("deploy_group"), "prod.web.main");
  EXPECT_EQ(shown("web.braces").at("deploy_group"), "{x}");
  EXPECT_EQ(shown("web.none").at("deploy_group"), nullptr);
  EXPECT_EQ(shown("web.wrong"), nullptr);
  EXPECT_THAT(errors(), ElementsAre(HasSubstr("deploy_group is \"{region}\"")));
}

TEST_F(PaastaTest, MaxInstancesTurnsAutoscalingOn) {
  instances(
      "main: {instances: 3, min_instances: 2, max_instances: 9}\nfixed: {instances: 3, max_instances: ~}\n");
  EXPECT_EQ(shown("web.main").at("instances").dump(), R"({"autoscaled":true,"count":9,"max":9,"min":2})");
  EXPECT_EQ(shown("web.fixed").at("instances").dump(),
            R"({"autoscaled":false,"count":3,"max":null,"min":1})");
}

TEST_F(PaastaTest, RegistrationsAndTheirOldName) {
  instances(
      "listed: {registrations: [web.api, other.api]}\nold: {nerve_ns: api}\nempty: {registrations: []}\n");
  EXPECT_EQ(shown("web.listed").at("registrations").dump(), R"(["web.api","other.api"])");
  EXPECT_EQ(shown("web.old").at("registrations").dump(), R"(["web.api"])");
  EXPECT_EQ(shown("web.empty").at("registrations").dump(), R"(["web.empty"])");
}

TEST_F(PaastaTest, HealthIsInheritedFromTheNamespace) {
  write("web/smartstack.yaml",
        "main: {proxy_port: 20001}\nnext: {proxy_port: ~, mode: http2}\n"
        "tcp: {mode: tcp, healthcheck_mode: http, healthcheck_uri: /ns}\n");
  instances(
      "main: {}\nnext: {}\nother: {registrations: [web.tcp]}\nown: {registrations: [web.tcp], "
      "healthcheck_mode: cmd, healthcheck_cmd: check, healthcheck_uri: /own}\nnone: {}\n");
  const auto health = [&](const std::string& id) { return shown(id).at("healthcheck"); };
  EXPECT_EQ(health("web.main").at("mode"), "http");
  EXPECT_EQ(health("web.main").at("uri"), "/status");
  EXPECT_EQ(health("web.next").at("mode"), "http");
  EXPECT_EQ(health("web.other").at("mode"), "http");
  EXPECT_EQ(health("web.other").at("uri"), "/ns");
  EXPECT_EQ(health("web.own").at("mode"), "cmd");
  EXPECT_EQ(health("web.own").at("cmd"), "check");
  EXPECT_EQ(health("web.own").at("uri"), "/own");
  EXPECT_EQ(health("web.none").at("mode"), nullptr);
  EXPECT_EQ(shown("web.main").at("drain_method"), "hacheck");
  EXPECT_EQ(shown("web.main").at("drain_method_params").dump(), R"({"delay":60})");
  EXPECT_EQ(shown("web.next").at("drain_method"), "hacheck");
  EXPECT_EQ(shown("web.other").at("drain_method"), "noop");
  EXPECT_EQ(shown("web.other").at("drain_method_params").dump(), "{}");
}

TEST_F(PaastaTest, HealthChecksThatPaastaRefuses) {
  instances("good: {}\nmode: {healthcheck_mode: http2}\ncmd: {healthcheck_mode: cmd}\n");
  EXPECT_THAT(errors(), ElementsAre(HasSubstr("healthcheck_mode is \"http2\""),
                                    HasSubstr("healthcheck_mode cmd needs healthcheck_cmd")));
  EXPECT_NE(shown("web.good"), nullptr);
  EXPECT_EQ(shown("web.mode"), nullptr);
  EXPECT_THAT(desired().broken, ElementsAre("web"));
}

TEST_F(PaastaTest, MonitoringIsMerged) {
  write("web/monitoring.yaml", "team: web\npage: true\nrunbook: r\n");
  instances("main: {monitoring: {page: false, tags: [a]}}\nother: {}\n");
  EXPECT_EQ(shown().at("monitoring").dump(), R"({"page":false,"runbook":"r","tags":["a"],"team":"web"})");
  EXPECT_EQ(shown("web.other").at("monitoring").dump(), R"({"page":true,"runbook":"r","team":"web"})");
}

TEST_F(PaastaTest, MonitoringOfServiceYamlReplacesTheFile) {
  write("web/monitoring.yaml", "team: web\npage: true\n");
  write("web/service.yaml", "monitoring: {team: other}\n");
  instances("main: {}\n");
  EXPECT_EQ(shown().at("monitoring").dump(), R"({"team":"other"})");
}

TEST_F(PaastaTest, VolumesAreOncePerPairOfPathsAndSorted) {
  instances(R"(main:
  uses_bulkdata: yes
  extra_volumes:
    - {hostPath: /z, containerPath: /b, mode: RO}
    - {hostPath: /x/, containerPath: /a, mode: RO}
    - {hostPath: /x, containerPath: /a/, mode: RW}
)");
  EXPECT_EQ(shown().at("volumes").dump(),
            R"([{"container_path":"/a/","host_path":"/x","mode":"RW"},)"
            R"({"container_path":"/b","host_path":"/z","mode":"RO"},)"
            R"({"container_path":"/nail/bulkdata","host_path":"/nail/bulkdata","mode":"RO"}])");
}

constexpr std::string_view kDeployments = R"({"v1": {}, "v2": {
  "deployments": {"prod.main": {"docker_image": "services-web:paasta-0123456789abcdef",
                                "git_sha": "0123456789abcdef", "image_version": null},
                  "all": {"docker_image": "services-web:paasta-ff-20240101T000000", "git_sha": "ff",
                          "image_version": "20240101T000000"}},
  "controls": {"web:prod.main": {"desired_state": "start", "force_bounce": null},
               "web:prod.halted": {"desired_state": "stop", "force_bounce": "20240101T000000"}}}})";

TEST_F(PaastaTest, VersionAndDesiredStateOfDeployments) {
  write("web/deployments.json", kDeployments);
  write("web/service.yaml", "docker_registry: registry.example.com:5000\n");
  instances("main: {cmd: x}\nhalted: {deploy_group: all}\nlost: {deploy_group: all}\nnever: {}\n");
  EXPECT_EQ(shown().at("version").dump(),
            R"({"docker_image":"services-web:paasta-0123456789abcdef","git_sha":"0123456789abcdef",)"
            R"("image_version":null})");
  EXPECT_EQ(shown("web.halted").at("desired_state"), "stop");
  EXPECT_EQ(shown("web.halted").at("version").at("image_version"), "20240101T000000");
  EXPECT_EQ(shown("web.lost").at("version"), nullptr);
  EXPECT_EQ(shown("web.never").at("version"), nullptr);

  const model::Instance main = instance();
  EXPECT_EQ(main.spec.image.name, "docker://registry.example.com:5000/services-web:paasta-0123456789abcdef");
  EXPECT_THAT(main.undeployed, IsEmpty());
  EXPECT_EQ(main.spec.env.at("PAASTA_SERVICE"), "web");
  EXPECT_EQ(main.spec.env.at("PAASTA_GIT_SHA"), "01234567");
  EXPECT_EQ(main.spec.env.at("PAASTA_PORT"), "8888");
  EXPECT_EQ(instance("web.halted").desired_state, "stop");
  EXPECT_EQ(instance("web.halted").spec.restart_nonce, "20240101T000000");
  EXPECT_EQ(instance("web.lost").undeployed,
            "it was never deployed: deployments.json has no desired state of prod.lost");
  EXPECT_EQ(instance("web.never").undeployed,
            "it was never deployed: deployments.json has no version of its deploy group prod.never");
}

TEST_F(PaastaTest, TheOlderFormOfDeployments) {
  write(
      "web/deployments.json",
      R"({"v1": {"web:paasta-prod.main": {"docker_image": "services-web:paasta-abc-v7", "desired_state": "stop",
                                            "force_bounce": null}}})");
  instances("main: {}\n");
  EXPECT_EQ(shown().at("version").dump(),
            R"({"docker_image":"services-web:paasta-abc-v7","git_sha":"abc","image_version":"v7"})");
  EXPECT_EQ(shown().at("desired_state"), "stop");
}

TEST_F(PaastaTest, ARestartIsAnotherRevision) {
  write("web/deployments.json", kDeployments);
  instances("main: {}\n");
  const Json before = shown();
  std::string restarted(kDeployments);
  restarted.replace(restarted.find("\"force_bounce\": null"), 20, "\"force_bounce\": \"x\"");
  write("web/deployments.json", restarted);
  desired_.reset();
  EXPECT_NE(shown().at("revision"), before.at("revision"));
}

TEST_F(PaastaTest, JobsAreTheirActions) {
  write("web/monitoring.yaml", "team: web\nunknown_there: 1\n");
  write("web/service.yaml", "cpus: 7\n");
  write("web/deployments.json", kDeployments);
  write("web/tron-prod.yaml", R"(
_t: &t {cpus: 2}
report:
  schedule: cron 0 3 * * *
  deploy_group: all
  monitoring: {page: true}
  actions:
    load: {command: load.sh, cpu_burst_add: 5}
    save: {<<: *t, command: save.sh, deploy_group: ~, requires: [load]}
    spark: {command: x, executor: spark}
)");
  const Json load = shown("web.report.load");
  EXPECT_EQ(load.at("kind"), "job");
  EXPECT_EQ(load.at("instance"), "report.load");
  EXPECT_EQ(load.at("cmd"), "load.sh");
  EXPECT_EQ(load.at("args"), nullptr);
  EXPECT_EQ(load.at("cpus").as_double(), 1);
  EXPECT_EQ(load.at("disk"), 4096);
  EXPECT_EQ(load.at("cpu_burst_add").as_double(), 0);
  EXPECT_EQ(load.at("deploy_group"), "all");
  EXPECT_EQ(load.at("version").at("git_sha"), "ff");
  EXPECT_EQ(load.at("monitoring").dump(), R"({"page":true,"team":"web"})");
  EXPECT_EQ(load.at("registrations"), nullptr);
  EXPECT_EQ(load.at("instances").dump(), R"({"autoscaled":false,"count":null,"max":null,"min":null})");
  EXPECT_EQ(shown("web.report.save").at("cpus").as_double(), 2);
  EXPECT_EQ(shown("web.report.save").at("deploy_group"), nullptr);
  EXPECT_EQ(shown("web.report.save").at("version"), nullptr);
  EXPECT_EQ(shown("web.report.spark").at("pool"), "stable");
  EXPECT_EQ(shown("web.report.spark").at("disk"), 5120);
}

TEST_F(PaastaTest, AJobRunsTheCodeOfAnotherService) {
  write("web/deployments.json", kDeployments);
  write("jobs/tron-prod.yaml",
        "nightly:\n  service: web\n  deploy_group: all\n  actions: {run: {command: x}}\n");
  EXPECT_EQ(shown("jobs.nightly.run").at("version").at("git_sha"), "ff");
  EXPECT_EQ(shown("jobs.nightly.run").at("service"), "jobs");
}

TEST_F(PaastaTest, AdhocInstancesAreShownAndHaveNoPort) {
  write("web/adhoc-prod.yaml", "interactive: {mem: 64}\n");
  const Json json = shown("web.interactive");
  EXPECT_EQ(json.at("kind"), "adhoc");
  EXPECT_EQ(json.at("mem"), 64);
  EXPECT_EQ(json.at("container_port"), nullptr);
  EXPECT_EQ(json.at("healthcheck").at("mode"), nullptr);
}

TEST_F(PaastaTest, WhatItsLoaderTakesIsShownAsItIs) {
  instances(
      "main: {cpus: \"2\", mem: 512.5, bounce_method: upthendown, drain_method: test, deploy_whitelist: "
      "[region, [a, b]], deploy_blacklist: [[habitat, c]], node_selectors: {disk: ssd, zone: [a]}}\n");
  const Json json = shown();
  EXPECT_EQ(json.at("cpus"), "2");
  EXPECT_EQ(json.at("mem"), 512.5);
  EXPECT_EQ(json.at("bounce_method"), "upthendown");
  EXPECT_EQ(json.at("drain_method"), "test");
  EXPECT_EQ(json.at("deploy_whitelist").dump(), R"(["region",["a","b"]])");
  EXPECT_EQ(json.at("deploy_blacklist").dump(), R"([["habitat","c"]])");
  EXPECT_EQ(json.at("node_selectors").dump(), R"({"disk":"ssd","zone":["a"]})");
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(PaastaTest, UnknownKeysAreWarnedOf) {
  instances("main: {cpuz: 1, backoff_factor: 2, host_port: 0}\n");
  EXPECT_THAT(warnings(), ElementsAre("unknown key \"cpuz\"; did you mean cpus?"));
  EXPECT_NE(shown(), nullptr);
}

TEST_F(PaastaTest, WarnsWhereYaml12ReadsOtherwise) {
  instances("main: {instances: 010}\n");
  EXPECT_EQ(shown().at("instances").at("count"), 8);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("010 is 8 in this file")));
}

TEST_F(PaastaTest, ANullInstanceIsAnErrorOfItsOwn) {
  instances("main:\nother: {}\n");
  EXPECT_THAT(errors(), ElementsAre(HasSubstr("the instance \"main\" has no value")));
  EXPECT_EQ(shown(), nullptr);
  EXPECT_NE(shown("web.other"), nullptr);
  EXPECT_THAT(desired().instances, IsEmpty());
}

TEST_F(PaastaTest, ABrokenFileOfOneKindLeavesTheOthers) {
  instances("main: {}\n");
  write("web/tron-prod.yaml", "a: [\n");
  EXPECT_NE(shown(), nullptr);
  EXPECT_THAT(desired().broken, ElementsAre("web"));
}

TEST_F(PaastaTest, TheFirstKindHasTheName) {
  write("web/eks-prod.yaml", "main: {cpus: 2}\n");
  instances("main: {cpus: 3}\n");
  EXPECT_EQ(shown().at("cpus").as_double(), 3);
  EXPECT_THAT(problems(model::Severity::Tolerated), ElementsAre(HasSubstr("\"main\" is also declared in")));
}

TEST_F(PaastaTest, BothLayoutsInOneTree) {
  instances("main: {}\n");
  write("own/run.yaml", "main: {cmd: x}\n");
  write("both/run.yaml", "ours: {cmd: x}\nsame: {cmd: x}\n");
  write("both/kubernetes-prod.yaml", "theirs: {}\nsame: {}\n");
  EXPECT_EQ(shown("own.main").at("mem"), 256);
  EXPECT_EQ(shown("web.main").at("mem"), 4096);
  EXPECT_EQ(shown("both.ours").at("mem"), 256);
  EXPECT_EQ(shown("both.theirs").at("mem"), 4096);
  EXPECT_THAT(errors(), ElementsAre(HasSubstr("also declared in a file of Slipway's own layout")));
}

TEST_F(PaastaTest, ANamespaceIsServedByTheInstanceOfItsName) {
  write("web/deployments.json", kDeployments);
  write("web/smartstack.yaml", "main: {proxy_port: 20001, mode: tcp}\n");
  instances("canary: {registrations: [web.main]}\nmain: {}\n");
  EXPECT_EQ(instance("web.main").proxy->port, 20001);
  EXPECT_EQ(instance("web.main").proxy->mode, model::ProxyMode::Tcp);
  EXPECT_EQ(instance("web.main").drain.method, model::DrainMethod::Proxy);
  EXPECT_FALSE(instance("web.canary").proxy.has_value());
}

TEST_F(PaastaTest, WhoIsRegisteredElsewhereOrNowhereHasNoPort) {
  write("web/smartstack.yaml", "main: {proxy_port: 20001}\n");
  instances("main: {registrations: [a.main]}\nother: {registrations: a.main, nerve_ns: main}\n");
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_FALSE(instance("web.main").proxy.has_value());
  EXPECT_EQ(shown("web.main").at("healthcheck").at("mode"), "http");
  EXPECT_EQ(shown("web.other").at("registrations"), "a.main");
}

TEST_F(PaastaTest, OfTwoServicesWithOnePortOneGoesWithout) {
  for (const std::string service : {"api", "web"}) {
    write(service + "/smartstack.yaml", "main: {proxy_port: 20001}\n");
    write(service + "/kubernetes-prod.yaml", "main: {}\n");
  }
  EXPECT_TRUE(instance("api.main").proxy.has_value());
  EXPECT_FALSE(instance("web.main").proxy.has_value());
  EXPECT_THAT(problems(model::Severity::Tolerated), ElementsAre(HasSubstr("\"20001\" belongs to api.main")));
  EXPECT_EQ(shown("web.main").at("drain_method"), "hacheck");
}

TEST_F(PaastaTest, DrainCallsOfHttp) {
  instances(R"(main:
  drain_method: http
  drain_method_params:
    drain: {url_format: "http://{host}:{port}/drain/{nerve_ns}", method: POST}
    is_safe_to_kill: {url_format: "http://{host}:{port}/safe"}
)");
  EXPECT_EQ(instance().drain.method, model::DrainMethod::Http);
  EXPECT_EQ(instance().drain.params.at("drain"), "POST /drain/main");
  EXPECT_EQ(instance().drain.params.at("safe"), "GET /safe");
}

TEST_F(PaastaTest, KindsWithoutACounterpartAreLeftOut) {
  write("web/kafkacluster-prod.yaml", "main: {}\n");
  EXPECT_THAT(desired().instances, IsEmpty());
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("no counterpart")));
}

TEST_F(PaastaTest, FoldersWithoutInstancesAreNoMistake) {
  instances("main: {}\n");
  write("docs/service.yaml", "description: x\nneeds_puppet_help: true\n");
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(PaastaTest, ClustersAreToldByFileNames) {
  instances("main: {}\n");
  write("web/tron-east-1.yaml", "{}\n");
  write("web/rollback-west.yaml", "{}\n");
  EXPECT_THAT(clusters_of(folder_.path()), ElementsAre("east-1", "prod"));
}

TEST_F(PaastaTest, OurJobsAndAdhocRuns) {
  write("shop/run.yaml", "main: {cmd: x}\n");
  write("shop/jobs.yaml", "report: {cmd: make-report, schedule: \"cron 0 3 * * *\"}\n");
  write("shop/jobs-prod.yaml", "report: {mem: 512}\n");
  write("shop/adhoc.yaml", "shell: {cmd: bash}\n");
  write("shop/monitoring.yaml", "team: shop\n");
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_EQ(shown("shop.report").at("kind"), "job");
  EXPECT_EQ(shown("shop.report").at("mem"), 512);
  EXPECT_EQ(shown("shop.shell").at("kind"), "adhoc");
  EXPECT_EQ(shown("shop.main").at("monitoring").dump(), R"({"team":"shop"})");
}

TEST_F(PaastaTest, OurNamespacesHaveTheirProxyInAFileOfTheirOwn) {
  write("shop/proxy.yaml", "main: {port: 9001}\nlist: {domains: [list.example.com]}\n");
  write("shop/run.yaml",
        "main: {cmd: x, container_port: 80}\ncanary: {cmd: x, container_port: 80, registrations: "
        "[shop.main]}\nlister: {cmd: x, container_port: 80, registrations: [shop.list]}\n");
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_EQ(instance("shop.main").proxy->port, 9001);
  EXPECT_FALSE(instance("shop.canary").proxy.has_value());
  EXPECT_THAT(instance("shop.lister").proxy->domains, ElementsAre("list.example.com"));
}

TEST_F(PaastaTest, OurFilesAreYaml12AndTellWhereTheVersionsDiffer) {
  write("shop/run.yaml", "main: {cmd: x, instances: 010, env: {A: yes}, monitoring: {page: yes}}\n");
  EXPECT_EQ(instance("shop.main").count, 10);
  EXPECT_EQ(instance("shop.main").spec.env.at("A"), "yes");
  EXPECT_THAT(
      warnings(),
      ElementsAre("instances is 10 by YAML 1.2, which counts here, and 8 by YAML 1.1; write it so that both "
                  "agree",
                  HasSubstr("monitoring.page is \"yes\" by YAML 1.2")));
}

}  // namespace
}  // namespace slipway::config
