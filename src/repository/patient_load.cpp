// SPDX-License-Identifier: Apache-2.0
#include "repository/patient_load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "package/package.h"
#include "repository/directory.h"
#include "repository/install.h"

namespace northstar {
namespace {

using Step = std::function<void()>;
using Content = std::optional<RepositoryContent>;  // none: as before
using Work = std::function<Content(const Step&)>;  // owns what it uses

// Shared with the thread, which may outlive whoever waits for it.
struct Job {
    Work work;

    std::mutex mutex;
    std::condition_variable_any changed;
    std::uint64_t steps = 0;
    bool abandoned = false;
    bool done = false;
    Content content;
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

void run(Job& job) {
    try {
        Content content = job.work([&job] { step(job); });
        const std::lock_guard lock{job.mutex};
        job.content = std::move(content);
        job.done = true;
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
    const auto ended = [&job] { return job.done || job.failure; };
    while (!ended()) {
        const std::uint64_t before = job.steps;
        const auto moved = [&] { return ended() || job.steps != before; };
        if (!job.changed.wait_for(lock, stop, kPatience, moved)) return false;
    }
    return true;
}

// None: it was given up, and `why` says why, if nobody has asked for that.
std::optional<Content> runPatiently(const std::string& directory, Work work, const std::stop_token& stop,
                                    std::string& why) {
    const std::string silent = fmt::format("{} does not answer; see what it is on, then ask for a Reload", directory);
    if (Stalled::has(directory)) {
        why = silent;
        return std::nullopt;
    }
    const auto job = std::make_shared<Job>();
    job->work = std::move(work);
    try {
        std::thread{[job] { run(*job); }}.detach();
    } catch (const std::system_error& error) {
        why = std::string{"cannot start a thread to read it: "} + error.what();
        return std::nullopt;
    }
    std::unique_lock lock{job->mutex};
    if (!await(*job, lock, stop)) {
        job->abandoned = true;
        lock.unlock();
        Stalled::add(directory, job);
        if (!stop.stop_requested()) why = silent;
        return std::nullopt;
    }
    if (job->failure) std::rethrow_exception(job->failure);
    return std::move(job->content);
}

Content load(const Repository& repository, const RepositoryContent& previous, const Step& step) {
    removeInterruptedInstalls(repository.config);
    if (repository.watch) {
        Noted seenBelow;
        repository.watch->drain(seenBelow);
        repository.watch->arm();
    }
    return loadDirectory(repository.name, repository.config, repository.keys, previous, step);
}

// Is one of the files not as it is known?
bool differs(const UniqueFd& directory, const std::set<std::string>& files, const RepositoryContent& content) {
    if (files.empty()) return false;
    std::map<std::string_view, const FileIdentity*> known;
    for (const auto& [container, entry] : content.entries) known.emplace(entry.file, &entry.package->identity);
    for (const auto& [file, refusal] : content.refused) known.emplace(file, &refusal.identity);
    return std::ranges::any_of(files, [&](const std::string& file) {
        const auto before = known.find(file);
        struct stat status{};
        if (fstatat(directory.get(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return before != known.end();
        return before == known.end() || identify(status) != *before->second;
    });
}

Content look(const Repository& repository, Noted noted, const Step& step) {
    DirectoryWatch& watch = *repository.watch;
    if (noted.path && watch.arm()) noted.all = true;
    try {
        const UniqueFd directory = openRepositoryDirectory(repository.config.dir);
        watch.settle(directory, noted);
        std::erase_if(noted.files, [&](const std::string& file) { return watch.isUnfinished(file); });
        if (!noted.all && !differs(directory, noted.files, repository.content)) return std::nullopt;
    } catch (const Error&) {  // said by the load
        if (!noted.all && noted.files.empty()) return std::nullopt;
    }
    return loadDirectory(repository.name, repository.config, repository.keys, repository.content, step, &watch);
}

}  // namespace

RepositoryContent loadPatiently(Repository& repository, const RepositoryContent& previous,
                                const std::stop_token& stop) {
    std::string why;
    Work work = [repository, previous](const Step& step) { return load(repository, previous, step); };
    std::optional<Content> loaded = runPatiently(repository.config.dir, std::move(work), stop, why);
    if (loaded) return std::move(**loaded);
    if (Stalled::has(repository.config.dir)) repository.watch.reset();  // the thread that was left may use it
    return why.empty() ? previous : keep(repository, previous, why);
}

PatientLook lookPatiently(const std::shared_ptr<const Repository>& repository, Noted noted,
                          const std::stop_token& stop) {
    std::string why;
    Work work = [repository, noted = std::move(noted)](const Step& step) { return look(*repository, noted, step); };
    std::optional<Content> looked = runPatiently(repository->config.dir, std::move(work), stop, why);
    if (looked) return {std::move(*looked), true};
    return {why.empty() ? repository->content : keep(*repository, repository->content, why), false};
}

}  // namespace northstar
