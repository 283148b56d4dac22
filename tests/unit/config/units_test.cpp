// SPDX-License-Identifier: Apache-2.0
// Times and sizes as people write them.
#include <gtest/gtest.h>

#include "config/value.h"

namespace northstar::test {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsANumberAndAUnit) {
    EXPECT_EQ(parseDuration("200ms"), 200ms);
    EXPECT_EQ(parseDuration("5s"), 5s);
    EXPECT_EQ(parseDuration("2min"), 2min);
    EXPECT_EQ(parseDuration("24h"), 24h);
}

TEST(Duration, RefusesTheRest) {
    for (const char* text : {"", "5", "s", "-5s", "+5s", "5 weeks", "1.5s", "25h", "5sx", "18446744073709551616ms"}) {
        EXPECT_EQ(parseDuration(text), std::nullopt) << text;
    }
}

TEST(Size, KnowsDecimalAndBinaryUnits) {
    EXPECT_EQ(parseSize("4096"), 4096U);
    EXPECT_EQ(parseSize("100MB"), 100'000'000U);
    EXPECT_EQ(parseSize("1GiB"), 1073741824U);
    EXPECT_EQ(parseSize("3kB"), 3000U);
    EXPECT_EQ(parseSize("3KiB"), 3072U);
    EXPECT_EQ(parseSize("0"), 0U);
}

TEST(Size, RefusesOverflowAndTheRest) {
    for (const char* text : {"", "MB", "-1", "1.5GB", "10mb", "18446744073709551616", "16777216TiB", "1GBx"}) {
        EXPECT_EQ(parseSize(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace northstar::test
