// SPDX-License-Identifier: Apache-2.0
// The dm-verity table line, and what cannot be one.
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "kernel/linux/device_mapper.h"

namespace northstar {
namespace {

VerityTable table() {
    VerityTable table;
    table.name = "northstar-1";
    table.uuid = "NORTHSTAR-1";
    table.dataBlocks = 7;
    table.hashStartBlock = 8;
    table.rootHash = "aa11";
    table.salt = "bb22";
    return table;
}

TEST(VerityTable, HasDataAndTreeOnOneDevice) {
    EXPECT_EQ(verityParameters(table(), makedev(7, 300)), "1 7:300 7:300 4096 4096 7 8 sha256 aa11 bb22");
}

TEST(VerityTable, WritesAnEmptySaltAsDash) {
    VerityTable unsalted = table();
    unsalted.salt.clear();
    EXPECT_EQ(verityParameters(unsalted, makedev(7, 0)), "1 7:0 7:0 4096 4096 7 8 sha256 aa11 -");
}

TEST(VerityTable, PassesTheModeAsOneOption) {
    VerityTable strict = table();
    strict.mode = VerityMode::Restart;
    EXPECT_TRUE(verityParameters(strict, makedev(7, 0)).ends_with(" bb22 1 restart_on_corruption"));
    strict.mode = VerityMode::Panic;
    EXPECT_TRUE(verityParameters(strict, makedev(7, 0)).ends_with(" bb22 1 panic_on_corruption"));
}

TEST(VerityTable, CountsSectorsOf512Bytes) {
    EXPECT_EQ(veritySectors(table()), 56U);
    VerityTable small = table();
    small.blockSize = 1024;
    EXPECT_EQ(veritySectors(small), 14U);
}

TEST(VerityTable, RefusesSizesThatCannotBe) {
    VerityTable none = table(), huge = table(), odd = table(), tiny = table(), large = table();
    none.dataBlocks = 0;
    huge.dataBlocks = UINT64_MAX / 4096 + 1;
    odd.blockSize = 4095;
    tiny.blockSize = 256;
    large.blockSize = 8192;
    for (const VerityTable& wrong : {none, huge, odd, tiny, large}) {
        EXPECT_THROW(static_cast<void>(veritySectors(wrong)), Error) << wrong.dataBlocks << " " << wrong.blockSize;
    }
}

}  // namespace
}  // namespace northstar
