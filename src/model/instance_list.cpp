#include "model/instance_list.h"

#include "model/instance.h"

namespace slipway::model {

InstanceList::InstanceList(std::initializer_list<Instance> instances) {
  reserve(instances.size());
  for (const Instance& instance : instances) push_back(instance);
}

void InstanceList::push_back(Instance instance) {
  shared_.push_back(std::make_shared<const Instance>(std::move(instance)));
}

void InstanceList::put(Instance instance) {
  const auto at =
      std::lower_bound(shared_.begin(), shared_.end(), instance.id,
                       [](const SharedInstance& known, const InstanceId& id) { return known->id < id; });
  const bool replaces = at != shared_.end() && (*at)->id == instance.id;
  auto shared = std::make_shared<const Instance>(std::move(instance));
  if (replaces) {
    *at = std::move(shared);
  } else {
    shared_.insert(at, std::move(shared));
  }
}

void InstanceList::remove(const InstanceId& id) {
  std::erase_if(shared_, [&](const SharedInstance& instance) { return instance->id == id; });
}

void InstanceList::put_service(std::string_view service, std::vector<SharedInstance> instances) {
  const auto first = std::lower_bound(
      shared_.begin(), shared_.end(), service,
      [](const SharedInstance& known, std::string_view name) { return known->id.service < name; });
  const auto last = std::find_if(first, shared_.end(),
                                 [&](const SharedInstance& known) { return known->id.service != service; });
  // What has a counterpart is moved over it, so that the usual change, of a service as large as before, moves
  // nothing else.
  const auto both = std::min(last - first, static_cast<std::ptrdiff_t>(instances.size()));
  std::move(instances.begin(), instances.begin() + both, first);
  const auto rest = shared_.erase(first + both, last);
  shared_.insert(rest, std::make_move_iterator(instances.begin() + both),
                 std::make_move_iterator(instances.end()));
}

void InstanceList::edit(size_t index, const std::function<void(Instance&)>& change) {
  Instance instance = *shared_[index];
  change(instance);
  shared_[index] = std::make_shared<const Instance>(std::move(instance));
}

bool InstanceList::operator==(const InstanceList& other) const {
  return std::equal(shared_.begin(), shared_.end(), other.shared_.begin(), other.shared_.end(),
                    [](const SharedInstance& a, const SharedInstance& b) { return a == b || *a == *b; });
}

}  // namespace slipway::model
