#include "config/reference.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/schema.h"

namespace slipway::config {

namespace {

struct Section {
  std::string_view schema;
  std::string_view file;
  std::string_view title;
};

constexpr std::array<Section, 4> kSections = {{
    {"service", "service.yaml", "`service.yaml`"},
    {"instance", "run.yaml", "`run.yaml`, `run-<cluster>.yaml`"},
    {"job", "jobs.yaml", "`jobs.yaml`, `jobs-<cluster>.yaml`"},
    {"cluster", "slipway.yaml", "`slipway.yaml`"},
}};

constexpr std::string_view kHead = R"(# Configuration

This page is made from the schema in `src/config/schema/`, which also checks every file: what stands here is
what holds. To change it, change the schema, then run `slipway config docs > docs/reference/config.md`.

A config tree is a folder with one folder for each service, named after it. In a service's folder,
`service.yaml` tells of the service as a whole, `run.yaml` of its instances in every cluster, and
`run-<cluster>.yaml` of what is different in one cluster. `monitoring.yaml` holds the default of every
instance's `monitoring`, `proxy.yaml` the `proxy` of each namespace: the instance of that name has it, else
the first whose first registration it is. Folders without any of these files, hidden ones and those that
begin with `_` are left out. Beside the services, or elsewhere, `slipway.yaml` describes the cluster.

Trees in the layout of PaaSTA are read as they are: see [paasta.md](paasta.md).

The files are YAML 1.2: `yes` is text, `010` is ten. Anchors, aliases and `<<` work within a file. A service
with a mistake in any of its files keeps its last good configuration until that is mended, and no other
service is affected; `slipway validate` shows all mistakes at once.
)";

// A key and, below it, the keys of its map, each under its full name.
void add_key(std::string& out, const SchemaKey& key, const std::string& path, int level) {
  out += fmt::format("\n{} `{}{}`\n\n{}\n\n", std::string(level, '#'), path, key.name, key.text);
  out += fmt::format("- Value: {}{}\n", key.words(), key.required ? "; required" : "");
  if (!key.fallback_words.empty()) {
    const bool literal = key.fallback.has_value();
    out += fmt::format("- Default: {}{}{}\n", literal ? "`" : "", key.fallback_words, literal ? "`" : "");
  }
  if (key.example.kind == YamlKind::Scalar) {
    out += fmt::format("- Example: `{}: {}{}{}`\n", key.name, key.example.quoted ? "\"" : "",
                       key.example.text, key.example.quoted ? "\"" : "");
  }
  for (const std::string& other : key.other_names) out += fmt::format("- Also written: `{}`\n", other);
  for (const std::string& other : key.not_with) out += fmt::format("- Not together with: `{}`\n", other);
  const bool listed = !key.types.empty() && key.types[0].kind == ValueKind::List;
  for (const SchemaKey& child : key.keys) {
    add_key(out, child, fmt::format("{}{}{}.", path, key.name, listed ? "[]" : ""), level + 1);
  }
}

// The document without its comments, which the page has shown by then.
std::string example_of(const Schema& keys) {
  std::string example;
  for (const std::string& line : split(keys.document, '\n')) {
    if (!trim(line).empty() && !trim(line).starts_with('#')) example += line + "\n";
  }
  return example;
}

std::string section_markdown(const Section& section) {
  const Schema& keys = schema(section.schema);
  std::string out = fmt::format("## {}\n\n{}\n", section.title, keys.introduction);
  bool grouped = false;
  for (const SchemaKey& key : keys.keys) {
    if (!key.heading.empty()) out += fmt::format("\n### {}\n", key.heading);
    grouped = grouped || !key.heading.empty();
    add_key(out, key, "", grouped ? 4 : 3);
  }
  return out + fmt::format("\n### Everything at once\n\n```yaml\n{}```\n", example_of(keys));
}

}  // namespace

std::string reference_markdown() {
  std::string out(kHead);
  for (const Section& section : kSections) out += "\n" + section_markdown(section);
  return out;
}

Result<std::string> reference_of(std::string_view topic) {
  std::vector<std::string> topics;
  for (const Section& section : kSections) {
    if (topic == section.schema || topic == section.file) return section_markdown(section);
    topics.emplace_back(section.schema);
  }
  std::string found;
  for (const Section& section : kSections) {
    const std::vector<SchemaKey>& keys = schema(section.schema).keys;
    if (const SchemaKey* key = find_key(keys, topic)) {
      found += found.empty() ? "" : "\n";
      found += fmt::format("In {}:\n", section.title);
      add_key(found, *key, "", 3);
    }
    for (const SchemaKey& key : keys) topics.push_back(key.name);
  }
  if (!found.empty()) return found;
  const auto near = did_you_mean(topic, topics);
  return Error(ErrorCode::NotFound,
               fmt::format("the reference has no {}{}", printable(topic),
                           near ? fmt::format("; did you mean {}?", *near) : std::string()));
}

}  // namespace slipway::config
