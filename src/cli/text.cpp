#include "cli/text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"

namespace slipway::cli {

namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::Plain:
      return "";
    case Colour::Bold:
      return "\x1b[1m";
    case Colour::Faint:
      return "\x1b[2m";
    case Colour::Red:
      return "\x1b[31m";
    case Colour::Green:
      return "\x1b[32m";
    case Colour::Yellow:
      return "\x1b[33m";
    case Colour::Blue:
      return "\x1b[34m";
    case Colour::Magenta:
      return "\x1b[35m";
    case Colour::Cyan:
      return "\x1b[36m";
  }
  return "";
}

// Length of the colour code at the front of `text`: ESC [ digits m. 0 if there is none.
size_t colour_code_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

// Calls `visit(piece, width)` for each colour code (width 0) and each code point (width 1) in turn, until it
// says no.
template <class Visit>
void for_each_piece(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const size_t code = colour_code_length(text);
    const size_t length = code > 0 ? code : std::max<size_t>(1, utf8_length(text));
    if (!visit(text.substr(0, length), code > 0 ? size_t{0} : size_t{1})) return;
    text.remove_prefix(length);
  }
}

}  // namespace

std::string Paint::operator()(Colour colour, std::string_view text) const {
  if (!on_ || colour == Colour::Plain || text.empty()) return std::string(text);
  return fmt::format("{}{}{}", code_of(colour), text, kReset);
}

std::string Paint::state(std::string_view word) const {
  const auto any = [&](std::initializer_list<std::string_view> words) {
    return std::ranges::count(words, word) > 0;
  };
  if (any({"running", "healthy"})) return (*this)(Colour::Green, word);
  if (any({"crashlooping", "stalled", "failed", "lost", "unhealthy"})) return (*this)(Colour::Red, word);
  if (any({"stopped", "exited"})) return (*this)(Colour::Faint, word);
  return (*this)(Colour::Yellow, word);
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for_each_piece(text, [&](std::string_view, size_t columns) {
    width += columns;
    return true;
  });
  return width;
}

std::string clip(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  std::string out;
  size_t width = 0;
  bool coloured = false;
  for_each_piece(text, [&](std::string_view piece, size_t piece_columns) {
    if (width + piece_columns > columns - 1) return false;
    coloured = piece_columns == 0 ? piece != kReset : coloured;
    width += piece_columns;
    out += piece;
    return true;
  });
  if (coloured) out += kReset;
  return out + "…";
}

void Table::add(std::vector<std::string> cells) {
  CHECK(cells.size() == heads_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(const Paint& paint) const {
  std::vector<size_t> widths;
  for (const std::string& head : heads_) widths.push_back(display_width(head));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, Colour colour) {
    std::string text;
    for (size_t i = 0; i < cells.size(); ++i) {
      text += paint(colour, cells[i]);
      if (i + 1 < cells.size()) text.append(widths[i] - display_width(cells[i]) + 2, ' ');
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  line(heads_, Colour::Bold);
  for (const auto& row : rows_) line(row, Colour::Plain);
  return out;
}

std::string age_text(Time now, std::string_view since) {
  const auto then = parse_time(since);
  if (since.empty() || !then) return "-";
  // A clock that is a little behind the control plane's must not show a negative age.
  const Duration age = std::chrono::floor<std::chrono::seconds>(std::max(Duration::zero(), now - *then));
  return age < 1s ? "0s" : to_text(age);
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string short_task(std::string_view id) {
  const size_t dash = id.rfind('-');
  return std::string(dash == std::string_view::npos ? id : id.substr(dash + 1));
}

}  // namespace slipway::cli
