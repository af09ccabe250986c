// Text as a terminal shows it: columns, not bytes; colour codes take no room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace slipway::cli {

enum class Colour { Plain, Bold, Faint, Red, Green, Yellow, Blue, Magenta, Cyan };

// Wraps text in colour codes, or not: decided once, for one stream.
class Paint {
 public:
  explicit Paint(bool on = false) : on_(on) {}
  std::string operator()(Colour colour, std::string_view text) const;
  // A word of InstanceState, TaskState or Health in the colour that it deserves.
  std::string state(std::string_view word) const;
  bool on() const { return on_; }

 private:
  bool on_;
};

// Columns that the text takes: one per code point, none for colour codes.
size_t display_width(std::string_view text);
// At most `columns` wide, ending in "…" (and without colour left on) where something was cut.
std::string clip(std::string_view text, size_t columns);

// A table in the house's look: upper-case heads, two spaces between columns, no trailing blanks.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  // As many cells as heads. Cells are made printable; those that were painted by us stay painted.
  void add(std::vector<std::string> cells);
  std::string text(const Paint& paint = Paint()) const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

// How long ago, in whole seconds and at most two units: "42s", "3m10s", "2d4h". "-" for a time that is not
// set.
std::string age_text(Time now, std::string_view since);

// "3 tasks", "1 task".
std::string counted(size_t count, std::string_view noun);

// The part of a task's id that tells it from its siblings: what follows the last dash.
std::string short_task(std::string_view id);

}  // namespace slipway::cli
