// SPDX-License-Identifier: Apache-2.0
#include "repository/watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "base/error.h"
#include "base/path.h"
#include "repository/directory.h"

namespace northstar {
namespace {

// Of the directory. Not IN_OPEN and IN_CLOSE_NOWRITE: reading packages must not wake us.
constexpr std::uint32_t kContent = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |
                                   IN_ATTRIB | IN_EXCL_UNLINK | IN_ONLYDIR;
// Of what the path leads through. IN_IGNORED and IN_UNMOUNT come unasked.
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kNames = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;

constexpr std::size_t kMostNoted = 4096;    // files; more are as good as all
constexpr std::size_t kMostWriting = 4096;  // files; others are read as they are, and again when they are closed
constexpr int kMostTries = 5;               // to watch a path that changes meanwhile; further changes are events
constexpr std::size_t kBuffer = 64U << 10U;
constexpr int kMostReads = 128;  // more than the queue holds by default (max_queued_events): what is left waits

WalkPolicy policy() { return {.links = WalkPolicy::Links::OfRootAndUs, .missing = WalkPolicy::Missing::Left}; }

std::string inProc(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

bool isSame(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

bool DirectoryWatch::arm() {
    if (!failure_.empty()) return true;
    if (!fd_) fd_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd_) {
        failure_ = "inotify gives no more instances: " + errnoText(errno) +
                   "; raise fs.inotify.max_user_instances (sysctl), then ask for a Reload";
        return true;
    }
    bool another = false;
    for (int tries = 0; tries < kMostTries && failure_.empty(); ++tries) {
        Trace now = walk();
        if (trace_ == now) break;
        another = true;
        forget();
        trace_ = std::move(now);
        watchPath();
    }
    return another;
}

DirectoryWatch::Trace DirectoryWatch::walk() const {
    Trace trace;
    const auto add = [&](int directory) {
        struct stat status{};
        if (fstat(directory, &status) == 0) trace.steps.emplace_back(status.st_dev, status.st_ino);
    };
    WalkPolicy how = policy();
    how.lookup = [&](int directory, const std::string& name) {
        add(directory);
        trace.last = name;
    };
    try {
        const Walk walk = walkPath(pathComponents(directory_), how);
        if (walk.left.empty()) add(walk.directory.get());
        trace.whole = walk.left.empty();
    } catch (const Error&) {  // what is in the way may go
        trace.whole = false;
    }
    return trace;
}

// A component that is replaced just now is an event of the old one.
void DirectoryWatch::watchPath() {
    UniqueFd parent;
    std::string last;
    WalkPolicy how = policy();
    how.lookup = [&](int directory, const std::string& name) {
        watch(inProc(directory) + "/" + name, kSelf | IN_DONT_FOLLOW);
        parent = duplicateFd(directory);
        last = name;
    };
    try {
        const Walk walk = walkPath(pathComponents(directory_), how);
        if (walk.left.empty()) content_ = watch(inProc(walk.directory.get()), kContent);
    } catch (const Error&) {
        content_ = -1;  // as in walk()
    }
    // Somebody may be in a directory that is removed: then that is told by its parent alone.
    const int names = parent ? watch(inProc(parent.get()), kNames) : -1;
    if (names >= 0) watches_[names] = last;
}

// Two watches of one inode are one with both masks.
int DirectoryWatch::watch(const std::string& path, std::uint32_t mask) {
    const int descriptor = inotify_add_watch(fd_.get(), path.c_str(), mask | IN_MASK_ADD);
    if (descriptor >= 0) {
        watches_.try_emplace(descriptor);
    } else if (errno == ENOSPC) {
        failure_ = "inotify gives no more watches; raise fs.inotify.max_user_watches (sysctl), then ask for a Reload";
    } else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES && errno != ELOOP) {
        failure_ = "inotify cannot watch " + directory_ + ": " + errnoText(errno);
    }
    return descriptor;
}

void DirectoryWatch::forget() {
    for (const auto& [descriptor, name] : watches_) inotify_rm_watch(fd_.get(), descriptor);
    watches_.clear();
    writing_.clear();
    content_ = -1;
    unsettled_ = false;
}

void DirectoryWatch::drain(Noted& noted) {
    noted.files.merge(later_.files);
    noted.all = noted.all || later_.all;
    noted.path = noted.path || later_.path;
    later_ = {};
    read(noted);
}

void DirectoryWatch::read(Noted& noted) {
    std::vector<char> buffer(kBuffer);
    for (int reads = 0; fd() >= 0 && reads < kMostReads; ++reads) {
        const ssize_t got = ::read(fd(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            note(event.wd, event.mask, event.cookie, name, noted);
            at += sizeof event + event.len;
        }
    }
    if (noted.files.size() > kMostNoted) noted.all = true;
    renamed_.clear();
}

void DirectoryWatch::note(int descriptor, std::uint32_t mask, std::uint32_t cookie, const std::string& name,
                          Noted& noted) {
    if ((mask & IN_Q_OVERFLOW) != 0) {
        noted.all = true;
        writing_.clear();
        return;
    }
    const auto watched = watches_.find(descriptor);
    if (watched == watches_.end()) return;  // from before
    const bool self = (mask & (kSelf | IN_UNMOUNT | IN_IGNORED)) != 0;
    if (self || (!name.empty() && name == watched->second)) {
        noted.path = true;
        trace_.reset();  // the inode of what is gone may come again
        if ((mask & IN_IGNORED) != 0) watches_.erase(watched);
        return;
    }
    if (descriptor != content_) return;
    if (name.empty()) {
        noted.all = true;  // its mode: what could not be read may be readable
    } else {
        noteFile(mask, cookie, name, noted);
    }
}

void DirectoryWatch::noteFile(std::uint32_t mask, std::uint32_t cookie, const std::string& name, Noted& noted) {
    if ((mask & (IN_CREATE | IN_MODIFY)) != 0) {
        if ((mask & IN_ISDIR) == 0 && (writing_.contains(name) || writing_.size() < kMostWriting)) {
            writing_[name].written |= (mask & IN_MODIFY) != 0;
        }
    } else if ((mask & (IN_CLOSE_WRITE | IN_DELETE)) != 0) {
        writing_.erase(name);
    } else if ((mask & IN_MOVED_FROM) != 0) {
        if (const auto it = writing_.find(name); it != writing_.end()) {
            renamed_[cookie] = it->second;
            writing_.erase(it);
        }
    } else if ((mask & IN_MOVED_TO) != 0) {
        writing_.erase(name);
        if (const auto it = renamed_.find(cookie); it != renamed_.end()) writing_[name] = it->second;
    }
    if (noted.files.size() <= kMostNoted && isPackageName(name)) noted.files.insert(name);
}

void DirectoryWatch::settle(const UniqueFd& directory, Noted& noted) {
    unsettled_ = false;
    for (auto it = writing_.begin(); it != writing_.end();) {
        auto& [name, file] = *it;
        struct stat status{};
        const bool there = fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
        if (file.written || (there && !isFinished(status, file))) {
            if (!file.written && status.st_size > 0 && isPackageName(name)) unsettled_ = true;
            ++it;
            continue;
        }
        if (isPackageName(name)) noted.files.insert(name);
        it = writing_.erase(it);
    }
    read(noted);  // what was written to since is unfinished
}

// A file that is being written has the time of its last change from that; link(2) changes only the one.
bool DirectoryWatch::isFinished(const struct stat& status, Writing& file) {
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) return true;
    if (status.st_size == 0) return false;
    if (!isSame(status.st_mtim, status.st_ctim)) return true;
    const bool still = file.seen && file.size == status.st_size && isSame(file.modified, status.st_mtim);
    file.seen = true;
    file.size = status.st_size;
    file.modified = status.st_mtim;
    return still;
}

bool DirectoryWatch::isChanging(const std::string& file) {
    read(later_);
    return later_.all || later_.files.contains(file) || isUnfinished(file);
}

}  // namespace northstar
