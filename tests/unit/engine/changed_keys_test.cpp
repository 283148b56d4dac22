// SPDX-License-Identifier: Apache-2.0
// A Reload that comes between the question and the mount: what was authorized is what gets mounted, or nothing.
#include <fcntl.h>

#include "engine_test.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

class ChangedKeysTest : public EngineTest {
protected:
    // The caller's question hangs; meanwhile the configuration becomes what these tables say.
    void reloadDuringTheQuestion(const std::string& tables) {
        ASSERT_TRUE(waitUntil([&] { return authority_.hanging() == 1; }));
        configureOnly("", tables);
        answer(reload(root_));
        authority_.release(Verdict::Granted);
    }
    void expectNothingWasMounted() {
        EXPECT_TRUE(registry().mounts().empty());
        EXPECT_EQ(kernelCalls(), Texts{});
    }
};

TEST_F(ChangedKeysTest, ARepositoryThatLostItsKeysMountsNothingUnverified) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    reloadDuringTheQuestion(repository("main", {}));
    expectFailure(Code::Failed, "the keys of repository main changed at this moment; try again", call);
    expectNothingWasMounted();
}

TEST_F(ChangedKeysTest, ARepositoryThatGotKeysMountsNothingThatWasAskedForAsUnverified) {
    configureOnly("", repository("main", {}));
    authority_.answer(action::kMountUnverified, FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    reloadDuringTheQuestion(repository("main", {"golden"}));
    expectFailure(Code::Failed, "the keys of repository main changed at this moment; try again", call);
    expectNothingWasMounted();
}

TEST_F(ChangedKeysTest, ARepositoryWithOtherKeysMountsNothingThatTheyDidNotSign) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    reloadDuringTheQuestion(repository("main", {"stranger"}));
    expectFailure(Code::InvalidSignature, "fonts", call);
    expectNothingWasMounted();
}

TEST_F(ChangedKeysTest, ARepositoryThatGotOneMoreKeyStillMounts) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    reloadDuringTheQuestion(repository("main", {"golden", "stranger"}));
    EXPECT_NO_THROW(answer(call));
}

TEST_F(ChangedKeysTest, ARepositoryThatWentMountsNothing) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mount(user_, "fonts");
    reloadDuringTheQuestion(repository("plain", {}));
    expectFailure(Code::NoSuchRepository, "main", call);
    expectNothingWasMounted();
}

// Somebody else took down what was there; the look whether it is gone takes a while.
TEST_F(ChangedKeysTest, ARepositoryThatWentWhileThePlaceWasClearedMountsNothing) {
    kernel_.unmountExternally(answer(mount(root_, "fonts")).mountPoint);
    FakeKernel::Gate gate{kernel_, "mountsOn"};
    const auto before = callsOf("attachLoop");
    const auto call = mount(root_, "fonts");
    ASSERT_TRUE(waitForKernel("mountsOn"));
    configureOnly("", repository("plain", {}));
    answer(reload(root_));
    gate.open();
    expectFailure(Code::NoSuchRepository, "main", call);
    EXPECT_EQ(callsOf("attachLoop"), before);
}

TEST_F(ChangedKeysTest, AMountManyIsRefusedItemByItem) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mountMany(user_, {"fonts"});
    reloadDuringTheQuestion(repository("main", {}));
    const auto outcomes = answer(call);
    EXPECT_TRUE(hasCode(std::get<std::exception_ptr>(outcomes.at(0)), Code::Failed));
    expectNothingWasMounted();
}

// Its package is being read again, with the keys of before, while the new ones come into force.
TEST_F(ChangedKeysTest, KeysThatChangeWhileThePackageIsReadMountNothing) {
    const std::string oneWorker =
        "run_dir = \"" + runDir() + "\"\nstate_dir = \"" + directory_ / "state" + "\"\nworkers = 1\n";
    directory_.write("mounter.toml", oneWorker + repository("main", {"golden"}));
    FakeKernel::Gate gate{kernel_, "attachLoop"};
    const auto first = mount(root_, "hello-gzip");
    ASSERT_TRUE(waitForKernel("attachLoop"));
    const auto call = mount(root_, "fonts");  // the only worker is at the gate
    directory_.write("mounter.toml", oneWorker + repository("main", {"golden", "stranger"}));
    const auto change = reload(root_);
    ASSERT_TRUE(waitUntil([&] { return recorder_.count("repositories replaced") == 1; }));
    gate.open();
    expectFailure(Code::Failed, "repository main was changed by a Reload at this moment; try again", call);
    EXPECT_NO_THROW(answer(first));
    EXPECT_NO_THROW(answer(change));
    EXPECT_EQ(registry().mounts().size(), 1U);
}

class ChangedFileKeysTest : public ChangedKeysTest {
protected:
    ChangedFileKeysTest() { configureOnly("", "[files]\n" + keyList({"golden"}) + repository("plain", {})); }
    const std::string withoutTheKey_ = "[files]\n" + keyList({"stranger"}) + repository("plain", {});
    const std::string path_ = dataPath("signed/fonts-2.3.4.npk");

    Pending<Mounted> mountFile() { return begin(methods().files.mountFile(user_.calls("MountFile"), path_, {})); }
};

TEST_F(ChangedFileKeysTest, AKeyThatWentBetweenReadingAndMountingIsInvalidSignature) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mountFile();
    reloadDuringTheQuestion(withoutTheKey_);
    expectFailure(Code::InvalidSignature, "was removed by a Reload at this moment", call);
    expectNothingWasMounted();
}

TEST_F(ChangedFileKeysTest, AKeyThatWentBeforeReadingIsInvalidSignature) {
    authority_.answer(action::kMountPath, FakeAuthority::kHang);
    const auto call = mountFile();
    reloadDuringTheQuestion(withoutTheKey_);
    expectFailure(Code::InvalidSignature, path_, call);
    expectNothingWasMounted();
}

TEST_F(ChangedFileKeysTest, ADescriptorsKeyThatWentIsInvalidSignature) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call =
        begin(methods().files.mountFd(user_.calls("MountFd"), CallerFd{openData("signed/fonts-2.3.4.npk")}, {}));
    reloadDuringTheQuestion(withoutTheKey_);
    expectFailure(Code::InvalidSignature, "was removed by a Reload at this moment", call);
    expectNothingWasMounted();
}

TEST_F(ChangedFileKeysTest, AKeyThatARepositoryStillHasIsEnough) {
    authority_.answer(action::kMount, FakeAuthority::kHang);
    const auto call = mountFile();
    reloadDuringTheQuestion(repository("main", {"golden"}));
    EXPECT_NO_THROW(answer(call));
}

}  // namespace
}  // namespace northstar::test
