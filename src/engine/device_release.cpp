// SPDX-License-Identifier: Apache-2.0
#include "engine/device_release.h"

#include "async/callback.h"
#include "base/log.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline = 2s;
constexpr std::chrono::milliseconds kFirstPause = 10ms, kLongestPause = 100ms;

}  // namespace

Task<> DeviceRelease::awaitGone(MountRecord record) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    auto pause = kFirstPause;
    while (std::chrono::steady_clock::now() < deadline) {
        co_await sleep(loop_, pause);
        pause = std::min(2 * pause, kLongestPause);
        const bool gone = co_await pool_.run([&] { return steps_.releaseDevices(record); });
        // Another mount of the same file looks like this one's device, and shows that it was free.
        if (gone || registry_.isReused(record)) co_return;
    }
    try {
        const std::string left = co_await pool_.run([&] { return steps_.deviceLeft(record); });
        log::warn("{} is unmounted from {}, but {} is still held by somebody else; it goes with them",
                  record.container(), record.mountPoint, left);
    } catch (const std::exception& error) {
        log::warn("{} is unmounted from {}, but one of its devices is still held: {}", record.container(),
                  record.mountPoint, error.what());
    }
    registry_.hold(std::move(record));
}

Task<> DeviceRelease::recountHeld(uid_t owner) {
    constexpr std::size_t kMostKept = 256;  // also where there is no limit
    const auto& held = registry_.held();
    const auto now = std::chrono::steady_clock::now();
    if (held.empty() || (held.size() < kMostKept && !registry_.isFull(owner))) co_return;
    if (now < nextRecount_ || stopping_.stop_requested()) co_return;
    nextRecount_ = now + 1s;
    const std::map<std::uint32_t, MountRecord> records = held;
    std::vector<std::uint32_t> gone;
    co_await pool_.run([&] {
        for (const auto& [id, record] : records) {
            if (steps_.areDevicesGone(record)) gone.push_back(id);
        }
    });
    for (const std::uint32_t id : gone) registry_.letGo(id);
}

}  // namespace northstar
