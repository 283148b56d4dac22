// SPDX-License-Identifier: Apache-2.0
// A FUSE filesystem that never answers anything: whoever asks it waits until it is gone.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/unique_fd.h"

namespace northstar::test {

class DeadFilesystem {
public:
    // Can there be one? As root, with /dev/fuse and mounting allowed.
    static bool isPossible() { return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0; }

    // In a mount namespace of the calling thread's own, which threads that it starts share. As root.
    explicit DeadFilesystem(std::string at) : at_{std::move(at)}, device_{open("/dev/fuse", O_RDWR | O_CLOEXEC)} {
        const std::string options =
            "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
        if (!device_ || unshare(CLONE_FS | CLONE_NEWNS) != 0 ||
            // In a chroot "/" is no mount, and who made that gave it a namespace of its own.
            (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL) ||
            mount("dead", at_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
            throw std::system_error{errno, std::generic_category(), "cannot mount FUSE on " + at_};
        }
    }
    // Those who wait get an error.
    ~DeadFilesystem() {
        device_.reset();
        umount2(at_.c_str(), MNT_DETACH);
    }
    DeadFilesystem(const DeadFilesystem&) = delete;
    DeadFilesystem& operator=(const DeadFilesystem&) = delete;

private:
    std::string at_;
    UniqueFd device_;
};

}  // namespace northstar::test
