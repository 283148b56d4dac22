// SPDX-License-Identifier: Apache-2.0
// Mount, MountMany, and what all mounts have in common.
#include <spdlog/spdlog.h>

#include "bus/calls.h"
#include "bus/error_names.h"
#include "bus/release.h"
#include "engine/mount_job.h"

namespace northstar::bus {
namespace {

// Without dm-verity there is nothing that restarts or panics.
bool isSealed(const Found& found) {
    return found.entry.sealed || found.repository->config.verification == Verification::Sealed;
}

}  // namespace

Details containerDetails(const std::string& container, const std::string& repository, bool verified) {
    const auto colon = container.find(':');
    return {{"container", container},
            {"name", container.substr(0, colon)},
            {"version", container.substr(colon + 1)},
            {"repository", repository},
            {"verified", verified ? "true" : "false"}};
}

void addMountDetails(Details& details, const std::string& target, const MountCallOptions& options) {
    details["target"] = target;
    details["noexec"] = options.noexec ? "true" : "false";
    details["verity"] = toString(options.verity);
}

std::string askToMount(const std::string& what, VerityMode mode) {
    const std::string question = "Authentication is required to mount " + what;
    switch (mode) {
        case VerityMode::Eio: break;
        case VerityMode::Restart: return question + "; the system restarts as soon as it reads a damaged block of it";
        case VerityMode::Panic: return question + "; the kernel panics as soon as it reads a damaged block of it";
    }
    return question;
}

sdbus::ObjectPath mountPath(std::uint32_t id) { return sdbus::ObjectPath{kMountsPath + std::to_string(id)}; }

CallPtr withOptions(const CallPtr& call, const Options& options) {
    if (allowsInteraction(options)) return call;
    auto changed = std::make_shared<Call>(*call);
    changed->caller.interactive = false;
    return changed;
}

std::string lineOf(const CallPtr& call) { return "from " + call->caller.name; }

ClientWatch::Ticket Calls::watchCaller(const CallPtr& call) {
    if (call->caller.euid == 0) return {};  // polkit is not asked
    return core_.clients.onLeave(call->caller.name, [left = call->left] { *left = true; });
}

std::string Calls::targetOf(const std::string& container, const MountCallOptions& options) const {
    return options.target.empty() ? core_.config.runDir + "/" + container : options.target;
}

// The package as its file is now; the answer to a call, so the file system is asked on a worker.
Async<Found> Calls::findCurrent(std::string what, std::string repository) {
    Found found = core_.catalog.find(what, repository);
    if (!found.entry.file.empty()) {
        Work job{core_.workers, core_.loop, found.container, [found] {
                     return refresh(found.repository->config, found.repository->keys, found.container, found.entry);
                 }};
        found.entry = co_await job;
        const auto now = core_.catalog.repository(found.repository->name);
        if (now->keys.fingerprints() != found.repository->keys.fingerprints() ||
            now->config.dir != found.repository->config.dir) {
            throw Error{Code::Failed, "Cannot use " + found.container + ": repository " + now->name +
                                          " was changed by a Reload at this moment; try again"};
        }
        if (!now->content.entries.contains(found.container)) {
            throw Error{Code::NoSuchContainer, "Cannot use " + found.container + ": it was removed from repository " +
                                                   now->name + " at this moment"};
        }
        if (core_.catalog.update(found)) core_.events.repositoryChanged(now->name);
    }
    co_return found;
}

Async<Done> Calls::authorizeMount(CallPtr call, std::string container, std::string repository, bool verified,
                                  MountCallOptions options) {
    const std::string target = targetOf(container, options);
    Details details = containerDetails(container, repository, verified);
    addMountDetails(details, target, options);
    // An unverified file was asked for before it was read.
    if (verified && options.verity != VerityMode::Eio) {
        Details asked = details;
        asked["polkit.message"] = askToMount("the signed container $(container)", options.verity);
        co_await core_.authorizer.require(call, action::kMount, asked);
    } else if (verified || !options.allowUnverified) {
        co_await core_.authorizer.require(call, verified ? action::kMount : action::kMountUnverified, details);
    }
    // Its own name, or one that no container has by default: not inside, nor in the name of, somebody else's.
    const std::string prefix = core_.config.runDir + "/";
    const std::string leaf = target.starts_with(prefix) ? target.substr(prefix.size()) : "";
    const bool own = leaf == container || (!leaf.empty() && leaf.find_first_of("/:") == std::string::npos);
    if (!own) {
        co_await core_.authorizer.require(call, action::kMountAnywhere, details);
    }
    co_return Done{};
}

Async<MountReply> Calls::mountPrepared(CallPtr call, Prepared prepared, MountCallOptions options) {
    const std::string container = prepared.package->manifest.container();
    MountRequest request;
    request.mountPoint = targetOf(container, options);
    request.package = prepared.package;
    request.sealed = prepared.sealed;
    if (prepared.verification == Verification::Sealed) request.copies = &core_.sealedImages;
    request.stop = core_.stopping.get_token();
    request.repository = prepared.repository;
    request.source = prepared.source;
    request.noexec = options.noexec;
    request.verityMode = options.verity;
    request.ownerUid = call->caller.euid;
    request.loopDeviceTimeout = core_.config.loopDeviceTimeout;
    request.id = core_.registry.reserve(request.mountPoint, request.ownerUid, container, request.repository);
    MountRecord record;
    std::exception_ptr failure;
    try {
        Work job{core_.workers, core_.loop, container,
                 [this, &request] { return mountPackage(core_.kernel, core_.state, request); }};
        record = co_await job;
    } catch (...) {
        core_.registry.cancel(request.id);
        failure = std::current_exception();
    }
    if (failure) {
        if (hasCode(failure, Code::Unsupported)) co_await refreshVerity();
        std::rethrow_exception(failure);
    }
    if (!record.verityUuid.empty()) setVerityAvailable(true);
    core_.registry.add(record);
    spdlog::info("Mounted {} on {} ({}, {}) for user {}", container, record.mountPoint, record.device,
                 record.verified ? "verified" : "unverified", record.ownerUid);
    core_.events.mounted(record);
    if (!record.verityUuid.empty())
        core_.mountTableChanged();  // asks the device what it found before it was known here
    MountReply reply{mountPath(record.id), record.mountPoint};
    co_return reply;
}

void Calls::setVerityAvailable(bool available) {
    if (std::exchange(core_.verityAvailable, available) != available) core_.events.verityAvailableChanged();
}

// The module may have been loaded since; the kernel tells nobody.
Async<Done> Calls::refreshVerity() {
    try {
        Work job{core_.workers, core_.loop, "", [this] { return core_.kernel.verityAvailable(); }};
        const bool available = co_await job;
        setVerityAvailable(available);
    } catch (const std::exception& error) {  // what it was asked for has its own result
        spdlog::warn("Cannot see whether there is dm-verity: {}", error.what());
    }
    co_return Done{};
}

// The caller has been authorized for this container.
Async<MountReply> Calls::mountFound(CallPtr call, std::string container, bool verified, MountCallOptions options) {
    const Order::Keys keys{container, targetOf(container, options)};
    const Order::Turn turn = co_await core_.order.enter("", keys);
    co_await recountHeld(core_, call->caller.euid);
    const Found found = co_await findCurrent(container, options.repository);
    if (found.entry.package->verified() != verified) {  // a reload came between the question and the answer
        throw Error{Code::Failed, "Cannot mount " + container + ": the keys of repository " + options.repository +
                                      " changed at this moment; try again"};
    }
    const auto& config = found.repository->config;
    Prepared prepared{found.entry.package, found.entry.sealed, found.repository->name,
                      found.entry.file.empty() ? "memory" : config.dir + "/" + found.entry.file, config.verification};
    co_return co_await mountPrepared(call, std::move(prepared), std::move(options));
}

Async<MountReply> Calls::mount(CallPtr call, std::string what, Options options) {
    MountCallOptions decoded = decodeMountOptions(options, MountKind::Container);
    const CallPtr asked = withOptions(call, options);
    const Found found = core_.catalog.find(what, decoded.repository);
    // From here on it is this container of this repository: what was authorized is what gets mounted.
    decoded.repository = found.repository->name;
    if (isSealed(found)) decoded.verity = VerityMode::Eio;
    const Order::Keys keys{found.container, targetOf(found.container, decoded)};
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), keys);
    co_await authorizeMount(asked, found.container, found.repository->name, found.repository->verified(), decoded);
    co_return co_await mountFound(asked, found.container, found.repository->verified(), decoded);
}

Detached Calls::mountItem(CallPtr call, Item item, MountManyItem& result, std::function<void(Done)> done) {
    try {
        const MountReply reply = co_await mountFound(call, item.container, item.verified, item.options);
        result = MountManyItem{result.get<0>(), true, std::get<0>(reply), std::get<1>(reply), std::string{}};
    } catch (...) {
        const sdbus::Error error = toBusError(std::current_exception());
        result = MountManyItem{result.get<0>(), false, sdbus::ObjectPath{"/"}, std::string{error.getName()},
                               error.getMessage()};
    }
    done(Done{});
}

Async<std::tuple<std::vector<MountManyItem>>> Calls::mountMany(CallPtr call, std::vector<std::string> what,
                                                               Options options) {
    const MountCallOptions decoded = decodeMountOptions(options, MountKind::Many);
    const CallPtr asked = withOptions(call, options);
    std::vector<MountManyItem> results(what.size());
    const auto refuse = [&](std::size_t at) {
        const sdbus::Error error = toBusError(std::current_exception());
        results[at] =
            MountManyItem{what[at], false, sdbus::ObjectPath{"/"}, std::string{error.getName()}, error.getMessage()};
    };
    std::vector<Item> found, items;  // the latter authorized, too
    Order::Keys keys;
    for (std::size_t at = 0; at < what.size(); ++at) {
        results[at] = MountManyItem{what[at], false, sdbus::ObjectPath{"/"}, std::string{}, std::string{}};
        try {
            const Found one = core_.catalog.find(what[at], decoded.repository);
            found.push_back({one.container, one.repository->verified(), decoded, at});
            found.back().options.repository = one.repository->name;
            if (isSealed(one)) found.back().options.verity = VerityMode::Eio;
            keys.insert({one.container, targetOf(one.container, decoded)});
        } catch (...) {
            refuse(at);
        }
    }
    const ClientWatch::Ticket watch = watchCaller(call);
    const Order::Turn turn = co_await core_.order.enter(lineOf(call), std::move(keys));
    // One after the other: several dialogs at once would help nobody.
    for (const Item& item : found) {
        try {
            co_await authorizeMount(asked, item.container, item.options.repository, item.verified, item.options);
            items.push_back(item);
        } catch (...) {
            refuse(item.at);
        }
    }
    if (!items.empty()) {
        std::size_t left = items.size();
        Callback<Done> finished{[&](const Callback<Done>::Complete& complete) {
            for (const auto& item : items) {
                mountItem(asked, item, results[item.at], [&left, complete](Done) {
                    if (--left == 0) complete(Done{});
                });
            }
        }};
        co_await finished;
    }
    std::tuple<std::vector<MountManyItem>> reply{std::move(results)};
    co_return reply;
}

Detached Calls::mountOnStart() {
    static const MethodRule* const rule = findMethodRule(kServiceName, "MountMany");
    std::vector<std::pair<std::string, std::string>> wanted;  // repository, container
    for (const auto& [name, repository] : core_.catalog.repositories()) {
        if (!repository->config.mountOnStart) continue;
        for (const auto& [container, entry] : repository->content.entries) {
            if (!core_.registry.isMounted(container, name)) wanted.emplace_back(name, container);
        }
    }
    const auto call = std::make_shared<const Call>(Call{{"", 0, false}, rule});
    std::vector<MountManyItem> results(wanted.size());
    std::size_t left = wanted.size();
    if (left == 0) co_return;
    starting_ = true;
    Callback<Done> finished{[&](const Callback<Done>::Complete& complete) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            MountCallOptions options;
            options.repository = wanted[i].first;
            const bool verified = core_.catalog.repository(wanted[i].first)->verified();
            mountItem(call, Item{wanted[i].second, verified, options, i}, results[i], [&left, complete](Done) {
                if (--left == 0) complete(Done{});
            });
        }
    }};
    co_await finished;
    starting_ = false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!results[i].get<1>()) {
            spdlog::error("Cannot mount {} of repository {} at start: {}", wanted[i].second, wanted[i].first,
                          results[i].get<4>());
        }
    }
}

}  // namespace northstar::bus
