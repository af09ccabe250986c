// A compose file: variables filled in, then service by service.
#include <fmt/format.h>

#include "imports/compose_service.h"
#include "imports/compose_values.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::imports {

namespace {

constexpr uint64_t kMostVariables = 1 << 20;  // bytes of an environment file

class Compose {
 public:
  Compose(const ComposePaths& paths, Draft& draft) : paths_(paths), draft_(draft) {
    if (const auto text = io::read_file(paths.folder / ".env", kMostVariables)) {
      variables_ = read_variables(*text);
    }
  }

  void read(YamlNode& root) {
    if (root.kind != YamlKind::Map) return draft_.fail(root.at, "the file should be a map with services");
    for (YamlNode& child : root.children) fill_in(child);
    take_keys(root, rules(), *this, "", draft_);
    if (root.find("services") == nullptr) draft_.fail(root.at, "there are no services");
  }

 private:
  static const std::vector<KeyRule<Compose>>& rules() {
    static const std::vector<KeyRule<Compose>> list = {
        {"name"},
        {"version"},
        {"services", &Compose::take_services},
        {"volumes"},  // told where a service uses one
        {"networks"},
        {"secrets"},
        {"configs"},
        {"models", nullptr, "run it as a service"},
        {"include", &Compose::refuse},
    };
    return list;
  }

  // What is in another file can only be resolved by whoever knows all of Compose.
  void refuse(const YamlNode& value) {
    draft_.fail(value.key_at, fmt::format("{} is not followed", value.key),
                "import what `docker compose config` prints: it resolves this");
  }

  void take_services(const YamlNode& services) {
    for (const YamlNode& service : services.children) {
      if (service.kind != YamlKind::Map) {
        draft_.fail(service.at, fmt::format("the service {} should be a map", service.key));
        continue;
      }
      if (const YamlNode* extends = service.find("extends")) {
        refuse(*extends);
        continue;
      }
      Json* keys = draft_.add_instance(plain_name(service.key), "main", service.key_at);
      if (keys != nullptr) read_compose_service(service, paths_, *keys, draft_);
    }
  }

  void fill_in(YamlNode& node) {
    for (YamlNode& child : node.children) fill_in(child);
    if (node.kind != YamlKind::Scalar || node.text.find('$') == std::string::npos) return;
    std::vector<std::string> missing;
    auto text = interpolate(node.text, variables_, missing);
    if (!text) return draft_.fail(node.at, text.error().message());
    for (const std::string& name : missing) {
      draft_.note(node.at, fmt::format("{} is not set in .env", name), "empty text stands there");
    }
    node.text = std::move(*text);
  }

  const ComposePaths& paths_;
  Draft& draft_;
  Variables variables_;
};

// Extensions hold values for anchors to name, or notes of other tools.
void drop_extensions(YamlNode& node) {
  std::erase_if(node.children, [](const YamlNode& child) { return child.key.starts_with("x-"); });
  for (YamlNode& child : node.children) drop_extensions(child);
}

}  // namespace

Result<Import> import_compose(const fs::path& file, const fs::path& into) {
  const std::string text = TRY(io::read_file(file, config::kYamlMaxBytes));
  Draft draft;
  config::YamlDocument document = config::parse_yaml(text, draft.add_source(file.string()));
  draft.take_problems(document);
  if (document.complete) {
    drop_extensions(document.root);
    const ComposePaths paths{file.has_parent_path() ? file.parent_path() : fs::path("."), into};
    Compose(paths, draft).read(document.root);
  }
  return draft.finish("compose");
}

}  // namespace slipway::imports
