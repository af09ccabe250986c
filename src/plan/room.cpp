#include "plan/room.h"

#include <map>

namespace slipway::plan {
namespace {

bool takes_room(const model::Task& task) {
  if (task.node.empty()) return false;
  switch (task.state) {
    case model::TaskState::Pending:
    case model::TaskState::Preparing:
    case model::TaskState::Starting:
    case model::TaskState::Running:
    case model::TaskState::Stopping:
      return true;
    case model::TaskState::Exited:
    case model::TaskState::Failed:
      return task.next_start_at.has_value();
    case model::TaskState::Lost:
      return false;
  }
  return false;
}

}  // namespace

Room::Room(const model::Observed& observed) {
  for (const model::Node& node : observed.nodes) set_node(node);
  std::unordered_map<model::RevisionId, const model::Revision*> revisions;
  for (const model::ObservedRevision& seen : observed.revisions) {
    revisions.emplace(seen.revision.id, &seen.revision);
  }
  for (const model::Task& task : observed.tasks) {
    const auto revision = revisions.find(task.revision);
    if (revision != revisions.end()) occupy(task, *revision->second);
  }
}

void Room::set_node(const model::Node& node) {
  nodes_.set(node);
}

void Room::remove_node(const model::NodeId& id) {
  nodes_.remove(id);
}

void Room::occupy(const model::Task& task, const model::Revision& revision) {
  vacate(task.id);
  if (!takes_room(task)) return;
  const Tenants::Seat seat{tenants_.number_of(revision), nodes_.name(task.node), task.one_off};
  seats_.emplace(task.id, seat);
  tenants_.add(seat);
  nodes_.take(seat.node, tenants_.tenant(seat.revision).demand);
}

void Room::vacate(const model::TaskId& task) {
  const auto it = seats_.find(task);
  if (it == seats_.end()) return;
  const Tenants::Seat seat = it->second;
  tenants_.remove(seat);
  nodes_.give_back(seat.node, tenants_.tenant(seat.revision).demand);
  seats_.erase(it);
}

std::optional<model::NodeId> Room::place(const model::Revision& revision) {
  const std::vector<NodeNumber> nodes = place_many(revision, 1);
  if (nodes.empty()) return std::nullopt;
  return nodes_.id(nodes.front());
}

std::vector<NodeNumber> Room::place_many(const model::Revision& revision, int tasks) {
  const RevisionNumber number = tenants_.number_of(revision);
  request_.prepare(nodes_, tenants_, revision);
  std::vector<NodeNumber> picked;
  picker_.pick(nodes_, request_, tasks, picked);
  std::vector<NodeNumber> in_order = picked;
  tenants_.add_all(number, in_order);
  return picked;
}

void Room::give_back(const model::Revision& revision, const model::NodeId& node) {
  const Tenants::Seat seat{tenants_.number_of(revision), nodes_.name(node), false};
  tenants_.remove(seat);
  nodes_.give_back(seat.node, tenants_.tenant(seat.revision).demand);
}

}  // namespace slipway::plan
