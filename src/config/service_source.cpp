#include "config/service_source.h"

#include <optional>

#include <fmt/format.h>

#include "config/json_tree.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kExtension = ".yaml";
constexpr std::string_view kAutotuned = "autotuned_defaults";

bool is_ours(std::string_view name) {
  return known_file(name).has_value();
}

// "run.yml": people mean it, and would wonder why nothing happens.
bool is_nearly_ours(std::string_view name) {
  constexpr std::string_view kShort = ".yml";
  if (!name.ends_with(kShort)) return false;
  return is_ours(std::string(name.substr(0, name.size() - kShort.size())) + std::string(kExtension));
}

void add_file(ServiceSource& source, const KnownFile& known, const fs::path& path) {
  SourceFile file{
      known.role, known.layout, !known.cluster.empty(), std::string(known.stem), path.string(), {}, {}};
  auto text = read_yaml_file(path, known.role == FileRole::Deployments ? kJsonMaxBytes : kYamlMaxBytes);
  if (text.has_value()) {
    file.text = std::move(*text);
  } else {
    file.trouble = text.error().message();
  }
  source.files.push_back(std::move(file));
}

// The layout that the names tell; nullopt where they are the same in both.
std::optional<Layout> layout_of(const std::vector<std::string>& files) {
  bool ours = false, paasta = false, adhoc = false;
  for (const std::string& name : files) {
    const KnownFile known = *known_file(name);
    ours = ours || known.layout == Layout::Slipway;
    paasta = paasta || known.layout == Layout::Paasta;
    adhoc = adhoc || known.role == FileRole::Adhoc;
  }
  if (ours && paasta) return Layout::Both;
  if (ours) return Layout::Slipway;
  if (paasta || adhoc) return Layout::Paasta;
  return std::nullopt;
}

// The names of a folder that are ours, and those below it.
void take_names(const fs::path& path, const std::vector<std::string>& names, ServiceFolder& folder) {
  for (const std::string& name : names) {
    if (name == kAutotuned) {
      const auto tuned = io::list_directory(path / name);
      if (!tuned.has_value()) continue;  // not a folder, or nothing that may be read: as good as none
      for (const std::string& below : *tuned) {
        std::string whole = name + "/" + below;
        if (is_ours(whole)) folder.files.push_back(std::move(whole));
      }
    } else if (is_ours(name)) {
      folder.files.push_back(name);
    } else if (is_nearly_ours(name)) {
      folder.misnamed.push_back(name);
    }
  }
}

// What the compilation of a service reads; the rest is for `validate` and for delivery.
bool is_compiled(FileRole role) {
  switch (role) {
    case FileRole::Deploy:
    case FileRole::Dependencies:
    case FileRole::Rollback:
    case FileRole::Authorization:
    case FileRole::Unused:
      return false;
    case FileRole::Service:
    case FileRole::Monitoring:
    case FileRole::Run:
    case FileRole::Jobs:
    case FileRole::Adhoc:
    case FileRole::Proxy:
    case FileRole::Kubernetes:
    case FileRole::Eks:
    case FileRole::Marathon:
    case FileRole::Tron:
    case FileRole::Smartstack:
    case FileRole::Autotuned:
    case FileRole::Deployments:
    case FileRole::Custom:
      return true;
  }
  return false;
}

}  // namespace

std::string_view cluster_of_file(std::string_view name) {
  const auto known = known_file(name);
  return known && holds_instances(known->role) ? known->cluster : std::string_view();
}

Result<std::string> read_yaml_file(const fs::path& path, size_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return Error(ErrorCode::NotFound, error.message());
  if (!fs::is_regular_file(status)) return Error(ErrorCode::Invalid, "it is not a regular file");
  auto text = io::read_file(path, max_bytes);
  if (text.has_value()) return text;
  // The file is told by the problem's place; what io says in front of the cause would only repeat it.
  const Error* bottom = &text.error();
  while (bottom->cause() != nullptr) bottom = bottom->cause();
  if (bottom->code() != ErrorCode::Invalid) return Error(bottom->code(), bottom->message());
  return Error(ErrorCode::Invalid, fmt::format("it is longer than the {} bytes that are read", max_bytes));
}

void TreeLayout::add(Layout told) {
  ours_ = ours_ || told == Layout::Slipway || told == Layout::Both;
  paasta_ = paasta_ || told == Layout::Paasta;
}

std::optional<ServiceFolder> find_service(const fs::path& tree, const std::string& name, Layout otherwise) {
  if (name.starts_with('.') || name.starts_with('_')) return std::nullopt;
  ServiceFolder folder{.name = name, .path = tree / name, .files = {}, .misnamed = {}, .trouble = {}};
  std::error_code error;
  const fs::file_status status = fs::status(folder.path, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (status.type() == fs::file_type::none) {
    folder.trouble = error.message();
  } else if (!fs::is_directory(status)) {
    return std::nullopt;
  } else if (auto names = io::list_directory(folder.path); names.has_value()) {
    take_names(folder.path, *names, folder);
    if (folder.files.empty() && folder.misnamed.empty()) return std::nullopt;
  } else {
    folder.trouble = names.error().text();
  }
  const auto told = layout_of(folder.files);
  folder.told = told.has_value();
  folder.layout = told.value_or(otherwise);
  return folder;
}

Result<std::vector<ServiceFolder>> list_services(const fs::path& tree) {
  std::error_code error;
  if (!fs::is_directory(tree, error)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {}", tree.string()));
  }
  std::vector<ServiceFolder> services;
  TreeLayout layout;
  for (const std::string& name : TRY(io::list_directory(tree))) {
    auto folder = find_service(tree, name, Layout::Slipway);
    if (!folder) continue;
    if (folder->told) layout.add(folder->layout);
    services.push_back(std::move(*folder));
  }
  for (ServiceFolder& folder : services) {
    if (!folder.told) folder.layout = layout.otherwise();
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
  source.layout = folder.layout;
  for (const std::string& name : folder.files) {
    const KnownFile known = *known_file(name);
    const bool here = known.cluster.empty() || known.cluster == cluster;
    if (here && is_compiled(known.role)) add_file(source, known, folder.path / name);
  }
  for (const std::string& name : folder.misnamed) source.misnamed.push_back((folder.path / name).string());
  return source;
}

}  // namespace slipway::config
