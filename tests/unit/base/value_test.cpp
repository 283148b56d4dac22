// SPDX-License-Identifier: Apache-2.0
// Small values: checked numbers, hexadecimal, owned descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/checked.h"
#include "base/hex.h"
#include "base/unique_fd.h"
#include "base/utf8.h"

namespace northstar::test {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, AnswersNothingOnOverflow) {
    EXPECT_EQ(checkedAdd(kMost - 1, 1), kMost);
    EXPECT_EQ(checkedAdd(kMost, 1), std::nullopt);
    EXPECT_EQ(checkedMul(kMost / 2, 2), kMost - 1);
    EXPECT_EQ(checkedMul(kMost / 2 + 1, 2), std::nullopt);
}

TEST(Extent, LiesWithinAFileOnlyWhole) {
    EXPECT_TRUE((Extent{10, 90}.within(100)));
    EXPECT_TRUE((Extent{100, 0}.within(100)));
    EXPECT_FALSE((Extent{10, 91}.within(100)));
    EXPECT_FALSE((Extent{101, 0}.within(100)));
    EXPECT_FALSE((Extent{kMost, 2}.within(100)));
    EXPECT_FALSE((Extent{2, kMost}.within(100)));
}

TEST(Utf8, KeepsTextAndEscapesTheRest) {
    EXPECT_EQ(toUtf8("/run/ä€😀\n\\"), "/run/ä€😀\n\\");
    EXPECT_EQ(toUtf8("a\xff"
                     "b\xc3"),
              "a\\xffb\\xc3");
    EXPECT_EQ(toUtf8("\xc0\x80\xed\xa0\x80"), "\\xc0\\x80\\xed\\xa0\\x80");  // overlong, surrogate
    EXPECT_EQ(toUtf8("\xc2\x85"), "\xc2\x85");                               // a control, but UTF-8
}

TEST(Utf8, KnowsWhatMakesATextLookLikeAnother) {
    for (const char* plain : {"", "hello ä€😀", "a<b>&c"}) EXPECT_FALSE(hasControls(plain)) << plain;
    for (const char* hidden : {"a\n", "\x7f", "a\xc2\x85", "\u061c", "\u200e", "\u2028", "\u202ex", "\u2066", "\xff"}) {
        EXPECT_TRUE(hasControls(hidden)) << hidden;
    }
}

TEST(Hex, GoesThereAndBack) {
    const std::vector<std::uint8_t> bytes{0x00, 0x7f, 0x80, 0xff};
    EXPECT_EQ(toHex(bytes), "007f80ff");
    EXPECT_EQ(fromHex("007f80FF"), bytes);
    EXPECT_EQ(fromHex(""), std::vector<std::uint8_t>{});
}

TEST(Hex, RefusesWhatIsNone) {
    for (const char* text : {"0", "0g", "g0", "0x10", " 1", "1 ", "+1", "-1", "12 4"}) {
        EXPECT_EQ(fromHex(text), std::nullopt) << text;
    }
}

bool isOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(RandomHex, IsLongAndNeverTheSame) {
    const std::string one = randomHex();
    EXPECT_EQ(one.size(), 32U);
    EXPECT_TRUE(fromHex(one));
    EXPECT_NE(one, randomHex());
}

TEST(UniqueFd, ClosesWhenItGoes) {
    int number = -1;
    {
        const UniqueFd fd{open("/dev/null", O_RDONLY | O_CLOEXEC)};
        number = fd.get();
        EXPECT_TRUE(isOpen(number));
    }
    EXPECT_FALSE(isOpen(number));
}

TEST(UniqueFd, MovesOwnership) {
    UniqueFd first{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const int number = first.get();
    UniqueFd second{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const int replaced = second.get();
    second = std::move(first);
    EXPECT_EQ(second.get(), number);
    EXPECT_FALSE(isOpen(replaced));
    const UniqueFd third{second.release()};
    EXPECT_FALSE(second);
    EXPECT_TRUE(isOpen(third.get()));
}

}  // namespace
}  // namespace northstar::test
