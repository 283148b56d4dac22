// SPDX-License-Identifier: Apache-2.0
// Tells when the directory of a repository may hold something else than before: inotify(7) on the directory, and on
// each component of its path, symlinks among them, so that a directory that goes and comes back is noticed.
//
// What other machines change on a network filesystem is not seen, nor what is mounted over the path: for that,
// arm() looks again.
//
// One user at a time: arm(), drain() and the like are for whoever looks at the directory. All but drain() may block as
// long as the directory's filesystem likes.
#pragma once

#include <sys/stat.h>

#include <ctime>
#include <set>

#include "base/slow_close.h"
#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar {

// What has happened since the last look.
struct Noted {
    std::set<std::string> files;  // that may be packages, and may be new, another one, or gone
    bool all = false;             // nobody knows what else
    bool path = false;            // the path may lead elsewhere

    [[nodiscard]] bool any() const noexcept { return all || path || !files.empty(); }
};

class DirectoryWatch {
public:
    explicit DirectoryWatch(std::string directory) : directory_{std::move(directory)} {}
    // Anywhere: to close what inotify has takes some milliseconds, and is left to another thread.
    ~DirectoryWatch() { SlowClose::instance().close(std::move(fd_), SlowClose::kNobody); }
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    // Watches the directory that the path leads to now, or waits for it to come. True if it was another one before, or
    // may have been: what it holds has to be looked at after this. Without a way to watch, failure() says why.
    bool arm();
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    // Readable when there is something to drain; -1 before arm(), or if that failed. Stays the same from then on.
    [[nodiscard]] int fd() const noexcept { return failure_.empty() ? fd_.get() : -1; }

    // Adds what there is to what was noted. Does not block.
    void drain(Noted& noted);
    // Is there something that no event will tell of? Then drain again, a second later.
    [[nodiscard]] bool unsettled() const noexcept { return unsettled_ || later_.any(); }

    // Takes files that came as another link to a finished file off the unfinished ones, and notes them. `directory`:
    // the one that is watched.
    void settle(const UniqueFd& directory, Noted& noted);

    // Somebody has begun to write it and has not closed it yet.
    [[nodiscard]] bool isUnfinished(const std::string& file) const { return writing_.contains(file); }
    // The same, or there is news of it, which is left to the next drain(): what was read of it is good for nothing.
    [[nodiscard]] bool isChanging(const std::string& file);

private:
    // What was found when the path was walked.
    struct Trace {
        std::vector<std::pair<dev_t, ino_t>> steps{};
        std::string last{};  // the name that was looked up last
        bool whole = false;  // the directory is there

        bool operator==(const Trace&) const = default;
    };
    // A file from its first write on. One that was created and not written to may be another link to a finished one.
    struct Writing {
        bool written = false;
        bool seen = false;  // by settle(), when it was like this:
        off_t size = 0;
        timespec modified{};
    };

    [[nodiscard]] Trace walk() const;
    void watchPath();
    int watch(const std::string& path, std::uint32_t mask);
    void forget();
    void read(Noted& noted);
    void note(int descriptor, std::uint32_t mask, std::uint32_t cookie, const std::string& name, Noted& noted);
    void noteFile(std::uint32_t mask, std::uint32_t cookie, const std::string& name, Noted& noted);
    [[nodiscard]] static bool isFinished(const struct stat& status, Writing& file);

    const std::string directory_;
    UniqueFd fd_;
    std::string failure_;
    std::optional<Trace> trace_;                // what is watched
    std::map<int, std::string> watches_;        // by watch descriptor: the name in it that matters, if one does
    int content_ = -1;                          // the watch descriptor of the directory itself
    std::map<std::string, Writing> writing_;    // by name, packages or not
    std::map<std::uint32_t, Writing> renamed_;  // by cookie: on its way from one name to another
    bool unsettled_ = false;
    Noted later_;  // for the next drain()
};

}  // namespace northstar
