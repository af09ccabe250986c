#include "plan/room_picker.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace slipway::plan {
namespace {

constexpr int32_t kNoGroup = -1;
// Of a table by group and bucket, so that it stays in the cache.
constexpr size_t kMostParts = 1 << 14;
// The heaps of <algorithm> have the greatest in front; these have the least.
constexpr auto kWorseThan = [](const auto& a, const auto& b) { return b < a; };

}  // namespace

void Picker::pick(NodeTable& nodes, Request& request, int tasks, std::vector<NodeNumber>& picked) {
  nodes_ = &nodes;
  request_ = &request;
  wanted_ = static_cast<size_t>(std::max(tasks, 0));
  group_classes();
  read_nodes();
  open_groups();
  const auto first = static_cast<std::ptrdiff_t>(picked.size());
  for (size_t i = 0; i < wanted_ && pick_one(picked); ++i) continue;
  std::for_each(picked.begin() + first, picked.end(), [&](NodeNumber node) { tasks_on_[node] = 0; });
}

// Numbers the groups, and writes down the bucket that each has in each facet.
void Picker::group_classes() {
  group_of_.assign(request_->classes(), kNoGroup);
  used_groups_ = 0;
  for (ClassNumber cls = 0; cls < group_of_.size(); ++cls) {
    if (request_->verdict(cls) != NodeClasses::kKeepsAll) continue;
    group_of_[cls] = 0;
    used_groups_ = 1;
  }
  const std::vector<Facet>& facets = request_->facets();
  for (const Facet& facet : facets) split_groups(facet);
  buckets_.resize(used_groups_ * facets.size());
  for (ClassNumber cls = 0; cls < group_of_.size(); ++cls) {
    if (group_of_[cls] == kNoGroup) continue;
    const size_t row = static_cast<size_t>(group_of_[cls]) * facets.size();
    for (size_t i = 0; i < facets.size(); ++i) buckets_[row + i] = facets[i].bucket(cls);
  }
}

void Picker::split_groups(const Facet& facet) {
  const size_t buckets = facet.counts.size();
  if (used_groups_ * buckets > kMostParts) return split_many_groups(facet);
  parts_.assign(used_groups_ * buckets, kNoGroup);
  int32_t used = 0;
  for (ClassNumber cls = 0; cls < group_of_.size(); ++cls) {
    if (group_of_[cls] == kNoGroup) continue;
    int32_t& part = parts_[static_cast<size_t>(group_of_[cls]) * buckets + facet.bucket(cls)];
    if (part == kNoGroup) part = used++;
    group_of_[cls] = part;
  }
  used_groups_ = static_cast<size_t>(used);
}

// The same where a table of all pairs would be large and mostly empty.
void Picker::split_many_groups(const Facet& facet) {
  std::unordered_map<uint64_t, int32_t> parts;  // (group, bucket) -> its number from now on
  for (ClassNumber cls = 0; cls < group_of_.size(); ++cls) {
    if (group_of_[cls] == kNoGroup) continue;
    const uint64_t part = (static_cast<uint64_t>(group_of_[cls]) << 32) | facet.bucket(cls);
    group_of_[cls] = parts.try_emplace(part, static_cast<int32_t>(parts.size())).first->second;
  }
  used_groups_ = parts.size();
}

int64_t Picker::packing_sign() const {
  return request_->placement().packing == model::Packing::Balance ? -1 : 1;
}

// The inner loop of it all: it sees every node once a batch, so it reads through plain pointers, which
// the compiler need not fetch anew after each write to a group.
void Picker::read_nodes() {
  if (groups_.size() < used_groups_) groups_.resize(used_groups_);
  for (size_t i = 0; i < used_groups_; ++i) {
    groups_[i].best.clear();
    groups_[i].limit = Candidate{std::numeric_limits<int64_t>::max(), 0, 0};
  }
  tasks_on_.resize(nodes_->size(), 0);
  if (wanted_ == 0) return;
  const Demand demand = request_->demand();
  const int64_t sign = packing_sign();
  const int32_t* group_of = group_of_.data();
  const NodeTable::Entry* entries = nodes_->entries();
  const auto count = static_cast<NodeNumber>(nodes_->size());
  for (NodeNumber node = 0; node < count; ++node) {
    const NodeTable::Entry& entry = entries[node];
    if (!entry.open) continue;
    const int32_t group = group_of[entry.cls];
    if (group == kNoGroup || !entry.left.fits(demand)) continue;
    const Candidate candidate{sign * entry.left.spare_after(demand), entry.rank, node};
    Group& mine = groups_[static_cast<size_t>(group)];
    if (candidate < mine.limit && request_->bar(node) == Request::kOpen) offer(mine, candidate);
  }
}

// Keeps the best `wanted_`, and at most as many again until it next sorts them out.
void Picker::offer(Group& group, const Candidate& candidate) const {
  group.best.push_back(candidate);
  if (group.best.size() < 2 * wanted_) return;
  const auto last = group.best.begin() + static_cast<std::ptrdiff_t>(wanted_ - 1);
  std::nth_element(group.best.begin(), last, group.best.end());
  group.limit = *last;
  group.best.resize(wanted_);
}

void Picker::open_groups() {
  order_.clear();
  noted_.assign(used_groups_ * request_->spread_facets(), -1);
  for (uint32_t group = 0; group < used_groups_; ++group) {
    std::make_heap(groups_[group].best.begin(), groups_[group].best.end(), kWorseThan);
    if (groups_[group].best.empty()) continue;
    note_counts(group);
    order_.push_back(group);
  }
  std::make_heap(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return is_later(a, b); });
}

int32_t& Picker::count(uint32_t group, size_t facet) {
  std::vector<Facet>& facets = request_->facets();
  return facets[facet].counts[buckets_[group * facets.size() + facet]];
}

bool Picker::is_closed(uint32_t group) {
  const std::vector<Facet>& facets = request_->facets();
  for (size_t i = request_->spread_facets(); i < facets.size(); ++i) {
    if (count(group, i) >= facets[i].limit) return true;
  }
  return false;
}

// Returns whether anything has changed since the last time.
bool Picker::note_counts(uint32_t group) {
  bool changed = false;
  const size_t spread = request_->spread_facets();
  for (size_t i = 0; i < spread; ++i) {
    int32_t& noted = noted_[group * spread + i];
    changed = changed || noted != count(group, i);
    noted = count(group, i);
  }
  return changed;
}

bool Picker::is_later(uint32_t a, uint32_t b) const {
  const size_t spread = request_->spread_facets();
  for (size_t i = 0; i < spread; ++i) {
    const int32_t left = noted_[a * spread + i];
    const int32_t right = noted_[b * spread + i];
    if (left != right) return left > right;
  }
  return groups_[b].best.front() < groups_[a].best.front();
}

bool Picker::pick_one(std::vector<NodeNumber>& picked) {
  const auto later = [&](uint32_t a, uint32_t b) { return is_later(a, b); };
  while (!order_.empty()) {
    std::pop_heap(order_.begin(), order_.end(), later);
    const uint32_t group = order_.back();
    if (is_closed(group)) {
      order_.pop_back();
      continue;
    }
    if (note_counts(group)) {
      std::push_heap(order_.begin(), order_.end(), later);
      continue;
    }
    picked.push_back(groups_[group].best.front().node);
    take(group);
    note_counts(group);
    if (groups_[group].best.empty()) {
      order_.pop_back();
    } else {
      std::push_heap(order_.begin(), order_.end(), later);
    }
    return true;
  }
  return false;
}

// One task more on the best node of the group, which stays in its heap as long as it can take another.
void Picker::take(uint32_t group) {
  std::vector<Candidate>& best = groups_[group].best;
  const NodeNumber node = best.front().node;
  const Demand& demand = request_->demand();
  nodes_->take(node, demand);
  for (size_t i = 0; i < request_->facets().size(); ++i) ++count(group, i);

  ++tasks_on_[node];
  const int most = request_->placement().max_per_node;
  const bool another = demand.host_port == 0 && nodes_->left(node).fits(demand) &&
                       (most <= 0 || request_->tasks_on(node) + tasks_on_[node] < most);
  std::pop_heap(best.begin(), best.end(), kWorseThan);
  if (!another) {
    best.pop_back();
    return;
  }
  best.back().cost = packing_sign() * nodes_->left(node).spare_after(demand);
  std::push_heap(best.begin(), best.end(), kWorseThan);
}

}  // namespace slipway::plan
