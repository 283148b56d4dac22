// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/device_mapper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include <atomic>
#include <bit>
#include <cstdarg>
#include <cstdio>

#include "base/checked.h"
#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "kernel/linux/calls.h"

namespace northstar {
namespace {

constexpr int kLevelMask = 7;  // the rest of a level are flags; 2 and 3 are errors (libdm: lib/log/log.h)
constexpr int kLevelError = 3;

std::mutex mutex;
std::string lastError;  // guarded by mutex: libdevmapper only logs while it works

// What fails here is reported by our own errors, so all of it is for debugging.
[[gnu::format(printf, 5, 6)]] void logLine(int level, const char*, int, int, const char* format, ...) {
    level &= kLevelMask;
    if (level > kLevelError && !log::enabled(log::Level::Trace)) return;
    std::array<char, 512> text{};
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    va_end(arguments);
    if (level <= kLevelError) {
        lastError = text.data();
        log::debug("libdevmapper: {}", text.data());
    } else {
        log::trace("libdevmapper: {}", text.data());
    }
}

void setUp() {
    dm_log_with_errno_init(logLine);
    dm_udev_set_sync_support(0);  // no semaphore, no waiting for udev, works without it
    dm_hold_control_dev(1);
}

void check(int ok, const char* what) {
    if (ok == 0) throw Error{Code::Failed, fmt::format("device-mapper: {}: {}", what, lastError)};
}

const char* targetOptions(VerityMode mode) {
    switch (mode) {
        case VerityMode::Eio: return "";
        case VerityMode::Restart: return " 1 restart_on_corruption";
        case VerityMode::Panic: return " 1 panic_on_corruption";
    }
    return "";
}

}  // namespace

DmTask::DmTask(int type) : lock_{mutex} {
    [[maybe_unused]] static const bool ready = (setUp(), true);
    lastError.clear();
    task_ = dm_task_create(type);
    if (task_ == nullptr) throw Error{Code::Failed, "device-mapper: no task can be made: " + lastError};
}

DmTask::~DmTask() { dm_task_destroy(task_); }

void DmTask::setName(const std::string& name) { check(dm_task_set_name(task_, name.c_str()), "setting a name"); }

void DmTask::setUuid(const std::string& uuid) { check(dm_task_set_uuid(task_, uuid.c_str()), "setting a UUID"); }

void DmTask::setTarget(std::uint64_t sectors, const char* type, const std::string& parameters) {
    check(dm_task_add_target(task_, 0, sectors, type, parameters.c_str()), "setting a table");
}

int DmTask::run() {
    if (dm_task_run(task_) != 0) return 0;
    const int error = dm_task_get_errno(task_);
    return error != 0 ? error : EPROTO;  // libdevmapper itself gave up: versions that do not go together
}

bool hasDeviceMapper() {
    static std::atomic<bool> known = false;
    // Opening the node loads the module, where there is one.
    if (known) return true;
    const UniqueFd control{::open("/dev/mapper/control", O_RDWR | O_CLOEXEC)};
    if (!control && isShortage(errno)) throwErrno(Code::Failed, "opening /dev/mapper/control", errno);
    return known = static_cast<bool>(control);
}

std::string verityParameters(const VerityTable& table, dev_t device) {
    return fmt::format("1 {0}:{1} {0}:{1} {2} {2} {3} {4} sha256 {5} {6}{7}", major(device), minor(device),
                       table.blockSize, table.dataBlocks, table.hashStartBlock, table.rootHash,
                       table.salt.empty() ? "-" : table.salt, targetOptions(table.mode));
}

std::uint64_t veritySectors(const VerityTable& table) {
    const bool goodSize = std::has_single_bit(table.blockSize) && table.blockSize >= 512 && table.blockSize <= 4096;
    const auto sectors = checkedMul(table.dataBlocks, table.blockSize / 512);
    if (!goodSize || !sectors || *sectors == 0 || !checkedMul(*sectors, 512)) {
        throw Error{Code::InvalidArgs, fmt::format("a verity device of {} blocks of {} bytes cannot be",
                                                   table.dataBlocks, table.blockSize)};
    }
    return *sectors;
}

}  // namespace northstar
