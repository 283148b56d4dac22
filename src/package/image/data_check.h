// SPDX-License-Identifier: Apache-2.0
// Checks an image's data blocks against their digests, by several threads. Internal to src/package.
#pragma once

#include <atomic>
#include <mutex>
#include <stop_token>

#include "base/checked.h"
#include "base/std.h"
#include "package/digest.h"
#include "package/image/hash_tree.h"
#include "package/image/verity.h"

namespace northstar {

// Threads take chunks in ascending order, and after a damaged block only those before it are finished: so the
// block that is reported is the first damaged one of the image. One run an object; what it refers to has to
// outlive it.
class DataCheck {
public:
    DataCheck(int fd, Extent image, const Verity& verity, const std::vector<std::uint8_t>& leaves,
              const std::stop_token& stop, const HashTree::Sink& sink);

    // The calling thread works, too. Throws as HashTree::verifyData does.
    void run(unsigned threads);

private:
    void work() noexcept;
    void workThrough();
    [[nodiscard]] std::optional<std::uint64_t> firstDamaged(std::span<const std::uint8_t> data,
                                                            std::uint64_t firstBlock, class SaltedHash& hash) const;
    void report(std::uint64_t block);

    static constexpr std::uint64_t kNone = UINT64_MAX;

    const int fd_;
    const Extent image_;
    const Verity& verity_;
    const std::vector<std::uint8_t>& leaves_;
    const std::stop_token& stop_;
    const HashTree::Sink& sink_;

    std::atomic<std::uint64_t> nextChunk_{0};
    std::atomic<std::uint64_t> damagedBlock_{kNone};  // the lowest
    std::atomic<bool> failed_{false};
    std::mutex failureMutex_;
    std::exception_ptr failure_;  // the first one
};

}  // namespace northstar
