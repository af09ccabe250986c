// bench [-o json] [NAME...]: runs the benchmarks of these names, or all, and prints one line a figure. Exits
// with 1 when one could not measure, and with 2 when it was asked wrongly; never for a figure.
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "bench.h"

namespace {

constexpr const char* kNames[] = {"config", "memory", "place", "plan"};

bench::Figures run(const std::string& name, const std::string& self) {
  if (name == "config") return bench::bench_config();
  if (name == "place") return bench::bench_place();
  if (name == "plan") return bench::bench_plan();
  return bench::bench_memory(self);
}

// Rates to the unit, small figures to three digits.
std::string number(double value) {
  return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

void print_text(const bench::Figure& figure) {
  std::string line =
      fmt::format("{:<16} {:<28} {} {}", figure.name, figure.size, number(figure.value), figure.unit);
  if (figure.cpu) line += fmt::format(" ({} by processor time)", number(*figure.cpu));
  if (figure.reference) {
    line += fmt::format("   {} {} ({}x)", figure.reference->name, number(figure.reference->value),
                        number(figure.value / figure.reference->value));
  }
  if (!figure.target.empty()) line += "   target " + figure.target;
  std::printf("%s\n", line.c_str());
}

void print_json(const bench::Figure& figure) {
  slipway::Json json;
  json["name"] = figure.name;
  json["size"] = figure.size;
  json["value"] = figure.value;
  json["unit"] = figure.unit;
  if (figure.cpu) json["cpu"] = *figure.cpu;
  if (figure.reference) {
    json["reference"] = figure.reference->name;
    json["reference_value"] = figure.reference->value;
    json["ratio"] = figure.value / figure.reference->value;
  }
  if (!figure.target.empty()) json["target"] = figure.target;
  std::printf("%s\n", json.dump().c_str());
}

struct Asked {
  bool json = false;
  std::vector<std::string> names;
  std::string error;
};

Asked read_arguments(const std::vector<std::string>& arguments) {
  const std::vector<std::string> known(std::begin(kNames), std::end(kNames));
  Asked asked;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-o" && i + 1 < arguments.size() &&
        (arguments[i + 1] == "json" || arguments[i + 1] == "text")) {
      asked.json = arguments[++i] == "json";
    } else if (std::find(known.begin(), known.end(), word) != known.end()) {
      asked.names.push_back(word);
    } else {
      asked.error = fmt::format("'{}' is no benchmark and no option; there are: {}; and -o json", word,
                                slipway::join(known, ", "));
    }
  }
  if (asked.names.empty()) asked.names = known;
  return asked;
}

}  // namespace

double bench::cpu_milliseconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "--hold")
    return bench::hold_in_memory(std::stoi(arguments[1]));
  const Asked asked = read_arguments(arguments);
  if (!asked.error.empty()) {
    std::fprintf(stderr, "bench: %s\n", asked.error.c_str());
    return 2;
  }
  bool measured = true;
  for (const std::string& name : asked.names) {
    const bench::Figures figures = run(name, argv[0]);
    measured = measured && !figures.empty();
    for (const bench::Figure& figure : figures) asked.json ? print_json(figure) : print_text(figure);
    std::fflush(stdout);
  }
  return measured ? 0 : 1;
}
