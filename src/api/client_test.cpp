#include "api/client.h"

#include <gtest/gtest.h>

#include "api/fake_control_plane.h"

namespace slipway::api {
namespace {

class ClientTest : public testing::Test {
 protected:
  FakeControlPlane plane_;
  SystemClock clock_;
  Client client_{plane_.endpoint(), clock_};
};

TEST_F(ClientTest, PassesOnWhatTheControlPlaneSays) {
  plane_.on("GET /v1/status", Json::Object{{"cluster", "local"}});
  const auto status = client_.status({.service = "shop", .instance = "web", .wait = 30s, .seen = 7});
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(status->at("cluster").as_string(), "local");
  EXPECT_TRUE(plane_.was_asked("GET /v1/status?instance=web&seen=7&service=shop&wait=30000ms"));
}

TEST_F(ClientTest, KeepsTheCodeAndTheWordsOfAnError) {
  plane_.fail("GET /v1/instances/shop.web/why", ErrorCode::NotFound,
              "no instance shop.web; did you mean shop.wob?");
  const auto why = client_.why({"shop", "web"});
  ASSERT_FALSE(why);
  EXPECT_EQ(why.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(why.error().text(), "no instance shop.web; did you mean shop.wob?");
}

TEST_F(ClientTest, SaysWhoDoesNotAnswer) {
  const Client nobody("unix:" + (plane_.folder() / "nobody.sock").string(), clock_);
  const auto version = nobody.version();
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(version.error().text().find("nobody.sock"), std::string::npos);
}

TEST_F(ClientTest, PutsAndRemovesOverrides) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  plane_.on("DELETE /v1/overrides/shop.web/scale", Json::Object{});
  model::Override value;
  value.instance = {"shop", "web"};
  value.kind = model::OverrideKind::Scale;
  value.count = 5;
  value.owner = "alice";
  ASSERT_TRUE(client_.put_override(value));
  ASSERT_TRUE(client_.remove_override({"shop", "web"}, model::OverrideKind::Scale));
  const auto sent = Json::parse(plane_.asked().front().second);
  EXPECT_EQ(sent->at("count").as_int(), 5);
  EXPECT_EQ(sent->at("owner").as_string(), "alice");
}

TEST_F(ClientTest, ReadsLinesToTheEndOfTheStream) {
  plane_.stream("GET /v1/events", "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}");
  auto events = client_.events({.limit = 3});
  ASSERT_TRUE(events) << events.error().text();
  std::vector<int64_t> ids;
  while (!events->ended()) {
    const auto event = events->next(10s);
    ASSERT_TRUE(event) << event.error().text();
    if (*event) ids.push_back((*event)->at("id").as_int());
  }
  EXPECT_EQ(ids, (std::vector<int64_t>{1, 2, 3}));
}

TEST_F(ClientTest, AnErrorInsideAStreamIsAnError) {
  plane_.stream("GET /v1/logs",
                "{\"error\": {\"code\": \"unavailable\", \"message\": \"the task is gone\"}}\n");
  auto logs = client_.logs({.task = "t"});
  ASSERT_TRUE(logs);
  const auto line = logs->next(10s);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code(), ErrorCode::Unavailable);
}

TEST_F(ClientTest, ARefusedStreamIsAnError) {
  plane_.fail("GET /v1/logs", ErrorCode::NotFound, "no task t");
  EXPECT_EQ(client_.logs({.task = "t"}).error().code(), ErrorCode::NotFound);
}

TEST_F(ClientTest, TalksFramesWithACommand) {
  plane_.on("POST /v1/exec", [](const io::HttpRequest& request) {
    EXPECT_EQ(request.headers.at("upgrade"), "slipway-exec");
    io::HttpStreamed streamed;
    streamed.status = 101;
    streamed.headers["upgrade"] = "slipway-exec";
    streamed.headers["connection"] = "Upgrade";
    streamed.body = [](io::HttpStream& stream) {
      FrameReader reader;
      std::optional<Frame> frame;
      while (!frame) {
        const auto bytes = stream.read(10s);
        if (!bytes) return;
        reader.feed(*bytes);
        frame = *reader.next();
      }
      EXPECT_TRUE(stream.write(encode({FrameType::Stdout, "got " + frame->payload})));
      EXPECT_TRUE(stream.write(encode({FrameType::Exit, "3"})));
    };
    return streamed;
  });
  auto channel = client_.exec(Json::Object{{"task", "t"}});
  ASSERT_TRUE(channel) << channel.error().text();
  ASSERT_TRUE(channel->write({FrameType::Stdin, "hello"}));
  EXPECT_EQ(**channel->read(10s), (Frame{FrameType::Stdout, "got hello"}));
  EXPECT_EQ(**channel->read(10s), (Frame{FrameType::Exit, "3"}));
}

}  // namespace
}  // namespace slipway::api
