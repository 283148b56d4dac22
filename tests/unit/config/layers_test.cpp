// SPDX-License-Identifier: Apache-2.0
// The configuration in layers: which files are read, what hides what, and which one has the last word.
#include "config/layers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "config/config.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;

class LayersTest : public testing::Test {
protected:
    // `path` below the root, like "etc/northstar/mounter.toml".
    std::string put(const std::string& path, const std::string& text) const {
        makeParents(path);
        return directory_.write(path, text);
    }
    void link(const std::string& path, const std::string& to) const {
        makeParents(path);
        fs::create_symlink(to, directory_ / path);
    }
    ConfigReport read() const { return readConfig({std::nullopt, directory_.path()}); }
    // Without problems; the number that the files give to workers, which each has at will.
    Config config() const { return loadConfig({std::nullopt, directory_.path()}); }
    std::vector<std::string> files() const {
        std::vector<std::string> below;
        for (const auto& file : read().files) below.push_back(file.substr(directory_.path().size() + 1));
        return below;
    }
    void refuse(const std::string& part) const {
        expectError(Code::Failed, part, [&] { static_cast<void>(config()); });
    }

    TemporaryDirectory directory_;

private:
    // Whatever the umask, its owner alone may write there.
    void makeParents(const std::string& path) const {
        for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
            fs::create_directory(directory_ / path.substr(0, end));
            fs::permissions(directory_ / path.substr(0, end), fs::perms{0755});
        }
    }
};

constexpr const char* kEtc = "etc/northstar/mounter.toml";
constexpr const char* kUsr = "usr/lib/northstar/mounter.toml";

std::string etcDropIn(const std::string& name) { return std::string{kEtc} + ".d/" + name; }
std::string usrDropIn(const std::string& name) { return std::string{kUsr} + ".d/" + name; }

using Files = std::vector<std::string>;

TEST_F(LayersTest, NothingAtAllIsTheDefaults) {
    EXPECT_EQ(files(), Files{});
    EXPECT_EQ(config().limits.mounts, 4096U);
    EXPECT_NE(nameFiles({}).find("the defaults"), std::string::npos);
}

TEST_F(LayersTest, TheVendorsFileCountsWithoutTheAdministrators) {
    put(kUsr, "workers = 2\n[limits]\nmounts = 7\n");
    EXPECT_EQ(config().workers, 2U);
    put(kEtc, "workers = 3\n");
    EXPECT_EQ(files(), Files{kEtc});
    EXPECT_EQ(config().workers, 3U);
    EXPECT_EQ(config().limits.mounts, 4096U);  // hidden as a whole
}

TEST_F(LayersTest, DropInsOfBothFoldersComeAfterItByTheirNames) {
    put(kEtc, "");
    put(usrDropIn("20-b.toml"), "");
    put(etcDropIn("10-a.toml"), "");
    put(etcDropIn("30-c.toml"), "");
    put(usrDropIn("5-first-as-text.toml"), "");
    put(usrDropIn("Z.toml"), "");
    put(usrDropIn("a.toml"), "");
    put(usrDropIn("\xc3\xa4.toml"), "");  // bytes, not a language's order
    EXPECT_EQ(files(), (Files{kEtc, etcDropIn("10-a.toml"), usrDropIn("20-b.toml"), etcDropIn("30-c.toml"),
                              usrDropIn("5-first-as-text.toml"), usrDropIn("Z.toml"), usrDropIn("a.toml"),
                              usrDropIn("\xc3\xa4.toml")}));
}

TEST_F(LayersTest, DropInsNeedNoMainFile) {
    put(usrDropIn("vendor.toml"), "[repositories.vendor]\n");
    EXPECT_TRUE(config().repositories.contains("vendor"));
}

TEST_F(LayersTest, ADropInOfTheAdministratorHidesItsNamesake) {
    put(usrDropIn("10-vendor.toml"), "workers = 7\n[limits]\nmounts = 7\n");
    put(etcDropIn("10-vendor.toml"), "workers = 3\n");
    EXPECT_EQ(files(), Files{etcDropIn("10-vendor.toml")});
    EXPECT_EQ(config().limits.mounts, 4096U);
}

TEST_F(LayersTest, ALinkToDevNullOrAnEmptyFileMasks) {
    put(kUsr, "workers = 1\n");
    put(usrDropIn("a.toml"), "workers = 2\n");
    put(usrDropIn("b.toml"), "workers = 3\n");
    link(etcDropIn("b.toml"), "/dev/null");
    EXPECT_EQ(config().workers, 2U);
    put(etcDropIn("a.toml"), "");
    EXPECT_EQ(config().workers, 1U);
    link(kEtc, "/dev/null");
    EXPECT_EQ(config().workers, 0U);
    fs::remove(directory_ / etcDropIn("a.toml"));
    EXPECT_EQ(config().workers, 2U);  // what is masked keeps its drop-ins
}

TEST_F(LayersTest, OnlyTomlFilesThatAreNotHiddenAreRead) {
    for (const char* name : {".hidden.toml", "a.toml~", "a.toml.dpkg-old", "a.conf", "README", ".toml"}) {
        put(etcDropIn(name), "this = = is no TOML\n");
    }
    put(etcDropIn("a.toml.d/b.toml"), "workers = = 7\n");  // no drop-ins of drop-ins
    EXPECT_EQ(files(), Files{});
}

TEST_F(LayersTest, LaterFilesTakePrecedenceKeyByKey) {
    put(kEtc,
        "loop_device_timeout = \"1s\"\n[limits]\nmounts = 1\nmounts_per_uid = 2\n[files]\nkeys = [\"/a\", \"/b\"]\n"
        "[repositories.vendor]\ndir = \"/v\"\nkeys = [\"/v.pub\", \"/w.pub\"]\nmax_containers = 3\n");
    put(usrDropIn("10.toml"), "[limits]\nmounts = 10\n[files]\nkeys = [\"/c\"]\n");
    put(etcDropIn("20.toml"),
        "[limits]\nmounts = 20\n[repositories.vendor]\nkeys = [\"/x.pub\"]\ncapacity = \"1GB\"\n[repositories.own]\n");
    const Config read = config();
    EXPECT_EQ(read.loopDeviceTimeout, std::chrono::seconds{1});
    EXPECT_EQ(read.limits.mounts, 20U);
    EXPECT_EQ(read.limits.mountsPerUid, 2U);
    EXPECT_EQ(read.limits.pendingCallsPerClient, 64U);
    EXPECT_EQ(read.fileKeys, Files{"/c"});  // a list replaces
    const RepositoryConfig& vendor = read.repositories.at("vendor");
    EXPECT_EQ(vendor.dir, "/v");
    EXPECT_EQ(vendor.keys, Files{"/x.pub"});
    EXPECT_EQ(vendor.maxContainers, 3U);
    EXPECT_EQ(vendor.capacity, 1'000'000'000U);
    EXPECT_EQ(read.repositories.at("own").dir, "/var/lib/northstar/own");
}

TEST_F(LayersTest, OneFileAloneIsReadAlone) {
    put(usrDropIn("a.toml"), "workers = 2\n");
    const std::string file = put("alone.toml", "[limits]\nmounts = 5\n");
    const Config read = loadConfig({file, directory_.path()});
    EXPECT_EQ(read.workers, 0U);
    EXPECT_EQ(read.limits.mounts, 5U);
    expectError(Code::Failed, "/dev/null: cannot read the configuration: it is not a regular file",
                [] { static_cast<void>(loadConfig({"/dev/null"})); });
    expectError(Code::Failed, "No such file", [] { static_cast<void>(loadConfig({""})); });
}

TEST_F(LayersTest, WhatDoesNotFitTogetherIsNamedWhereItStands) {
    put(kEtc, "[repositories.a]\ndir = \"/p\"\n[repositories.m]\ndir = \"/m\"\n[repositories.a-b]\n");
    put(usrDropIn("x.toml"), "\n[repositories.b]\ndir = \"/p/\"\n");
    put(usrDropIn("y.toml"), "[repositories.m]\ntype = \"memory\"\n[repositories.a_2db]\n");
    const auto lines = read().problems.lines();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], directory_ / kEtc + ":4:7: repositories.m.dir: a memory repository has no directory");
    EXPECT_EQ(lines[1], directory_ / usrDropIn("x.toml") +
                            ":3:7: repositories.b.dir: is the directory of repository a, too; give each one its own");
    EXPECT_EQ(lines[2], directory_ / usrDropIn("y.toml") +
                            ":3:1: repositories.a_2db: has the object path of a-b; rename one of them");
}

TEST_F(LayersTest, ProblemsOfAllFilesComeInTheirOrder) {
    put(kEtc, "limits = 7\nworker = 3\n");
    put(usrDropIn("a.toml"), "workers = = 3\n");
    put(etcDropIn("b.toml"), "[repositories.v]\ncapacity = \"much\"\n");
    link(etcDropIn("c.toml"), "nowhere");
    const auto lines = read().problems.lines();
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0], directory_ / kEtc + ":1:10: limits: must be a table");
    EXPECT_EQ(lines[1], directory_ / kEtc + ":2:1: worker: unknown key; did you mean \"workers\"?");
    EXPECT_TRUE(lines[2].starts_with(directory_ / usrDropIn("a.toml") + ":1:")) << lines[2];
    EXPECT_TRUE(lines[3].starts_with(directory_ / etcDropIn("b.toml") + ":2:12: repositories.v.capacity: \"much\""));
    EXPECT_TRUE(lines[4].starts_with(directory_ / etcDropIn("c.toml") + ": cannot read the configuration: No such"));
}

// It may be what puts it right.
TEST_F(LayersTest, AFileThatCannotBeReadIsNotTakenForOneThatSaysNothing) {
    put(kEtc, "[repositories.a]\ndir = \"/p\"\n[repositories.b]\ndir = \"/p\"\n");
    put(etcDropIn("x.toml"), "[repositories.b]\ndir = \"/q\n");
    EXPECT_EQ(read().problems.lines().size(), 1U);
    put(etcDropIn("x.toml"), "[repositories.b]\ndir = \"/q\"\n");
    EXPECT_EQ(config().repositories.size(), 2U);
}

TEST_F(LayersTest, EachFileMayBeChangedByRootAlone) {
    for (const auto& file : {std::string{kEtc}, usrDropIn("a.toml"), etcDropIn("b.toml")}) {
        put(file, "workers = 1\n");
        fs::permissions(directory_ / file, fs::perms{0666});
        refuse(directory_ / file +
               ": cannot read the configuration: others than its owner may write to it (mode 0666)");
        fs::permissions(directory_ / file, fs::perms{0640});
        if (geteuid() == 0) {
            ASSERT_EQ(chown((directory_ / file).c_str(), 1000, 0), 0);
            refuse(directory_ / file + ": cannot read the configuration: it belongs to user 1000");
            ASSERT_EQ(chown((directory_ / file).c_str(), 0, 0), 0);
        }
        EXPECT_EQ(config().workers, 1U);
        fs::remove(directory_ / file);
    }
}

// Also one that says nothing: it would hide what the vendor says.
TEST_F(LayersTest, AnEmptyFileOfSomebodyElseMasksNothing) {
    put(etcDropIn("a.toml"), "");
    fs::permissions(directory_ / etcDropIn("a.toml"), fs::perms{0622});
    refuse("a.toml: cannot read the configuration: others than its owner may write to it");
}

TEST_F(LayersTest, NobodyElseMayPutFilesThere) {
    put(kEtc, "workers = 1\n");
    put(usrDropIn("a.toml"), "");
    for (const char* folder : {"etc/northstar", "usr/lib/northstar", "usr/lib/northstar/mounter.toml.d"}) {
        fs::permissions(directory_ / folder, fs::perms{0777});
        refuse(directory_ / folder +
               ": cannot read the configuration: others than its owner may write to it (mode 0777)");
        fs::permissions(directory_ / folder, fs::perms{0755});
    }
    EXPECT_EQ(config().workers, 1U);
}

TEST_F(LayersTest, FoldersAndFilesMayBeLinks) {
    put("store/mounter.toml", "workers = 5\n");
    put("store/drop-ins/a.toml", "[limits]\nmounts = 5\n");
    link("etc/northstar/mounter.toml.d", directory_ / "store/drop-ins");
    link(kEtc, directory_ / "store/mounter.toml");
    EXPECT_EQ(config().workers, 5U);
    EXPECT_EQ(config().limits.mounts, 5U);
}

TEST_F(LayersTest, WhatIsNoFileOrFolderIsAnError) {
    put("usr/lib/northstar/mounter.toml.d", "");
    refuse("mounter.toml.d: cannot read the configuration: Not a directory");
    fs::remove(directory_ / "usr/lib/northstar/mounter.toml.d");
    put(usrDropIn("a.toml/x"), "");
    refuse("a.toml: cannot read the configuration: it is not a regular file");
    fs::remove_all(directory_ / usrDropIn("a.toml"));
    ASSERT_EQ(mkfifo((directory_ / usrDropIn("a.toml")).c_str(), 0644), 0);
    refuse("a.toml: cannot read the configuration: it is not a regular file");
}

}  // namespace
}  // namespace northstar::test
