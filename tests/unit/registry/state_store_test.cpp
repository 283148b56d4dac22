// SPDX-License-Identifier: Apache-2.0
// Records of mounts on disk.
#include "registry/state_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

TEST(StateStore, OneAtATimeMayHaveTheDirectory) {
    const TemporaryDirectory directory;
    const StateStore second{directory.path()};
    {
        const StateStore first{directory.path()};
        first.lock();
        expectError(Code::Failed, directory.path(), [&] { second.lock(); });
    }
    EXPECT_NO_THROW(second.lock());
}

TEST(StateStore, APathThatIsNoTextDoesNotBreakTheRecord) {
    const TemporaryDirectory directory;
    const StateStore state{directory.path()};
    MountRecord record;
    record.id = 1;
    record.mountPoint = "/srv/\xff";
    state.save(record);
    ASSERT_EQ(state.load().size(), 1U);
    EXPECT_EQ(state.load()[0].mountPoint, "/srv/\\xff");
}

TEST(StateStore, ARecordThatCannotBeReadNowIsKept) {
    const TemporaryDirectory directory;
    const StateStore state{directory.path()};
    const std::string record = directory / "mounts/1.toml";
    std::filesystem::create_directory(record);  // EISDIR stands for what may pass
    expectError(Code::Failed, record, [&] { static_cast<void>(state.load()); });
    EXPECT_TRUE(std::filesystem::exists(record));
}

TEST(StateStore, NothingIsLeftOfARecordThatCannotBeWritten) {
    const TemporaryDirectory directory;
    const StateStore state{directory.path()};
    std::filesystem::create_directories(directory / "mounts/1.toml/x");
    MountRecord record;
    record.id = 1;
    expectError(Code::Failed, "rename", [&] { state.save(record); });
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/.1.toml.new"));
}

TEST(StateStore, ADirectoryThatWasRemovedIsSaidSo) {
    const TemporaryDirectory directory;
    const StateStore state{directory.path()};
    std::filesystem::remove_all(directory / "mounts");
    MountRecord record;
    record.id = 1;
    expectError(Code::Failed, "if the directory was removed, restart the service", [&] { state.save(record); });
}

TEST(StateStore, WhatIsSavedIsLoaded) {
    const TemporaryDirectory directory;
    MountRecord record;
    record.id = 7;
    record.name = "hello \"quoted\"\nname";
    record.version = "1.0.0";
    record.mountPoint = "/run/ä";
    record.ownerUid = 0xfffffffeU;
    record.mountedAt = 0xfedcba9876543210U;  // beyond what TOML numbers hold signed
    record.identity = {1, 0xffffffffffffffffU, 3};
    record.backing = {4, 5, 6};
    record.verityUuid = "NORTHSTAR-x";
    record.diskSequence = 77;
    record.corrupted = true;
    record.made = {"/run/x", 8, 9};
    StateStore{directory.path()}.save(record);
    const auto loaded = StateStore{directory.path()}.load();
    ASSERT_EQ(loaded.size(), 1U);
    EXPECT_EQ(loaded[0].id, 7U);
    EXPECT_EQ(loaded[0].name, record.name);
    EXPECT_EQ(loaded[0].mountPoint, record.mountPoint);
    EXPECT_EQ(loaded[0].ownerUid, record.ownerUid);
    EXPECT_EQ(loaded[0].mountedAt, record.mountedAt);
    EXPECT_EQ(loaded[0].identity, record.identity);
    EXPECT_EQ(loaded[0].backing, record.backing);
    EXPECT_EQ(loaded[0].verityUuid, record.verityUuid);
    EXPECT_EQ(loaded[0].diskSequence, record.diskSequence);
    EXPECT_TRUE(loaded[0].corrupted);
    EXPECT_EQ(loaded[0].made, record.made);
}

TEST(StateStore, ARecordOfAVersionThatKnewNoDiskSequenceIsRead) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    MountRecord record;
    record.id = 1;
    record.diskSequence = 77;
    store.save(record);
    std::ifstream saved{directory / "mounts/1.toml"};
    std::string older;
    for (std::string line; std::getline(saved, line);) {
        if (!line.starts_with("disk_sequence")) older += line + "\n";
    }
    directory.write("mounts/1.toml", older);
    ASSERT_EQ(store.load().size(), 1U);
    EXPECT_EQ(store.load()[0].diskSequence, 0U);
}

TEST(StateStore, RemovedRecordsAreGone) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    MountRecord record;
    record.id = 1;
    store.save(record);
    store.remove(1);
    store.remove(1);  // nothing to do is no error
    EXPECT_TRUE(store.load().empty());
}

TEST(StateStore, BrokenFilesAreRemovedAndTheOthersKept) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    MountRecord record;
    record.id = 1;
    store.save(record);
    directory.write("mounts/2.toml", "[[[");
    directory.write("mounts/3.toml", "id = \"three\"\n");
    directory.write("mounts/.4.toml.new", "id = 4\n");
    EXPECT_EQ(store.load().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/2.toml"));
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/3.toml"));
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/.4.toml.new"));
}

// Its file would never be removed, and another mount's would.
TEST(StateStore, ARecordUnderAnotherNumberThanItsFileIsRemoved) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    MountRecord record;
    record.id = 1;
    store.save(record);
    std::filesystem::copy(directory / "mounts/1.toml", directory / "mounts/2.toml");
    record.id = 0;
    store.save(record);
    EXPECT_EQ(store.load().size(), 1U);
    EXPECT_TRUE(std::filesystem::exists(directory / "mounts/1.toml"));
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/2.toml"));
    EXPECT_FALSE(std::filesystem::exists(directory / "mounts/0.toml"));
}

TEST(StateStore, ANumberThatIsNotOneOfItsFieldIsNotMadeOne) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    MountRecord record;
    record.id = 1;
    record.ownerUid = 1000;
    store.save(record);
    std::ifstream saved{directory / "mounts/1.toml"};
    std::string text{std::istreambuf_iterator<char>{saved}, {}};
    for (const char* uid : {"4294967296", "-1", "1000.0", "7.7e20"}) {
        std::string changed = text;
        changed.replace(changed.find("1000"), 4, uid);
        directory.write("mounts/1.toml", changed);
        EXPECT_TRUE(store.load().empty()) << uid;
    }
}

TEST(StateStore, OnlyItsOwnerMayLookIn) {
    const TemporaryDirectory directory;
    const StateStore store{directory.path()};
    struct stat status{};
    ASSERT_EQ(stat((directory / "mounts").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(StateStore, ADirectoryThatCannotBeMadeIsNamed) {
    expectError(Code::Failed, "/proc/nothing", [] { const StateStore store{"/proc/nothing"}; });
}

}  // namespace
}  // namespace northstar::test
