// SPDX-License-Identifier: Apache-2.0
// What others wrote is shown on one printable line.
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/expect_error.h"

namespace northstar::test {
namespace {

TEST(Printable, KeepsTextAndUtf8) { EXPECT_EQ(printable("hello-1.0 äöü €"), "hello-1.0 äöü €"); }

TEST(Printable, ReplacesControlCharacters) { EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a?b?c?[31m?"); }

TEST(Printable, ReplacesBytesThatAreNotUtf8) {
    EXPECT_EQ(printable("\xff"), "?");
    EXPECT_EQ(printable("\xc3"), "?");                 // cut short
    EXPECT_EQ(printable("\xc0\xaf"), "??");            // overlong
    EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // surrogate
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
    EXPECT_EQ(printable("\xc2\x85"), "??");            // a C1 control
}

TEST(Printable, ReplacesWhatChangesTheDirectionOfTextOrBreaksLines) {
    for (const char* mark :
         {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"}) {
        const std::string hidden = mark;
        EXPECT_EQ(printable("a" + hidden + "b"), "a" + std::string(hidden.size(), '?') + "b");
    }
}

TEST(Printable, IsNeverLongerWhateverItReplaces) {
    EXPECT_EQ(printable(std::string(300, '\n')), std::string(200, '?') + "...");
}

TEST(Printable, CutsLongTextBetweenCharacters) {
    EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
    EXPECT_EQ(printable(std::string(201, 'x')), std::string(200, 'x') + "...");
    EXPECT_EQ(printable(std::string(199, 'x') + "ä"), std::string(199, 'x') + "...");
}

TEST(ErrnoText, NamesTextAndSymbol) {
    EXPECT_EQ(errnoText(ENOENT), "No such file or directory (ENOENT)");
    EXPECT_EQ(errnoText(99999), "error 99999");
}

TEST(ThrowErrno, SaysWhatAndWhy) {
    expectError(Code::Busy, "Cannot eat: Device or resource busy (EBUSY)",
                [] { throwErrno(Code::Busy, "Cannot eat", EBUSY); });
}

}  // namespace
}  // namespace northstar::test
