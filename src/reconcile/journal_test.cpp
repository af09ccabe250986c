#include "reconcile/journal.h"

#include <gtest/gtest.h>

#include "state/limits.h"
#include "support/full_store.h"

namespace slipway::reconcile {
namespace {

const model::InstanceId kWeb{"shop", "web"};

model::Event event_of(std::string text) {
  return {0, Time(Duration(42)), "shop.web", "task_exited", std::move(text)};
}

state::BounceRecord bounce_of(const std::string& outcome) {
  state::BounceRecord record;
  record.instance = kWeb;
  record.revision = model::RevisionId("abc");
  record.started_at = Time(Duration(1000));
  record.outcome = outcome;
  return record;
}

TEST(Journal, WhatCouldNotBeWrittenGoesFirstWhenItCan) {
  test::FullStore store;
  Journal journal(store);
  store.full = true;
  journal.note_going_down(true);
  journal.note_memory(kWeb, "older");
  journal.note_bounce(bounce_of("running"));
  journal.note_event(event_of("first"));
  EXPECT_EQ(journal.write().error().code(), ErrorCode::Exhausted);
  journal.note_memory(kWeb, "newer");
  journal.note_bounce(bounce_of("done"));
  journal.note_event(event_of("second"));
  EXPECT_FALSE(journal.write().has_value());

  store.full = false;
  EXPECT_TRUE(journal.write().has_value());
  EXPECT_TRUE(store.going_down().value());
  EXPECT_EQ(store.memories().value()[0].second, "newer");
  const auto bounces = store.bounces(kWeb, 10).value();
  ASSERT_EQ(bounces.size(), 1U);
  EXPECT_EQ(bounces[0].outcome, "done");
  const auto events = store.events(0, 10, "").value();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].text, "first");
  EXPECT_EQ(events[1].text, "second");
}

TEST(Journal, KeepsABoundedNumberAndSaysWhatItLost) {
  test::FullStore store;
  Journal journal(store);
  store.full = true;
  for (size_t i = 0; i < Journal::kKept + 3; ++i) journal.note_event(event_of(std::to_string(i)));
  EXPECT_FALSE(journal.write().has_value());
  store.full = false;
  EXPECT_TRUE(journal.write().has_value());
  const auto newest = store.recent_events(1, "").value();
  EXPECT_EQ(newest[0].text, std::to_string(Journal::kKept + 2));
  EXPECT_EQ(newest[0].id, static_cast<int64_t>(Journal::kKept) + 1)
      << "all that were kept, and one that tells";
}

TEST(Journal, ATextThatTheStoreRefusesHoldsUpNothingElse) {
  test::FullStore store;
  Journal journal(store);
  journal.note_event(event_of(std::string(state::kTextBytes + 1, 'x')));
  journal.note_event(event_of("short"));
  EXPECT_TRUE(journal.write().has_value());
  EXPECT_EQ(store.recent_events(10, "").value().size(), 1U);
}

}  // namespace
}  // namespace slipway::reconcile
