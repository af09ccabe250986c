"""Random config trees in PaaSTA's layout, written as people write them: anchors, quotes, odd scalars."""
import json
import os
import random
import textwrap

ODD = ["yes", "No", "ON", "off", "true", "FALSE", "y", "010", "0o10", "08", "1:30", "1:99", "190:20:30", "0b101",
       "0x1F", "1_000", "1e3", "1.5e3", "1.5e+3", ".5", "-.5", "1.0", "1.10", "-0", "+12", "0.00001", "1e22", "1.e+16",
       "~", "null", "2024-01-31", "2024-01-31 09:15:00", "2024-01-31T09:15:00.25Z", "2024-1-5", "685_230.15",
       "190:20:30.15", ".inf", "-.INF", ".nan", "plain text", "'yes'", '"010"', "!!str 12", "!!int '7'", "!!float 3",
       "12345678901234567890", "'it\'\'s'", '"a\\tb"', "[a, 1, yes]", "{a: 1.0, b: [no, ~]}", "[2024-01-31, 0x10]",
       "/a:b", "a#b", "é", "SECRET(db)", "99999999999999999999.5", "0", "00", "0_7", "1__0"]
NUMBERS = ["1", "2", "010", "1:30", "0b11", "0x10", "1_000", "1.5", "0.25", "60", "100", "4096", "!!int '12'"]
WORDS = ["main", "canary", "api", "worker", "batch", "web_ui", "tier-2", "backup"]
MONITORING = ["team", "page", "runbook", "tags", "alert_after", "check_every", "extra"]


class Writer:
    """One random tree below `root`."""

    def __init__(self, root, seed):
        self.root, self.random = root, random.Random(seed)

    def chance(self, part):
        return self.random.random() < part

    def odd(self):
        return self.random.choice(ODD)

    def number(self):
        return self.random.choice(NUMBERS)

    def write(self, service, name, lines):
        path = os.path.join(self.root, service, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def tree(self, services):
        for index in range(services):
            self.service(f"svc{index}", index)

    # ---- pieces of text: a list of entries, each a key with its value, perhaps of several lines

    def map_of(self, keys, value):
        return [f"{key}: {value()}" for key in keys]

    def block(self, key, entries):
        return [f"{key}:\n" + indented(entries) if entries else f"{key}: {{}}"]

    def some(self, words, most=3):
        return self.random.sample(words, self.random.randint(0, min(most, len(words))))

    def common(self, job=False):
        lines = []
        for key in self.some(["cpus", "mem", "disk", "gpus", "cpu_burst_add"], 4):
            lines.append(f"{key}: {self.number()}")
        if self.chance(0.5):
            names = self.some(["A", "B", "LOG_LEVEL", "NO", "yes", "0x2", "D"], 5)
            lines += self.block("env", self.map_of(names, self.odd))
        if self.chance(0.3):
            lines.append(f"pool: {self.random.choice(['batch', 'default', '~', 'gpu'])}")
        if self.chance(0.3):
            volumes = []
            for _ in range(self.random.randint(0, 4)):
                container = self.random.choice(["/a", "/a/", "/b", "/nail/etc"])
                host = self.random.choice(["/x", "/x/", "/y"])
                mode = self.random.choice(["RO", "RW"])
                volumes.append(f"- {{hostPath: {host}, containerPath: {container}, mode: {mode}}}")
            lines.append("\n".join(["extra_volumes:"] + volumes) if volumes else "extra_volumes: []")
        if self.chance(0.1):
            lines.append(f"uses_bulkdata: {self.random.choice(['yes', 'no', 'true'])}")
        if self.chance(0.2):
            lines.append(f"deploy_whitelist: {self.random.choice(['[region, [a, b]]', '~'])}")
        if self.chance(0.2):
            lines.append("deploy_blacklist: [[region, a], [habitat, b]]")
        if self.chance(0.2):
            lines += self.block("node_selectors", ["disk: ssd", "zone: [a, b]", "gen: [{operator: Gt, value: 3}]"])
        group = self.random.choice(["", "", "prod.{instance}", "all", "'{cluster}.{service}'", "'{{x}}'", "~"])
        if group and not job or group == "all":
            lines.append(f"deploy_group: {group}")
        return lines

    def long_running(self):
        lines = self.common()
        command = self.random.choice(["", "cmd: run --fast", "args: [a, 010]", "cmd: [a, b]", "cmd: ~"])
        if command:
            lines.append(command)
        for key in self.some(["instances", "min_instances", "container_port", "replication_threshold",
                              "healthcheck_grace_period_seconds", "healthcheck_interval_seconds",
                              "healthcheck_timeout_seconds", "healthcheck_max_consecutive_failures"], 4):
            lines.append(f"{key}: {self.number()}")
        if self.chance(0.3):
            lines.append(f"max_instances: {self.random.choice(['5', '~', '010'])}")
        if self.chance(0.4):
            mode = self.random.choice(["http", "https", "tcp", "cmd", "~", "http2"])
            lines.append(f"healthcheck_mode: {mode}")
        if self.chance(0.3):
            lines.append(f"healthcheck_cmd: {self.random.choice(['/bin/check', 'test -f /x'])}")
        if self.chance(0.3):
            lines.append("healthcheck_uri: /health")
        if self.chance(0.3):
            lines.append(f"bounce_method: {self.random.choice(['brutal', 'crossover', 'downthenup'])}")
        if self.chance(0.3):
            lines.append(f"bounce_margin_factor: {self.random.choice(['1', '0.5', '.5', '1.0'])}")
        if self.chance(0.3):
            method = self.random.choice(["noop", "hacheck", "http"])
            lines.append(f"drain_method: {method}")
        if self.chance(0.3):
            lines += self.block("drain_method_params", self.map_of(self.some(["delay", "expiration"]), self.number))
        if self.chance(0.3):
            names = self.random.choice(["[{0}.main]", "[{0}.api, {0}.main]", "[other.main]", "[]"])
            lines.append("registrations: " + names.format(self.service_name))
        elif self.chance(0.2):
            lines.append("nerve_ns: main")
        if self.chance(0.4):
            lines += self.block("monitoring", self.map_of(self.some(MONITORING), self.odd))
        if self.chance(0.1):
            lines.append("cpus_typo: 3")
        return lines

    def adhoc(self):
        lines = self.common()
        if self.chance(0.5):
            lines.append("cmd: bash")
        return lines + (["container_port: 0x50"] if self.chance(0.3) else [])

    def job(self):
        lines = ["schedule: cron 0 3 * * *", "node: paasta"]
        if self.chance(0.5):
            lines.append("deploy_group: all")
        if self.chance(0.3):
            lines.append("service: svc0")
        if self.chance(0.4):
            lines += self.block("monitoring", self.map_of(self.some(MONITORING), self.odd))
        actions = []
        for name in self.some(["first", "second", "load_it", "wait-a-bit"], 3):
            body = self.common(job=True) + [f"command: echo {name}"]
            if self.chance(0.2):
                body.append("executor: spark")
            actions += self.block(name, body)
        return lines + self.block("actions", actions)

    # ---- files

    def instances(self, service, name, make):
        lines = []
        shared = self.chance(0.4)
        if shared:
            template = unique(["cpus: 0.1", "env: {A: tmpl, T: on}"] + make()[:3])
            lines.append("_shared: &shared\n" + indented(template))
        for word in self.some(WORDS, 4):
            body = make()
            if not self.chance(0.1):
                body = unique(body)
            if shared and self.chance(0.6):
                body = ["<<: *shared"] + body
            lines += self.block(word, body)
        if lines:
            self.write(service, name, lines)

    def service(self, service, index):
        self.service_name = service
        if self.chance(0.7):
            lines = ["description: one of many", f"port: {20000 + index}"]
            if self.chance(0.5):
                lines += unique(self.long_running())[:4]
            if self.chance(0.3):
                lines.append("docker_registry: registry.example.com")
            self.write(service, "service.yaml", lines)
        if self.chance(0.6):
            self.write(service, "monitoring.yaml", self.map_of(self.some(MONITORING, 5), self.odd) or ["team: x"])
        if self.chance(0.7):
            self.smartstack(service, index)
        cluster = "prod"
        self.instances(service, f"kubernetes-{cluster}.yaml", self.long_running)
        if self.chance(0.4):
            self.instances(service, f"eks-{cluster}.yaml", self.long_running)
        if self.chance(0.3):
            self.instances(service, f"kubernetes-other-{index % 2}.yaml", self.long_running)
        if self.chance(0.5):
            self.instances(service, f"tron-{cluster}.yaml", self.job)
        if self.chance(0.5):
            self.instances(service, f"adhoc-{cluster}.yaml", self.adhoc)
        if self.chance(0.5):
            lines = []
            for word in self.some(WORDS, 3):
                lines += self.block(word, self.map_of(["cpus", "mem"], self.number) + ["env: {TUNED: yes}"])
            self.write(service, f"autotuned_defaults/kubernetes-{cluster}.yaml", lines or ["{}"])
        if self.chance(0.7):
            self.deployments(service, cluster)

    def smartstack(self, service, index):
        lines = []
        for number, name in enumerate(self.some(["main", "api", "canary"], 3)):
            body = []
            if self.chance(0.7):
                body.append(f"proxy_port: {self.random.choice([str(20000 + index * 3 + number), '~'])}")
            if self.chance(0.5):
                body.append(f"mode: {self.random.choice(['http', 'https', 'http2', 'tcp'])}")
            if self.chance(0.3):
                body.append("healthcheck_mode: tcp")
            if self.chance(0.4):
                body.append("healthcheck_uri: /ns")
            body.append("timeout_server_ms: 3_000")
            lines += self.block(name, body)
        self.write(service, "smartstack.yaml", lines or ["{}"])

    def deployments(self, service, cluster):
        groups = ["all"] + [f"{cluster}.{word}" for word in WORDS] + [f"'{cluster}.{service}'", "{x}"]
        versions, controls = {}, {}
        for number, group in enumerate(groups):
            if self.chance(0.3):
                continue
            sha = f"{number:040x}"
            extra = "20240101T000000" if self.chance(0.2) else None
            image = f"services-{service}:paasta-{sha}" + (f"-{extra}" if extra else "")
            versions[group] = {"docker_image": image, "git_sha": sha, "image_version": extra}
        for word in WORDS:
            if self.chance(0.8):
                controls[f"{service}:{cluster}.{word}"] = {
                    "desired_state": self.random.choice(["start", "start", "stop"]),
                    "force_bounce": self.random.choice([None, "20240101T000000"])}
        self.write(service, "deployments.json",
                   [json.dumps({"v1": {}, "v2": {"deployments": versions, "controls": controls}})])


def indented(entries):
    return textwrap.indent("\n".join(entries), "  ")


def unique(entries):
    """The first entry of each key: a key that is there twice is a rarer test."""
    first = {}
    for entry in entries:
        first.setdefault(entry.split(":")[0], entry)
    return list(first.values())
