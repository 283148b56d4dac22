// SPDX-License-Identifier: Apache-2.0
#include "repository/list_limit.h"

#include <fmt/format.h>

#include <iterator>

#include "base/error.h"
#include "base/log.h"

namespace northstar {

std::size_t countContainers(const Catalog::Repositories& repositories) {
    std::size_t count = 0;
    for (const auto& [name, repository] : repositories) count += repository->content.entries.size();
    return count;
}

void refuseBeyond(RepositoryContent& content, const std::string& repository, std::size_t room) {
    if (content.entries.size() <= room) return;
    log::warn(
        "Repository {}: {} containers are refused, as all repositories together hold {}, the most that can be "
        "listed",
        repository, content.entries.size() - room, kMostListed);
    const auto first = std::next(content.entries.begin(), static_cast<std::ptrdiff_t>(room));
    for (auto it = first; it != content.entries.end(); ++it) {
        const std::string& file = it->second.file.empty() ? it->first : it->second.file;
        const Error error{Code::CapacityExceeded,
                          fmt::format("Cannot use {} of repository {}: all repositories together hold {} containers, "
                                      "the most that can be listed",
                                      it->first, repository, kMostListed)};
        content.refused.insert_or_assign(file, Refusal{{}, error});  // tried again by the next load
    }
    content.entries.erase(first, content.entries.end());
}

}  // namespace northstar
