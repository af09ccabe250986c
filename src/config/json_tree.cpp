#include "config/json_tree.h"

#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"

namespace slipway::config {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The code point as UTF-8.
void append_utf8(std::string& out, uint32_t code) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

// Reads one text; one use. Recursion is bounded by kYamlMaxDepth.
class Parser {
 public:
  Parser(std::string_view text, int file) : text_(text) { at_ = {file, 1, 1}; }

  YamlDocument run() {
    document_.root.at = at_;
    if (text_.size() > kJsonMaxBytes) {
      stop(fmt::format("the text is {} bytes long", text_.size()),
           fmt::format("{} are the most that are read", kJsonMaxBytes));
      return std::move(document_);
    }
    blanks();
    if (value(document_.root, 0)) {
      blanks();
      if (!text_.empty()) stop("there is more behind the end of the value", "a file holds one value");
    }
    return std::move(document_);
  }

 private:
  // Always false: the caller leaves at once.
  bool stop(std::string message, std::string hint = {}) {
    document_.problems.push_back({at_, std::move(message), std::move(hint), {}});
    document_.complete = false;
    return false;
  }

  bool unexpected(std::string_view wanted) {
    if (text_.empty()) return stop(fmt::format("the text ends where {} should be", wanted));
    const size_t length = std::max<size_t>(utf8_length(text_), 1);
    return stop(
        fmt::format("{} stands where {} should be", quote_for_message(text_.substr(0, length)), wanted));
  }

  // Takes `count` bytes of which none begins a line.
  void skip(size_t count) {
    for (const char c : text_.substr(0, count)) {
      if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++at_.column;
    }
    text_.remove_prefix(count);
  }

  void blanks() {
    while (!text_.empty()) {
      const char c = text_.front();
      if (c == '\n') {
        ++at_.line;
        at_.column = 0;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
      skip(1);
    }
  }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    skip(1);
    return true;
  }

  bool value(YamlNode& out, int depth) {
    out.at = at_;
    if (depth > kYamlMaxDepth) return stop(fmt::format("nested deeper than {} levels", kYamlMaxDepth));
    if (text_.starts_with('{')) return object(out, depth);
    if (text_.starts_with('[')) return array(out, depth);
    out.kind = YamlKind::Scalar;
    if (text_.starts_with('"')) {
      out.quoted = true;
      return string(out.text);
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!text_.starts_with(word)) continue;
      if (word == "null") out.kind = YamlKind::Null;
      out.text = word;
      skip(word.size());
      return true;
    }
    return number(out.text);
  }

  size_t digits(size_t from) const {
    size_t end = from;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    return end;
  }

  bool number(std::string& out) {
    size_t end = text_.starts_with('-') ? 1 : 0;
    const size_t first = end;
    end = digits(end);
    if (end == first) return unexpected("a value");
    if (text_[first] == '0' && end > first + 1) return stop("a number begins with 0", "remove the zero");
    if (end < text_.size() && text_[end] == '.') {
      const size_t fraction = end + 1;
      end = digits(fraction);
      if (end == fraction) return stop("a number ends with its point", "add the digits behind it");
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      ++end;
      if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
      const size_t exponent = end;
      end = digits(end);
      if (end == exponent) return stop("a number has no digits behind its e", "add them");
    }
    out = text_.substr(0, end);
    skip(end);
    return true;
  }

  bool string(std::string& out) {
    skip(1);
    while (!take('"')) {
      if (text_.empty()) return stop("the text ends inside a string", "close it with \"");
      const auto byte = static_cast<unsigned char>(text_.front());
      if (byte < 0x20)
        return stop(fmt::format("byte 0x{:02X} inside a string", byte), "write it as an escape");
      if (byte == '\\') {
        if (!escape(out)) return false;
        continue;
      }
      const size_t length = byte < 0x80 ? 1 : utf8_length(text_);
      if (length == 0) return stop(fmt::format("byte 0x{:02X} is not valid UTF-8", byte), "save it as UTF-8");
      out += text_.substr(0, length);
      skip(length);
    }
    return true;
  }

  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (text_.size() < 2) return stop("the text ends inside a string", "close it with \"");
    if (text_[1] == 'u') return unicode(out);
    const size_t known = kNames.find(text_[1]);
    if (known == std::string_view::npos) {
      return stop(fmt::format("{} is no escape", quote_for_message(text_.substr(0, 2))));
    }
    out += kMeanings[known];
    skip(2);
    return true;
  }

  // The four digits behind \u; negative when they are none.
  int32_t unit() const {
    if (text_.size() < 6 || text_[0] != '\\' || text_[1] != 'u') return -1;
    int32_t code = 0;
    for (const char c : text_.substr(2, 4)) {
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      code = code << 4 | digit;
    }
    return code;
  }

  bool unicode(std::string& out) {
    const int32_t first = unit();
    if (first < 0) return stop("\\u needs four hexadecimal digits");
    if (first == 0) return stop("\\u0000 stands in a string", "no setting may contain it");
    const bool high = first >= 0xD800 && first < 0xDC00;
    if (!high && first >= 0xDC00 && first < 0xE000) return stop("half of a surrogate pair");
    skip(6);
    if (!high) {
      append_utf8(out, static_cast<uint32_t>(first));
      return true;
    }
    const int32_t second = unit();
    if (second < 0xDC00 || second >= 0xE000) return stop("half of a surrogate pair");
    skip(6);
    append_utf8(out, 0x10000 + (static_cast<uint32_t>(first - 0xD800) << 10) +
                         static_cast<uint32_t>(second - 0xDC00));
    return true;
  }

  bool array(YamlNode& out, int depth) {
    out.kind = YamlKind::List;
    skip(1);
    blanks();
    if (take(']')) return true;
    while (true) {
      blanks();
      if (!value(out.children.emplace_back(), depth + 1)) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return unexpected("a comma or ]");
    }
  }

  bool object(YamlNode& out, int depth) {
    out.kind = YamlKind::Map;
    std::set<std::string, std::less<>> keys;
    skip(1);
    blanks();
    if (take('}')) return true;
    while (true) {
      blanks();
      YamlNode child;
      child.key_at = at_;
      if (!text_.starts_with('"')) return unexpected("a key in quotes");
      if (!string(child.key)) return false;
      blanks();
      if (!take(':')) return unexpected("a colon");
      blanks();
      if (!value(child, depth + 1)) return false;
      if (keys.insert(child.key).second) {
        out.children.push_back(std::move(child));
      } else {
        document_.problems.push_back({child.key_at,
                                      fmt::format("the key {} is here twice", quote_for_message(child.key)),
                                      "keep one",
                                      {}});
      }
      blanks();
      if (take('}')) return true;
      if (!take(',')) return unexpected("a comma or }");
    }
  }

  std::string_view text_;  // what is left
  Position at_;            // of its first character
  YamlDocument document_;
};

}  // namespace

YamlDocument parse_json(std::string_view text, int file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark says nothing
  return Parser(text, file).run();
}

}  // namespace slipway::config
