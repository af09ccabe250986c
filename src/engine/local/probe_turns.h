// Who may probe next, where probes are scarce and may hang: a revision has few under way, and those that wait
// for their turn get it revision by revision. So a revision whose every check hangs delays its own alone, as
// long as fewer than limit / each revisions do that.
//
// Pure bookkeeping; one thread.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "model/ids.h"

namespace slipway::engine::local {

class ProbeTurns {
 public:
  using Serial = uint64_t;
  struct Turn {
    model::RevisionId revision;
    Serial probe = 0;
  };

  // At most `limit` under way at once, and at most `each` of one revision.
  ProbeTurns(int limit, int each) : limit_(limit), each_(each) {}

  // `probe` wants to begin; next() tells when.
  void wait(const model::RevisionId& revision, Serial probe);
  // The probe that may begin now, of the revision whose turn it is; nothing when all that wait have to. It is
  // under way until end().
  std::optional<Turn> next();
  // One of the revision's probes that were under way is over.
  void end(const model::RevisionId& revision);

 private:
  struct Line {
    int under_way = 0;
    std::deque<Serial> waiting;
  };

  int limit_;
  int each_;
  int under_way_ = 0;
  std::map<model::RevisionId, Line> lines_;  // of revisions that have a probe under way or waiting
  model::RevisionId last_;                   // whose turn it was
};

}  // namespace slipway::engine::local
