// Apps and groups: which service and instance each app becomes.
#include <fmt/format.h>

#include "base/text.h"
#include "config/json_tree.h"
#include "imports/marathon_app.h"

namespace slipway::imports {

namespace {

constexpr int kDeepestGroup = 32;  // far more than any tree of groups has

// "/shop/web" for "web" in the group "/shop"; "../x" climbs.
std::string absolute_id(const std::string& id, const std::string& group) {
  std::vector<std::string> parts;
  for (const std::string& part : split(id.starts_with('/') ? id : group + "/" + id, '/')) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  return "/" + join(parts, "/");
}

class Groups {
 public:
  explicit Groups(Draft& draft) : draft_(draft) {}

  void read(const YamlNode& root) {
    if (root.kind == YamlKind::List) return apps(root, "");
    if (root.kind != YamlKind::Map) return draft_.fail(root.at, "the text holds neither an app nor a group");
    // Answers of the API wrap what they give.
    if (const YamlNode* wrapped = root.find("app"); wrapped != nullptr) return app(*wrapped, "");
    if (root.find("apps") != nullptr || root.find("groups") != nullptr) return group(root, "", 0);
    app(root, "");
  }

 private:
  void apps(const YamlNode& list, const std::string& parent) {
    if (list.kind != YamlKind::List) return draft_.fail(list.at, "apps should be a list");
    for (const YamlNode& one : list.children) app(one, parent);
  }

  void group(const YamlNode& node, const std::string& parent, int depth) {
    if (node.kind != YamlKind::Map) return draft_.fail(node.at, "a group should be an object");
    if (depth > kDeepestGroup) return draft_.fail(node.at, "the groups are nested too deeply");
    const std::string id = absolute_id(text_at(node, "id"), parent);
    for (const YamlNode& child : node.children) {
      if (child.key == "apps" && child.kind != YamlKind::Null) {
        apps(child, id);
      } else if (child.key == "groups") {
        for (const YamlNode& inner : child.children) group(inner, id, depth + 1);
      } else if (child.key == "dependencies" && !child.children.empty()) {
        draft_.lose(child.key_at, "dependencies of " + id, "tasks retry until what they need is there");
      } else if (child.key == "pods" && !child.children.empty()) {
        draft_.lose(child.key_at, "pods of " + id, "make an instance of each container");
      } else if (child.key == "scaleBy") {
        draft_.lose(child.key_at, "scaleBy of " + id, "use slipway scale");
      }
    }
  }

  // The group is the service, and the app its instance; an app without a group is a service of its own.
  void app(const YamlNode& node, const std::string& parent) {
    if (node.kind != YamlKind::Map) return draft_.fail(node.at, "an app should be an object");
    const YamlNode* id = node.find("id");
    if (id == nullptr || id->kind != YamlKind::Scalar || id->text.empty()) {
      return draft_.fail(node.at, "an app has no id", "add \"id\": \"/name\"");
    }
    const std::string path = absolute_id(id->text, parent);
    const size_t last = path.rfind('/');
    const std::string service = plain_name(last == 0 ? path : path.substr(0, last));
    const std::string instance = last == 0 ? "main" : plain_name(path.substr(last));
    Json* keys = draft_.add_instance(service, instance, id->at);
    if (keys != nullptr) read_marathon_app(node, *keys, draft_);
  }

  Draft& draft_;
};

}  // namespace

Import import_marathon(std::string_view text, const std::string& name) {
  Draft draft;
  const config::YamlDocument document = config::parse_json(text, draft.add_source(name));
  draft.take_problems(document);
  if (document.complete) Groups(draft).read(document.root);
  return draft.finish("marathon");
}

}  // namespace slipway::imports
