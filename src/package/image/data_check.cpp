// SPDX-License-Identifier: Apache-2.0
#include "package/image/data_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <system_error>
#include <thread>

#include "base/checked.h"
#include "base/error.h"
#include "package/digest.h"
#include "package/image/hash_tree.h"
#include "package/image/verity.h"
#include "package/read_at.h"

namespace northstar {
namespace {

constexpr std::uint64_t kBlock = Verity::kBlockSize;
constexpr std::uint64_t kChunkBlocks = 256;  // 1 MiB: fits a processor's cache, and pays for a system call
constexpr unsigned kMaxThreads = 64;

}  // namespace

DataCheck::DataCheck(int fd, Extent image, const Verity& verity, const std::vector<std::uint8_t>& leaves,
                     const std::stop_token& stop, const HashTree::Sink& sink)
    : fd_{fd}, image_{image}, verity_{verity}, leaves_{leaves}, stop_{stop}, sink_{sink} {}

void DataCheck::run(unsigned threads) {
    ::posix_fadvise(fd_, static_cast<off_t>(image_.offset), static_cast<off_t>(verity_.superblockOffset),
                    POSIX_FADV_SEQUENTIAL);  // only advice
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    const std::uint64_t chunks = (verity_.dataBlocks - 1) / kChunkBlocks + 1;
    const std::uint64_t helpers = std::min<std::uint64_t>({threads, kMaxThreads, chunks}) - 1;
    {
        std::vector<std::jthread> running;
        try {
            for (std::uint64_t i = 0; i < helpers; ++i) running.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
            // No more threads to be had: it takes longer with those that there are.
        }
        work();
    }  // joins
    if (failure_) std::rethrow_exception(failure_);
    if (const std::uint64_t block = damagedBlock_; block != kNone) {
        throw Error{Code::Corrupted,
                    "Data block " + std::to_string(block) + " of the image does not match the signed root hash"};
    }
}

void DataCheck::work() noexcept {
    try {
        workThrough();
    } catch (...) {
        const std::lock_guard lock{failureMutex_};
        if (!failure_) failure_ = std::current_exception();
        failed_ = true;
    }
}

void DataCheck::workThrough() {
    SaltedHash hash{verity_.salt};
    std::vector<std::uint8_t> buffer(kChunkBlocks * kBlock);
    while (!failed_) {
        const std::uint64_t first = nextChunk_.fetch_add(1) * kChunkBlocks;
        if (first >= verity_.dataBlocks || first > damagedBlock_) return;
        if (stop_.stop_requested())
            throw Error{Code::Failed,
                        "Checking the image was given up, as its caller has left or the service stops; try again"};
        const std::uint64_t size = std::min(kChunkBlocks, verity_.dataBlocks - first) * kBlock;
        const std::span<std::uint8_t> data = std::span{buffer}.first(size);
        const std::size_t got = readAt(fd_, image_.offset + first * kBlock, data);
        const auto whole = data.first(got - got % kBlock);  // a block that is not all there is a damaged one
        auto damaged = firstDamaged(whole, first, hash);
        if (!damaged && whole.size() < size) damaged = first + whole.size() / kBlock;
        if (damaged) return report(*damaged);
        if (sink_) sink_(first * kBlock, data);
    }
}

std::optional<std::uint64_t> DataCheck::firstDamaged(std::span<const std::uint8_t> data, std::uint64_t firstBlock,
                                                     SaltedHash& hash) const {
    for (std::uint64_t block = firstBlock; !data.empty(); ++block, data = data.subspan(kBlock)) {
        const Sha256 digest = hash(data.first(kBlock));
        if (std::memcmp(digest.data(), leaves_.data() + block * digest.size(), digest.size()) != 0) return block;
    }
    return std::nullopt;
}

void DataCheck::report(std::uint64_t block) {
    std::uint64_t lowest = damagedBlock_;
    while (block < lowest && !damagedBlock_.compare_exchange_weak(lowest, block)) {}
}

}  // namespace northstar
