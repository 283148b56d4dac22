// SPDX-License-Identifier: Apache-2.0
// Repositories whose directories are changed by hand, over the network or by an updater: read again a moment later, in
// the line of all that changes repositories, and told of. A flood of changes is one look, and a look that takes long is
// not taken often. Bus thread only.
#pragma once

#include <chrono>
#include <variant>

#include "async/lanes.h"
#include "async/task.h"
#include "base/std.h"
#include "engine/observer.h"
#include "engine/world.h"
#include "repository/load.h"
#include "repository/watch.h"

namespace northstar {

using RepositoryLine = Lanes<std::monostate>;  // one for all

// Waits for its turn.
[[nodiscard]] inline Task<RepositoryLine::Turn> enterLine(RepositoryLine& line) {
    return line.enter({{{}, Entry::Exclusive}});
}

class RepositoryWatches : public Observer {
public:
    // Until destroyed. All arguments are borrowed.
    RepositoryWatches(RepositoryLine& line, World& world, Runtime& runtime);
    ~RepositoryWatches() override;
    RepositoryWatches(const RepositoryWatches&) = delete;
    RepositoryWatches& operator=(const RepositoryWatches&) = delete;

    // Listens to the watches that the repositories of the catalog have now, and to no others.
    void follow();

    // Of containers that came and went by hand, after the change of the repository was told. In a turn of the line.
    Task<> tell(const std::string& repository, const Difference& difference);

    // Something may have been mounted over a directory.
    void mountTableChanged() override;

private:
    struct Watched {
        std::string repository;
        std::shared_ptr<DirectoryWatch> watch;
        int fd;
        bool listening = false;
        bool path = false;  // the next look has to see where the path leads
    };
    using Shared = std::shared_ptr<Watched>;

    void listen(const Shared& watched);
    void ignore(Watched& watched);
    // In place of listening.
    void lookAfter(const Shared& watched, std::chrono::milliseconds delay);
    Task<> look(Shared watched);
    // Returns what it changed, in its turn.
    Task<Looked> lookInTurn(Watched& watched);
    [[nodiscard]] bool isFollowed(const Shared& watched) const;

    RepositoryLine& line_;
    World& world_;
    Runtime& runtime_;
    std::map<std::string, Shared> watched_;  // by repository
};

}  // namespace northstar
