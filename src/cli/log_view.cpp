#include "cli/log_view.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::cli {

namespace {
// Between two looks at a stream that says nothing; only so that no wait is without end.
constexpr Duration kQuiet = 30s;
}  // namespace

Colour task_colour(std::string_view task) {
  static constexpr std::array kColours = {Colour::Cyan, Colour::Green, Colour::Magenta, Colour::Yellow,
                                          Colour::Blue};
  // FNV-1a: any hash will do, as long as it is the same tomorrow.
  uint32_t hash = 2166136261U;
  for (const char c : task) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return kColours[hash % kColours.size()];
}

std::string log_line(const Json& line, const Paint& paint, bool raw) {
  const std::string& task = line.at("task").as_string();
  const std::string& text = line.at("text").as_string();
  return fmt::format("{} {}\n", paint(task_colour(task), short_task(task) + " |"),
                     raw ? text : printable(text));
}

void print_log(Context& context, const Json& line) {
  if (context.format() == Format::Table) {
    context.out.result(log_line(line, context.out.paint(), !context.out.out().terminal));
  } else {
    context.out.result(line.dump() + "\n");
  }
}

Status print_logs(Context& context, api::LineStream stream) {
  while (!stream.ended()) {
    const auto line = TRY(stream.next(kQuiet));
    if (line) print_log(context, *line);
  }
  return {};
}

}  // namespace slipway::cli
