// SPDX-License-Identifier: Apache-2.0
#include "repository/patient_load.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/std.h"
#include "repository/install.h"

namespace northstar {
namespace {

// Shared with the thread, which may outlive whoever waits for it.
struct Job {
    Repository repository;
    RepositoryContent previous;

    std::mutex mutex;
    std::condition_variable_any changed;
    std::uint64_t steps = 0;
    bool abandoned = false;
    std::optional<RepositoryContent> content;
    std::exception_ptr failure;
};

// Ends a load that nobody waits for any more.
struct Abandoned {};

void step(Job& job) {
    const std::lock_guard lock{job.mutex};
    if (job.abandoned) throw Abandoned{};
    ++job.steps;
    job.changed.notify_all();
}

void load(Job& job) {
    try {
        const Repository& repository = job.repository;
        removeInterruptedInstalls(repository.config);
        RepositoryContent content =
            loadDirectory(repository.name, repository.config, repository.keys, job.previous, [&job] { step(job); });
        const std::lock_guard lock{job.mutex};
        job.content = std::move(content);
    } catch (const Abandoned&) {
        return;
    } catch (...) {
        const std::lock_guard lock{job.mutex};
        job.failure = std::current_exception();
    }
    job.changed.notify_all();
}

// The jobs that were left to themselves, by directory; they are gone when their threads are.
class Stalled {
public:
    static bool has(const std::string& directory) {
        const std::lock_guard lock{mutex()};
        std::erase_if(jobs(), [](const auto& job) { return job.second.expired(); });
        return jobs().contains(directory);
    }
    static void add(const std::string& directory, const std::shared_ptr<Job>& job) {
        const std::lock_guard lock{mutex()};
        jobs().insert_or_assign(directory, job);
    }

private:
    // Never destroyed: threads may go on while the process ends.
    static std::mutex& mutex() {
        static auto& it = *new std::mutex;
        return it;
    }
    static std::map<std::string, std::weak_ptr<Job>>& jobs() {
        static auto& all = *new std::map<std::string, std::weak_ptr<Job>>;
        return all;
    }
};

RepositoryContent keep(const Repository& repository, const RepositoryContent& previous, const std::string& why) {
    RepositoryContent content = previous;
    content.problem = fmt::format("Repository {} keeps the {} containers that it had: {}", repository.name,
                                  previous.entries.size(), why);
    log::warn("{}", content.problem);
    return content;
}

// Does it end? False: it got no further for too long, or the stop was asked for.
bool await(Job& job, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const auto ended = [&job] { return job.content || job.failure; };
    while (!ended()) {
        const std::uint64_t before = job.steps;
        const auto moved = [&] { return ended() || job.steps != before; };
        if (!job.changed.wait_for(lock, stop, kPatience, moved)) return false;
    }
    return true;
}

}  // namespace

RepositoryContent loadPatiently(const Repository& repository, const RepositoryContent& previous,
                                const std::stop_token& stop) {
    const std::string& directory = repository.config.dir;
    const std::string silent = fmt::format("{} does not answer; see what it is on, then ask for a Reload", directory);
    if (Stalled::has(directory)) return keep(repository, previous, silent);
    const auto job = std::make_shared<Job>();
    job->repository = repository;
    job->previous = previous;
    try {
        std::thread{[job] { load(*job); }}.detach();
    } catch (const std::system_error& error) {
        return keep(repository, previous, std::string{"cannot start a thread to read it: "} + error.what());
    }
    std::unique_lock lock{job->mutex};
    if (!await(*job, lock, stop)) {
        job->abandoned = true;
        lock.unlock();
        Stalled::add(directory, job);
        return stop.stop_requested() ? previous : keep(repository, previous, silent);
    }
    if (job->failure) std::rethrow_exception(job->failure);
    return std::move(*job->content);
}

}  // namespace northstar
