// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_clone.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"
#include "kernel/linux/file_origin.h"
#include "kernel/linux/mount_point.h"

namespace northstar {
namespace {

// A mount namespace that belongs to a new user namespace has copies of all mounts with their flags locked
// (mount_namespaces(7), "Restrictions on mount namespaces"), and a clone of such a copy keeps the lock. Threads cannot
// unshare a user namespace, so a process is needed: one that shares all but its working directory with this thread,
// which waits for it as after vfork(2). Its descriptors are ours, so its end closes none.
struct Cloning {
    int mount;       // directory at the root of the mount
    int namespaces;  // CLONE_NEW* flags
    const char* failed = nullptr;
    int error = 0;
    int clone = -1;
};

// System calls alone, and no destructors: it runs on a stack of its own in the memory of all other threads.
int cloneThere(void* argument) {
    auto& job = *static_cast<Cloning*>(argument);
    const auto fail = [&](const char* what) {
        job.error = errno;
        job.failed = what;
        return 1;
    };
    if (::fchdir(job.mount) != 0) return fail("going there");
    // The new namespace's working directory is the copy of the mount. It propagates nothing: neither may a clone.
    if (::unshare(job.namespaces) != 0) return fail("unshare(2)");
    if (::mount(nullptr, ".", nullptr, MS_PRIVATE, nullptr) != 0) return fail("making it private");
    job.clone = static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
    return job.clone < 0 ? fail("open_tree(2)") : 0;
}

void runInChild(Cloning& job) {
    alignas(16) std::array<char, 64 << 10> stack{};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // a handler in the child would act on our memory
    const pid_t child = ::clone(cloneThere, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | CLONE_FILES, &job);
    if (child < 0) {
        job.error = errno;
        job.failed = "clone(2)";
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    while (child > 0 && ::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {}
}

}  // namespace

UniqueFd cloneExactly(const MountIdentity& identity, const std::string& mountPoint, CloneFor whom) {
    const UniqueFd top = openMount(identity, mountPoint);
    const std::string what = "cloning the mount at \"" + printable(mountPoint) + "\"";
    Cloning job{top.get(), CLONE_NEWUSER | CLONE_NEWNS};
    runInChild(job);
    const bool locked = job.failed == nullptr;
    if (!locked && whom == CloneFor::Root) {
        job = {top.get(), CLONE_NEWNS};
        runInChild(job);
    }
    UniqueFd clone{job.clone};
    if (job.failed == nullptr) return clone;
    static_cast<void>(locateMount(identity, mountPoint));  // NotMounted, if somebody has just taken it down
    if (job.error == ENOSYS) throw Error{Code::Unsupported, what + " needs open_tree(2), Linux 5.2"};
    if (whom == CloneFor::Anybody) {
        throw Error{Code::Unsupported,
                    fmt::format("{}: {}: {}; only root may have a clone whose flags are not locked, which takes user "
                                "namespaces (CONFIG_USER_NS, user.max_user_namespaces)",
                                what, job.failed, errnoText(job.error))};
    }
    throwErrno(Code::Failed, fmt::format("{}: {}", what, job.failed), job.error);
}

}  // namespace northstar
