"""How PaaSTA resolves the instances of a config tree: a second, plain implementation to hold ours against.

It follows PaaSTA's documented behaviour on dictionaries as PyYAML reads them, and shares nothing with the compiler
in C++: no merging by layers, no typed values, no positions.
"""
import copy
import datetime
import json
import math
import os

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TYPES = ("adhoc", "kubernetes", "eks", "marathon", "tron")
JOB_MONITORING = {
    "team", "page", "ticket", "project", "runbook", "tip", "notification_email", "realert_every", "irc_channels",
    "slack_channels", "dependencies", "tags", "component", "description", "alert_after", "issuetype", "priority",
    "check_oom_events", "page_for_expected_runtime", "check_that_every_day_has_a_successful_run"}


class Refused(Exception):
    """PaaSTA raises where this instance is asked for."""


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.load(file, Loader=LOADER) or {}
    except FileNotFoundError:
        return {}


def deep_merge(overrides, defaults):
    result = copy.deepcopy(defaults)
    for key, value in overrides.items():
        below = result.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        result[key] = deep_merge(value, below) if both else copy.deepcopy(value)
    return result


def as_json(value):
    """The value as it comes out of JSON: keys are text, and so are dates."""
    if isinstance(value, dict):
        return {key_text(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return str(value)
    return value


def key_text(key):
    if isinstance(key, str):
        return key
    return str(key) if isinstance(key, datetime.date) else json.dumps(key)


class Tree:
    def __init__(self, root, cluster):
        self.root, self.cluster = root, cluster

    def path(self, service, name):
        return os.path.join(self.root, service, name)

    def services(self):
        names = sorted(os.listdir(self.root))
        return [name for name in names if os.path.isdir(self.path(name, "")) and name[0] not in "._"]

    def general(self, service):
        general = {"monitoring": read(self.path(service, "monitoring.yaml")),
                   "smartstack": read(self.path(service, "smartstack.yaml"))}
        general.update(read(self.path(service, "service.yaml")))
        return general

    def deployments(self, service):
        try:
            with open(self.path(service, "deployments.json"), encoding="utf-8") as file:
                return json.load(file)["v2"]
        except FileNotFoundError:
            return None

    def resolve(self):
        """{service.instance: fields or None where PaaSTA refuses}."""
        out = {}
        for service in self.services():
            for kind in TYPES:
                name = f"{kind}-{self.cluster}.yaml"
                for key, body in read(self.path(service, name)).items():
                    if str(key).startswith("_"):
                        continue
                    for full, make in self.instances(service, kind, key, body):
                        if full in out:
                            continue
                        try:
                            out[full] = make()
                        except Refused:
                            out[full] = None
        return out

    def instances(self, service, kind, key, body):
        if kind != "tron":
            yield f"{service}.{key}", lambda: self.instance(service, kind, key, body)
            return
        if not isinstance(body, dict):
            return
        actions = body.get("actions") or {}
        for action in actions:
            yield (f"{service}.{key}.{action}",
                   lambda action=action: self.action(service, key, body, action, actions[action]))

    # ---- what all kinds have

    def common(self, service, instance, kind, config, job=False):
        group = config.get("deploy_group", None if job else f"{self.cluster}.{instance}")
        if isinstance(group, str):
            try:
                group = group.format(cluster=self.cluster, instance=instance, service=service)
            except (KeyError, IndexError, ValueError) as error:
                raise Refused from error
        cmd = config.get("command" if job else "cmd")
        args = config.get("args", [] if cmd is None else None)
        if cmd is not None and args is not None:
            raise Refused
        return {
            "service": service, "instance": instance, "cluster": self.cluster,
            "kind": {"tron": "job", "adhoc": "adhoc"}.get(kind, "service"),
            "deploy_group": group,
            "cpus": config.get("cpus", 1), "mem": config.get("mem", 4096),
            "disk": config.get("disk", 4096 if job else 1024), "gpus": config.get("gpus"),
            "cpu_burst_add": 0 if job else config.get("cpu_burst_add", 1),
            "cmd": cmd, "args": args,
            "env": {key_text(k): str(v) for k, v in (config.get("env") or {}).items()},
            "pool": config.get("pool", "default"), "net": config.get("net", "bridge"),
            "volumes": self.volumes(config),
            "deploy_whitelist": config.get("deploy_whitelist"),
            "deploy_blacklist": config.get("deploy_blacklist", []),
            "node_selectors": config.get("node_selectors", {}),
            "monitoring": config.get("monitoring", {}),
            "container_port": None, "registrations": None, "bounce_method": None, "bounce_margin_factor": None,
            "drain_method": None, "drain_method_params": None, "replication_threshold": None,
            "healthcheck": dict.fromkeys(("mode", "uri", "cmd", "grace_period_seconds", "interval_seconds",
                                          "timeout_seconds", "max_consecutive_failures")),
            "instances": {"count": None, "min": None, "max": None, "autoscaled": False},
            "desired_state": "start", "version": None,
        }

    @staticmethod
    def volumes(config):
        volumes = list(config.get("extra_volumes", []))
        if config.get("uses_bulkdata", False):
            volumes.append({"hostPath": "/nail/bulkdata", "containerPath": "/nail/bulkdata", "mode": "RO"})
        deduplicated = {v["containerPath"].rstrip("/") + v["hostPath"].rstrip("/"): v for v in volumes}
        in_order = sorted(deduplicated.values(), key=lambda v: [(key, v[key]) for key in sorted(v)])
        return [{"container_path": v["containerPath"], "host_path": v["hostPath"], "mode": v["mode"]}
                for v in in_order]

    # ---- instances

    def instance(self, service, kind, key, body):
        if body is None:
            raise Refused
        tuned_by = "eks" if kind == "eks" and os.path.exists(
            self.path(service, f"autotuned_defaults/eks-{self.cluster}.yaml")) else "kubernetes"
        tuned = {} if kind == "adhoc" else (
            read(self.path(service, f"autotuned_defaults/{tuned_by}-{self.cluster}.yaml")).get(key) or {})
        config = deep_merge(deep_merge(body, tuned), self.general(service))
        out = self.common(service, key, kind, config)
        if kind == "adhoc":
            out["container_port"] = config.get("container_port")
        else:
            self.long_running(out, service, key, config)
        self.add_version(out, service, key)
        return as_json(out)

    def long_running(self, out, service, key, config):
        registrations = config.get("registrations") or []
        if not registrations and "nerve_ns" in config:
            registrations = [f"{service}.{config['nerve_ns']}"]
        registrations = registrations or [f"{service}.{key}"]
        space = read(self.path(service, "smartstack.yaml")).get(registrations[0].split(".")[1]) or {}
        meshed = "proxy_port" in space
        mode = space.get("mode") or ("http" if meshed else None)
        inherited = space.get("healthcheck_mode") or {"http2": "http"}.get(mode, mode)
        health = config.get("healthcheck_mode")
        if health is None:
            health = inherited
        elif health not in ("http", "https", "tcp", "cmd"):
            raise Refused
        if health == "cmd" and config.get("healthcheck_cmd") is None:
            raise Refused
        most = config.get("max_instances")
        out.update({
            "container_port": config.get("container_port", 8888),
            "registrations": registrations,
            "bounce_method": config.get("bounce_method", "crossover"),
            "bounce_margin_factor": config.get("bounce_margin_factor", 0.95),
            "drain_method": config.get("drain_method", "hacheck" if meshed else "noop"),
            "drain_method_params": config.get("drain_method_params", {"delay": 60} if meshed else {}),
            "replication_threshold": config.get("replication_threshold", 50),
            "instances": {"count": config.get("instances", 1) if most is None else most,
                          "min": config.get("min_instances", 1), "max": most, "autoscaled": most is not None},
            "healthcheck": {
                "mode": health,
                "uri": config.get("healthcheck_uri", space.get("healthcheck_uri", "/status")),
                "cmd": config.get("healthcheck_cmd"),
                "grace_period_seconds": config.get("healthcheck_grace_period_seconds", 60),
                "interval_seconds": config.get("healthcheck_interval_seconds", 10),
                "timeout_seconds": config.get("healthcheck_timeout_seconds", 10),
                "max_consecutive_failures": config.get("healthcheck_max_consecutive_failures", 30)},
        })

    def add_version(self, out, service, key):
        deployments = self.deployments(service)
        if deployments is None:
            return
        version = deployments["deployments"].get(out["deploy_group"])
        control = deployments["controls"].get(f"{service}:{self.cluster}.{key}")
        if version is None or control is None:
            return
        out["desired_state"] = control["desired_state"]
        out["version"] = {name: version.get(name) for name in ("git_sha", "docker_image", "image_version")}

    # ---- jobs

    def action(self, service, job, body, name, action):
        if not isinstance(action, dict):
            raise Refused
        config = {"service": body.get("service", service), "deploy_group": body.get("deploy_group"), **action}
        monitoring = {**read(self.path(service, "monitoring.yaml")), **(body.get("monitoring") or {})}
        config["monitoring"] = {k: v for k, v in monitoring.items() if k in JOB_MONITORING}
        if config.get("executor") == "spark":
            config["pool"] = "stable"
            config.setdefault("disk", 5120)
        out = self.common(service, f"{job}.{name}", "tron", config, job=True)
        deployments = self.deployments(config["service"])
        version = deployments and deployments["deployments"].get(out["deploy_group"])
        if version:
            out["version"] = {key: version.get(key) for key in ("git_sha", "docker_image", "image_version")}
        return as_json(out)
