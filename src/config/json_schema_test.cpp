#include "config/json_schema.h"

#include <functional>

#include <gmock/gmock.h>

#include "config/json_tree.h"
#include "io/file.h"

namespace slipway::config {
namespace {

TEST(JsonSchema, ThePublishedSchemasAreMadeFromTheSchema) {
  for (const std::string& file : files_with_json_schema()) {
    const std::string name = file.substr(0, file.find('.')) + ".json";
    const auto published =
        io::read_file(std::string(SLIPWAY_SOURCE_DIR) + "/docs/reference/schemas/" + name).value_or("");
    EXPECT_EQ(published, json_schema(file)->dump(2) + "\n")
        << "slipway config schema " << file << " > docs/reference/schemas/" << name;
  }
}

TEST(JsonSchema, ARuleOfOursIsAKeywordOfTheirs) {
  const Json run = *json_schema("run");
  EXPECT_EQ(run.at("$schema").as_string(), "https://json-schema.org/draft/2020-12/schema");
  const Json& instance = run.at("additionalProperties");
  EXPECT_EQ(instance.at("additionalProperties"), Json(false));
  const Json& keys = instance.at("properties");
  EXPECT_EQ(keys.at("instances").at("type").as_string(), "integer");
  EXPECT_EQ(keys.at("instances").at("maximum").as_int(), 10'000);
  EXPECT_EQ(keys.at("cpus").at("exclusiveMinimum").as_int(-1), 0);
  EXPECT_EQ(keys.at("net").at("enum").as_array().size(), 3U);
  EXPECT_EQ(keys.at("cmd").at("anyOf").as_array().size(), 2U);
  EXPECT_EQ(keys.at("extra_volumes").at("items").at("properties").at("mode").at("enum").as_array().size(),
            2U);
  EXPECT_FALSE(keys.at("cpus").at("description").as_string().empty());
}

TEST(JsonSchema, AnUnknownFileGetsTheNearestName) {
  EXPECT_EQ(json_schema("deplyo.yaml").error().message(),
            "no schema of deplyo.yaml; did you mean deploy.yaml?");
}

}  // namespace
}  // namespace slipway::config
