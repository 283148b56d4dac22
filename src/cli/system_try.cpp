// SPDX-License-Identifier: Apache-2.0
// Asking the kernel itself. Each question makes it load the module, if there is one.
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/if_alg.h>
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/std.h"
#include "base/unique_fd.h"
#include "cli/system.h"

namespace northstar::cli {

std::optional<bool> tryFilesystem(const std::string& name) {
    const UniqueFd context{static_cast<int>(syscall(SYS_fsopen, name.c_str(), FSOPEN_CLOEXEC))};
    if (context) return true;
    if (errno == ENODEV) return false;
    std::ifstream known{"/proc/filesystems"};  // of what is built in or loaded, for those who may not ask
    for (std::string line; std::getline(known, line);) {
        if (line == "\t" + name) return true;
    }
    return std::nullopt;
}

std::optional<bool> tryVerity() {
    const UniqueFd control{open("/dev/mapper/control", O_RDWR | O_CLOEXEC)};
    if (!control) return std::nullopt;
    struct {  // a question with the name of a target behind it, and room for the answer: struct dm_target_versions
        dm_ioctl head;
        std::array<char, 512> data;
    } question{};
    question.head.version[0] = DM_VERSION_MAJOR;
    question.head.version[1] = 41;  // the first that knows the question: Linux 5.4
    question.head.data_size = sizeof question;
    question.head.data_start = sizeof question.head;
    std::strncpy(question.head.name, "verity", sizeof question.head.name - 1);
    if (ioctl(control.get(), DM_GET_TARGET_VERSION, &question) == 0) return true;
    return errno == EINVAL ? std::optional{false} : std::nullopt;
}

std::optional<bool> tryLoop() {
    const UniqueFd control{open("/dev/loop-control", O_RDWR | O_CLOEXEC)};
    if (control || errno == EACCES || errno == EPERM) return true;
    return errno == ENODEV || errno == ENXIO ? std::optional{false} : std::nullopt;
}

std::optional<bool> trySha256() {
    const UniqueFd socket{::socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!socket) return std::nullopt;
    sockaddr_alg wanted{};
    wanted.salg_family = AF_ALG;
    std::memcpy(wanted.salg_type, "hash", sizeof "hash");
    std::memcpy(wanted.salg_name, "sha256", sizeof "sha256");
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) == 0) return true;
    return std::nullopt;  // ENOENT: no such algorithm, or no way for programs to have one
}

}  // namespace northstar::cli
