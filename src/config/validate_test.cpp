#include "config/validate.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "config/config.h"
#include "io/file.h"

namespace fs = std::filesystem;

namespace slipway::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path kGolden = fs::path(SLIPWAY_SOURCE_DIR) / "test/golden";

// "web/run.yaml:1:2: rule: message; hint" of each, a line each.
std::vector<std::string> lines_of(const fs::path& tree, const std::vector<std::string>& clusters) {
  const auto found = validate(tree, clusters);
  EXPECT_TRUE(found.has_value());
  std::vector<std::string> lines;
  if (!found.has_value()) return lines;
  for (const Violation& violation : found->violations) {
    std::string line = std::string(violation.rule) + ": " + violation.problem.text();
    const std::string prefix = tree.string() + "/";
    for (size_t at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) {
      line.erase(at, prefix.size());
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// Each folder has one of every kind of mistake; beside it stands what is found, to be read.
void expect_golden(const std::string& name, const std::vector<std::string>& clusters) {
  const std::string expected = io::read_file(kGolden / (name + ".txt")).value_or("");
  const std::string found = join(lines_of(kGolden / name, clusters), "\n") + "\n";
  EXPECT_EQ(found, expected) << "write what is found to test/golden/" << name << ".txt, if it is right";
}

TEST(Validate, EveryMistakeOfOurFilesIsFoundInItsPlace) {
  expect_golden("mistakes", {"local", "prod"});
}

TEST(Validate, EveryMistakeOfPaastasFilesIsFoundInItsPlace) {
  expect_golden("mistakes_paasta", {"prod"});
}

class ValidateTree : public testing::Test {
 protected:
  void write(const fs::path& path, std::string_view text) {
    fs::create_directories((folder_.path() / path).parent_path());
    ASSERT_TRUE(io::write_file(folder_.path() / path, text).has_value());
  }
  std::vector<std::string> lines(const std::vector<std::string>& clusters = {"prod"}) {
    return lines_of(folder_.path(), clusters);
  }

  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
};

TEST_F(ValidateTree, ATreeWithoutMistakesHasNone) {
  write("web/run.yaml", "main: {cmd: serve}\n");
  write("web/run-prod.yaml", "main: {deploy_group: \"{cluster}.all\", env: {A: SECRET(a)}}\n");
  write("web/deploy.yaml", "pipeline: [{step: itest}, {step: prod.all, wait_for_deployment: true}]\n");
  write("web/monitoring.yaml", "team: web\n");
  write("web/jobs.yaml", "report: {cmd: report, schedule: \"cron @daily\", deploy_group: prod.all}\n");
  write("web/secrets/a.json", R"({"environments": {"prod": {"ciphertext": "x"}}})");
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(ValidateTree, TheDefaultDeployGroupMayBeMissingInThePipeline) {
  write("web/run.yaml", "main: {cmd: serve}\n");
  write("web/deploy.yaml", "pipeline: [{step: prod.main}]\n");
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(ValidateTree, FilesOfOtherClustersAreLeftOut) {
  write("web/run.yaml", "main: {cmd: serve}\n");
  write("web/run-test.yaml", "main: {cpus: lots}\n");
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_THAT(lines({"prod", "test"}), ElementsAre(HasSubstr("run-test.yaml:1:14: cpus is \"lots\"")));
}

TEST_F(ValidateTree, ATemplateThatIsMadeAnewNeedsNoComment) {
  write("web/service.yaml", "description: x\n");
  write("web/monitoring.yaml", "team: web\n");
  write("web/deploy.yaml", "pipeline: [{step: g}]\n");
  write("web/kubernetes-prod.yaml", "main: {deploy_group: g, cpu_burst_add: 5, max_instances: 3, cpus: 1}\n");
  EXPECT_THAT(lines(), testing::SizeIs(2));
  write("web/kubernetes-prod.in", "");
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(ValidateTree, BadInputIsOneClearProblemEach) {
  write("big/run.yaml", std::string(9 << 20, '#'));
  write("binary/run.yaml", std::string("main:\n\0", 7));
  write("latin/run.yaml", "main: {cmd: \xE4}\n");
  write("twice/run.yaml", "main: {cmd: a}\nmain: {cmd: b}\n");
  write("cycle/run.yaml", "main: &a {cmd: x, env: *a}\n");
  write("tabs/run.yaml", "main:\n\tcmd: x\n");
  write("null/run.yaml", "main:\n");
  write("number/run.yaml", "main: {cmd: x, instances: \"3\"}\n");
  fs::create_directories(folder_.path() / "loop");
  fs::create_symlink("run.yaml", folder_.path() / "loop/run.yaml");
  fs::create_directories(folder_.path() / "gone");
  fs::create_symlink("nowhere", folder_.path() / "gone/run.yaml");
  fs::create_directories(folder_.path() / "folder/run.yaml");
  std::string bomb = "_a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += "_" + std::string(1, c) + ": &" + std::string(1, c) + " [" + before;
    for (int i = 0; i < 9; ++i) bomb += ", " + before;
    bomb += "]\n";
  }
  write("bomb/run.yaml", bomb);
  std::vector<std::string> short_lines;
  for (const std::string& line : lines()) short_lines.push_back(line.substr(0, 90));
  EXPECT_THAT(
      short_lines,
      ElementsAre(
          "configuration: big/run.yaml:1:1: the file cannot be read: it is longer than the 8388608 by",
          "configuration: binary/run.yaml:2:1: byte 0x00 is a control character; the file may hold te",
          "configuration: bomb/run.yaml:6:21: more than 500000 values, aliases resolved; use fewer al",
          "configuration: cycle/run.yaml:1:24: the alias *a stands inside what &a names, so it would ",
          "configuration: folder/run.yaml:1:1: the file cannot be read: it is not a regular file",
          "configuration: gone/run.yaml:1:1: the file cannot be read: No such file or directory",
          "configuration: latin/run.yaml:1:13: byte 0xE4 is not valid UTF-8; save the file as UTF-8",
          "configuration: loop/run.yaml:1:1: the file cannot be read: Too many levels of symbolic lin",
          "configuration: null/run.yaml:1:6: the instance main has no value; write \"main: {}\" for an ",
          "configuration: number/run.yaml:1:27: instances is the text \"3\"; remove the quotes",
          "configuration: tabs/run.yaml:2:1: a tab indents \"cmd: x\"; indent with spaces",
          "configuration: twice/run.yaml:2:1: the key \"main\" is here twice; keep one; the first is on"));
}

TEST_F(ValidateTree, LineEndsOfWindowsAreLineEnds) {
  write("web/run.yaml", "main:\r\n  cmd: serve\r\n  cpus: lots\r\n");
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("web/run.yaml:3:9: cpus is \"lots\"")));
}

}  // namespace
}  // namespace slipway::config
