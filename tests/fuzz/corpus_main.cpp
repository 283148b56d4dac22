// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's corpus as an ordinary test, without libFuzzer: each file below the folders that are given,
// and a number of copies of it with bytes changed, the same ones each time.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz/require.h"

namespace {

constexpr int kCopies = 64;

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void change(Bytes& bytes, std::minstd_rand& random) {
    if (bytes.empty()) return;
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
        // What describes the rest lies at the ends.
        const std::size_t reach = random() % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 600);
        const std::size_t at = random() % reach;
        auto& byte = random() % 2 == 0 ? bytes[at] : bytes[bytes.size() - 1 - at];
        switch (random() % 3) {
            case 0: byte = static_cast<std::uint8_t>(byte ^ (1U << (random() % 8))); break;
            case 1: byte = static_cast<std::uint8_t>(random()); break;
            default: byte = random() % 2 == 0 ? 0 : 255;
        }
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
}

int run(const std::filesystem::path& path) {
    const Bytes bytes = read(path);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    std::minstd_rand random;
    for (int i = 0; i < kCopies; ++i) {
        Bytes copy = bytes;
        change(copy, random);
        LLVMFuzzerTestOneInput(copy.data(), copy.size());
    }
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    int files = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator{argv[i]}) {
            if (entry.is_regular_file()) files += run(entry.path());
        }
    }
    std::printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
