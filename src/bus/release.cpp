// SPDX-License-Identifier: Apache-2.0
#include "bus/release.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "engine/mount_job.h"

namespace northstar::bus {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline = 2s;
constexpr std::chrono::milliseconds kFirstPause = 10ms, kLongestPause = 100ms;

}  // namespace

Async<Done> awaitRelease(Core& core, MountRecord record) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    auto pause = kFirstPause;
    while (std::chrono::steady_clock::now() < deadline) {
        Callback<Done> waited{[&](const Callback<Done>::Complete& complete) {
            core.loop.after(pause, [complete] { complete(Done{}); });
        }};
        co_await waited;
        pause = std::min(2 * pause, kLongestPause);
        Work look{core.workers, core.loop, "", [&] { return releaseDevices(core.kernel, record); }};
        const bool gone = co_await look;
        // Another mount of the same file looks like this one's device, and shows that it was free.
        if (gone || core.registry.isReused(record)) co_return Done{};
    }
    Work which{core.workers, core.loop, "", [&] { return deviceLeft(core.kernel, record); }};
    const std::string left = co_await which;
    spdlog::warn("{} is unmounted from {}, but {} is still held by somebody else; it goes with them",
                 record.container(), record.mountPoint, left);
    core.registry.hold(std::move(record));
    co_return Done{};
}

Async<Done> recountHeld(Core& core, uid_t owner) {
    constexpr std::size_t kMostKept = 256;  // also where there is no limit
    Registry& registry = core.registry;
    const auto now = std::chrono::steady_clock::now();
    if (registry.held().empty() || (registry.held().size() < kMostKept && !registry.isFull(owner))) co_return Done{};
    if (now < core.nextRecount || core.stopping.stop_requested()) co_return Done{};
    core.nextRecount = now + 1s;
    Work look{core.workers, core.loop, "", [&kernel = core.kernel, records = registry.held()] {
                  std::vector<std::uint32_t> gone;
                  for (const auto& [id, record] : records) {
                      if (areDevicesGone(kernel, record)) gone.push_back(id);
                  }
                  return gone;
              }};
    const std::vector<std::uint32_t> gone = co_await look;
    for (const std::uint32_t id : gone) registry.letGo(id);
    co_return Done{};
}

}  // namespace northstar::bus
