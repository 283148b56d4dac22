// SPDX-License-Identifier: Apache-2.0
// Every error name of the interface, reached by a caller: one row each. The message says what was tried on what.
#include <functional>
#include <set>

#include "bus/names.h"
#include "bus_test.h"

namespace northstar::test {
namespace {

class ErrorTable;

struct Row {
    std::string error;
    std::vector<std::string> parts;  // of the message
    std::function<void(ErrorTable&)> act;
};

class ErrorTable : public BusTest, public testing::WithParamInterface<Row> {
public:
    void repositoryOf(const std::string& options) {
        configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\n" + options);
    }
    void install(const std::string& repository) {
        client().install(repository, openPackageFile("signed/fonts-2.3.4.npk").get());
    }
    void failMount(const std::string& step, Code code) {
        client();
        kernel_->failNext(step, Error{code, "the kernel's reason"});
        client().mount("fonts");
    }
    void mountAsUser(FakePolkit::Policy answer) {
        polkit_->answer(answer);
        callAs(1000);
        client().mount("fonts");
    }
    using BusTest::client;
    using BusTest::configure;
    using BusTest::configureOnly;
    FakeKernel& kernel() { return *kernel_; }
};

std::vector<Row> rows() {
    using T = ErrorTable;
    const auto text = [](const char* value) { return sdbus::Variant{std::string{value}}; };
    return {
        {ownError("NoSuchContainer"), {"attic:1.0.0", "ListContainers"}, [](T& t) { t.client().mount("attic:1.0.0"); }},
        {ownError("NoSuchRepository"),
         {"attic"},
         [=](T& t) { t.client().mount("fonts", {{"repository", text("attic")}}); }},
        {ownError("NotMounted"), {"/srv/nothing", "ListMounts"}, [](T& t) { t.client().unmount("/srv/nothing"); }},
        {ownError("AlreadyMounted"),
         {"/run/fonts:2.3.4"},
         [](T& t) {
             t.client().mount("fonts");
             t.client().mount("fonts");
         }},
        {ownError("AlreadyInstalled"), {"fonts:2.3.4", "main"}, [](T& t) { t.install("main"); }},
        {ownError("Busy"),
         {"/run/fonts:2.3.4", "4711", "editor"},
         [](T& t) {
             const auto mounted = t.client().mount("fonts");
             t.kernel().keepBusy(mounted.mountPoint, {{4711, "editor", mounted.mountPoint + "/notes"}});
             t.client().unmount("fonts");
         }},
        {ownError("InvalidPackage"),
         {"truncated.npk"},
         [](T& t) { t.client().mountFile(dataPath("tampered/truncated.npk")); }},
        {ownError("InvalidSignature"),
         {"hello-unsigned-1.0.0.npk"},
         [](T& t) { t.client().mountFile(dataPath("unsigned/hello-unsigned-1.0.0.npk")); }},
        {ownError("Unsupported"),
         {"fonts:2.3.4", "CONFIG_DM_VERITY"},
         [](T& t) {
             t.kernel().setVerityAvailable(false);
             t.client().mount("fonts");
         }},
        {ownError("Corrupted"),
         {"hello-gzip"},
         [](T& t) {
             t.configureOnly("",
                             "[files]\nverification = \"sealed\"\nkeys = [\"" + dataPath("keys/golden.pub") + "\"]\n");
             t.client().mountFile(dataPath("tampered/fsimg-data-changed.npk"));
         }},
        {ownError("DeviceUnavailable"),
         {"fonts:2.3.4", "the kernel's reason"},
         [](T& t) { t.failMount("attachLoop", Code::DeviceUnavailable); }},
        {ownError("Timeout"),
         {"fonts:2.3.4", "the kernel's reason"},
         [](T& t) { t.failMount("attachLoop", Code::Timeout); }},
        {ownError("CapacityExceeded"),
         {"other", "10000"},
         [](T& t) {
             t.repositoryOf("capacity = 10000\n");
             t.install("other");
         }},
        {ownError("Failed"), {"/srv/none.npk", "No such file"}, [](T& t) { t.client().mountFile("/srv/none.npk"); }},
        {busError("InvalidArgs"),
         {"tarrget", "target"},
         [=](T& t) { t.client().mount("fonts", {{"tarrget", text("/srv/one")}}); }},
        {busError("AccessDenied"),
         {"1000", "org.northstar.mounter.mount"},
         [](T& t) { t.mountAsUser(FakePolkit::Policy::No); }},
        {busError("InteractiveAuthorizationRequired"),
         {"1000", "org.northstar.mounter.mount"},
         [](T& t) { t.mountAsUser(FakePolkit::Policy::Challenge); }},
        {busError("LimitsExceeded"),
         {"limits.mounts"},
         [](T& t) {
             t.configure("limits = { mounts = 1 }");
             t.client().mount("fonts");
             t.client().mount("multi");
         }},
    };
}

TEST_P(ErrorTable, IsReachedAndSaysWhatWasTriedOnWhat) {
    const auto failure = failureOf([&] { GetParam().act(*this); });
    EXPECT_EQ(failure.name, GetParam().error) << failure.message;
    for (const auto& part : GetParam().parts) {
        EXPECT_NE(failure.message.find(part), std::string::npos) << "no " << part << " in: " << failure.message;
    }
    EXPECT_EQ(failure.message.find('\n'), std::string::npos) << failure.message;
}

INSTANTIATE_TEST_SUITE_P(Errors, ErrorTable, testing::ValuesIn(rows()),
                         [](const auto& row) { return row.param.error.substr(row.param.error.rfind('.') + 1); });

TEST(ErrorTableRows, AreAllErrorsThatTheServiceHas) {
    std::set<std::string> names, known;
    for (const auto& row : rows()) names.insert(row.error);
    for (int code = 0; code <= static_cast<int>(Code::LimitsExceeded); ++code) {
        known.insert(bus::errorName(static_cast<Code>(code)));
    }
    EXPECT_EQ(names, known);
}

}  // namespace
}  // namespace northstar::test
