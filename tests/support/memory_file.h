// SPDX-License-Identifier: Apache-2.0
// Files in memory, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace northstar::test {

// A memfd that may be sealed. What is skipped is a hole: gigabytes of it take no memory.
class MemoryFile {
public:
    MemoryFile();
    explicit MemoryFile(std::string_view content) : MemoryFile{} { append(content); }

    void append(std::string_view bytes);
    void skip(std::uint64_t bytes);
    void overwrite(std::uint64_t offset, std::string_view bytes) const;
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    // Seals it against any change; it cannot be written afterwards.
    void seal() const;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] UniqueFd duplicate() const;
    UniqueFd release() { return std::move(fd_); }

private:
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

// Bytes of a file, for comparing.
[[nodiscard]] std::string contentOf(int fd, std::uint64_t offset, std::uint64_t size);

}  // namespace northstar::test
