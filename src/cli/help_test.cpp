#include "cli/help.h"

#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "cli/completion.h"
#include "cli/parse.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::cli {
namespace {

void for_each_command(const Command& command, const std::string& path,
                      const std::function<void(const Command&, const std::string&)>& visit) {
  visit(command, path);
  for (const Command& child : command.children) for_each_command(child, path + " " + child.name, visit);
}

TEST(Help, EveryCommandHasASummaryAndTwoExamples) {
  for_each_command(command_tree(), "slipway", [](const Command& command, const std::string& path) {
    EXPECT_FALSE(command.summary.empty()) << path;
    EXPECT_FALSE(command.summary.ends_with('.')) << path;
    if (command.run != nullptr || !command.hidden) {
      EXPECT_TRUE(command.examples.size() == 2 || command.name == "internal") << path;
    }
    const std::string help = help_text(command, path);
    for (const Example& example : command.examples)
      EXPECT_NE(help.find(example.line), std::string::npos) << path;
  });
}

TEST(Help, EveryOptionAndArgumentIsExplained) {
  for_each_command(command_tree(), "slipway", [](const Command& command, const std::string& path) {
    std::set<std::string> names;
    for (const Option& option : all_options(command)) {
      EXPECT_TRUE(names.insert(option.name).second) << path << " --" << option.name;
      EXPECT_FALSE(option.help.empty()) << path << " --" << option.name;
      EXPECT_EQ(option.kind == Kind::Switch, option.value.empty()) << path << " --" << option.name;
    }
    for (const Argument& argument : command.arguments) EXPECT_FALSE(argument.help.empty()) << path;
  });
}

TEST(Help, LinesFitATerminal) {
  for_each_command(command_tree(), "slipway", [](const Command& command, const std::string& path) {
    const std::string help = help_text(command, path);
    size_t begin = 0;
    for (size_t end = help.find('\n'); end != std::string::npos;
         begin = end + 1, end = help.find('\n', begin)) {
      EXPECT_LE(end - begin, 120U) << help.substr(begin, end - begin);
    }
  });
}

TEST(Help, NamesTheWholeCommandLine) {
  const Command root = command_tree();
  const auto logs = parse(root, {"logs", "-h"});
  const std::string help = help_text(*logs->command, logs->path);
  EXPECT_NE(help.find("Usage: slipway logs [S[.I]] [options]\n"), std::string::npos);
  EXPECT_NE(help.find("-f, --follow"), std::string::npos);
  EXPECT_NE(help.find("--output FORMAT"), std::string::npos);
}

TEST(Help, HidesWhatIsForPrograms) {
  EXPECT_EQ(help_text(command_tree(), "slipway").find("internal"), std::string::npos);
  EXPECT_EQ(reference_markdown(command_tree()).find("internal bounce"), std::string::npos);
}

TEST(ManPage, EscapesWhatRoffWouldRead) {
  const std::string page = man_page(command_tree(), "1.2.3");
  EXPECT_NE(page.find(".TH SLIPWAY 1"), std::string::npos);
  EXPECT_NE(page.find("\\-\\-follow"), std::string::npos);
  EXPECT_NE(page.find(".B SLIPWAY_RUN_DIR"), std::string::npos);
  EXPECT_EQ(page.find("\n'"), std::string::npos);
}

// Where this fails: build/dev/bin/slipway internal cli-docs > docs/reference/cli.md
TEST(Reference, CommittedPageIsUpToDate) {
  const auto page = io::read_file(std::filesystem::path(SLIPWAY_SOURCE_DIR) / "docs/reference/cli.md");
  ASSERT_TRUE(page.has_value()) << page.error().text();
  EXPECT_TRUE(*page == reference_markdown(command_tree()));
}

// Completes "slipway st" in a real bash, where slipway is a function that answers as we would.
TEST(Completion, WorksInBash) {
  io::Command bash;
  bash.argv = {"bash", "--norc", "-euc",
               completion_script("bash") +
                   "slipway() { printf 'status\\thelp\\nstop\\thelp\\nup\\thelp\\n'; }\n"
                   "COMP_WORDS=(slipway st) COMP_CWORD=1\n_slipway\necho \"${COMPREPLY[@]}\"\n"};
  const SystemClock clock;
  const auto finished = io::run(bash, clock, clock.deadline_in(60s));
  ASSERT_TRUE(finished) << finished.error().text();
  EXPECT_EQ(finished->out, "status stop\n") << finished->err;
}

std::vector<std::string> words_offered(const std::vector<std::string>& words) {
  const Command root = command_tree();
  std::vector<std::string> offered;
  for (const Offer& offer : offers_for(root, words).words) offered.push_back(offer.word);
  return offered;
}

TEST(Completion, OffersCommands) {
  EXPECT_EQ(words_offered({"sta"}), (std::vector<std::string>{"status", "start"}));
  EXPECT_EQ(words_offered({"config", ""}), (std::vector<std::string>{"show", "docs", "schema"}));
}

TEST(Completion, OffersOptionsAndTheirValues) {
  EXPECT_EQ(words_offered({"logs", "--fo"}), (std::vector<std::string>{"--follow"}));
  EXPECT_EQ(words_offered({"status", "-o", ""}), (std::vector<std::string>{"table", "json", "yaml"}));
  EXPECT_EQ(words_offered({"completion", "f"}), (std::vector<std::string>{"fish"}));
}

TEST(Completion, SaysWhatOnlyTheControlPlaneOrTheShellKnows) {
  const Command root = command_tree();
  EXPECT_EQ(offers_for(root, {"logs", "sh"}).also, Completes::Instances);
  EXPECT_EQ(offers_for(root, {"-o", "json", "logs", "--task", ""}).also, Completes::Tasks);
  EXPECT_EQ(offers_for(root, {"up", ""}).also, Completes::Directories);
  EXPECT_EQ(offers_for(root, {"logs", "shop", ""}).also, Completes::Nothing);
  EXPECT_EQ(offers_for(root, {"exec", "t", "--", ""}).also, Completes::Nothing);
}

TEST(Completion, HasAScriptForEachShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    EXPECT_NE(completion_script(shell).find("slipway internal complete --"), std::string::npos) << shell;
  }
}

}  // namespace
}  // namespace slipway::cli
