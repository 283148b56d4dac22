// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/loop_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include "base/error.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kLoopMajor = 7;  // kernel: Documentation/admin-guide/devices.txt

class LoopDevice : public Device {
public:
    LoopDevice(std::string path, dev_t number, UniqueFd fd) : Device{std::move(path), number}, fd_{std::move(fd)} {}

private:
    UniqueFd fd_;  // autoclear: the kernel detaches the file when the last descriptor or mount is gone
};

// Somebody else had the same device in hand, or its node is still on the way (devtmpfs, udev): try again.
bool isRace(int error) {
    return error == EBUSY || error == EAGAIN || error == ENXIO || error == ENOENT || error == ENODEV || error == EINTR;
}

std::string describe(const LoopSpec& spec, const std::string& path) {
    return fmt::format("attaching {} bytes at offset {} to {}", spec.image.size, spec.image.offset, path);
}

// The number in "/dev/loopN".
std::optional<unsigned> loopNumber(const std::string& path) {
    constexpr std::string_view kPrefix = "/dev/loop";
    if (!path.starts_with(kPrefix) || path.size() > kPrefix.size() + 7) return std::nullopt;
    return parseNumber<unsigned>(path.substr(kPrefix.size()));
}

loop_info64 wantedInfo(const LoopSpec& spec) {
    loop_info64 info{};
    info.lo_offset = spec.image.offset;
    info.lo_sizelimit = spec.image.size;
    info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    return info;
}

// Each configure function returns 0 or an errno value, and leaves the device free in case of an error.
int configureAtOnce(int device, const LoopSpec& spec) {
    loop_config config{};
    config.fd = static_cast<__u32>(spec.fd);
    config.block_size = loopBlockSize(spec.image);
    config.info = wantedInfo(spec);
    return ::ioctl(device, LOOP_CONFIGURE, &config) == 0 ? 0 : errno;
}

int configureInSteps(int device, const LoopSpec& spec) {
    // What is read between the steps shows the file from its beginning and may stay in the page cache. udev keeps away
    // from what is locked: systemd, BLOCK_DEVICE_LOCKING.
    if (::flock(device, LOCK_EX | LOCK_NB) != 0) return errno;
    struct Rollback {
        int device;
        bool attached = false;
        ~Rollback() {
            if (attached) ::ioctl(device, LOOP_CLR_FD, 0);
            ::flock(device, LOCK_UN);
        }
    } rollback{device};
    // The device is read-only because our descriptor of it is (kernel: loop_configure()).
    if (::ioctl(device, LOOP_SET_FD, spec.fd) != 0) return errno;
    rollback.attached = true;
    const loop_info64 info = wantedInfo(spec);
    if (::ioctl(device, LOOP_SET_STATUS64, &info) != 0) return errno;
    // Linux 4.14. Without it blocks are 512 bytes, which is slower and not wrong, so the result does not matter.
    ::ioctl(device, LOOP_SET_BLOCK_SIZE, static_cast<unsigned long>(loopBlockSize(spec.image)));
    ::ioctl(device, BLKFLSBUF, 0);  // what others read nevertheless
    rollback.attached = false;
    return 0;
}

// Does the device show what was asked for, as it was asked for?
void verify(int device, int number, const LoopSpec& spec, const std::string& path) {
    struct stat file{};
    loop_info64 info{};
    if (::fstat(spec.fd, &file) != 0 || ::ioctl(device, LOOP_GET_STATUS64, &info) != 0) {
        throwErrno(Code::Failed, describe(spec, path) + ": reading it back", errno);
    }
    const __u32 flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (info.lo_number != static_cast<__u32>(number) || info.lo_device != file.st_dev || info.lo_inode != file.st_ino ||
        info.lo_offset != spec.image.offset || info.lo_sizelimit != spec.image.size ||
        (info.lo_flags & flags) != flags) {
        throw Error{Code::Failed, describe(spec, path) +
                                      ": the device shows something else; is a udev rule or "
                                      "another program changing loop devices?"};
    }
}

}  // namespace

unsigned loopBlockSize(Extent image) noexcept {
    for (const unsigned size : {4096U, 2048U, 1024U}) {
        if (image.offset % size == 0 && image.size % size == 0) return size;
    }
    return 512;
}

int LoopDevices::control() {
    const std::lock_guard lock{mutex_};
    if (!control_) control_.reset(::open("/dev/loop-control", O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (control_) return control_.get();
    const int error = errno;
    const bool lacking = error == ENOENT || error == ENODEV || error == ENXIO;
    throw Error{lacking ? Code::Unsupported : Code::DeviceUnavailable,
                "opening /dev/loop-control: " + errnoText(error) +
                    "; the kernel needs the loop driver (CONFIG_BLK_DEV_LOOP, module loop)"};
}

std::unique_ptr<Device> LoopDevices::attach(const LoopSpec& spec) {
    if (spec.image.size == 0 || spec.image.offset % 512 != 0) {
        throw Error{Code::InvalidArgs,
                    describe(spec, "a loop device") + ": the size must not be 0, the offset a multiple of 512"};
    }
    Backoff backoff{spec.timeout, 200us, 20ms};
    for (;;) {
        int error = 0;
        if (auto device = attachToFree(spec, error)) return device;
        if (!backoff.pause()) {
            throw Error{Code::Timeout,
                        fmt::format("{}: none could be had within {} ms, last error {}; raise loop_device_timeout",
                                    describe(spec, "a loop device"), spec.timeout.count(), errnoText(error))};
        }
    }
}

// One attempt. nullptr and an errno value if somebody else was quicker.
std::unique_ptr<Device> LoopDevices::attachToFree(const LoopSpec& spec, int& error) {
    const int number = ::ioctl(control(), LOOP_CTL_GET_FREE);  // adds a device if none is free
    if (number < 0) {
        error = errno;
        if (isRace(error)) return nullptr;
        throw Error{Code::DeviceUnavailable,
                    fmt::format("{}: there is no free one and none can be added: {}; {}",
                                describe(spec, "a loop device"), errnoText(error),
                                error == ENOMEM ? "the kernel is out of memory"
                                                : "raise the loop module's max_loop or unmount something")};
    }
    const std::string path = "/dev/loop" + std::to_string(number);
    UniqueFd device{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    struct stat status{};
    if (!device || ::fstat(device.get(), &status) != 0) {
        error = errno;
        if (isRace(error)) return nullptr;
        throwErrno(Code::DeviceUnavailable, "opening " + path, error);
    }
    if (!S_ISBLK(status.st_mode) || major(status.st_rdev) != kLoopMajor) {
        throw Error{Code::DeviceUnavailable, path + " is not a loop device; correct what is in /dev"};
    }
    bool old = old_;
    error = old ? configureInSteps(device.get(), spec) : configureAtOnce(device.get(), spec);
    if (!old && (error == EINVAL || error == ENOTTY)) {  // what kernels before 5.8 say
        old = true;
        error = configureInSteps(device.get(), spec);
    }
    if (isRace(error)) return nullptr;
    if (error != 0) throwErrno(Code::Failed, describe(spec, path), error);
    old_ = old;
    verify(device.get(), number, spec, path);
    return std::make_unique<LoopDevice>(path, status.st_rdev, std::move(device));
}

std::optional<LoopBacking> LoopDevices::backing(const std::string& path) {
    if (!loopNumber(path)) return std::nullopt;
    const UniqueFd device{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    loop_info64 info{};
    if (!device || ::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) {
        if (isShortage(errno)) throwErrno(Code::Failed, "asking what " + path + " shows", errno);
        return std::nullopt;
    }
    return LoopBacking{info.lo_device, info.lo_inode, info.lo_offset};
}

bool LoopDevices::released(const std::string& path, const LoopBacking& backing, bool thorough) {
    const auto number = loopNumber(path);
    if (!number) return true;
    // The attributes are there exactly while a file is attached.
    const auto offset = readLine("/sys/block/loop" + std::to_string(*number) + "/loop/offset");
    if (!offset || *offset != std::to_string(backing.offset)) return true;
    return thorough && LoopDevices::backing(path) != backing;
}

}  // namespace northstar
