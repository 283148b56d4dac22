// SPDX-License-Identifier: Apache-2.0
// northstarctl against services that are not this one: one that tells more, one that hangs, one on another machine,
// none.
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>

#include "cli_test.h"
#include "support/terminal.h"

namespace northstar::test {
namespace {

using Row = sdbus::Struct<std::string, std::string, std::string>;

// A service with one repository, which tells of a refused file and of how far an Install is.
class TellingService {
public:
    explicit TellingService(const PrivateBus& bus)
        : bus_{bus.connect()}, mounter_{sdbus::createObject(*bus_, sdbus::ObjectPath{"/org/northstar/Mounter"})},
          vendor_{sdbus::createObject(*bus_, sdbus::ObjectPath{"/org/northstar/Mounter/repositories/vendor"})} {
        using Containers = std::vector<sdbus::Struct<std::string, std::string, std::string, bool>>;
        mounter_->addObjectManager();
        bus::InterfaceBuilder mounter{*mounter_, "org.northstar.Mounter"};
        mounter.method("ListContainers", {}, {"containers"},
                       {"", "a(sssb)", [](sdbus::MethodCall call) {
                            sdbus::Result<Containers>{std::move(call)}.returnResults(Containers{});
                        }});
        mounter.property("Version", sdbus::Flags::CONST_PROPERTY_VALUE, [] { return std::string{"9.9.9"}; });
        mounter.publish();
        bus::InterfaceBuilder vendor{*vendor_, "org.northstar.Mounter.Repository"};
        vendor.method("Install", {"npk", "options"}, {"container"},
                      {"ha{sv}", "s", [this](sdbus::MethodCall call) {
                           tell(1'000'000, 4'000'000);
                           std::this_thread::sleep_for(std::chrono::milliseconds{300});
                           tell(3'000'000, 4'000'000);
                           sdbus::Result<std::string>{std::move(call)}.returnResults(std::string{"hello:1.0.0"});
                       }});
        vendor.signal<std::uint64_t, std::uint64_t>("InstallProgress", {"done", "total"});
        vendor.property("Name", sdbus::Flags::CONST_PROPERTY_VALUE, [] { return std::string{"vendor"}; });
        vendor.property("Refused", sdbus::Flags::CONST_PROPERTY_VALUE, [] {
            return std::vector<Row>{Row{std::string{"bad.npk"},
                                        std::string{"org.northstar.Mounter.Error.InvalidSignature"},
                                        std::string{"No key of the repository signed it"}}};
        });
        vendor.publish();
        bus_->requestName(bus::ServiceName{"org.northstar.Mounter"});
        bus_->enterEventLoopAsync();
    }
    ~TellingService() { bus_->leaveEventLoop(); }
    TellingService(const TellingService&) = delete;
    TellingService& operator=(const TellingService&) = delete;

private:
    void tell(std::uint64_t done, std::uint64_t total) {
        vendor_->emitSignal("InstallProgress")
            .onInterface("org.northstar.Mounter.Repository")
            .withArguments(done, total);
    }

    std::unique_ptr<sdbus::IConnection> bus_;
    std::unique_ptr<sdbus::IObject> mounter_, vendor_;
};

class CliServiceTest : public CliTest {
protected:
    [[nodiscard]] std::vector<std::string> ctl(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {kCtlBinary, "--bus", bus_.address()});
        return arguments;
    }
};

TEST_F(CliServiceTest, WhatWasRefusedIsShownWhereTheServiceTells) {
    const TellingService service{bus_};
    EXPECT_EQ(runAny(ctl({"containers"})), kDone);
    EXPECT_TRUE(shows("Refused:\nREPOSITORY +FILE +WHY +\nvendor +bad.npk +InvalidSignature +No key of the repository"))
        << text_;
    EXPECT_EQ(runAny(ctl({"containers", "--json"})), kDone);
    const Json json = Json::parse(text_);
    EXPECT_EQ(json["containers"], Json::array());
    EXPECT_EQ(json["refused"][0]["error"], "InvalidSignature");
    EXPECT_EQ(json["refused"][0]["file"], "bad.npk");
    EXPECT_EQ(runAny(ctl({"status"})), kDone);
    EXPECT_TRUE(shows("refused: vendor: bad.npk: InvalidSignature: No key")) << text_;
    EXPECT_EQ(runAny(ctl({"repositories", "--json"})), kDone);
    EXPECT_FALSE(Json::parse(text_)[0].contains("refused"));
}

TEST_F(CliServiceTest, ProgressIsShownOnATerminalWhereTheServiceReportsIt) {
    const TellingService service{bus_};
    const auto command = ctl({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "vendor"});
    Terminal terminal{command};
    const std::string shown = terminal.readAll();
    EXPECT_EQ(terminal.wait(), kDone);
    const auto first = shown.find(".npk:  25 % of 4.0 MB"), second = shown.find(".npk:  75 % of 4.0 MB");
    EXPECT_LT(first, second) << shown;
    EXPECT_NE(second, std::string::npos) << shown;
    EXPECT_TRUE(shown.ends_with("\r\x1b[Khello:1.0.0\r\n")) << shown;  // and its line is taken away
    EXPECT_EQ(runAny(command), kDone);
    EXPECT_EQ(text_, "hello:1.0.0\n");
}

TEST_F(CliServiceTest, AMethodThatTheServiceDoesNotHaveIsUnsupported) {
    const TellingService service{bus_};
    EXPECT_EQ(runAny(ctl({"reload"})), kUnsupported);
    EXPECT_TRUE(shows("northstarctl: UnknownMethod: ")) << text_;
}

// What hangs reads nothing: the name is taken, and that is all. What works for long waits for a person.
TEST_F(CliServiceTest, AServiceThatHangsIsToldFromOneThatWorksForLong) {
    polkit_->answer(FakePolkit::Policy::Hang);
    client();
    callAs(1000);
    Process reload{ctl({"reload"})};
    ASSERT_TRUE(polkit_->waitForQuestions(1));
    const PrivateBus other;
    const auto hanging = other.connect();
    hanging->requestName(bus::ServiceName{"org.northstar.Mounter"});
    const auto began = std::chrono::steady_clock::now();
    const std::vector<std::string> there{kCtlBinary, "--bus", other.address()};
    const auto with = [&there](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), there.begin(), there.end());
        return arguments;
    };
    // A bus that nobody serves: it can be connected to, and that is all.
    const UniqueFd dead{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory_ / "dead").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(dead.get(), 5), 0);
    Process nobody{{kCtlBinary, "--bus", "unix:path=" + directory_ / "dead", "list"}};
    Process list{with({"list"})}, mount{with({"mount", "fonts"})}, verify{with({"--no-ask", "verify", "fonts"})};
    for (auto* process : {&list, &mount, &verify}) {
        EXPECT_EQ(process->wait(std::chrono::seconds{40}), kUnreachable);
        const std::string said = process->readAll();
        EXPECT_NE(said.find("NoReply: The service has not answered for 25 s; "), std::string::npos) << said;
    }
    EXPECT_EQ(nobody.wait(), kUnreachable);
    EXPECT_EQ(nobody.readAll(), "northstarctl: NoServer: The bus has not answered for 25 s\n");
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds{25});
    EXPECT_FALSE(reload.wait(std::chrono::seconds{6}));
    polkit_->release(true);
    EXPECT_EQ(reload.wait(), kDone) << reload.readAll();
}

TEST_F(CliServiceTest, AnotherMachineIsReachedOverSsh) {
    const std::string asked = directory_ / "asked";
    directory_.write("ssh", "#!/bin/sh\necho \"$@\" >" + asked + "\nexec systemd-stdio-bridge --bus-path='" +
                                bus_.address() + "'\n");
    std::filesystem::permissions(directory_ / "ssh", std::filesystem::perms::owner_all);
    const auto remotely = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {"env", "PATH=" + directory_.path() + ":" + getenv("PATH"), kCtlBinary, "-H", "root@device"});
        return runAny(arguments);
    };
    client();
    EXPECT_EQ(remotely({"mount", "fonts"}), kDone) << text_;
    EXPECT_EQ(text_, runDir() + "/fonts:2.3.4\n");
    std::string ssh;
    std::getline(std::ifstream{asked}, ssh);
    EXPECT_TRUE(std::regex_match(ssh, std::regex{"-xT .*root@device systemd-stdio-bridge.*"})) << ssh;
    EXPECT_EQ(remotely({"list"}), kDone);
    EXPECT_TRUE(shows("\nfonts:2.3.4 .* 0 +\\d{4}-")) << text_;  // no name of a user of this machine
    EXPECT_EQ(remotely({"__complete"}), kUsage);
    EXPECT_EQ(runAny({"env", "PATH=" + directory_.path() + ":" + getenv("PATH"), kCtlBinary, "__complete", "-H",
                      "root@device", "unmount", "fon"}),
              kDone);
    EXPECT_EQ(text_, "fonts:2.3.4\t" + runDir() + "/fonts:2.3.4\n");
    directory_.write("ssh", "#!/bin/sh\necho 'no such machine' >&2\nexit 255\n");
    EXPECT_EQ(remotely({"list"}), kUnreachable);
    EXPECT_TRUE(shows("NoServer: Cannot connect to the system bus of root@device: ")) << text_;
}

}  // namespace
}  // namespace northstar::test
