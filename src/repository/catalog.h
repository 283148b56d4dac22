// SPDX-License-Identifier: Apache-2.0
// All repositories together: finding a container by what a caller calls it. Bus thread only.
#pragma once

#include "base/error.h"
#include "base/std.h"
#include "package/container_name.h"
#include "repository/repository.h"

namespace northstar {

struct Found {
    std::shared_ptr<const Repository> repository;
    std::string container;  // "name:version", complete
    RepositoryEntry entry;
};

class Catalog {
public:
    using Repositories = std::map<std::string, std::shared_ptr<const Repository>>;

    [[nodiscard]] const Repositories& repositories() const noexcept { return repositories_; }
    void set(std::shared_ptr<const Repository> repository);
    void replace(Repositories repositories);

    // Throws NoSuchRepository.
    [[nodiscard]] std::shared_ptr<const Repository> repository(const std::string& name) const;

    // `what`: see ContainerPattern; of several versions the highest. `inRepository`: where to look; empty: everywhere,
    // or where `what` says. In several repositories, those with keys come first, then the order of their names. Throws
    // NoSuchContainer, NoSuchRepository, InvalidArgs, or the error that a package of that name was refused with.
    [[nodiscard]] Found find(const std::string& what, const std::string& inRepository) const;

    // A package that was installed. Its repository is looked up by name; nothing happens if it is gone.
    void add(const Found& found);
    void remove(const std::string& container, const std::string& repository);
    // Remembers a package that was opened again because its file had changed. True if that changed anything.
    bool update(const Found& found);

private:
    void change(const std::string& repository, const std::function<void(RepositoryContent&)>& edit);
    [[nodiscard]] const Error* findRefusal(const std::string& repository, const std::string& what,
                                           const std::optional<ContainerPattern>& pattern) const;

    Repositories repositories_;
    // Of each repository: the files that were refused, by what they may be asked for.
    std::map<std::string, std::multimap<std::string, std::string>> claims_;
};

}  // namespace northstar
