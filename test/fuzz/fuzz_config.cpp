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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  config::ServiceSource source;
  source.name = "web";
  source.path = "web";
  source.folder = "/tree/web";
  source.files.push_back({config::FileRole::Run, "run.yaml", take_part(rest), {}});
  source.files.push_back({config::FileRole::ClusterRun, "run-prod.yaml", take_part(rest), {}});
  source.files.push_back({config::FileRole::Service, "service.yaml", take_part(rest), {}});
  const config::CompiledService service = config::compile_service(source, "prod");
  for (const auto& finding : service.findings) {
    CHECK(finding.at.file >= 0 && finding.at.file < static_cast<int>(service.files.size()));
    CHECK(finding.at.line >= 1 && finding.at.column >= 1);
  }
  if (service.findings.empty()) {
    for (const auto& compiled : service.instances) check_instance(compiled.instance);
  }
  return 0;
}
