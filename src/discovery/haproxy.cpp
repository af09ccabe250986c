#include "discovery/haproxy.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"

namespace slipway::discovery {
namespace {

// Why these, where it is not plain:
// - noreuseport: a second HAProxy (of another cluster, say) must fail to bind a port that is ours, not share
// it.
// - no strict-limits: fewer connections than asked for are better than no load balancer.
// - hard-stop-after: a worker that a reload replaced ends its sessions first, but not for ever.
// - mworker-max-reloads: a bound on the workers that are ending their sessions. HAProxy also counts reloads
// that failed and cuts the sessions of a worker that has seen more at the next one that does not, so it is
// generous.
// - user, group, chroot: of the workers, which have bound their sockets and ports by then; the master, which
// reads nothing but its configuration and our commands, has to stay who it is to start the next worker.
// - description: how a control plane that adopts this process learns what it was started with.
constexpr std::string_view kGlobal = R"(# Written by slipway; changes are overwritten.
global
  description {signature}
  maxconn {max_connections}
  noreuseport
  no strict-limits
  hard-stop-after 15m
  mworker-max-reloads 100
  stats socket unix@{worker_socket} mode 600 level admin expose-fd listeners
  stats timeout 30s
{confinement}
)";

// - retries: a connection that is refused is tried on another task at once (redispatch 1).
// - idle-close-on-response: a reload does not close a connection on which a client may just be sending; the
// worker
//   that it replaces answers one more request on it, within http-keep-alive, by the servers it knew.
// - timeout connect: the servers are near; a dead address costs a request this long once, then the server is
// down.
constexpr std::string_view kDefaults = R"(defaults
  mode http
  retries 3
  option redispatch 1
  option dontlognull
  option idle-close-on-response
  http-reuse safe
  timeout connect 2s
  timeout check 1s
  timeout queue 5s
  timeout http-request 10s
  timeout http-keep-alive 5s
  timeout client 60s
  timeout server 60s
  timeout client-fin 10s
  timeout server-fin 10s
  timeout tunnel 1h
)";

// What may be asked twice without harm is tried on another task also when a task ended before it answered.
constexpr std::string_view kHttpBackend = R"(  mode http
  balance roundrobin
  option forwardfor
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD }
)";

// A raw connection may be quiet for long; http has its own notion of a request that takes too long.
constexpr std::string_view kTcpBackend = R"(  mode tcp
  balance roundrobin
  timeout server 1h
)";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

std::string encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      out += fmt::format(":{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == ':' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A word of the configuration between single quotes, where only the single quote is special. A line must stay
// a line, so control bytes do not pass.
std::string quote(std::string_view word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
  }
  return out + "'";
}

bool uses_shared(const ProxySettings& settings, const RoutedInstance& instance) {
  return settings.http_port != 0 && instance.proxy.mode == model::ProxyMode::Http &&
         !instance.proxy.domains.empty();
}

std::string port_frontend(const ProxySettings& settings, const RoutedInstance& instance) {
  const bool tcp = instance.proxy.mode == model::ProxyMode::Tcp;
  return fmt::format("\nfrontend {}\n  mode {}\n{}  bind {}:{}\n  default_backend {}\n",
                     port_frontend_name(*instance.proxy.port), to_text(instance.proxy.mode),
                     tcp ? "  timeout client 1h\n" : "", settings.bind, *instance.proxy.port,
                     backend_name(instance.id));
}

// Picks the backend by the request's host: exact, whatever the case, without the port.
std::string shared_frontend(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  std::string out = fmt::format(
      "\nfrontend {}\n  mode http\n  bind {}:{}\n  http-request set-var(txn.host) "
      "req.hdr(host),field(1,:),lower\n",
      kSharedFrontend, settings.bind, settings.http_port);
  for (const RoutedInstance& instance : instances) {
    if (!uses_shared(settings, instance)) continue;
    out += fmt::format("  use_backend {} if {{ var(txn.host) -m str --", backend_name(instance.id));
    for (const std::string& domain : instance.proxy.domains) out += " " + quote(lower(domain));
    out += " }\n";
  }
  return out + "  default_backend no_such_host\n" + R"(
backend no_such_host
  mode http
  http-request return status 503 content-type text/plain lf-string "no service has host %[var(txn.host)]\n"
)";
}

std::string backend(const RoutedInstance& instance) {
  std::string out = fmt::format("\nbackend {}\n", backend_name(instance.id));
  if (instance.proxy.mode == model::ProxyMode::Tcp) {
    out += kTcpBackend;
  } else {
    out += kHttpBackend;
    out += fmt::format(
        "  http-error status 503 content-type text/plain string \"no task of {} is healthy\\n\"\n",
        backend_name(instance.id));
  }
  for (const model::Route& route : instance.routes) {
    if (route.traffic == model::Traffic::Drain) continue;
    out += fmt::format("  server {} {} {}\n", server_name(route.task), route.address.text(), kServerOptions);
  }
  return out;
}

// The text below the global section, which names it.
std::string body(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  std::string out(kDefaults);
  const auto shared = [&](const RoutedInstance& instance) { return uses_shared(settings, instance); };
  if (std::any_of(instances.begin(), instances.end(), shared)) out += shared_frontend(settings, instances);
  for (const RoutedInstance& instance : instances) {
    if (instance.proxy.port) out += port_frontend(settings, instance);
    out += backend(instance);
  }
  return out;
}

std::string global(const ProxySettings& settings, std::string_view signature_text) {
  const std::string confinement =
      settings.user.empty()
          ? ""
          : fmt::format("  user {}\n  group {}\n  chroot {}\n", settings.user, settings.group, kEmptyFolder);
  return fmt::format(fmt::runtime(kGlobal), fmt::arg("signature", signature_text),
                     fmt::arg("max_connections", settings.max_connections),
                     fmt::arg("confinement", confinement), fmt::arg("worker_socket", kWorkerSocket));
}

}  // namespace

std::string haproxy_text(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  return global(settings, signature(settings, instances)) + body(settings, instances);
}

std::string signature(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  std::vector<RoutedInstance> bare = instances;
  for (RoutedInstance& instance : bare) instance.routes.clear();
  return sha256_hex(global(settings, "") + body(settings, bare)).substr(0, 16);
}

bool has_frontend(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  return std::any_of(instances.begin(), instances.end(), [&](const RoutedInstance& instance) {
    return instance.proxy.port.has_value() || uses_shared(settings, instance);
  });
}

std::set<int> open_ports(const ProxySettings& settings, const std::vector<RoutedInstance>& instances) {
  std::set<int> ports;
  if (settings.bind.starts_with("127.")) return ports;
  for (const RoutedInstance& instance : instances) {
    if (instance.proxy.port) ports.insert(*instance.proxy.port);
    if (uses_shared(settings, instance)) ports.insert(settings.http_port);
  }
  return ports;
}

std::string backend_name(const model::InstanceId& id) {
  return encode(id.service) + "." + encode(id.instance);
}

std::string server_name(const model::TaskId& id) {
  return encode(id.str());
}

model::TaskId task_of_server(std::string_view server) {
  return model::TaskId(decode(server));
}

std::string port_frontend_name(int port) {
  return fmt::format("port_{}", port);
}

namespace {

// Who has which port and domain so far.
struct Claims {
  std::map<int, model::InstanceId> ports;
  std::map<std::string, model::InstanceId> domains;
};

// Why this instance cannot stand beside those that claimed before it; empty when it can.
std::string objection(const ProxySettings& settings, const Claims& claims, const RoutedInstance& instance) {
  const model::Proxy& proxy = instance.proxy;
  if (proxy.port && *proxy.port == settings.http_port) {
    return fmt::format("port {} is the shared http port", *proxy.port);
  }
  if (proxy.port) {
    const auto other = claims.ports.find(*proxy.port);
    if (other != claims.ports.end()) return fmt::format("{} has port {}", other->second.text(), *proxy.port);
  }
  if (proxy.domains.empty()) return "";
  if (proxy.mode == model::ProxyMode::Tcp) return "domains need mode http, and this is tcp";
  if (settings.http_port == 0)
    return "domains need the shared http port, and this cluster has none (http_port is 0)";
  for (const std::string& domain : proxy.domains) {
    const auto other = claims.domains.find(lower(domain));
    if (other != claims.domains.end())
      return fmt::format("{} has the domain \"{}\"", other->second.text(), domain);
  }
  return "";
}

}  // namespace

Admission admit(const ProxySettings& settings, std::vector<RoutedInstance> wanted) {
  Admission admission;
  Claims claims;
  for (RoutedInstance& instance : wanted) {
    std::string why = objection(settings, claims, instance);
    if (!why.empty()) {
      admission.refused[instance.id] = std::move(why);
      continue;
    }
    if (instance.proxy.port) claims.ports[*instance.proxy.port] = instance.id;
    for (const std::string& domain : instance.proxy.domains) claims.domains[lower(domain)] = instance.id;
    admission.admitted.push_back(std::move(instance));
  }
  // The text, and so its signature, depends on who is admitted alone.
  std::ranges::sort(admission.admitted, {}, &RoutedInstance::id);
  return admission;
}

}  // namespace slipway::discovery
