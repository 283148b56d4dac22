// SPDX-License-Identifier: Apache-2.0
// Lists of files, from what unsquashfs prints and from a directory.
#include "npk/listing.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "npk/progress.h"
#include "npk/shown.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::npk {
namespace {

std::string printed(Listing& listing) {
    std::ostringstream out;
    listing.print(out);
    return out.str();
}

TEST(Listing, ReadsTheLinesOfUnsquashfs) {
    const auto file = parseSquashfsLine("-rwsr-xr-x 0/0                   3 2023-11-14 22:13 squashfs-root/bin/a b");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->mode, "-rwsr-xr-x");
    EXPECT_EQ(file->size, "3");
    EXPECT_EQ(file->path, "/bin/a b");
    EXPECT_EQ(parseSquashfsLine("drwxr-xr-x 0/0    37 2023-11-14 22:13 squashfs-root")->path, "/");
    EXPECT_EQ(parseSquashfsLine("crw-r--r-- 0/0   1,  3 2023-11-14 22:13 squashfs-root/null")->size, "1,3");
    EXPECT_EQ(parseSquashfsLine("lrwxrwxrwx 0/0    1 2023-11-14 22:13 squashfs-root/l -> x")->path, "/l -> x");
}

TEST(Listing, TakesNothingElseForALine) {
    for (const char* line :
         {"", " ", "Parallel unsquashfs: Using 2 processors", "-rwsr-xr-x", "drwxr-xr-x 0/0 37",
          "drwxr-xr-x 0/0 37 2023-11-14 22:13 elsewhere", "drwxr-xr-x 0/0 37 2023-11-14 22:13",
          "zrwxr-xr-x 0/0 37 2023-11-14 22:13 squashfs-root", "-rw-r--r-- 0/0 3, 2023-11-14",
          "drwxr-xr-x 0/0 37 14.11.2023 22:13 squashfs-root", "-rw-r--r-- 0/0 1 2023-11-14 22:13 squashfs-rootx"}) {
        EXPECT_FALSE(parseSquashfsLine(line)) << line;
    }
}

TEST(Listing, TakesItsInputInAnyPieces) {
    const std::string lines =
        "header\n-rw-r--r-- 0/0 1 2023-11-14 22:13 squashfs-root/b\n-rw-r--r-- 0/0 2 2023-11-14 22:13 "
        "squashfs-root/a\n";
    for (std::size_t step = 1; step < lines.size(); ++step) {
        Listing listing{""};
        for (std::size_t at = 0; at < lines.size(); at += step)
            listing.addLines(std::string_view{lines}.substr(at, step));
        EXPECT_EQ(printed(listing), "-rw-r--r--            2 /a\n-rw-r--r--            1 /b\n");
    }
}

TEST(Listing, ShowsAPathWithWhatIsInIt) {
    Listing listing{"a"};
    for (const char* name : {"", "/a", "/a/x", "/ab", "/a b", "/b/a"}) {
        listing.addLines(std::string{"-rw-r--r-- 0/0 1 2023-11-14 22:13 squashfs-root"} + name + "\n");
    }
    EXPECT_EQ(printed(listing), "-rw-r--r--            1 /a\n-rw-r--r--            1 /a/x\n");
}

TEST(Listing, EndsNamesWithoutEnd) {
    Listing listing{""};
    test::expectError(Code::Failed, "without end", [&] {
        for (int i = 0; i < 100; ++i) listing.addLines(std::string(1000, 'x'));
    });
}

TEST(Listing, ReadsADirectory) {
    const test::TemporaryDirectory folder;
    std::filesystem::create_directory(folder / "d");
    folder.write("d/file", "four");
    std::filesystem::create_symlink("file", folder / "d/link");
    ::chmod((folder / "d/file").c_str(), 0640);
    ::chmod((folder / "d").c_str(), 01755);
    Listing listing{"d/file"};
    listing.addTree(folder.path());
    EXPECT_EQ(printed(listing), "-rw-r-----            4 /d/file\n");
    Listing whole{""};
    whole.addTree(folder.path());
    EXPECT_NE(printed(whole).find("drwxr-xr-t"), std::string::npos);
    EXPECT_NE(printed(whole).find("/d/link -> file\n"), std::string::npos);
}

TEST(Shown, KeepsTextAndMasksControls) {
    const std::string long_name(5000, 'x');
    EXPECT_EQ(shown(long_name), long_name);
    EXPECT_EQ(shown("ä\x1b[31m\n\xff"), "ä?[31m??");
}

TEST(SizeText, HasOneUnit) {
    EXPECT_EQ(sizeText(0), "0 bytes");
    EXPECT_EQ(sizeText(1023), "1023 bytes");
    EXPECT_EQ(sizeText(1536), "1.5 KiB");
    EXPECT_EQ(sizeText(std::uint64_t{5} << 30U), "5.0 GiB");
}

}  // namespace
}  // namespace northstar::npk
