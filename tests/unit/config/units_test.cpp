// SPDX-License-Identifier: Apache-2.0
// Times and sizes as people write them.
#include "config/units.h"

#include <gtest/gtest.h>

namespace northstar::test {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsNumbersWithUnits) {
    const std::vector<std::pair<const char*, std::chrono::milliseconds>> table{
        {"200ms", 200ms},
        {"200 msec", 200ms},
        {"5s", 5s},
        {"5sec", 5s},
        {"1 second", 1s},
        {"90seconds", 90s},
        {"1.5s", 1500ms},
        {"0.25s", 250ms},
        {"0s", 0s},
        {"2m", 2min},
        {"2min", 2min},
        {"1 minute", 1min},
        {"3 minutes", 3min},
        {"2h", 2h},
        {"2hr", 2h},
        {"1hour", 1h},
        {"24 hours", 24h},
        {"1d", 24h},
        {"0.5 days", 12h},
        {"1 day", 24h},
        {"1m 30s", 90s},
        {"1min30s", 90s},
        {"55s500ms", 55500ms},
        {"1h  5m 1s  ", 3901s},
        {"1s 1s", 2s},
        {"23h 60m", 24h},
        {"1.0004s", 1000ms},  // cut off
        {"1.9999999999999999999999999s", 1999ms},
    };
    for (const auto& [text, duration] : table) EXPECT_EQ(parseDuration(text), duration) << text;
}

TEST(Duration, RefusesTheRest) {
    for (const char* text : {"",
                             "5",
                             "s",
                             "-5s",
                             "+5s",
                             "5 weeks",
                             "1,5s",
                             ".5s",
                             "5.s",
                             "25h",
                             "5sx",
                             "2d",
                             "24h1ms",
                             "1s30",
                             "5S",
                             "5M",
                             "5us",
                             "1 s, 2 ms",
                             " 5s",
                             "5s\n",
                             "1e3s",
                             "0x10s",
                             "soon",
                             "1s -1s",
                             "inf",
                             "1.5.5s",
                             "1s2",
                             "1\0s",
                             "1..5s",
                             "12h 12h 1ms",
                             "18446744073709551616ms",
                             "18446744073709551615s",
                             "999999999999999999999999d",
                             "5\u00b5s"}) {
        EXPECT_EQ(parseDuration(text), std::nullopt) << text;
    }
}

TEST(Size, IsANumberWithAUnit) {
    const std::vector<std::pair<const char*, std::uint64_t>> table{
        {"0", 0},
        {"4096", 4096},
        {"4096B", 4096},
        {"4096 b", 4096},
        {"100MB", 100'000'000},
        {"100mb", 100'000'000},
        {"100M", 100'000'000},
        {"1 GB", 1'000'000'000},
        {"1.5GB", 1'500'000'000},
        {"500 k", 500'000},
        {"3kB", 3000},
        {"3KiB", 3072},
        {"3kib", 3072},
        {"3Ki", 3072},
        {"1GiB", 1ULL << 30U},
        {"1.5GiB", 3ULL << 29U},
        {"2 T", 2'000'000'000'000},
        {"1TiB", 1ULL << 40U},
        {"1PB", 1'000'000'000'000'000},
        {"1EiB", 1ULL << 60U},
        {"15.999EiB", 18'445'591'152'204'944'769ULL},
        {"0.1KiB", 102},  // of 102.4
        {"0.9999999999999999999999999KiB", 1023},
        {"18446744073709551615", 18'446'744'073'709'551'615ULL},
        {"18446744073709551.615kB", 18'446'744'073'709'551'615ULL},
    };
    for (const auto& [text, size] : table) EXPECT_EQ(parseSize(text), size) << text;
}

TEST(Size, RefusesOverflowAndTheRest) {
    for (const char* text : {"",
                             "MB",
                             "-1",
                             "+1",
                             "-1MB",
                             "1.5",
                             "1.5B",
                             ".5GB",
                             "5.GB",
                             "1,5GB",
                             "1GBx",
                             "1MBB",
                             "1iB",
                             "1MBi",
                             "1 M B",
                             " 1MB",
                             "1MB ",
                             "1 GB 1 MB",
                             "much",
                             "1e6",
                             "0x100",
                             "1ZB",
                             "1 mib s",
                             "1\tMB",
                             "16EiB",
                             "18.5EB",
                             "18446744073709551616",
                             "16777216TiB",
                             "18446744073709551.616kB",
                             "15.9999999999999999999999EiBB",
                             "99999999999999999999999 k"}) {
        EXPECT_EQ(parseSize(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace northstar::test
