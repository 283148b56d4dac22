// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/verity_table.h"

#include <sys/sysmacros.h>

#include <bit>

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
    const std::string number = std::to_string(major(device)) + ":" + std::to_string(minor(device));
    const std::string blockSize = std::to_string(table.blockSize);
    return "1 " + number + " " + number + " " + blockSize + " " + blockSize + " " + std::to_string(table.dataBlocks) +
           " " + std::to_string(table.hashStartBlock) + " sha256 " + table.rootHash + " " +
           (table.salt.empty() ? "-" : table.salt) + options(table.mode);
}

std::uint64_t veritySectors(const VerityTable& table) {
    const bool goodSize = std::has_single_bit(table.blockSize) && table.blockSize >= 512 && table.blockSize <= 4096;
    const auto sectors = checkedMul(table.dataBlocks, table.blockSize / 512);
    if (!goodSize || !sectors || *sectors == 0 || !checkedMul(*sectors, 512)) {
        throw Error{Code::InvalidArgs, "a verity device of " + std::to_string(table.dataBlocks) + " blocks of " +
                                           std::to_string(table.blockSize) + " bytes cannot be"};
    }
    return *sectors;
}

}  // namespace northstar
