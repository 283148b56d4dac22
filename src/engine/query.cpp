// SPDX-License-Identifier: Apache-2.0
#include "engine/query.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "auth/authorizer.h"
#include "auth/call.h"
#include "auth/method_table.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/details.h"
#include "package/container_name.h"
#include "package/image/hash_tree.h"
#include "package/package.h"
#include "repository/catalog.h"

namespace northstar {
namespace {

// A check takes every processor for as long as the image is big; mounts and the bus go first. Threads that this
// thread starts inherit it: setpriority(2), "C library/kernel differences".
void yieldToOthers() {
    constexpr int kNice = 10;
    const auto thread = static_cast<id_t>(gettid());
    if (getpriority(PRIO_PROCESS, thread) >= kNice) return;
    if (setpriority(PRIO_PROCESS, thread, kNice) != 0) {
        log::debug("Cannot lower the priority of a check: {}", errnoText(errno));
    }
}

bool isIntact(const Package& package, const std::stop_token& stop) {
    yieldToOthers();
    if (stop.stop_requested()) {
        throw Error{Code::Failed, "Verifying was given up: its caller has left, or the service stops"};
    }
    try {
        HashTree::load(package.fd.get(), package.image, *package.verity)
            .verifyData(package.fd.get(), package.image, 0, stop);
        return true;
    } catch (const Error& error) {
        if (error.code() != Code::Corrupted) throw;
        log::error("{} is corrupted: {}", package.manifest.container(), error.what());
        return false;
    }
}

}  // namespace

std::vector<ListedContainer> Queries::containers() const {
    const auto mounted = registry_.mountedContainers();
    std::vector<ListedContainer> list;
    for (const auto& [name, repository] : packages_.catalog().repositories()) {
        for (const auto& [container, entry] : repository->content.entries) {
            const Manifest& manifest = entry.package->manifest;
            list.push_back({manifest.name, manifest.version.text(), name, mounted.contains({name, container})});
        }
    }
    return list;
}

Task<Inspected> Queries::inspect(std::string what) {
    Found found = co_await packages_.current(std::move(what), {});
    const bool mounted = registry_.isMounted(found.container, found.repository->name);
    co_return Inspected{std::move(found), mounted};
}

Task<bool> Queries::verify(CallPtr call, std::string what, std::string repository) {
    Found found = packages_.catalog().find(what, repository);
    const ContainerName container = found.entry.package->manifest.containerName();
    const std::string& name = found.repository->name;
    const Details details = containerDetails(container, name, found.repository->verified());
    co_await authorizer_.require(call, action::kVerify, details);
    found = co_await packages_.current(found.container, name);
    const std::shared_ptr<const Package> package = found.entry.package;
    if (!package->verity) {
        throw Error{Code::InvalidSignature,
                    fmt::format("Cannot verify {}: repository {} has no key, so nothing says what it must be",
                                found.container, found.repository->name)};
    }
    const EitherStop stop{call->gone(), stopping_};
    co_return co_await verifier_.run([&] { return isIntact(*package, stop.token()); });
}

}  // namespace northstar
