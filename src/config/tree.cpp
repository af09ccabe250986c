#include "config/tree.h"

#include <algorithm>
#include <functional>

#include "config/claims.h"
#include "config/compiled_store.h"
#include "config/fingerprint.h"
#include "config/paasta_instance.h"
#include "config/problems.h"
#include "config/source_key.h"
#include "io/file.h"
#include "io/parallel.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

// A writer that is quicker than we read is waited for by the caller, not here.
constexpr int kReads = 3;

// Two that collide are settled together without need, and that is all.
uint64_t hash_of(const ClaimKey& key) {
  return std::hash<std::string>()(key.second) * 31 + static_cast<uint64_t>(key.first);
}

model::SharedInstance shared(const std::shared_ptr<const CompiledService>& service, size_t index) {
  return {service, &service->instances[index].instance};
}

}  // namespace

bool Tree::Service::broken() const {
  return has_error(findings);
}

// Files that would be read one level down.
void Tree::check_root() {
  root_problems_.clear();
  const auto names = io::list_directory(options_.folder);
  if (!names.has_value()) return;
  for (const std::string& name : *names) {
    if (name != "service.yaml" && name != "run.yaml" && cluster_of_file(name).empty()) continue;
    root_problems_.push_back({{(options_.folder / name).string(), 1, 1},
                              {},
                              {},
                              "the file belongs to no service",
                              "put it into a folder that is named after the service"});
  }
}

Status Tree::look_at_all() {
  return look_at_all({});
}

Status Tree::look_at_all(std::set<std::string> touched) {
  const std::vector<ServiceFolder> folders = TRY(list_services(options_.folder));
  TreeLayout layout;
  for (const ServiceFolder& folder : folders) {
    if (folder.told) layout.add(folder.layout);
  }
  otherwise_ = layout.otherwise();
  at_rest_ = true;
  stored_ = {};
  builds_.look_again();
  touched.merge(take(folders, true));
  std::set<std::string> gone;
  for (const auto& [name, service] : services_) gone.insert(gone.end(), name);
  for (const ServiceFolder& folder : folders) gone.erase(folder.name);
  for (const std::string& name : gone) services_.at(name).gone = true;
  touched.insert(gone.begin(), gone.end());
  for (auto& [name, service] : services_) {
    if (!service.gone && !service.builds.empty() && resolve_builds(service)) touched.insert(name);
  }
  builds_.forget_unused();
  check_root();
  settle(touched);
  // What was in force of services that are not in the tree is wanted no more.
  if (options_.store != nullptr && at_rest_) options_.store->drop_others();
  return {};
}

Status Tree::look_at(const std::set<std::string>& names) {
  std::error_code error;
  const bool whole = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.empty() || name.starts_with('_');  // what many share
  });
  if (whole || !fs::is_directory(options_.folder, error)) return look_at_all();
  at_rest_ = true;
  stored_ = {};
  builds_.look_again();
  std::vector<ServiceFolder> folders;
  std::set<std::string> touched;
  bool root_file = false;
  for (const std::string& name : names) {
    auto folder = find_service(options_.folder, name, otherwise_);
    root_file = root_file || name.ends_with(".yaml");
    if (folder) {
      folders.push_back(std::move(*folder));
    } else if (services_.contains(name)) {
      touched.insert(name);
      services_.at(name).gone = true;
    }
  }
  touched.merge(take(folders, false));
  // What others are read as may depend on what these have become.
  if (layout_otherwise() != otherwise_) return look_at_all(std::move(touched));
  resolve_where_built(names, touched);
  if (root_file) check_root();
  settle(touched);
  return {};
}

// On any thread; nothing of the tree is written meanwhile.
Tree::Read Tree::read(const ServiceFolder& folder, bool by_stamp) const {
  const auto known = services_.find(folder.name);
  Read read;
  ServiceSource source;
  for (int i = 0; i < kReads; ++i) {
    std::string before = fingerprint(folder.path);
    if (by_stamp && known != services_.end() && before == known->second.stamp &&
        folder.layout == known->second.layout) {
      read.stamp = std::move(before);
      return read;
    }
    source = read_service(
        i == 0 ? folder : find_service(options_.folder, folder.name, otherwise_).value_or(folder),
        options_.cluster);
    // What was written meanwhile may be half of a change.
    if (fingerprint(folder.path) == before) {
      read.stamp = std::move(before);
      break;
    }
  }
  if (read.stamp.empty()) return read;
  read.key = source_key(source, options_.cluster);
  if (known != services_.end() && known->second.key == read.key) return read;
  if (options_.store != nullptr) read.compiled = options_.store->find(folder.name, read.key);
  read.stored = read.compiled != nullptr;
  if (!read.stored) {
    read.compiled = std::make_shared<CompiledService>(compile_service(source, options_.cluster));
  }
  return read;
}

// Reads these services; the names of those that are not as they were.
std::set<std::string> Tree::take(const std::vector<ServiceFolder>& folders, bool by_stamp) {
  std::vector<Read> reads(folders.size());
  io::parallel_for(folders.size(), options_.threads,
                   [&](size_t i) { reads[i] = read(folders[i], by_stamp); });
  std::set<std::string> touched;
  for (size_t i = 0; i < reads.size(); ++i) {
    if (reads[i].stamp.empty()) at_rest_ = false;
    const auto known = services_.find(folders[i].name);
    if (reads[i].compiled == nullptr) {
      if (known != services_.end()) known->second.stamp = reads[i].stamp;
      continue;
    }
    Service& service = services_[folders[i].name];
    service.stamp = std::move(reads[i].stamp);
    service.key = std::move(reads[i].key);
    service.layout = folders[i].layout;
    service.told = folders[i].told;
    service.compiled = std::move(reads[i].compiled);
    if (known == services_.end() && options_.store != nullptr) {
      service.in_force = reads[i].stored ? service.compiled : options_.store->last_good(folders[i].name);
      if (service.in_force != nullptr) options_.store->keep(folders[i].name, service.in_force);
    }
    service.builds.clear();
    borrowers_.erase(folders[i].name);
    for (const CompiledInstance& compiled : service.compiled->instances) {
      if (!compiled.version_of.empty()) borrowers_.insert(folders[i].name);
      const model::Image& image = compiled.instance.spec.image;
      if (image.kind == model::ImageKind::Build) service.builds.push_back(image.name);
    }
    resolve_builds(service);
    touched.insert(folders[i].name);
  }
  return touched;
}

// Fills in what each image is made of; true where that is not as it was.
bool Tree::resolve_builds(Service& service) {
  std::vector<Finding> findings;
  std::shared_ptr<CompiledService> changed;
  for (size_t i = 0; i < service.compiled->instances.size(); ++i) {
    const CompiledInstance& compiled = service.compiled->instances[i];
    const model::Image& image = compiled.instance.spec.image;
    if (image.kind != model::ImageKind::Build) continue;
    const Result<std::string>& content = builds_.content_of(image.name);
    if (!content.has_value()) {
      findings.push_back({compiled.build_at, content.error().text(), "build names a folder with a Dockerfile",
                          compiled.instance.id.instance});
    } else if (image.digest != *content) {
      // What is in force already is shared with others.
      if (changed == nullptr) changed = std::make_shared<CompiledService>(*service.compiled);
      changed->instances[i].instance.spec.image.digest = *content;
    }
  }
  const bool differs = changed != nullptr || findings != service.build_findings;
  if (changed != nullptr) service.compiled = std::move(changed);
  service.build_findings = std::move(findings);
  return differs;
}

// The services whose images are built from a folder below one of these, their own or another's.
void Tree::resolve_where_built(const std::set<std::string>& names, std::set<std::string>& touched) {
  std::error_code error;
  std::vector<std::string> roots;
  for (const std::string& name : names) {
    roots.push_back(fs::absolute(options_.folder / name, error).lexically_normal().string());
  }
  const auto below = [&](const std::string& folder) {
    return std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
      return folder == root || folder.starts_with(root + "/");
    });
  };
  for (auto& [name, service] : services_) {
    if (service.builds.empty() || touched.contains(name)) continue;
    const bool asked =
        names.contains(name) || std::any_of(service.builds.begin(), service.builds.end(), below);
    if (asked && resolve_builds(service)) touched.insert(name);
  }
}

// ---- what only one may have
// --------------------------------------------------------------------------------------

void Tree::mention(const std::string& name, Service& service) {
  const auto node = services_.find(name);
  for (const uint64_t key : service.keys) {
    const auto [first, last] = mentions_.equal_range(key);
    const auto ours =
        std::find_if(first, last, [&](const auto& entry) { return entry.second == &node->first; });
    if (ours != last) mentions_.erase(ours);
  }
  service.keys.clear();
  if (service.gone) return;
  for (const CompiledInstance& compiled : service.compiled->instances) {
    for (const Claim& claim : compiled.claims) service.keys.push_back(hash_of(key_of(claim)));
  }
  Holders held;
  add_held(name, service, held);
  for (const auto& [id, door] : held) {
    for (const ClaimKey& key : keys_of(door)) service.keys.push_back(hash_of(key));
  }
  std::sort(service.keys.begin(), service.keys.end());
  service.keys.erase(std::unique(service.keys.begin(), service.keys.end()), service.keys.end());
  for (const uint64_t key : service.keys) mentions_.emplace(key, &node->first);
}

// By what is in force, and where nothing is, by what was so as we began.
void Tree::add_held(const std::string& name, const Service& service, Holders& held) const {
  if (service.in_force != nullptr) {
    for (const CompiledInstance& compiled : service.in_force->instances) {
      if (compiled.instance.proxy) held[compiled.instance.id] = *compiled.instance.proxy;
    }
    return;
  }
  for (auto it = options_.holders.lower_bound({name, ""});
       it != options_.holders.end() && it->first.service == name; ++it) {
    held.insert(*it);
  }
}

// As the services that tell are; see TreeLayout.
Layout Tree::layout_otherwise() const {
  TreeLayout layout;
  for (const auto& [name, service] : services_) {
    if (service.told && !service.gone) layout.add(service.layout);
  }
  return layout.otherwise();
}

// Those, and whoever wants or has the same, and whoever wants or has the same as these.
std::set<std::string> Tree::sharing_with(const std::set<std::string>& touched) const {
  std::set<std::string> all;
  std::vector<std::string> next(touched.begin(), touched.end());
  while (!next.empty()) {
    const std::string name = std::move(next.back());
    next.pop_back();
    if (!all.insert(name).second) continue;
    for (const uint64_t key : services_.at(name).keys) {
      const auto [first, last] = mentions_.equal_range(key);
      for (auto it = first; it != last; ++it) {
        if (!all.contains(*it->second)) next.push_back(*it->second);
      }
    }
  }
  return all;
}

// Grants what these services and whoever shares with them want, and puts in force what came of it.
void Tree::settle(std::set<std::string> touched) {
  for (const std::string& name : borrowers_) {
    const auto& instances = services_.at(name).compiled->instances;
    const bool lent = std::any_of(instances.begin(), instances.end(), [&](const CompiledInstance& compiled) {
      return touched.contains(compiled.version_of);
    });
    if (lent) touched.insert(name);
  }
  std::set<std::string> affected = sharing_with(touched);  // with what they wanted until now
  for (const std::string& name : touched) mention(name, services_.at(name));
  affected.merge(sharing_with(touched));
  Holders held;
  std::vector<Claimant> claimants;
  for (const std::string& name : affected) {
    const Service& service = services_.at(name);
    if (service.gone) continue;
    claimants.push_back(
        {service.compiled.get(), has_error(service.compiled->findings) || !service.build_findings.empty()});
    add_held(name, service, held);
  }
  Clashes clashes = settle_claims(claimants, held);
  for (const std::string& name : affected) {
    Service& service = services_.at(name);
    if (service.gone) continue;
    const std::vector<Finding>& clash = clashes[name];
    service.findings = service.compiled->findings;
    service.findings.insert(service.findings.end(), service.build_findings.begin(),
                            service.build_findings.end());
    service.findings.insert(service.findings.end(), clash.begin(), clash.end());
    sort_findings(service.findings);
    service.wanted = as_wanted(service, clash);
    if (!service.broken()) put_in_force(name, service);
  }
  publish(affected);
}

// The version of another service, where the instance runs that one's code and it is known.
const PaastaVersion* Tree::borrowed_version(const CompiledInstance& compiled) const {
  if (compiled.version_of.empty()) return nullptr;
  const auto owner = services_.find(compiled.version_of);
  if (owner == services_.end() || owner->second.gone) return nullptr;
  const PaastaVersions& versions = owner->second.compiled->versions;
  const auto found = versions.find(compiled.instance.deploy_group);
  return found == versions.end() ? nullptr : &found->second;
}

// With the versions of other services, and without the load balancer where another has the port.
std::shared_ptr<const CompiledService> Tree::as_wanted(const Service& service,
                                                       const std::vector<Finding>& clashes) const {
  std::shared_ptr<CompiledService> changed;
  for (size_t i = 0; i < service.compiled->instances.size(); ++i) {
    const CompiledInstance& compiled = service.compiled->instances[i];
    const PaastaVersion* version = borrowed_version(compiled);
    const bool yields = std::any_of(clashes.begin(), clashes.end(), [&](const Finding& finding) {
      return finding.severity == model::Severity::Tolerated &&
             finding.instance == compiled.instance.id.instance;
    });
    if (version == nullptr && !yields) continue;
    if (changed == nullptr) changed = std::make_shared<CompiledService>(*service.compiled);
    if (version != nullptr) {
      model::Instance& instance = changed->instances[i].instance;
      instance.undeployed.clear();
      set_version(instance, version, {});
      trim_shown(instance, options_.cluster);
    }
    if (yields) give_up_proxy(changed->instances[i]);
  }
  if (changed == nullptr) return service.compiled;
  const auto same = [](const CompiledInstance& a, const CompiledInstance& b) {
    return a.instance == b.instance;
  };
  const bool as_before = service.wanted != nullptr &&
                         std::equal(changed->instances.begin(), changed->instances.end(),
                                    service.wanted->instances.begin(), service.wanted->instances.end(), same);
  return as_before ? service.wanted : changed;
}

void Tree::put_in_force(const std::string& name, Service& service) {
  if (service.in_force == service.wanted) return;
  service.in_force = service.wanted;
  if (options_.store == nullptr) return;
  // What others have changed in it is not what its files compile to.
  options_.store->put(name, service.wanted == service.compiled ? service.key : "", service.in_force);
}

// ---- what came of it
// ---------------------------------------------------------------------------------------------

void Tree::publish(const std::set<std::string>& services) {
  for (const std::string& name : services) {
    const Service& service = services_.at(name);
    std::vector<model::SharedInstance> instances;
    if (service.in_force != nullptr && !service.gone) {
      for (size_t i = 0; i < service.in_force->instances.size(); ++i) {
        instances.push_back(shared(service.in_force, i));
      }
    }
    if (service.findings.empty() || service.gone) {
      troubled_.erase(name);
    } else {
      troubled_.insert(name);
    }
    desired_.instances.put_service(name, std::move(instances));
    if (service.gone) remove(name);
  }
  publish_problems();
  if (options_.store != nullptr) stored_ = options_.store->flush();
}

void Tree::remove(const std::string& name) {
  if (options_.store != nullptr) options_.store->drop(name);
  borrowers_.erase(name);
  services_.erase(name);
}

namespace {

// Of a service of which nothing is in force, those that have no error themselves.
void add_aside(const CompiledService& service, const std::vector<Finding>& findings,
               std::vector<model::Instance>& aside) {
  if (!service.whole) return;
  for (const CompiledInstance& compiled : service.instances) {
    const bool sound = compiled.sound && !has_error_of(findings, compiled.instance.id.instance);
    if (sound) aside.push_back(compiled.instance);
  }
}

}  // namespace

void Tree::publish_problems() {
  desired_.problems = root_problems_;
  desired_.aside.clear();
  desired_.broken.clear();
  desired_.last_good.clear();
  for (const std::string& name : troubled_) {
    const Service& service = services_.at(name);
    for (const Finding& finding : service.findings) {
      desired_.problems.push_back(problem_of(finding, service.compiled->files, name));
    }
    if (!service.broken()) continue;
    (service.in_force == nullptr ? desired_.broken : desired_.last_good).push_back(name);
    if (service.in_force == nullptr) add_aside(*service.wanted, service.findings, desired_.aside);
  }
}

}  // namespace slipway::config
