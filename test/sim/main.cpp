// The program behind `./dev sim`: plays seeds, and tells what was tried and what was found.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "sim/broken_planners.h"
#include "sim/simulation.h"

namespace slipway::sim {
namespace {

constexpr size_t kTimelineShown = 60;
constexpr int kUsage = 2;

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 2000;
  bool verbose = false;
  std::string timeline;  // a file to write it to
  std::string broken;    // the name of a broken planner
};

int usage() {
  std::fputs(
      "sim [--seeds N] [--first SEED]      play so many seeds (default 2000, from 1)\n"
      "sim --seed SEED [--verbose]         play one; --verbose shows its whole timeline\n"
      "    [--timeline FILE]               and write that as JSON lines\n"
      "    [--broken PLANNER]              with a planner that breaks a rule\n",
      stderr);
  for (const BrokenPlanner& planner : broken_planners())
    std::fprintf(stderr, "      %s (invariant %d)\n", planner.name.c_str(), planner.invariant);
  return kUsage;
}

std::optional<uint64_t> number_from(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--verbose") {
      arguments.verbose = true;
      continue;
    }
    if (i + 1 == argc) return std::nullopt;
    const std::string_view value = argv[++i];
    const auto number = number_from(value);
    if (flag == "--timeline") {
      arguments.timeline = value;
    } else if (flag == "--broken") {
      arguments.broken = value;
    } else if (!number) {
      return std::nullopt;
    } else if (flag == "--seeds") {
      arguments.seeds = *number;
    } else if (flag == "--first") {
      arguments.first = *number;
    } else if (flag == "--seed") {
      arguments.first = *number;
      arguments.seeds = 1;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

// A fresh planner for each seed, the real one for no name; nothing for a name that nobody has.
std::optional<Options> options_of(const std::string& name) {
  if (name.empty()) return Options();
  for (const BrokenPlanner& planner : broken_planners()) {
    if (planner.name == name) return planner.make();
  }
  return std::nullopt;
}

struct Totals {
  uint64_t seeds = 0;
  Duration virtual_time{};
  int64_t rounds = 0;
  FaultTally faults{};
  std::vector<int64_t> changes = std::vector<int64_t>(Scenario::change_names().size());
  std::array<int64_t, kInvariants> checks{};

  void add(const Report& report) {
    ++seeds;
    virtual_time += report.virtual_time;
    rounds += report.rounds;
    for (size_t i = 0; i < faults.size(); ++i) faults[i] += report.faults[i];
    for (size_t i = 0; i < changes.size(); ++i) changes[i] += report.changes[i];
    for (size_t i = 0; i < checks.size(); ++i) checks[i] += report.checks[i];
  }

  void print(double seconds) const {
    std::string text = fmt::format("seeds {}, virtual hours {:.1f}, rounds {}, seconds {:.1f}\n", seeds,
                                   static_cast<double>(virtual_time.count()) / 3.6e6, rounds, seconds);
    int64_t all = 0;
    std::string kinds;
    for (int i = 0; i < kFaults; ++i) {
      const int64_t count = faults[static_cast<size_t>(i)];
      all += count;
      kinds += fmt::format(" {}={}", to_text(static_cast<Fault>(i)), count);
    }
    text += fmt::format("faults injected {}:{}\nchanges made:", all, kinds);
    const std::vector<std::string> names = Scenario::change_names();
    for (size_t i = 0; i < changes.size(); ++i)
      text += fmt::format("{} {}={}", i == 0 ? "" : ",", names[i], changes[i]);
    text += "\ninvariants checked:";
    for (int i = 0; i < kInvariants; ++i)
      text += fmt::format(" {}={}", i + 1, checks[static_cast<size_t>(i)]);
    std::puts(text.c_str());
  }
};

// Plays the seed once more, for its timeline.
Report replay(uint64_t seed, const Arguments& arguments) {
  Options options = *options_of(arguments.broken);
  options.recording = true;
  return simulate(seed, options);
}

bool show(const Arguments& arguments, uint64_t seed) {
  const Report report = replay(seed, arguments);
  const size_t shown = arguments.verbose ? report.timeline.size() : kTimelineShown;
  if (report.violation || arguments.verbose) std::fputs(text_of(report.timeline, shown).c_str(), stdout);
  if (!arguments.timeline.empty()) {
    std::ofstream file(arguments.timeline);
    file << json_lines_of(report.timeline);
    if (!file.flush()) {
      std::fprintf(stderr, "sim: cannot write %s\n", arguments.timeline.c_str());
      return false;
    }
  }
  return true;
}

void tell(const Violation& violation, uint64_t seed, const Arguments& arguments) {
  std::printf(
      "\nseed %llu breaks invariant %d (%s) after %s of virtual time:\n  %s\nplay it again:\n"
      "  ./dev sim --seed %llu --verbose%s\n",
      static_cast<unsigned long long>(seed), violation.invariant, violation.name.c_str(),
      to_text(violation.at).c_str(), violation.text.c_str(), static_cast<unsigned long long>(seed),
      arguments.broken.empty() ? "" : (" --broken " + arguments.broken).c_str());
}

int run(const Arguments& arguments) {
  const SystemClock clock;
  const SteadyTime begin = clock.steady_now();
  Totals totals;
  std::optional<Violation> violation;
  uint64_t seed = arguments.first;
  for (; seed < arguments.first + arguments.seeds; ++seed) {
    const Report report = simulate(seed, *options_of(arguments.broken));
    totals.add(report);
    violation = report.violation;
    if (violation) break;
  }
  const bool shown =
      !violation && arguments.seeds > 1 ? true : show(arguments, violation ? seed : arguments.first);
  totals.print(std::chrono::duration<double>(clock.steady_now() - begin).count());
  if (violation) tell(*violation, seed, arguments);
  return violation || !shown ? 1 : 0;
}

}  // namespace
}  // namespace slipway::sim

int main(int argc, char** argv) {
  const auto arguments = slipway::sim::parse(argc, argv);
  if (!arguments || !slipway::sim::options_of(arguments->broken)) return slipway::sim::usage();
  // What control planes would log goes into the timeline.
  slipway::log::set_level(slipway::log::Level::Error);
  return slipway::sim::run(*arguments);
}
