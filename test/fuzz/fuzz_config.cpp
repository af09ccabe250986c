// Any three files of a service compile to instances that are whole, or to problems that are placed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/service_compiler.h"
#include "model/revision.h"

namespace {

namespace config = slipway::config;
namespace model = slipway::model;

// The files are parts of one input, so that one corpus entry holds a whole service.
constexpr std::string_view kSeparator = "\n%%%%\n";

std::string take_part(std::string_view& rest) {
  const size_t end = rest.find(kSeparator);
  const std::string part(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kSeparator.size());
  return part;
}

void check_instance(const model::Instance& instance) {
  CHECK(model::is_name(instance.id.instance));
  CHECK(instance.bounce.margin > 0 && instance.bounce.margin <= 1);
  CHECK(instance.count >= 0 && instance.spec.resources.mem_mb >= 4);
  CHECK(!instance.proxy || instance.spec.container_port);
  CHECK(instance.spec.image.kind != model::ImageKind::HostFilesystem || instance.spec.cmd);
  const model::Revision revision = model::make_revision(instance.id, instance.spec);
  const auto again = model::revision_from_json(model::to_json(revision));
  CHECK(again.has_value() && *again == revision);
}

config::ServiceSource empty_source(config::Layout layout) {
  config::ServiceSource source;
  source.name = "web";
  source.path = "web";
  source.folder = "/tree/web";
  source.layout = layout;
  return source;
}

config::ServiceSource our_source(std::string_view rest) {
  using config::FileRole;
  config::ServiceSource source = empty_source(config::Layout::Slipway);
  source.files.push_back({.role = FileRole::Run, .path = "run.yaml", .text = take_part(rest)});
  source.files.push_back(
      {.role = FileRole::Run, .of_cluster = true, .path = "run-prod.yaml", .text = take_part(rest)});
  source.files.push_back({.role = FileRole::Service, .path = "service.yaml", .text = take_part(rest)});
  return source;
}

// The files that decide most, each with the name that it has in a tree.
config::ServiceSource paasta_source(std::string_view rest) {
  config::ServiceSource source = empty_source(config::Layout::Paasta);
  for (const std::string_view name :
       {"kubernetes-prod.yaml", "service.yaml", "tron-prod.yaml", "smartstack.yaml", "monitoring.yaml",
        "deployments.json", "adhoc-prod.yaml", "autotuned_defaults/kubernetes-prod.yaml"}) {
    const config::KnownFile known = *config::known_file(name);
    source.files.push_back({.role = known.role,
                            .layout = known.layout,
                            .of_cluster = !known.cluster.empty(),
                            .stem = std::string(known.stem),
                            .path = std::string(name),
                            .text = take_part(rest)});
  }
  return source;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const bool paasta = !rest.empty() && rest.front() == 'P';
  const config::ServiceSource source = paasta ? paasta_source(rest.substr(1)) : our_source(rest);
  const config::CompiledService service = config::compile_service(source, "prod");
  for (const auto& finding : service.findings) {
    CHECK(finding.at.file >= 0 && finding.at.file < static_cast<int>(service.files.size()));
    CHECK(finding.at.line >= 1 && finding.at.column >= 1);
  }
  for (const auto& compiled : service.instances) {
    const slipway::Json json = model::config_show_json(compiled.instance, "prod");
    CHECK(json.has("revision") && slipway::Json::parse(json.dump()).has_value());
    if (service.findings.empty() && !paasta) check_instance(compiled.instance);
  }
  return 0;
}
