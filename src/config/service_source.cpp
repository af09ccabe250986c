#include "config/service_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/yaml.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kServiceFile = "service.yaml";
constexpr std::string_view kRunFile = "run.yaml";
constexpr std::string_view kRunPrefix = "run-";
constexpr std::string_view kExtension = ".yaml";

bool is_ours(std::string_view name) {
  return name == kServiceFile || name == kRunFile || !cluster_of_file(name).empty();
}

// "run.yml": people mean it, and would wonder why nothing happens.
bool is_nearly_ours(std::string_view name) {
  constexpr std::string_view kShort = ".yml";
  if (!name.ends_with(kShort)) return false;
  return is_ours(std::string(name.substr(0, name.size() - kShort.size())) + std::string(kExtension));
}

void add_file(ServiceSource& source, FileRole role, const fs::path& path) {
  SourceFile file{role, path.string(), {}, {}};
  auto text = read_yaml_file(path);
  if (text.has_value()) {
    file.text = std::move(*text);
  } else {
    file.trouble = text.error().message();
  }
  source.files.push_back(std::move(file));
}

}  // namespace

std::string_view cluster_of_file(std::string_view name) {
  if (!name.starts_with(kRunPrefix) || !name.ends_with(kExtension)) return {};
  name.remove_prefix(kRunPrefix.size());
  name.remove_suffix(std::min(kExtension.size(), name.size()));
  return name;
}

Result<std::string> read_yaml_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return Error(ErrorCode::NotFound, error.message());
  if (!fs::is_regular_file(status)) return Error(ErrorCode::Invalid, "it is not a regular file");
  auto text = io::read_file(path, kYamlMaxBytes);
  if (text.has_value()) return text;
  // The file is told by the problem's place; what io says in front of the cause would only repeat it.
  const Error* bottom = &text.error();
  while (bottom->cause() != nullptr) bottom = bottom->cause();
  if (bottom->code() != ErrorCode::Invalid) return Error(bottom->code(), bottom->message());
  return Error(ErrorCode::Invalid,
               fmt::format("it is longer than the {} bytes that are read", kYamlMaxBytes));
}

Result<std::vector<ServiceFolder>> list_services(const fs::path& tree) {
  std::error_code error;
  if (!fs::is_directory(tree, error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", tree.string()));
  }
  std::vector<ServiceFolder> services;
  for (const std::string& name : TRY(io::list_directory(tree))) {
    if (name.starts_with('.') || name.starts_with('_')) continue;
    ServiceFolder folder{name, tree / name, {}, {}, {}};
    const fs::file_status status = fs::status(folder.path, error);
    if (status.type() == fs::file_type::none) {
      folder.trouble = error.message();
    } else if (!fs::is_directory(status)) {
      continue;
    } else if (auto names = io::list_directory(folder.path); names.has_value()) {
      std::copy_if(names->begin(), names->end(), std::back_inserter(folder.files), is_ours);
      std::copy_if(names->begin(), names->end(), std::back_inserter(folder.misnamed), is_nearly_ours);
      if (folder.files.empty() && folder.misnamed.empty()) continue;
    } else {
      folder.trouble = names.error().text();
    }
    services.push_back(std::move(folder));
  }
  return services;
}

ServiceSource read_service(const ServiceFolder& folder, std::string_view cluster) {
  std::error_code error;
  ServiceSource source;
  source.name = folder.name;
  source.path = folder.path.string();
  source.folder = fs::absolute(folder.path, error).lexically_normal();
  source.trouble = folder.trouble;
  for (const std::string& name : folder.files) {
    if (name == kServiceFile) add_file(source, FileRole::Service, folder.path / name);
    if (name == kRunFile) add_file(source, FileRole::Run, folder.path / name);
    if (cluster_of_file(name) == cluster) add_file(source, FileRole::ClusterRun, folder.path / name);
  }
  for (const std::string& name : folder.misnamed) source.misnamed.push_back((folder.path / name).string());
  return source;
}

}  // namespace slipway::config
