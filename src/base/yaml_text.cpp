#include "base/yaml_text.h"

#include <algorithm>
#include <array>

namespace slipway {

namespace {

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
         c == '.' || c == '-';
}

// Words that one of the YAML versions reads as a boolean or as null.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kReserved = {"true", "false", "null", "yes", "no", "on",
                                                                 "off",  "y",     "n",    "nan", "inf"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::ranges::find(kReserved, lower) != kReserved.end();
}

// Plain where nothing can be misunderstood: starts with a letter or slash (so it is no number, date or
// indicator) and has only harmless characters, single blanks among them.
bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved(text)) return false;
  const char first = text.front();
  const bool letter =
      (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/' || first == '_';
  if (!letter || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == ' '; });
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  return is_plain(value.as_string()) ? value.as_string() : json_quote(value.as_string());
}

bool is_block(const Json& value) {
  return (value.is_object() && !value.as_object().empty()) || (value.is_array() && !value.as_array().empty());
}

class Writer {
 public:
  explicit Writer(const KeyRank& rank) : rank_(rank) {}

  void write(const Json& value, size_t indent) {
    if (value.is_object() && !value.as_object().empty()) {
      out_.append(indent, ' ');
      write_members(value.as_object(), indent);
      return;
    }
    for (const Json& item : value.as_array()) write_item(item, indent);
  }

  std::string take() { return std::move(out_); }

 private:
  using Member = const Json::Object::value_type*;

  std::vector<Member> sorted(const Json::Object& object) const {
    std::vector<Member> members;
    for (const auto& member : object) members.push_back(&member);
    if (rank_) std::ranges::stable_sort(members, {}, [&](Member member) { return rank_(member->first); });
    return members;
  }

  // An object's members from the present column on: the first stands where the caller left off (behind
  // "- ").
  void write_members(const Json::Object& object, size_t indent) {
    bool first = true;
    for (const Member member : sorted(object)) {
      if (!first) out_.append(indent, ' ');
      first = false;
      out_ += scalar(Json(member->first)) + ":";
      if (is_block(member->second)) {
        out_ += "\n";
        write(member->second, indent + 2);
      } else {
        out_ += " " + scalar(member->second) + "\n";
      }
    }
  }

  void write_item(const Json& item, size_t indent) {
    out_.append(indent, ' ').append("-");
    if (item.is_object() && !item.as_object().empty()) {
      out_ += " ";
      write_members(item.as_object(), indent + 2);
    } else if (is_block(item)) {
      out_ += "\n";
      write(item, indent + 2);
    } else {
      out_ += " " + scalar(item) + "\n";
    }
  }

  const KeyRank& rank_;
  std::string out_;
};

}  // namespace

std::string yaml_text(const Json& value, const KeyRank& rank) {
  if (!is_block(value)) return scalar(value) + "\n";
  Writer writer(rank);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace slipway
