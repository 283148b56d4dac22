// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/verity_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libdevmapper.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "kernel/linux/calls.h"
#include "kernel/linux/device_mapper.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

// For the "change" event that resuming sends: udev is to make no links and to probe nothing.
constexpr std::uint16_t kUdevFlags = DM_UDEV_DISABLE_DM_RULES_FLAG | DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG |
                                     DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG;

std::string sysfsPath(dev_t device) { return fmt::format("/sys/dev/block/{}:{}", major(device), minor(device)); }

[[noreturn]] void throwNoVerity(const std::string& name) {
    throw Error{Code::Unsupported,
                fmt::format("verity device {} needs dm-verity, which this kernel does not have (CONFIG_DM_VERITY); "
                            "load the module dm-verity, or set verification = \"sealed\" for the repository",
                            name)};
}

// 0 or an errno value. Deferred: a device in use is removed by the kernel when its last user goes.
int removeDevice(const std::string& uuid, bool deferred) {
    DmTask task{DM_DEVICE_REMOVE, uuid};
    if (deferred) dm_task_deferred_remove(task.get());
    std::uint32_t cookie = 0;
    dm_task_set_cookie(task.get(), &cookie, kUdevFlags);
    return task.run();
}

// The device-mapper forgets a device before it takes it apart, and a work queue may be doing that right now.
bool isThere(const std::string& uuid, dev_t device) {
    struct stat status{};
    const std::string path = sysfsPath(device);
    // Without a readable UUID it is on its way out; with another one the number is in use again.
    if (::stat(path.c_str(), &status) != 0) return isShortage(errno);
    return readLine(path + "/dm/uuid").value_or(uuid) == uuid;
}

class VerityDevice : public Device {
public:
    VerityDevice(std::string uuid, dev_t number)
        : Device{"/dev/dm-" + std::to_string(minor(number)), number}, uuid_{std::move(uuid)} {}

    // Where something uses it by now this only repeats the mark. Else it is gone when the destructor returns:
    // by our hand, or by the kernel's if that was quicker.
    ~VerityDevice() override {
        fd_.reset();
        try {
            if (removeDevice(uuid_, true) != ENXIO) return;
            Backoff backoff{1s, 200us, 5ms};
            while (isThere(uuid_, number()) && backoff.pause()) {}
        } catch (const std::exception& e) {
            log::warn("{}: {}", path(), e.what());
        }
    }

    [[nodiscard]] std::uint64_t diskSequence() const override { return sequence_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    // devtmpfs has made the node by now; without devtmpfs something else may need a moment.
    void openNode() {
        Backoff backoff{1s, 200us, 20ms};
        for (;;) {
            fd_.reset(::open(path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
            const int error = errno;
            struct stat status{};
            if (fd_ && ::fstat(fd_.get(), &status) == 0 && S_ISBLK(status.st_mode) && status.st_rdev == number()) {
                if (::ioctl(fd_.get(), BLKGETDISKSEQ, &sequence_) != 0) sequence_ = 0;  // before Linux 5.15
                return;
            }
            if (fd_) throw Error{Code::Failed, path() + " is another device; correct what is in /dev"};
            if ((error != ENOENT && error != ENXIO) || !backoff.pause()) {
                throwErrno(Code::Failed, "opening " + path(), error);
            }
        }
    }

private:
    std::string uuid_;
    std::uint64_t sequence_ = 0;
    UniqueFd fd_;
};

std::unique_ptr<VerityDevice> create(const VerityTable& table) {
    DmTask task{DM_DEVICE_CREATE};
    task.setName(table.name);
    task.setUuid(table.uuid);
    const int error = task.run();
    if (error == ENODEV || error == ENXIO) throwNoVerity(table.name);
    if (error != 0) throwErrno(Code::Failed, "creating verity device " + table.name, error);
    dm_info info{};
    if (dm_task_get_info(task.get(), &info) == 0) {
        throw Error{Code::Failed, fmt::format("creating verity device {}: its number cannot be read", table.name)};
    }
    return std::make_unique<VerityDevice>(table.uuid, makedev(info.major, info.minor));
}

int load(const VerityTable& table, dev_t data) {
    DmTask task{DM_DEVICE_RELOAD, table.uuid};
    dm_task_set_ro(task.get());
    task.setTarget(veritySectors(table), "verity", verityParameters(table, data));
    return task.run();
}

void resume(const VerityTable& table) {
    DmTask task{DM_DEVICE_RESUME, table.uuid};
    std::uint32_t cookie = 0;  // stays 0 as synchronisation is off; what counts are the flags
    dm_task_set_cookie(task.get(), &cookie, kUdevFlags);
    if (const int error = task.run()) throwErrno(Code::Failed, "activating verity device " + table.name, error);
}

// "V": no block was wrong so far, "C": one was. Empty if the device is gone.
std::string status(const std::string& uuid) {
    DmTask task{DM_DEVICE_STATUS, uuid};
    dm_task_no_flush(task.get());
    std::uint64_t start = 0, length = 0;
    char *type = nullptr, *parameters = nullptr;
    if (task.run() != 0) return "";
    dm_get_next_target(task.get(), nullptr, &start, &length, &type, &parameters);
    return parameters != nullptr ? parameters : "";
}

// The entry behind this one in a list of the device-mapper; nullptr: it is the last.
template <typename Entry>
const Entry* behind(const Entry* entry) {
    if (entry->next == 0) return nullptr;
    return reinterpret_cast<const Entry*>(reinterpret_cast<const char*>(entry) + entry->next);
}

// All device-mapper devices that bear a name like ours.
std::vector<std::string> deviceNames() {
    DmTask task{DM_DEVICE_LIST};
    if (const int error = task.run()) throwErrno(Code::Failed, "listing device-mapper devices", error);
    std::vector<std::string> found;
    for (const auto* entry = dm_task_get_names(task.get()); entry != nullptr && entry->dev != 0;
         entry = behind(entry)) {
        const std::string name{entry->name};
        if (name.starts_with(kVerityNamePrefix)) found.push_back(name);
    }
    return found;
}

// Asks the device-mapper, as a device without a table may not be in sysfs yet.
std::string uuidOf(const std::string& name) {
    DmTask task{DM_DEVICE_INFO};
    task.setName(name);
    if (task.run() != 0) return "";
    const char* uuid = dm_task_get_uuid(task.get());
    return uuid != nullptr ? uuid : "";
}

void checkFirstBlock(const VerityDevice& device, const VerityTable& table) {
    // No read-ahead: blocks further on are not to be judged here.
    ::posix_fadvise(device.fd(), 0, 0, POSIX_FADV_RANDOM);
    std::array<char, 4096> block{};
    const ssize_t length = ::pread(device.fd(), block.data(), table.blockSize, 0);
    const int error = errno;
    if (length < 0 && error != EIO) throwErrno(Code::Failed, "reading verity device " + table.name, error);
    const std::string token = status(table.uuid);
    if (length == static_cast<ssize_t>(table.blockSize) && token.starts_with('V')) return;
    throw Error{Code::Corrupted,
                fmt::format("verity device {}: the first block does not match the root hash {}; the package is damaged",
                            table.name, table.rootHash)};
}

}  // namespace

bool VerityDevices::available() {
    if (available_) return true;
    if (!hasDeviceMapper()) return false;
    {
        DmTask task{DM_DEVICE_GET_TARGET_VERSION};  // Linux 5.4; loads the module
        task.setName("verity");
        if (task.run() == 0) return available_ = true;
    }
    DmTask task{DM_DEVICE_LIST_VERSIONS};
    if (task.run() != 0) return false;
    for (const auto* target = dm_task_get_versions(task.get()); target != nullptr; target = behind(target)) {
        if (target->name == std::string{"verity"}) return available_ = true;
    }
    return false;
}

std::unique_ptr<Device> VerityDevices::open(const Device& data, const VerityTable& table) {
    if (!hasDeviceMapper()) throwNoVerity(table.name);
    auto device = create(table);
    if (const int error = load(table, data.number())) {
        available_ = false;  // the module may have been removed
        if (!available()) throwNoVerity(table.name);
        if (error == EINVAL && table.mode == VerityMode::Panic) {
            throw Error{Code::Unsupported,
                        fmt::format("verity device {}: panic on corruption needs Linux 5.9; use another verity mode",
                                    table.name)};
        }
        if (error == ENOENT) {  // crypto_alloc_ahash(), crypto_alloc_shash()
            throw Error{Code::Unsupported,
                        fmt::format("verity device {} needs the hash sha256, which this kernel does not have "
                                    "(CONFIG_CRYPTO_SHA256); load the module sha256_generic",
                                    table.name)};
        }
        throwErrno(Code::Failed, fmt::format("loading the table of verity device {} on {}", table.name, data.path()),
                   error);
    }
    // Marked before it is active: from here on it goes with this process.
    device->openNode();
    if (const int error = removeDevice(table.uuid, true)) {
        throwErrno(Code::Failed, fmt::format("marking verity device {} for deferred removal", table.name), error);
    }
    resume(table);
    checkFirstBlock(*device, table);
    return device;
}

bool VerityDevices::remove(const std::string& uuid, dev_t device) {
    const int error = hasDeviceMapper() ? removeDevice(uuid, false) : ENXIO;
    if (error != 0 && error != ENXIO) return false;
    return !isThere(uuid, device);
}

std::string VerityDevices::uuid(dev_t device) { return readLine(sysfsPath(device) + "/dm/uuid").value_or(""); }

bool VerityDevices::isCorrupted(const std::string& uuid) { return hasDeviceMapper() && status(uuid).starts_with('C'); }

std::size_t VerityDevices::removeStale(const std::vector<std::string>& keep) {
    if (!hasDeviceMapper()) return 0;
    std::size_t removed = 0;
    for (const std::string& name : deviceNames()) {
        const std::string uuid = uuidOf(name);
        if (!uuid.starts_with(kVerityUuidPrefix) || std::find(keep.begin(), keep.end(), uuid) != keep.end()) continue;
        if (removeDevice(uuid, false) == 0) {
            ++removed;
        } else {
            removeDevice(uuid, true);  // somebody has it open: it goes with them
        }
    }
    return removed;
}

}  // namespace northstar
