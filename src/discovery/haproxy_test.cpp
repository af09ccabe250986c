#include "discovery/haproxy.h"

#include <gtest/gtest.h>

namespace slipway::discovery {
namespace {

model::Route route(const std::string& task, int port, model::Traffic traffic = model::Traffic::In) {
  return {model::TaskId(task), {"10.1.0.2", port, 80}, traffic};
}

RoutedInstance http_on(const std::string& service, int port) {
  return {{service, "main"}, {port, model::ProxyMode::Http, {}}, {}};
}

RoutedInstance with_domains(const std::string& service, std::vector<std::string> domains) {
  return {{service, "main"}, {std::nullopt, model::ProxyMode::Http, std::move(domains)}, {}};
}

std::string below_defaults(const std::string& text) {
  const size_t at = text.find("  timeout tunnel 1h\n");
  return at == std::string::npos ? text : text.substr(text.find('\n', at) + 1);
}

TEST(HaproxyText, HasAFrontendForAPortAndServersForAWarmStart) {
  RoutedInstance web = http_on("web", 18080);
  web.routes = {route("web-main-1", 8000), route("web-main-2", 8001, model::Traffic::Drain)};
  EXPECT_EQ(below_defaults(haproxy_text({}, {web})), R"(
frontend port_18080
  mode http
  bind 127.0.0.1:18080
  default_backend web.main

backend web.main
  mode http
  balance roundrobin
  option forwardfor
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD }
  http-error status 503 content-type text/plain string "no task of web.main is healthy\n"
  server web-main-1 10.1.0.2:8000 )" + std::string(kServerOptions) +
                                                         "\n");
}

TEST(HaproxyText, PassesRawConnectionsForTcp) {
  const RoutedInstance legacy{{"legacy", "main"}, {18081, model::ProxyMode::Tcp, {}}, {}};
  EXPECT_EQ(below_defaults(haproxy_text({.bind = "*"}, {legacy})), R"(
frontend port_18081
  mode tcp
  timeout client 1h
  bind *:18081
  default_backend legacy.main

backend legacy.main
  mode tcp
  balance roundrobin
  timeout server 1h
)");
}

TEST(HaproxyText, PicksTheBackendByHostOnTheSharedPort) {
  EXPECT_EQ(below_defaults(haproxy_text({}, {with_domains("web", {"Shop.test", "it's.test"})})), R"(
frontend shared
  mode http
  bind 127.0.0.1:8080
  http-request set-var(txn.host) req.hdr(host),field(1,:),lower
  use_backend web.main if { var(txn.host) -m str -- 'shop.test' 'it'\''s.test' }
  default_backend no_such_host

backend no_such_host
  mode http
  http-request return status 503 content-type text/plain lf-string "no service has host %[var(txn.host)]\n"

backend web.main
  mode http
  balance roundrobin
  option forwardfor
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD }
  http-error status 503 content-type text/plain string "no task of web.main is healthy\n"
)");
}

TEST(HaproxyText, TellsWhichPortsOthersReach) {
  const std::vector<RoutedInstance> instances = {http_on("web", 18080),
                                                 with_domains("shop", {"shop.example"})};
  const std::set<int> ports = {8080, 18080};
  EXPECT_EQ(open_ports({.bind = "*"}, instances), ports);
  EXPECT_EQ(open_ports({.bind = "*"}, {}), std::set<int>());
  EXPECT_EQ(open_ports({.bind = "127.0.0.1"}, instances), std::set<int>());
}

TEST(HaproxyText, NamesTheSocketsRelativeToItsFolder) {
  const std::string text = haproxy_text({.directory = "/a/very/long/path"}, {http_on("web", 18080)});
  EXPECT_NE(text.find("stats socket unix@worker.sock mode 600 level admin expose-fd listeners"),
            std::string::npos);
  EXPECT_EQ(text.find("/a/very/long/path"), std::string::npos);
}

TEST(HaproxyText, KeepsItsSignatureWhenOnlyServersChange) {
  RoutedInstance web = http_on("web", 18080);
  const std::string before = signature({}, {web});
  web.routes = {route("web-main-1", 8000)};
  EXPECT_EQ(signature({}, {web}), before);
  EXPECT_NE(haproxy_text({}, {web}).find("description " + before), std::string::npos);
  web.proxy.port = 18081;
  EXPECT_NE(signature({}, {web}), before);
}

TEST(HaproxyText, HasNoFrontendWithoutPortOrDomain) {
  EXPECT_FALSE(has_frontend({}, {}));
  EXPECT_TRUE(has_frontend({}, {http_on("web", 18080)}));
  EXPECT_TRUE(has_frontend({}, {with_domains("web", {"a.test"})}));
  EXPECT_FALSE(has_frontend({.http_port = 0}, {with_domains("web", {"a.test"})}));
}

TEST(HaproxyNames, AreReadBackWhateverTheyHold) {
  for (const std::string name : {"shop-web-main-1a2b-x7k2p", "a b", "a:20b", "ü/;\n'", ""}) {
    const std::string encoded = server_name(model::TaskId(name));
    EXPECT_EQ(encoded.find_first_of(" /;\n'\""), std::string::npos) << encoded;
    EXPECT_EQ(task_of_server(encoded), model::TaskId(name));
  }
  EXPECT_EQ(backend_name({"my service", "main"}), "my:20service.main");
}

TEST(Admit, RefusesAPortThatAnEarlierInstanceHas) {
  const Admission admission = admit({}, {http_on("web", 18080), http_on("api", 18080)});
  ASSERT_EQ(admission.admitted.size(), 1U);
  EXPECT_EQ(admission.admitted[0].id.service, "web");
  EXPECT_EQ(admission.refused.at({"api", "main"}), "web.main has port 18080");
}

TEST(Admit, SortsByIdWhateverTheOrderOfTheClaims) {
  const Admission admission = admit({}, {http_on("web", 18080), http_on("api", 18081)});
  ASSERT_EQ(admission.admitted.size(), 2U);
  EXPECT_EQ(admission.admitted[0].id.service, "api");
}

TEST(Admit, RefusesADomainThatAnEarlierInstanceHasInAnyCase) {
  const Admission admission =
      admit({}, {with_domains("api", {"a.test", "a.test"}), with_domains("web", {"A.Test"})});
  ASSERT_EQ(admission.admitted.size(), 1U);
  EXPECT_EQ(admission.refused.at({"web", "main"}), "api.main has the domain \"A.Test\"");
}

TEST(Admit, RefusesTheSharedPortAndDomainsThatCannotBeServed) {
  RoutedInstance tcp = with_domains("tcp", {"t.test"});
  tcp.proxy.mode = model::ProxyMode::Tcp;
  EXPECT_EQ(admit({}, {http_on("web", 8080)}).refused.at({"web", "main"}),
            "port 8080 is the shared http port");
  EXPECT_EQ(admit({}, {tcp}).refused.at({"tcp", "main"}), "domains need mode http, and this is tcp");
  EXPECT_EQ(admit({.http_port = 0}, {with_domains("web", {"a.test"})}).refused.size(), 1U);
}

TEST(Admit, LetsARefusedInstanceClaimNothing) {
  RoutedInstance greedy = http_on("b", 18080);
  greedy.proxy.domains = {"c.test"};
  const Admission admission = admit({}, {http_on("a", 18080), greedy, with_domains("c", {"c.test"})});
  EXPECT_EQ(admission.admitted.size(), 2U);
  EXPECT_EQ(admission.refused.count({"b", "main"}), 1U);
}

}  // namespace
}  // namespace slipway::discovery
