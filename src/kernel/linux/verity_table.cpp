// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/verity_table.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <bit>

#include "base/checked.h"
#include "base/error.h"

namespace northstar {
namespace {

const char* options(VerityMode mode) {
    switch (mode) {
        case VerityMode::Eio: return "";
        case VerityMode::Restart: return " 1 restart_on_corruption";
        case VerityMode::Panic: return " 1 panic_on_corruption";
    }
    return "";
}

}  // namespace

std::string verityParameters(const VerityTable& table, dev_t device) {
    return fmt::format("1 {0}:{1} {0}:{1} {2} {2} {3} {4} sha256 {5} {6}{7}", major(device), minor(device),
                       table.blockSize, table.dataBlocks, table.hashStartBlock, table.rootHash,
                       table.salt.empty() ? "-" : table.salt, options(table.mode));
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
