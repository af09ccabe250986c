#include "config/yaml.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <yaml.h>

#include <fmt/format.h>

#include "base/text.h"
#include "config/yaml11.h"

namespace slipway::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kCoreTags = "tag:yaml.org,2002:";

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

bool is_null_text(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Line and column of the byte at `offset`.
Position position_of(std::string_view text, size_t offset, int file) {
  Position at{file, 1, 1};
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++at.column;
    }
  }
  return at;
}

std::string_view line_of(std::string_view text, int line) {
  for (int skip = 1; skip < line; ++skip) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

// What is no text at all is told before any parser sees it: in terms of bytes, with the place.
std::optional<Finding> check_bytes(std::string_view text, int file) {
  if (text.size() > kYamlMaxBytes) {
    return Finding{{file, 1, 1},
                   fmt::format("the file is {} bytes long", text.size()),
                   fmt::format("{} are the most that are read", kYamlMaxBytes)};
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return Finding{{file, 1, 1}, "the file is UTF-16", "save it as UTF-8"};
  }
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    if (control) {
      return Finding{position_of(text, i, file), fmt::format("byte 0x{:02X} is a control character", byte),
                     "the file may hold text only"};
    }
    const size_t length = byte < 0x80 ? 1 : utf8_length(text.substr(i));
    if (length == 0) {
      return Finding{position_of(text, i, file), fmt::format("byte 0x{:02X} is not valid UTF-8", byte),
                     "save the file as UTF-8"};
    }
    i += length;
  }
  return std::nullopt;
}

// One event of libyaml; frees it.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  yaml_event_t* reset() {
    yaml_event_delete(&event_);
    return &event_;
  }
  const yaml_event_t& operator*() const { return event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

// The children of one map by their keys. Most maps are small, and then looking at all is fastest.
class KeySet {
 public:
  // The child that has this one's key already; null when there was none, and now this one has it. Children
  // must stay where they are as long as the set lives.
  const YamlNode* insert(const YamlNode& child) {
    if (few_.size() < kFew) {
      for (const YamlNode* other : few_) {
        if (other->key == child.key) return other;
      }
      few_.push_back(&child);
      return nullptr;
    }
    if (many_.empty()) {
      for (const YamlNode* other : few_) many_.emplace(other->key, other);
    }
    const auto [found, inserted] = many_.emplace(child.key, &child);
    return inserted ? nullptr : found->second;
  }

 private:
  static constexpr size_t kFew = 16;
  std::vector<const YamlNode*> few_;
  std::unordered_map<std::string_view, const YamlNode*> many_;
};

struct Anchor {
  YamlNode node;
  size_t nodes = 0;  // in the resolved tree below, itself included
  size_t text = 0;   // bytes of its scalars
  int height = 0;    // levels below
  bool open = true;  // its end has not been read yet
};

// Reads events and builds the tree; one use. Recursion is bounded by kYamlMaxDepth.
class Composer {
 public:
  Composer(std::string_view text, int file, YamlVersion version)
      : text_(text), file_(file), version_(version) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;
  ~Composer() { yaml_parser_delete(&parser_); }

  YamlDocument run() {
    next();  // stream start
    next();  // document start, or the end
    document_.root.at = {file_, 1, 1};
    if (good() && event_->type == YAML_DOCUMENT_START_EVENT) {
      next();
      if (good()) node(document_.root, 0);
      if (good()) next();  // document end
      if (good()) next();
      if (good() && event_->type == YAML_DOCUMENT_START_EVENT) {
        problem(position(event_->start_mark), "a second document begins here", "a file holds one document");
      }
    }
    return std::move(document_);
  }

 private:
  bool good() const { return document_.complete; }

  Position position(const yaml_mark_t& mark) const {
    return {file_, static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
  }

  void problem(Position at, std::string message, std::string hint) {
    document_.problems.push_back({at, std::move(message), std::move(hint), {}});
  }

  void warning(Position at, std::string message, std::string hint) {
    document_.problems.push_back({at, std::move(message), std::move(hint), {}, model::Severity::Warning});
  }

  // Always false: the caller leaves at once.
  bool stop(Position at, std::string message, std::string hint) {
    problem(at, std::move(message), std::move(hint));
    document_.complete = false;
    return false;
  }

  void next() {
    if (good() && yaml_parser_parse(&parser_, event_.reset()) == 0) syntax_problem();
  }

  void syntax_problem();
  bool node(YamlNode& out, int depth);
  bool alias(YamlNode& out, int depth);
  void scalar(YamlNode& out);
  bool list(YamlNode& out, int depth);
  bool map(YamlNode& out, int depth);
  bool map_key(YamlNode& out, int depth);
  void map_entry(YamlNode& map, YamlNode key, int depth);
  void collect_merge(YamlNode source, Position at);
  void finish_map(YamlNode& map, size_t first_merge);
  void finish_map_11(YamlNode& map, size_t first_merge);
  bool count(size_t nodes, size_t text, Position at);
  std::string open_anchor(std::string_view name);
  void check_tag(std::string_view tag, YamlNode& out);

  std::string_view text_;
  int file_;
  YamlVersion version_;
  yaml_parser_t parser_{};
  Event event_;
  YamlDocument document_;
  std::unordered_map<std::string, Anchor> anchors_;
  std::vector<YamlNode> merges_;  // of the maps being read; each map takes those from its own first one on
  size_t nodes_ = 0;
  size_t text_bytes_ = 0;
  int deepest_ = 0;  // level reached since it was last set; tells how high an anchored node is
};

void Composer::syntax_problem() {
  const bool placed = parser_.error != YAML_READER_ERROR;
  const Position at =
      placed ? position(parser_.problem_mark) : position_of(text_, parser_.problem_offset, file_);
  const std::string_view line = line_of(text_, at.line);
  const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (placed && indentation.find('\t') != std::string_view::npos) {
    stop(at, fmt::format("a tab indents {}", quote_for_message(trim(line))), "indent with spaces");
    return;
  }
  std::string message = fmt::format("cannot read {}: {}", quote_for_message(trim(line)),
                                    parser_.problem == nullptr ? "out of memory" : parser_.problem);
  if (parser_.context != nullptr) {
    message += fmt::format(" {}, begun on line {}", parser_.context, parser_.context_mark.line + 1);
  }
  stop(at, std::move(message), {});
}

bool Composer::count(size_t nodes, size_t text, Position at) {
  nodes_ += nodes;
  text_bytes_ += text;
  if (nodes_ > kYamlMaxNodes) {
    return stop(at, fmt::format("more than {} values, aliases resolved", kYamlMaxNodes),
                "use fewer aliases, or split the service");
  }
  if (text_bytes_ > kYamlMaxText) {
    return stop(at, fmt::format("more than {} of text, aliases resolved", bytes_text(kYamlMaxText)),
                "use fewer aliases, or split the service");
  }
  return true;
}

std::string Composer::open_anchor(std::string_view name) {
  if (name.empty()) return {};
  anchors_[std::string(name)] = Anchor{};
  return std::string(name);
}

// Reads the node that the present event begins, up to its last event. False: there is nothing to keep.
bool Composer::node(YamlNode& out, int depth) {
  out.at = position(event_->start_mark);
  deepest_ = std::max(deepest_, depth);
  if (depth > kYamlMaxDepth) {
    return stop(out.at, fmt::format("nested deeper than {} levels", kYamlMaxDepth), {});
  }
  if (event_->type == YAML_ALIAS_EVENT) return alias(out, depth);
  if (!count(1, 0, out.at)) return false;

  const size_t nodes_before = nodes_ - 1;
  const size_t text_before = text_bytes_;
  const int deepest_outside = std::exchange(deepest_, depth);
  std::string anchor;
  bool kept = true;
  if (event_->type == YAML_SCALAR_EVENT) {
    anchor = open_anchor(view(event_->data.scalar.anchor));
    scalar(out);
  } else if (event_->type == YAML_SEQUENCE_START_EVENT) {
    anchor = open_anchor(view(event_->data.sequence_start.anchor));
    kept = list(out, depth);
  } else {
    anchor = open_anchor(view(event_->data.mapping_start.anchor));
    kept = map(out, depth);
  }
  if (kept && !anchor.empty()) {
    anchors_[anchor] = {out, nodes_ - nodes_before, text_bytes_ - text_before, deepest_ - depth, false};
  }
  deepest_ = std::max(deepest_, deepest_outside);
  return kept;
}

bool Composer::alias(YamlNode& out, int depth) {
  const Position at = out.at;
  const std::string name(view(event_->data.alias.anchor));
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    problem(at, fmt::format("the alias *{} names no anchor", name),
            fmt::format("mark a value above it with &{}", name));
    return false;
  }
  const Anchor& anchor = found->second;
  if (anchor.open) {
    problem(at, fmt::format("the alias *{} stands inside what &{} names, so it would never end", name, name),
            {});
    return false;
  }
  if (depth + anchor.height > kYamlMaxDepth) {
    return stop(at, fmt::format("nested deeper than {} levels by the alias *{}", kYamlMaxDepth, name), {});
  }
  if (!count(anchor.nodes, anchor.text, at)) return false;
  deepest_ = std::max(deepest_, depth + anchor.height);
  out = anchor.node;
  return true;
}

void Composer::check_tag(std::string_view tag, YamlNode& out) {
  if (tag.empty()) return;
  if (tag == "!" || tag == "tag:yaml.org,2002:str") {
    out.quoted = true;
    return;
  }
  if (tag.starts_with(kCoreTags)) {
    static constexpr std::pair<std::string_view, YamlTag> kKnown[] = {
        {"map", YamlTag::None},           {"seq", YamlTag::None},  {"int", YamlTag::Int},
        {"float", YamlTag::Float},        {"bool", YamlTag::Bool}, {"null", YamlTag::Null},
        {"timestamp", YamlTag::Timestamp}};
    tag.remove_prefix(kCoreTags.size());
    for (const auto& [known, type] : kKnown) {
      if (tag != known || (type == YamlTag::Timestamp && version_ == YamlVersion::Core12)) continue;
      out.tag = type;
      return;
    }
    problem(out.at, fmt::format("the tag !!{} means nothing here", tag), "remove it");
    return;
  }
  problem(out.at, fmt::format("the tag {} means nothing here", tag), "remove it");
}

void Composer::scalar(YamlNode& out) {
  const auto& data = event_->data.scalar;
  out.text.assign(reinterpret_cast<const char*>(data.value), data.length);
  out.quoted = data.style != YAML_PLAIN_SCALAR_STYLE;
  check_tag(view(data.tag), out);
  const bool typed = out.tag != YamlTag::None && version_ == YamlVersion::Yaml11;
  const bool null = typed ? out.tag == YamlTag::Null : !out.quoted && is_null_text(out.text);
  out.kind = null ? YamlKind::Null : YamlKind::Scalar;
  if (out.text.find('\0') != std::string::npos) {
    problem(out.at, fmt::format("{} contains the character NUL", quote_for_message(out.text)),
            "no setting may contain it");
  }
  count(0, out.text.size(), out.at);
}

bool Composer::list(YamlNode& out, int depth) {
  out.kind = YamlKind::List;
  check_tag(view(event_->data.sequence_start.tag), out);
  for (next(); good() && event_->type != YAML_SEQUENCE_END_EVENT; next()) {
    YamlNode item;
    if (node(item, depth + 1)) out.children.push_back(std::move(item));
  }
  return good();
}

bool Composer::map(YamlNode& out, int depth) {
  out.kind = YamlKind::Map;
  check_tag(view(event_->data.mapping_start.tag), out);
  const size_t first_merge = merges_.size();
  for (next(); good() && event_->type != YAML_MAPPING_END_EVENT; next()) {
    YamlNode key;
    const bool named = map_key(key, depth);
    if (good()) next();
    if (!good()) return false;
    if (named) {
      map_entry(out, std::move(key), depth);
    } else {
      YamlNode dropped;
      node(dropped, depth + 1);
    }
  }
  if (!good()) return false;
  if (version_ == YamlVersion::Yaml11) {
    finish_map_11(out, first_merge);
  } else {
    finish_map(out, first_merge);
  }
  return good();
}

// Reads a key into `out.text`; false when there is none that could name anything.
bool Composer::map_key(YamlNode& out, int depth) {
  const Position at = position(event_->start_mark);
  const bool kept = node(out, depth + 1);
  if (!kept) return false;
  out.at = at;
  if (out.kind == YamlKind::List || out.kind == YamlKind::Map) {
    problem(at, "a list or a map stands where a key should", "a key is text");
    return false;
  }
  if (out.text.empty()) {
    problem(at, "a key is empty", "write a name before the colon");
    return false;
  }
  return true;
}

void Composer::map_entry(YamlNode& map, YamlNode key, int depth) {
  const Position value_at = position(event_->start_mark);
  YamlNode value;
  if (!node(value, depth + 1)) return;
  if (!key.quoted && key.text == "<<") {
    collect_merge(std::move(value), value_at);
    return;
  }
  value.key = version_ == YamlVersion::Yaml11 ? key_11(key) : std::move(key.text);
  value.key_at = key.at;
  map.children.push_back(std::move(value));
}

void Composer::collect_merge(YamlNode source, Position at) {
  if (source.kind == YamlKind::Map) {
    merges_.push_back(std::move(source));
    return;
  }
  const bool maps = source.kind == YamlKind::List &&
                    std::all_of(source.children.begin(), source.children.end(),
                                [](const YamlNode& child) { return child.kind == YamlKind::Map; });
  if (!maps) {
    problem(at, "\"<<\" merges something that is not a map",
            "name a map, or a list of maps: <<: [*first, *second]");
    return;
  }
  // Of a list the first counts, and what is merged last is read last.
  if (version_ == YamlVersion::Yaml11) std::reverse(source.children.begin(), source.children.end());
  for (YamlNode& child : source.children) merges_.push_back(std::move(child));
}

// What is merged, then the map's own entries: each replaces what has its key already and stands in its place.
void Composer::finish_map_11(YamlNode& map, size_t first_merge) {
  std::vector<YamlNode> children;
  std::unordered_map<std::string, size_t> places;
  const auto put = [&](YamlNode& child, size_t first_own) {
    const auto [found, added] = places.emplace(child.key, children.size());
    if (added) {
      children.push_back(std::move(child));
      return;
    }
    YamlNode& before = children[found->second];
    if (found->second >= first_own) {
      warning(child.key_at,
              fmt::format("the key {} is here twice, and this one counts", quote_for_message(child.key)),
              fmt::format("keep one; the other is on line {}", before.key_at.line));
    }
    before = std::move(child);
  };
  for (size_t i = first_merge; i < merges_.size(); ++i) {
    for (YamlNode& child : merges_[i].children) put(child, SIZE_MAX);
  }
  merges_.resize(first_merge);
  const size_t first_own = children.size();
  for (YamlNode& child : map.children) put(child, first_own);
  map.children = std::move(children);
}

// Refuses keys that are there twice, then adds what the merges bring and the map does not have itself.
void Composer::finish_map(YamlNode& map, size_t first_merge) {
  size_t total = map.children.size();
  for (size_t i = first_merge; i < merges_.size(); ++i) total += merges_[i].children.size();
  KeySet keys;
  std::vector<YamlNode> children;
  children.reserve(total);  // so that what `keys` points to stays where it is
  for (YamlNode& child : map.children) {
    const YamlNode& added = children.emplace_back(std::move(child));
    const YamlNode* first = keys.insert(added);
    if (first == nullptr) continue;
    problem(added.key_at, fmt::format("the key {} is here twice", quote_for_message(added.key)),
            fmt::format("keep one; the first is on line {}", first->key_at.line));
    children.pop_back();
  }
  for (size_t i = first_merge; i < merges_.size(); ++i) {
    for (YamlNode& child : merges_[i].children) {
      if (keys.insert(children.emplace_back(std::move(child))) != nullptr) children.pop_back();
    }
  }
  merges_.resize(first_merge);
  map.children = std::move(children);
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
  for (const YamlNode& child : children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

YamlDocument parse_yaml(std::string_view text, int file, YamlVersion version) {
  if (auto problem = check_bytes(text, file)) {
    YamlDocument document;
    document.problems.push_back(std::move(*problem));
    document.complete = false;
    return document;
  }
  if (text.empty()) text = "";  // libyaml does not take a null pointer, even for no bytes
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return Composer(text, file, version).run();
}

std::string quote_for_message(std::string_view text) {
  constexpr size_t kLongest = 60;
  std::string out = "\"";
  size_t length = 0;
  while (!text.empty() && length < kLongest) {
    const size_t bytes = std::max<size_t>(utf8_length(text), 1);
    const char c = text.front();
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
    ++length;
  }
  return out + (text.empty() ? "\"" : "...\"");
}

}  // namespace slipway::config
