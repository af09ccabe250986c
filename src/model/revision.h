// An instance at one version of its code and one configuration: immutable, and named by a hash of that
// content. Replacing the tasks of one revision by those of another is a bounce.
#pragma once

#include "model/ids.h"
#include "model/spec.h"

namespace slipway::model {

struct Revision {
  RevisionId id;
  InstanceId instance;
  TaskSpec spec;
  bool operator==(const Revision&) const = default;
};

// The revision of this instance and spec; its id is the first 12 hexadecimal digits of the SHA-256 of the
// canonical JSON of both (48 bits: a cluster would need 10 million revisions of one instance for an even
// chance of a clash).
Revision make_revision(const InstanceId& instance, const TaskSpec& spec);

// The whole revision, for an engine's labels: read back by a control plane that has lost its disk.
Json to_json(const Revision& revision);
Result<Revision> revision_from_json(const Json& json);

}  // namespace slipway::model
