// Every route, with the words of docs/reference/api.md.
#include "api/handlers.h"
#include "api/routes.h"

namespace slipway::api {

namespace {

const RouteParameter kInstancePath{"instance", "path", "`service.instance`"};
const RouteParameter kTaskPath{"task", "path", "the id of a task, or what only one task's id begins with"};

std::vector<Route> state_routes() {
  return {
      {"GET",
       "/v1",
       "What this API can do",
       {},
       "GET /v1",
       R"({"routes": [{"method": "GET", "path": "/v1/nodes", "summary": "The machines of the engine"}]})",
       handlers::index},
      {"GET",
       "/v1/version",
       "Who answers",
       {},
       "GET /v1/version",
       R"({"version": "0.1.0", "cluster": "local", "engine": "local", "config": "/srv/config",
 "state": "/var/lib/slipway/config-3f9c2b7a", "pid": 4711})",
       handlers::version},
      {"GET",
       "/v1/status",
       "The present state of everything, of a service or of an instance",
       {{"service", "query", "only this service"},
        {"instance", "query", "only this instance of the service"},
        {"wait", "query", "a duration: answer when there is news, at the latest after this"},
        {"seen", "query", "with `wait`: the `sequence` that the caller knows already"}},
       "GET /v1/status?service=shop&instance=web",
       R"({"cluster": "local", "engine": "local", "generation": 12, "sequence": 345, "at": "2026-01-31T09:15:00.250Z",
 "isolation": null, "trouble": null, "freeze": null, "settled": true, "shutting_down": false,
 "released": false,
 "instances": [{"service": "shop", "instance": "web", "state": "running", "desired": 3, "healthy": 3, ...}],
 "problems": [{"file": "/srv/config/api/run.yaml", "line": 3, "column": 5, "service": "api", "instance": null,
               "message": "unknown key 'memm'", "hint": "did you mean 'mem'?",
               "severity": "error"}],
 "broken": ["api"], "last_good": [],
 "config": {"source": "git", "where": "https://git.example.com/config.git", "ref": "main",
            "commit": "9fceb02d...", "polled": null, "trouble": null, "trouble_since": null}})",
       handlers::status,
       handlers::quick_status,
       true},
      {"GET",
       "/v1/instances/{instance}/why",
       "Everything that explains the state of an instance: what holds now, then the newest first",
       {kInstancePath},
       "GET /v1/instances/shop.web/why",
       R"({"instance": "shop.web", "state": "crashlooping", "causes": [
  {"at": null, "kind": "exit", "text": "shop-web-3f9c2b7a-x7k2p ended with exit code 3",
   "lines": ["no such table"]},
  {"at": "2026-01-31T09:15:00.250Z", "kind": "config", "text": "3f9c2b7a41d0 differs ...", "lines": []}]})",
       handlers::why},
  };
}

std::vector<Route> listing_routes() {
  return {
      {"GET",
       "/v1/services",
       "The services and their instances",
       {},
       "GET /v1/services",
       R"({"services": [{"service": "shop", "instances": ["web", "worker"], "broken": false}]})",
       handlers::services},
      {"GET",
       "/v1/services/{service}",
       "One service: its resolved configuration and where it is reached",
       {{"service", "path", "its name"}},
       "GET /v1/services/shop",
       R"({"service": "shop", "broken": false, "problems": [],
 "instances": [{"instance": "web", "endpoints": ["http://127.0.0.1:8080"], "config": {...}}]})",
       handlers::service},
      {"GET",
       "/v1/config",
       "The resolved configuration, as `slipway config show` prints it",
       {{"service", "query", "only this service"}, {"instance", "query", "only instances of this name"}},
       "GET /v1/config?service=shop",
       R"({"shop.web": {"service": "shop", "instance": "web", "cpus": 0.1, ...}})",
       handlers::config},
      {"GET",
       "/v1/nodes",
       "The machines of the engine",
       {},
       "GET /v1/nodes",
       R"({"nodes": [{"id": "here", "ready": true, "draining": false, "cpus": 2, "mem_mb": 3900, ...}]})",
       handlers::nodes},
      {"GET",
       "/v1/plan",
       "The steps of the last plan",
       {},
       "GET /v1/plan",
       R"({"generation": 12, "steps": [{"instance": "shop.web", "reason": "3 of 3 new tasks are happy", ...}]})",
       handlers::plan},
      {"GET",
       "/v1/observed",
       "Everything that runs, as last observed, revisions whole: enough to rehearse a change elsewhere",
       {},
       "GET /v1/observed",
       R"({"at": "2026-01-31T09:15:00.250Z", "revisions": [{"revision": {...}, "count": 3, "generation": 12}],
              "tasks": [...], "nodes": [...]})",
       handlers::observed},
      {"GET",
       "/v1/history/{instance}",
       "How the last bounces of an instance went, newest first",
       {kInstancePath, {"limit", "query", "at most so many; 20 by default, 100 at most"}},
       "GET /v1/history/shop.web?limit=1",
       R"({"bounces": [{"id": 7, "revision": "3f9c2b7a41d0", "outcome": "done", "text": "env VERSION: \"1\" -> \"2\"",
              "started_at": "2026-01-31T09:15:00.250Z", "ended_at": "2026-01-31T09:15:04.100Z"}]})",
       handlers::history},
      {"GET",
       "/v1/tasks/{task}",
       "One task, one-off tasks included",
       {kTaskPath},
       "GET /v1/tasks/shop-web-3f9c2b7a-x7k2p",
       R"({"id": "shop-web-3f9c2b7a-x7k2p", "instance": "shop.web", "state": "running", "health": "healthy", ...})",
       handlers::task},
      {"GET",
       "/v1/overrides",
       "The operators' deviations from the files that are in force",
       {},
       "GET /v1/overrides",
       R"({"overrides": [{"instance": "shop.web", "kind": "scale", "count": 5, "owner": "alex", ...}]})",
       handlers::overrides},
  };
}

std::vector<Route> streaming_routes() {
  return {
      {"GET",
       "/v1/events",
       "What happened, as JSON lines, oldest first",
       {{"after", "query", "only events with a higher id; without it, the newest `limit`"},
        {"limit", "query", "at most so many before following; 100 by default"},
        {"subject", "query", "only those of this `service` or `service.instance`"},
        {"follow", "query", "`1`: go on with what happens from now on"}},
       "GET /v1/events?subject=shop.web&limit=1",
       R"({"at": "2026-01-31T09:15:00.250Z", "id": 42, "instance": "shop.web", "kind": "bounce_done", "text": "..."})",
       handlers::events},
      {"GET",
       "/v1/logs",
       "Log lines of a task, or of all tasks of an instance merged by time, as JSON lines",
       {{"task", "query", "one task; otherwise give `service` and `instance`"},
        {"service", "query", "with `instance`: whose tasks"},
        {"instance", "query", "with `service`: whose tasks"},
        {"since", "query", "a duration (`10m`: the last ten minutes) or a time"},
        {"tail", "query", "only the last so many lines"},
        {"stream", "query", "`out` or `err`; both by default"},
        {"follow", "query", "`1`: go on with what is written from now on, by new tasks of the instance too"}},
       "GET /v1/logs?service=shop&instance=web&tail=1",
       R"({"at": "2026-01-31T09:15:00.250Z", "stream": "out", "task": "shop-web-3f9c2b7a-x7k2p", "text": "listening"})",
       handlers::logs},
      {"POST",
       "/v1/exec",
       "Run a command inside a task. The connection is upgraded to frames both ways: 1 byte of type, 4 bytes "
       "of length "
       "(big-endian), the payload. Types: 0 standard input (empty: its end), 1 standard output, 2 standard "
       "error, "
       "3 exit (the code in decimal), 4 resize (`rows columns`), 5 error (text)",
       {{"task", "body", "the id of a task, or what only one task's id begins with"},
        {"argv", "body", "the command and its arguments"},
        {"env", "body", "an object: further environment variables"},
        {"tty", "body", "`true`: on a terminal of its own"},
        {"rows", "body", "of the terminal"},
        {"columns", "body", "of the terminal"}},
       "POST /v1/exec\nConnection: Upgrade\nUpgrade: slipway-exec\n\n"
       R"({"task": "shop-web-3f9c", "argv": ["ls", "/"], "tty": false})",
       "101 Switching Protocols",
       handlers::exec},
  };
}

std::vector<Route> writing_routes() {
  return {
      {"POST",
       "/v1/run",
       "Start a one-off task of an instance",
       {{"instance", "body", "`service.instance`, whose image and settings it gets"},
        {"argv", "body", "the command and its arguments; absent: the instance's own"}},
       "POST /v1/run\n\n"
       R"({"instance": "shop.web", "argv": ["migrate", "--all"]})",
       R"({"task": "shop-web-run-x7k2pq"})",
       handlers::run},
      {"DELETE",
       "/v1/tasks/{task}",
       "Stop a one-off task and forget it",
       {kTaskPath},
       "DELETE /v1/tasks/shop-web-run-x7k2pq",
       "{}",
       handlers::remove_task},
      {"PUT",
       "/v1/overrides",
       "Deviate from the files; replaces an override of the same instance and kind",
       {{"instance", "body", "`service.instance`; empty for `freeze`, which is of the whole cluster"},
        {"kind", "body", "`stop`, `scale`, `pause`, `restart`, `skip_health` or `freeze`"},
        {"count", "body", "of `scale`"},
        {"nonce", "body", "of `restart`: what makes it another one; made up when absent"},
        {"owner", "body", "who says so"},
        {"reason", "body", "why"},
        {"expires_at", "body", "a time; absent: until lifted"}},
       "PUT /v1/overrides\n\n"
       R"({"instance": "shop.web", "kind": "scale", "count": 5, "owner": "alex", "reason": "sale"})",
       R"({"instance": "shop.web", "kind": "scale", "count": 5, "created_at": "2026-01-31T09:15:00.250Z", ...})",
       handlers::put_override},
      {"DELETE",
       "/v1/overrides/{instance}/{kind}",
       "Lift an override",
       {kInstancePath, {"kind", "path", "`stop`, `scale`, `pause`, `restart` or `skip_health`"}},
       "DELETE /v1/overrides/shop.web/scale",
       "{}",
       handlers::remove_override},
      {"DELETE",
       "/v1/overrides/freeze",
       "Lift the freeze of the cluster",
       {},
       "DELETE /v1/overrides/freeze",
       "{}",
       handlers::remove_freeze},
      {"POST",
       "/v1/reload",
       "Read the files again now rather than when a change is noticed",
       {},
       "POST /v1/reload",
       "{}",
       handlers::reload},
      {"POST",
       "/v1/shutdown",
       "Drain and stop everything, then end; `status` tells how far it is",
       {{"keep_tasks", "body", "`true`: only the control plane ends, tasks go on"}},
       "POST /v1/shutdown\n\n"
       R"({"keep_tasks": false})",
       "{}",
       handlers::shut_down},
  };
}

std::vector<Route> node_routes() {
  const RouteParameter node{"node", "path", "its id"};
  const RouteParameter owner{"owner", "body", "who says so"};
  const RouteParameter reason{"reason", "body", "why"};
  return {
      {"POST",
       "/v1/nodes/{node}/drain",
       "Place no more tasks on a node, and move those that it has",
       {node, owner, reason},
       "POST /v1/nodes/here/drain\n\n"
       R"({"owner": "alex", "reason": "new disk"})",
       R"({"id": "here", "ready": true, "draining": true, "cpus": 2, "mem_mb": 3900, ...})",
       handlers::drain_node},
      {"POST",
       "/v1/nodes/{node}/undrain",
       "Let a node take tasks again",
       {node, owner, reason},
       "POST /v1/nodes/here/undrain\n\n"
       R"({"owner": "alex"})",
       R"({"id": "here", "ready": true, "draining": false, "cpus": 2, "mem_mb": 3900, ...})",
       handlers::undrain_node},
  };
}

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto& group :
       {state_routes(), listing_routes(), streaming_routes(), writing_routes(), node_routes()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = all_routes();
  return all;
}

}  // namespace slipway::api
