// SPDX-License-Identifier: Apache-2.0
// The command lines of mksquashfs and mkfs.erofs.
#include "npk/filesystem_maker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/expect_error.h"

namespace northstar::npk {
namespace {

std::string line(const PackOptions& options, const std::vector<std::string>& nodes = {}) {
    std::string text;
    for (const auto& word : makerArguments(options, "image", "seed", 0, nodes)) text += word + " ";
    return text;
}

class Maker : public testing::Test {
protected:
    PackOptions squashfs{.directory = "dir"};
    PackOptions erofs{.directory = "dir", .filesystem = "erofs"};
};

TEST_F(Maker, IsMksquashfsWithoutWhatIsOfThisMachine) {
    EXPECT_EQ(line(squashfs),
              "mksquashfs dir image -noappend -no-progress -quiet -no-xattrs -exit-on-error -comp gzip -b "
              "131072 ");
    squashfs.compression = "none";
    squashfs.blockSize = 4096;
    EXPECT_NE(line(squashfs).find("-noI -noD -noF -b 4096"), std::string::npos);
}

TEST_F(Maker, IsMkfsErofsWithAUuidOfTheSeed) {
    EXPECT_EQ(line(erofs).find("mkfs.erofs -x-1 -U"), 0U);
    EXPECT_EQ(line(erofs), line(erofs));
    EXPECT_NE(makerArguments(erofs, "image", "seed", 0, {})[2], makerArguments(erofs, "image", "other", 0, {})[2]);
    EXPECT_NE(line(erofs).find("-zlz4hc image dir"), std::string::npos);
    EXPECT_NE(line(erofs, {"dev/null"}).find("--exclude-path=dev/null"), std::string::npos);
    erofs.blockSize = 65536;
    EXPECT_NE(line(erofs).find("-C65536"), std::string::npos);
}

TEST_F(Maker, PassesOwnersOn) {
    for (PackOptions* options : {&squashfs, &erofs}) {
        options->uid = 12;
        options->gid = 34;
        const std::string text = line(*options);
        EXPECT_TRUE(text.find("uid 12") != std::string::npos || text.find("uid=12") != std::string::npos) << text;
        options->allRoot = true;
        EXPECT_NE(line(*options).find("-all-root"), std::string::npos);
    }
}

TEST_F(Maker, RefusesWhatErofsDoesNotHave) {
    erofs.compression = "lzo";
    test::expectError(Code::InvalidArgs, "no compression lzo", [&] { line(erofs); });
    erofs.compression = "none";
    erofs.blockSize = 4096;
    test::expectError(Code::InvalidArgs, "--block-size", [&] { line(erofs); });
}

TEST_F(Maker, TakesNoDirectoryForAnOption) {
    squashfs.directory = erofs.directory = "-x";
    EXPECT_NE(line(squashfs).find(" ./-x "), std::string::npos);
    EXPECT_NE(line(erofs).find(" ./-x "), std::string::npos);
}

}  // namespace
}  // namespace northstar::npk
