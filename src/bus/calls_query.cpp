// SPDX-License-Identifier: Apache-2.0
// ListMounts, ListContainers, Inspect, Verify.
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "bus/calls.h"
#include "package/image/hash_tree.h"

namespace northstar::bus {
namespace {

// A check takes every processor for as long as the image is big; mounts and the bus go first. Threads that this
// thread starts inherit it: setpriority(2), "C library/kernel differences".
void yieldToOthers() {
    constexpr int kNice = 10;
    const auto thread = static_cast<id_t>(gettid());
    if (getpriority(PRIO_PROCESS, thread) >= kNice) return;
    if (setpriority(PRIO_PROCESS, thread, kNice) != 0) {
        spdlog::debug("Cannot lower the priority of a check: {}", errnoText(errno));
    }
}

}  // namespace

Async<std::tuple<std::vector<MountListItem>>> Calls::listMounts(CallPtr) {
    std::vector<MountListItem> list;
    for (const auto& [id, record] : core_.registry.mounts()) {
        list.push_back(MountListItem{mountPath(id), record.container(), toUtf8(record.mountPoint), record.device});
    }
    std::tuple<std::vector<MountListItem>> reply{std::move(list)};
    co_return reply;
}

Async<std::tuple<std::vector<ContainerListItem>>> Calls::listContainers(CallPtr) {
    const auto mounted = core_.registry.mountedContainers();
    std::vector<ContainerListItem> list;
    for (const auto& [name, repository] : core_.catalog.repositories()) {
        for (const auto& [container, entry] : repository->content.entries) {
            const Manifest& manifest = entry.package->manifest;
            list.push_back(
                ContainerListItem{manifest.name, manifest.version.text(), name, mounted.contains({name, container})});
        }
    }
    std::tuple<std::vector<ContainerListItem>> reply{std::move(list)};
    co_return reply;
}

Async<std::tuple<std::map<std::string, sdbus::Variant>>> Calls::inspect(CallPtr, std::string what) {
    const Found found = co_await findCurrent(what, "");
    const Package& package = *found.entry.package;
    std::map<std::string, sdbus::Variant> facts;
    const auto set = [&](const char* key, const auto& value) { facts.emplace(key, sdbus::Variant{value}); };
    set("name", package.manifest.name);
    set("version", package.manifest.version.text());
    set("repository", found.repository->name);
    if (package.manifest.init) set("init", *package.manifest.init);
    set("uid", std::uint32_t{package.manifest.uid});
    set("gid", std::uint32_t{package.manifest.gid});
    if (package.manifest.mountContext) set("selinux_mount_context", *package.manifest.mountContext);
    if (package.manifest.execContext) set("selinux_exec", *package.manifest.execContext);
    set("format", package.format);
    set("image_offset", package.image.offset);
    set("image_size", package.image.size);
    set("filesystem", std::string{toString(package.filesystem)});
    set("signed", package.isSigned);
    set("verified", package.verified());
    set("root_hash", package.verity ? toHex(package.verity->rootHash) : std::string{});
    set("signer", package.signer);
    set("mounted", core_.registry.isMounted(found.container, found.repository->name));
    std::tuple<std::map<std::string, sdbus::Variant>> reply{std::move(facts)};
    co_return reply;
}

Async<std::tuple<bool>> Calls::verify(CallPtr call, std::string what, Options options) {
    const std::string repository = decodeCommonOptions(options, true);
    const CallPtr asked = withOptions(call, options);
    Found found = core_.catalog.find(what, repository);
    const Details details = containerDetails(found.container, found.repository->name, found.repository->verified());
    co_await core_.authorizer.require(asked, action::kVerify, details);
    found = co_await findCurrent(found.container, found.repository->name);
    const auto package = found.entry.package;
    if (!package->verity) {
        throw Error{Code::InvalidSignature, "Cannot verify " + found.container + ": repository " +
                                                found.repository->name +
                                                " has no key, so nothing says what it must be"};
    }
    std::stop_source stop;
    const auto ticket = core_.clients.onLeave(call->caller.name, [stop]() mutable { stop.request_stop(); });
    const std::stop_callback ending{core_.stopping.get_token(), [stop]() mutable { stop.request_stop(); }};
    Work job{core_.verifier, core_.loop, "", [package, token = stop.get_token()] {
                 yieldToOthers();
                 if (token.stop_requested())
                     throw Error{Code::Failed, "Verifying was given up: its caller has left, or the service stops"};
                 try {
                     HashTree::load(package->fd.get(), package->image, *package->verity)
                         .verifyData(package->fd.get(), package->image, 0, token);
                     return true;
                 } catch (const Error& error) {
                     if (error.code() != Code::Corrupted) throw;
                     spdlog::error("{} is corrupted: {}", package->manifest.container(), error.what());
                     return false;
                 }
             }};
    const bool good = co_await job;
    co_return std::tuple<bool>{good};
}

}  // namespace northstar::bus
