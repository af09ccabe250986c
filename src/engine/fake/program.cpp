#include "engine/fake/program.h"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"

namespace slipway::engine::fake {
namespace {

enum class Takes { Nothing, Text, TwoTexts, Number, Duration };

struct Word {
  std::string_view name;
  Verb verb;
  Takes takes;
};

constexpr Word kWords[] = {
    {"print", Verb::Print, Takes::Text},
    {"error", Verb::Error, Takes::Text},
    {"count", Verb::Count, Takes::Number},
    {"long", Verb::Long, Takes::Number},
    {"wait", Verb::Wait, Takes::Duration},
    {"forever", Verb::Forever, Takes::Nothing},
    {"listen", Verb::Listen, Takes::Nothing},
    {"while", Verb::While, Takes::Text},
    {"status", Verb::Status, Takes::Number},
    {"mute", Verb::Mute, Takes::Nothing},
    {"heed", Verb::Heed, Takes::Text},
    {"ignore", Verb::Ignore, Takes::Text},
    {"exit", Verb::Exit, Takes::Number},
    {"die", Verb::Die, Takes::Number},
    {"eat", Verb::Eat, Takes::Number},
    {"dump", Verb::Dump, Takes::Nothing},
    {"write", Verb::Write, Takes::TwoTexts},
    {"append", Verb::Append, Takes::TwoTexts},
    {"cat", Verb::Cat, Takes::Text},
    {"need", Verb::Need, Takes::Text},
    {"echo_input", Verb::EchoInput, Takes::Nothing},
};

std::pair<std::string, std::string> cut_at_space(const std::string& text) {
  const size_t space = text.find(' ');
  if (space == std::string::npos) return {text, ""};
  return {text.substr(0, space), text.substr(space + 1)};
}

Result<Instruction> parse_argument(const Word& word, const std::string& argument) {
  Instruction instruction;
  instruction.verb = word.verb;
  switch (word.takes) {
    case Takes::Nothing:
      break;
    case Takes::Text:
      instruction.text = argument;
      break;
    case Takes::TwoTexts:
      std::tie(instruction.text, instruction.second) = cut_at_space(argument);
      break;
    case Takes::Number: {
      const char* end = argument.data() + argument.size();
      const auto [stop, failed] = std::from_chars(argument.data(), end, instruction.number);
      if (failed != std::errc() || stop != end) {
        return Error(ErrorCode::Invalid, fmt::format("\"{} {}\" wants a number", word.name, argument));
      }
      break;
    }
    case Takes::Duration:
      instruction.number = TRY(parse_duration(argument)).count();
      break;
  }
  return instruction;
}

Result<Instruction> parse_instruction(const std::string& line) {
  const auto [name, argument] = cut_at_space(line);
  for (const Word& word : kWords) {
    if (word.name == name) return parse_argument(word, argument);
  }
  return Error(ErrorCode::Invalid, fmt::format("the fake engine knows no instruction \"{}\"", name));
}

constexpr std::string_view kScript = "fake ";

bool is_shell_script(const std::vector<std::string>& argv) {
  return argv.size() == 3 && argv[0] == "sh" && argv[1] == "-c" && argv[2].starts_with(kScript);
}

Program well_behaved_service() {
  Program program(2);
  program[0].verb = Verb::Listen;
  program[1].verb = Verb::Forever;
  return program;
}

}  // namespace

bool is_program(const std::vector<std::string>& argv) {
  return !argv.empty() && (argv[0] == "fake" || is_shell_script(argv));
}

Result<Program> parse_program(const std::vector<std::string>& argv) {
  if (is_shell_script(argv)) {
    Program program;
    for (const std::string& line : split(argv[2].substr(kScript.size()), ';'))
      program.push_back(TRY(parse_instruction(std::string(trim(line)))));
    return program;
  }
  if (argv.empty() || argv[0] != "fake") return well_behaved_service();
  Program program;
  for (size_t i = 1; i < argv.size() && argv[i] != "--"; ++i)
    program.push_back(TRY(parse_instruction(argv[i])));
  return program;
}

}  // namespace slipway::engine::fake
