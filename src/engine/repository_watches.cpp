// SPDX-License-Identifier: Apache-2.0
#include "engine/repository_watches.h"

#include <algorithm>
#include <chrono>
#include <stop_token>

#include "async/callback.h"
#include "base/log.h"
#include "repository/catalog.h"
#include "repository/list_limit.h"
#include "repository/repository.h"

namespace northstar {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSettle{100};          // one look for a burst of changes
constexpr milliseconds kAfterMounts{500};     // and for one of mounts, most of which have nothing to do with it
constexpr milliseconds kShortestPause{1000};  // after a look
constexpr milliseconds kLongestPause{60'000};
constexpr int kShare = 10;              // looks take a tenth of the time at most
constexpr std::size_t kMostTold = 256;  // signals in one turn of the loop: others are answered between

}  // namespace

RepositoryWatches::RepositoryWatches(RepositoryLine& line, World& world, Runtime& runtime)
    : line_{line}, world_{world}, runtime_{runtime} {
    world_.observers.add(*this);
}

RepositoryWatches::~RepositoryWatches() {
    world_.observers.remove(*this);
    for (const auto& [name, watched] : watched_) ignore(*watched);
}

void RepositoryWatches::follow() {
    const Catalog::Repositories& all = world_.catalog.repositories();
    std::erase_if(watched_, [&](const auto& entry) {
        const auto it = all.find(entry.first);
        if (it != all.end() && it->second->watch == entry.second->watch) return false;
        ignore(*entry.second);
        return true;
    });
    for (const auto& [name, repository] : all) {
        if (!repository->watch || repository->watch->fd() < 0) continue;
        auto& watched = watched_[name];
        if (watched) continue;
        watched = std::make_shared<Watched>(Watched{name, repository->watch, repository->watch->fd()});
        listen(watched);
    }
}

bool RepositoryWatches::isFollowed(const Shared& watched) const {
    const auto it = watched_.find(watched->repository);
    return it != watched_.end() && it->second == watched;
}

void RepositoryWatches::listen(const Shared& watched) {
    watched->listening = true;
    runtime_.loop.watch(watched->fd, [this, weak = std::weak_ptr{watched}] {
        if (const Shared there = weak.lock()) lookAfter(there, kSettle);
    });
    if (watched->path) lookAfter(watched, kAfterMounts);
}

void RepositoryWatches::ignore(Watched& watched) {
    if (std::exchange(watched.listening, false)) runtime_.loop.unwatch(watched.fd);
}

void RepositoryWatches::mountTableChanged() {
    for (const auto& [name, watched] : watched_) {
        watched->path = true;
        if (watched->listening) lookAfter(watched, kAfterMounts);
    }
}

// A timer, and no coroutine that sleeps: nothing here keeps a stop waiting.
void RepositoryWatches::lookAfter(const Shared& watched, milliseconds delay) {
    ignore(*watched);
    runtime_.loop.after(delay, [this, weak = std::weak_ptr{watched}] {
        const Shared there = weak.lock();
        if (there && !runtime_.stopping.stop_requested()) runtime_.scope.spawn(look(there));
    });
}

Task<> RepositoryWatches::look(Shared watched) {
    const auto turn = co_await enterLine(line_);
    if (runtime_.stopping.stop_requested() || !isFollowed(watched)) co_return;
    const auto begin = std::chrono::steady_clock::now();
    bool again = false;
    try {
        const Looked looked = co_await lookInTurn(*watched);
        again = looked.again;
    } catch (const std::exception& error) {
        log::error("Cannot look at repository {}: {}", watched->repository, error.what());
    }
    if (!isFollowed(watched)) co_return;
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    runtime_.loop.after(std::clamp(kShare * took, kShortestPause, kLongestPause),
                        [this, again, weak = std::weak_ptr{watched}] {
                            const Shared there = weak.lock();
                            if (!there) return;
                            if (again) {
                                lookAfter(there, milliseconds{0});
                            } else {
                                listen(there);
                            }
                        });
}

Task<Looked> RepositoryWatches::lookInTurn(Watched& watched) {
    const auto before = world_.catalog.repository(watched.repository);
    const std::size_t others = countContainers(world_.catalog.repositories()) - before->content.entries.size();
    const std::size_t room = kMostListed - std::min(kMostListed, others);
    const std::stop_token stop = runtime_.stopping.get_token();
    Noted noted;
    noted.path = std::exchange(watched.path, false);
    auto job = runtime_.pools.bulk.run([&] { return lookAgain(before, noted, room, stop); });
    Looked looked = co_await job;
    if (!looked.repository) co_return looked;
    world_.catalog.set(looked.repository);
    follow();
    if (looked.difference.any) {
        world_.observers.repositoryChanged(watched.repository);
        co_await tell(watched.repository, looked.difference);
    }
    co_return looked;
}

Task<> RepositoryWatches::tell(const std::string& repository, const Difference& difference) {
    std::size_t told = 0;
    const auto more = [&] { return ++told % kMostTold == 0; };
    for (const std::string& container : difference.gone) {
        world_.observers.vanished(container, repository);
        if (more()) co_await sleep(runtime_.loop, milliseconds{0});
    }
    for (const std::string& container : difference.came) {
        world_.observers.appeared(container, repository);
        if (more()) co_await sleep(runtime_.loop, milliseconds{0});
    }
}

}  // namespace northstar
