// SPDX-License-Identifier: Apache-2.0
// Each error name is reached by a caller, with one line that says what was tried.
#include <filesystem>
#include <functional>

#include "bus_test.h"

namespace northstar::test {
namespace {

class ErrorsTest : public BusTest {
protected:
    void expectFailure(const std::string& name, const std::string& part, const std::function<void()>& action) {
        const auto failure = failureOf(action);
        EXPECT_EQ(failure.name, name) << failure.message;
        EXPECT_NE(failure.message.find(part), std::string::npos) << failure.message;
        EXPECT_EQ(failure.message.find('\n'), std::string::npos) << failure.message;
    }
};

TEST_F(ErrorsTest, NoSuchContainerAndNoSuchRepository) {
    expectFailure(ownError("NoSuchContainer"), "nothing", [&] { client().mount("nothing"); });
    expectFailure(ownError("NoSuchContainer"), "hello-gzip:9.9.9", [&] { client().mount("hello-gzip:9.9.9"); });
    expectFailure(ownError("NoSuchRepository"), "attic",
                  [&] { client().mount("fonts", {{"repository", sdbus::Variant{std::string{"attic"}}}}); });
    expectFailure(ownError("NoSuchContainer"), "main",
                  [&] { client().mount("hello-unsigned", {{"repository", sdbus::Variant{std::string{"main"}}}}); });
}

TEST_F(ErrorsTest, StrangeNamesOfContainersAreShownOnOneLine) {
    expectFailure(ownError("NoSuchContainer"), "?", [&] { client().mount("a\nb"); });
    expectFailure(ownError("NoSuchContainer"), "...", [&] { client().mount(std::string(100'000, 'x')); });
    expectFailure(ownError("NoSuchContainer"), "", [&] { client().mount(""); });
    expectFailure(ownError("NoSuchContainer"), "../", [&] { client().mount("../../etc"); });
}

TEST_F(ErrorsTest, AlreadyMountedNamesTheMountPoint) {
    client().mount("fonts");
    expectFailure(ownError("AlreadyMounted"), runDir() + "/fonts:2.3.4", [&] { client().mount("fonts"); });
    expectFailure(ownError("AlreadyMounted"), "/fonts:2.3.4",
                  [&] { client().mount("multi", {{"target", sdbus::Variant{runDir() + "//fonts:2.3.4/"}}}); });
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(ErrorsTest, UnsupportedNamesTheKernelOptionAndNeverMountsPlainly) {
    kernel_->setVerityAvailable(false);
    expectFailure(ownError("Unsupported"), "CONFIG_DM_VERITY", [&] { client().mount("fonts"); });
    expectFailure(ownError("Unsupported"), "CONFIG_DM_VERITY",
                  [&] { client().mountFile(dataPath("signed/fonts-2.3.4.npk")); });
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(ErrorsTest, KernelErrorsKeepTheirNamesAndLeaveNothing) {
    const std::vector<std::pair<Code, std::string>> names{
        {Code::Corrupted, "Corrupted"},     {Code::DeviceUnavailable, "DeviceUnavailable"},
        {Code::Timeout, "Timeout"},         {Code::Failed, "Failed"},
        {Code::Unsupported, "Unsupported"},
    };
    client();
    for (const auto& [code, name] : names) {
        kernel_->failNext("openVerity", Error{code, "the device did not come"});
        expectFailure(ownError(name), "the device did not come", [&] { client().mount("fonts"); });
        EXPECT_TRUE(nothingLeft());
    }
}

TEST_F(ErrorsTest, FailureAtEveryCallOfAMountLeavesNothingAndTheNextOneWorks) {
    client().mount("fonts");
    const auto before = kernel_->calls().size();
    client().mount("hello-gzip");
    const auto perMount = kernel_->calls().size() - before;
    client().unmount("hello-gzip");
    client().unmount("fonts");
    client().waitUntil([] { return false; }, std::chrono::milliseconds{200});  // no look at the table in between
    ASSERT_GE(perMount, 5U);
    for (std::size_t at = 0; at < 5; ++at) {
        kernel_->failAt(at, Error{Code::Failed, "ordered"});
        expectFailure(ownError("Failed"), "ordered", [&] { client().mount("hello-gzip"); });
        EXPECT_TRUE(nothingLeft()) << at;
        client().mount("hello-gzip");
        client().unmount("hello-gzip");
        client().waitUntil([] { return false; }, std::chrono::milliseconds{200});
    }
}

TEST_F(ErrorsTest, InvalidSignatureAndInvalidPackageTellTheFile) {
    expectFailure(ownError("InvalidSignature"), "hello-unsigned-1.0.0.npk",
                  [&] { client().mountFile(dataPath("unsigned/hello-unsigned-1.0.0.npk")); });
    expectFailure(ownError("InvalidPackage"), "truncated.npk",
                  [&] { client().mountFile(dataPath("tampered/truncated.npk")); });
}

TEST_F(ErrorsTest, PackageThatChangedInItsRepositoryIsReadAgain) {
    client();
    std::filesystem::copy_file(dataPath("stranger/hello-stranger-1.0.0.npk"), directory_ / "main/fonts-2.3.4.npk",
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_NE(failureOf([&] { client().mount("fonts"); }).name, "");
    EXPECT_TRUE(kernel_->live().empty());
}

TEST_F(ErrorsTest, LimitOfMountsCountsRootToo) {
    configure("limits = { mounts = 2 }");
    client().mount("fonts");
    client().mount("hello-gzip");
    expectFailure(busError("LimitsExceeded"), "limits.mounts", [&] { client().mount("hello-xz"); });
    client().unmount("fonts");
    client().mount("hello-xz");
}

TEST_F(ErrorsTest, LimitOfMountsPerUserExemptsRoot) {
    configure("limits = { mounts_per_uid = 1 }");
    callAs(1000);
    client().mount("fonts");
    expectFailure(busError("LimitsExceeded"), "mounts_per_uid", [&] { client().mount("hello-gzip"); });
    callAs(1001);
    client().mount("hello-xz");
    callAs(0);
    client().mount("hello-gzip");
    client().mount("hello-zstd");
}

TEST_F(ErrorsTest, AFailedMountDoesNotCountAgainstTheLimit) {
    configure("limits = { mounts = 1 }");
    kernel_->failNext("attachLoop", Error{Code::DeviceUnavailable, "none free"});
    expectFailure(ownError("DeviceUnavailable"), "none free", [&] { client().mount("fonts"); });
    client().mount("fonts");
}

}  // namespace
}  // namespace northstar::test
