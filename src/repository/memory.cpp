// SPDX-License-Identifier: Apache-2.0
#include "repository/memory.h"

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "package/image/hash_tree.h"
#include "package/image/sealed_image.h"
#include "package/keys.h"
#include "package/package.h"

namespace northstar {
namespace {

UniqueFd duplicate(int fd) {
    UniqueFd copy = duplicateFd(fd);
    if (!copy) throwErrno(Code::Failed, "Cannot duplicate the descriptor of a package in memory", errno);
    return copy;
}

}  // namespace

RepositoryEntry memoryEntry(std::shared_ptr<const Package> package) {
    auto sealed = std::make_shared<SealedImage>();
    sealed->fd = duplicate(package->fd.get());
    sealed->image = {package->image.offset, package->dataSize()};
    return {"", std::move(package), std::move(sealed)};
}

RepositoryContent checkMemoryAgain(const std::string& repository, const KeyRing& keys,
                                   const RepositoryContent& previous) {
    const auto policy = keys.empty() ? SignaturePolicy::Optional : SignaturePolicy::Required;
    RepositoryContent content;
    for (const auto& [container, entry] : previous.entries) {
        const Package& old = *entry.package;
        try {
            auto package = std::make_shared<const Package>(
                openPackage(duplicate(old.fd.get()), keys, policy, repository + "/" + container));
            if (package->verity && !old.verity) {  // else its blocks were checked when it was installed
                HashTree::load(package->fd.get(), package->image, *package->verity)
                    .verifyData(package->fd.get(), package->image, 0, {});
            }
            content.entries.emplace(container, memoryEntry(std::move(package)));
        } catch (const Error& error) {
            log::warn("Removed {} from the memory repository {}: {}", container, repository, error.what());
            content.refused.insert({container, {old.identity, container, error}});
        }
    }
    return content;
}

}  // namespace northstar
