// SPDX-License-Identifier: Apache-2.0
#include "package/image/chunks.h"

#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/error.h"

namespace northstar {
namespace {

constexpr unsigned kMaxThreads = 64;

// One run; what it refers to outlives it.
struct Run {
    const std::uint64_t chunks;
    const std::function<ChunkWork()>& makeWork;

    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> failed{false};
    std::mutex failureMutex{};
    std::exception_ptr failure{};  // the first one

    void work() noexcept {
        try {
            const ChunkWork doChunk = makeWork();
            while (!failed) {
                const std::uint64_t chunk = next.fetch_add(1);
                if (chunk >= chunks) return;
                doChunk(chunk);
            }
        } catch (...) {
            const std::lock_guard lock{failureMutex};
            if (!failure) failure = std::current_exception();
            failed = true;
        }
    }
};

}  // namespace

void forEachChunk(std::uint64_t chunks, unsigned threads, const std::function<ChunkWork()>& makeWork) {
    if (chunks == 0) return;
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    const std::uint64_t helpers = std::min<std::uint64_t>({threads, kMaxThreads, chunks}) - 1;
    Run run{chunks, makeWork};
    {
        std::vector<std::jthread> running;
        try {
            for (std::uint64_t i = 0; i < helpers; ++i) running.emplace_back([&run] { run.work(); });
        } catch (const std::system_error&) {
            // No more threads to be had: it takes longer with those that there are.
        }
        run.work();
    }  // joins
    if (run.failure) std::rethrow_exception(run.failure);
}

void readChunks(int fd, Extent data, unsigned threads, const std::function<ChunkSink()>& makeSink) {
    constexpr std::uint64_t kBlock = 4096, kChunk = kChunkBlocks * kBlock;
    const auto makeWork = [&]() -> ChunkWork {
        return [&, sink = makeSink(), buffer = std::vector<std::uint8_t>(kChunk)](std::uint64_t chunk) mutable {
            const std::uint64_t offset = chunk * kChunk;
            const auto there = std::span{buffer}.first(std::min(kChunk, data.size - offset));
            if (readAt(fd, data.offset + offset, there) != there.size()) {
                throw Error{Code::Failed, "The image became shorter while it was read"};
            }
            const auto whole = std::span{buffer}.first((there.size() + kBlock - 1) / kBlock * kBlock);
            std::ranges::fill(whole.subspan(there.size()), std::uint8_t{0});
            sink(offset, whole);
        };
    };
    forEachChunk(data.size / kChunk + (data.size % kChunk != 0 ? 1 : 0), threads, makeWork);
}

}  // namespace northstar
