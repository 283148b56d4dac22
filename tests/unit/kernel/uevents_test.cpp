// SPDX-License-Identifier: Apache-2.0
// Which uevents count as dm-verity's word that a block is wrong.
#include "kernel/linux/uevents.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <string>

namespace northstar {
namespace {

using namespace std::string_literals;

const std::string kHead = "change@/devices/virtual/block/dm-3\0ACTION=change\0DEVPATH=/devices/virtual/block/dm-3\0"s;
const std::string kDevice = "SUBSYSTEM=block\0MAJOR=254\0MINOR=3\0DEVNAME=dm-3\0DEVTYPE=disk\0SEQNUM=4711\0"s;

std::optional<Corruption> parse(const std::string& message) {
    return parseCorruption({message.data(), message.size()});
}

TEST(Uevent, NamesDeviceAndDataBlock) {
    const auto event = parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,42\0"s + kDevice);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->device, makedev(254, 3));
    EXPECT_EQ(event->block, 42U);
    EXPECT_FALSE(event->metadata);
    EXPECT_EQ(event->diskSequence, 0U);  // Linux before 5.15
}

TEST(Uevent, NamesTheDiskWhoseDeviceNumberItWas) {
    const auto event = parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,42\0DISKSEQ=12345678901\0"s + kDevice);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->diskSequence, 12345678901U);
}

TEST(Uevent, TellsHashBlocksFromDataBlocks) {
    const auto event = parse(kHead + kDevice + "DM_VERITY_ERR_BLOCK_NR=1,18446744073709551615\0"s);
    ASSERT_TRUE(event);
    EXPECT_TRUE(event->metadata);
    EXPECT_EQ(event->block, 18446744073709551615U);
}

TEST(Uevent, OfAnotherKindIsNoCorruption) {
    EXPECT_FALSE(parse(kHead + kDevice));
    EXPECT_FALSE(parse(kHead + kDevice + "DM_VERITY_ERR_BLOCK_NR_X=0,1\0"s));
}

TEST(Uevent, OfNoBlockDeviceIsNoCorruption) {
    EXPECT_FALSE(parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,1\0SUBSYSTEM=net\0MAJOR=254\0MINOR=3\0"s));
    EXPECT_FALSE(parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,1\0MAJOR=254\0MINOR=3\0"s));
}

TEST(Uevent, WithoutDeviceNumberIsNoCorruption) {
    EXPECT_FALSE(parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,1\0SUBSYSTEM=block\0MAJOR=254\0"s));
    EXPECT_FALSE(parse(kHead + "DM_VERITY_ERR_BLOCK_NR=0,1\0SUBSYSTEM=block\0MAJOR=4096\0MINOR=3\0"s));
}

TEST(Uevent, WithMalformedBlockIsNoCorruption) {
    for (const char* value : {"", "0", "0,", ",1", "2,1", "0,1x", "0,-1", "0, 1", "0,18446744073709551616", "x,1"}) {
        EXPECT_FALSE(parse(kHead + "DM_VERITY_ERR_BLOCK_NR="s + value + '\0' + kDevice)) << value;
    }
}

TEST(Uevent, FromUdevIsNoCorruption) { EXPECT_FALSE(parse("libudev\0"s + "DM_VERITY_ERR_BLOCK_NR=0,1\0"s + kDevice)); }

TEST(Uevent, CutShortIsNoCorruption) {
    const std::string whole = kHead + kDevice + "DM_VERITY_ERR_BLOCK_NR=0,42\0"s;
    ASSERT_TRUE(parse(whole));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_FALSE(parse(whole.substr(0, length))) << length;
    }
}

}  // namespace
}  // namespace northstar
