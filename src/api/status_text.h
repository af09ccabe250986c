// The picture of the cluster as GET /v1/status tells it.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "base/mutex.h"
#include "reconcile/control.h"

namespace slipway::api {

// The whole snapshot, or what of it belongs to one service or one instance (where they are not empty).
Json status_json(const reconcile::Snapshot& snapshot, const std::string& service,
                 const std::string& instance);

// The text of the whole snapshot, made once and shared by all readers: with ten thousand instances it has
// megabytes. Thread-safe.
class StatusText {
 public:
  // Null when the text of this snapshot has not been made yet. Never waits for one that is being made.
  std::shared_ptr<const std::string> made(uint64_t sequence) const;
  // Makes it if need be; callers of the same moment share the work.
  std::shared_ptr<const std::string> make(const reconcile::Snapshot& snapshot);

 private:
  Mutex making_;  // held while a text is made, and always taken before mutex_
  mutable Mutex mutex_;
  uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const std::string> text_ GUARDED_BY(mutex_);
};

}  // namespace slipway::api
