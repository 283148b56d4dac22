// SPDX-License-Identifier: Apache-2.0
#include "model/call_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

namespace northstar::test {
namespace {

std::string nameOf(const std::map<std::uint64_t, const char*>& names, std::uint64_t value) {
    const auto it = names.find(value);
    return it == names.end() ? std::to_string(value) : it->second;
}

}  // namespace

const std::vector<FailingCall>& failingCalls() {
    static const std::vector<FailingCall> kCalls{
#ifdef SYS_open  // arm64 has the calls with "at" only
        {SYS_open, "open", Subject::Path, {EMFILE, ENFILE, ENOMEM, EACCES, EIO}},
        {SYS_mkdir, "mkdir", Subject::Path, {ENOSPC, EDQUOT, EROFS, ENOMEM, EACCES}},
        {SYS_unlink, "unlink", Subject::Path, {EIO, EROFS}, false},
        {SYS_rename, "rename", Subject::Path, {ENOSPC, EIO, EROFS}},
        {SYS_readlink, "readlink", Subject::Path, {EACCES, EIO, ENOMEM}},
        {SYS_epoll_wait, "epoll_wait", Subject::None, {EINTR}},
        {SYS_poll, "poll", Subject::None, {ENOMEM, EINTR}, false},
#endif
        {SYS_openat, "openat", Subject::PathAt, {EMFILE, ENFILE, ENOMEM, EACCES, EIO}},
        {SYS_openat2, "openat2", Subject::PathAt, {EMFILE, ENFILE, ENOMEM, EACCES, EIO, ENOSYS}},
        {SYS_read, "read", Subject::Descriptor, {EIO, EINTR}},
        {SYS_pread64, "pread64", Subject::Descriptor, {EIO, EINTR}},
        {SYS_write, "write", Subject::Descriptor, {ENOSPC, EDQUOT, EIO}},
        {SYS_pwrite64, "pwrite64", Subject::Descriptor, {ENOSPC, EIO, ENOMEM}},
        {SYS_newfstatat, "newfstatat", Subject::PathAt, {EIO, ENOMEM, EACCES}},
        {SYS_fstat, "fstat", Subject::Descriptor, {EIO, ENOMEM}},
        {SYS_statx, "statx", Subject::PathAt, {EIO, ENOMEM, EACCES}},
        {SYS_statfs, "statfs", Subject::Path, {EIO, ENOMEM, EINTR}},
        {SYS_fstatfs, "fstatfs", Subject::Descriptor, {EIO, ENOMEM, EINTR}},
        {SYS_mkdirat, "mkdirat", Subject::PathAt, {ENOSPC, EDQUOT, EROFS, ENOMEM, EACCES}},
        {SYS_unlinkat, "unlinkat", Subject::PathAt, {EIO, EROFS, ENOMEM}, false},
        {SYS_renameat, "renameat", Subject::PathAt, {ENOSPC, EIO, EROFS, ENOMEM}},
        {SYS_renameat2, "renameat2", Subject::PathAt, {ENOSPC, EIO, EROFS, ENOMEM, EINVAL}},
        {SYS_readlinkat, "readlinkat", Subject::PathAt, {EACCES, EIO, ENOMEM}},
        {SYS_getdents64, "getdents64", Subject::Descriptor, {EIO, ENOENT}},
        {SYS_fsync, "fsync", Subject::Descriptor, {EIO, ENOSPC}},
        {SYS_fchmod, "fchmod", Subject::Descriptor, {EIO, EROFS, EPERM}},
        {SYS_ftruncate, "ftruncate", Subject::Descriptor, {EIO, EINTR, EPERM}},
        {SYS_flock, "flock", Subject::Descriptor, {ENOLCK, EINTR}},
        {SYS_fcntl, "fcntl", Subject::FcntlCommand, {}},
        {SYS_memfd_create, "memfd_create", Subject::Path, {EMFILE, ENFILE, ENOMEM}},
        {SYS_ioctl, "ioctl", Subject::IoctlRequest, {EIO, ENOMEM, EBUSY, EPERM}},
        {SYS_fsopen, "fsopen", Subject::Path, {EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS, ENODEV}},
        {SYS_fsconfig, "fsconfig", Subject::FsconfigKey, {EPERM, EINVAL, ENOMEM}},
        {SYS_fsmount, "fsmount", Subject::None, {EMFILE, ENFILE, EPERM, EINVAL, ENOMEM, EBUSY}},
        {SYS_move_mount, "move_mount", Subject::None, {EPERM, ENOSYS, EINVAL, ENOMEM, EBUSY}},
        {SYS_open_tree, "open_tree", Subject::PathAt, {EMFILE, ENFILE, EPERM, ENOSYS, ENOMEM}},
        {SYS_mount, "mount", Subject::Path, {EPERM, EINVAL, ENOMEM, EBUSY}},
#ifdef SYS_mount_setattr
        {SYS_mount_setattr, "mount_setattr", Subject::Descriptor, {EPERM, ENOSYS, EINVAL, ENOMEM}},
#endif
        {SYS_umount2, "umount2", Subject::Path, {EBUSY, EPERM, ENOMEM}},
        {SYS_eventfd2, "eventfd2", Subject::None, {EMFILE, ENFILE, ENOMEM, ENODEV}},
        {SYS_signalfd4, "signalfd4", Subject::None, {EMFILE, ENFILE, ENOMEM}},
        {SYS_epoll_create1, "epoll_create1", Subject::None, {EMFILE, ENFILE, ENOMEM}},
        {SYS_epoll_ctl, "epoll_ctl", Subject::None, {ENOMEM, ENOSPC}},
        {SYS_epoll_pwait, "epoll_pwait", Subject::None, {EINTR}},
        {SYS_clone3, "clone3", Subject::None, {EAGAIN}},
        {SYS_socket, "socket", Subject::None, {EMFILE, ENFILE, ENOMEM, ENOBUFS}},
        {SYS_bind, "bind", Subject::Descriptor, {ENOMEM, EADDRINUSE}},
        {SYS_connect, "connect", Subject::Descriptor, {EAGAIN, ECONNREFUSED}},
        {SYS_getsockopt, "getsockopt", Subject::Descriptor, {ENOMEM}, false},
        {SYS_setsockopt, "setsockopt", Subject::Descriptor, {ENOMEM, ENOBUFS}, false},
        {SYS_recvmsg, "recvmsg", Subject::Descriptor, {ENOMEM, EINTR}, false},
        {SYS_sendmsg, "sendmsg", Subject::Descriptor, {ENOMEM, ENOBUFS, EINTR}, false},
        {SYS_ppoll, "ppoll", Subject::None, {ENOMEM, EINTR}, false},
    };
    return kCalls;
}

const FailingCall* findCall(long number) {
    for (const FailingCall& call : failingCalls()) {
        if (call.number == number) return &call;
    }
    return nullptr;
}

const std::map<std::string, std::vector<int>>& specialErrors() {
    static const std::map<std::string, std::vector<int>> kErrors{
        {"fcntl:F_DUPFD_CLOEXEC", {EMFILE}},
        {"fcntl:F_DUPFD", {EMFILE}},
        {"fcntl:F_ADD_SEALS", {EPERM, EBUSY}},
        {"fsconfig:create", {EPERM, EINVAL, ENOMEM, EBUSY, EIO}},
        {"ioctl:LOOP_CTL_GET_FREE", {EIO, ENOMEM, ENOSPC, EINTR}},
        {"ioctl:LOOP_GET_STATUS64", {EIO, ENXIO, EINTR}},
    };
    return kErrors;
}

const std::vector<int>& errorsOf(const FailingCall& call, const std::string& site) {
    const auto special = specialErrors().find(site);
    return special == specialErrors().end() ? call.errors : special->second;
}

std::string ioctlName(std::uint64_t request) {
    static const std::map<std::uint64_t, const char*> kNames{
        {LOOP_CTL_GET_FREE, "LOOP_CTL_GET_FREE"},
        {LOOP_CONFIGURE, "LOOP_CONFIGURE"},
        {LOOP_SET_FD, "LOOP_SET_FD"},
        {LOOP_CLR_FD, "LOOP_CLR_FD"},
        {LOOP_SET_STATUS64, "LOOP_SET_STATUS64"},
        {LOOP_GET_STATUS64, "LOOP_GET_STATUS64"},
        {LOOP_SET_BLOCK_SIZE, "LOOP_SET_BLOCK_SIZE"},
        {DM_DEV_CREATE, "DM_DEV_CREATE"},
        {DM_TABLE_LOAD, "DM_TABLE_LOAD"},
        {DM_DEV_SUSPEND, "DM_DEV_SUSPEND"},
        {DM_DEV_REMOVE, "DM_DEV_REMOVE"},
        {DM_DEV_STATUS, "DM_DEV_STATUS"},
        {DM_TABLE_STATUS, "DM_TABLE_STATUS"},
        {DM_VERSION, "DM_VERSION"},
    };
    return nameOf(kNames, request);
}

std::string fcntlName(std::uint64_t command) {
    static const std::map<std::uint64_t, const char*> kNames{
        {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
        {F_DUPFD, "F_DUPFD"},
        {F_GETFL, "F_GETFL"},
        {F_SETFL, "F_SETFL"},
        {F_GETFD, "F_GETFD"},
        {F_SETFD, "F_SETFD"},
        {F_ADD_SEALS, "F_ADD_SEALS"},
        {F_GET_SEALS, "F_GET_SEALS"},
    };
    return nameOf(kNames, command);
}

}  // namespace northstar::test
