// SPDX-License-Identifier: Apache-2.0
// Starting, and what keeps it from starting: one clear line and an exit status. With the real program where that is
// what a person sees.
#include <signal.h>

#include <algorithm>

#include "bus_test.h"
#include "support/paths.h"
#include "support/process.h"

namespace northstar::test {
namespace {

class StartTest : public BusTest {
protected:
    // Output and status of a program that is expected to end by itself.
    void expectRefusal(const std::vector<std::string>& argv, const std::string& part) {
        Process process{argv};
        const std::string output = process.readAll();
        const auto status = process.wait();
        ASSERT_TRUE(status) << "still running: " << output;
        EXPECT_NE(*status, 0);
        EXPECT_LT(*status, 128) << output;
        EXPECT_NE(output.find(part), std::string::npos) << output;
        EXPECT_EQ(std::ranges::count(output, '\n'), 1) << output;
    }
    std::vector<std::string> program() const {
        return {kDaemonBinary, "--config", directory_ / "mounter.toml", "--bus", bus_.address(),
                "--log-level", "error"};
    }
};

TEST_F(StartTest, ASecondInstanceIsRefused) {
    client();
    std::string message;
    try {
        const RunningDaemon second{DaemonOptions{config_, bus_.address(), false}, kernel_, {}};
    } catch (const Error& error) {
        message = error.what();
    }
    EXPECT_NE(message.find("org.northstar.Mounter"), std::string::npos) << message;
    EXPECT_EQ(client().listContainers().size(), 11U);  // the first one is not disturbed
}

TEST_F(StartTest, ASecondInstanceOnAnotherBusMayNotUseTheSameState) {
    client().mount("fonts");
    const PrivateBus another;
    std::string message;
    try {
        const RunningDaemon second{DaemonOptions{config_, another.address(), false}, kernel_, {}};
    } catch (const Error& error) {
        message = error.what();
    }
    EXPECT_NE(message.find(directory_ / "state"), std::string::npos) << message;
    EXPECT_NE(message.find("another instance"), std::string::npos) << message;
    EXPECT_EQ(client().listMounts().size(), 1U);
    stop();
    EXPECT_EQ(client().listMounts().size(), 1U);  // its successor may
}

TEST_F(StartTest, ASecondProgramSaysSoInOneLine) {
    client();
    expectRefusal(program(), "org.northstar.Mounter");
}

TEST_F(StartTest, ABadConfigurationNamesFileLineAndKey) {
    directory_.write("mounter.toml", "workers = 2\n\ncolour = \"red\"\n");
    expectRefusal(program(), "mounter.toml:3:1: colour");
    directory_.write("mounter.toml", "workers = \"many\"\n");
    expectRefusal(program(), "mounter.toml:1:11: workers");
    directory_.write("mounter.toml", "workers = = 2\n");
    expectRefusal(program(), "mounter.toml:1");
}

TEST_F(StartTest, AllThatIsWrongIsSaidLineByLine) {
    configureOnly("colour = \"red\"", "[repositories.main]\ndri = \"/x\"\nkeys = [\"/nowhere/vendor.pub\"]\n");
    Process process{program()};
    const std::string output = process.readAll();
    EXPECT_EQ(process.wait(), 1);
    EXPECT_EQ(std::ranges::count(output, '\n'), 3) << output;
    EXPECT_NE(output.find("mounter.toml:4:1: colour: unknown key\n"), std::string::npos) << output;
    EXPECT_NE(output.find("mounter.toml:6:1: repositories.main.dri: unknown key; did you mean \"dir\"?\n"),
              std::string::npos)
        << output;
    EXPECT_NE(output.find("mounter.toml:7:9: repositories.main.keys: Cannot read the public key /nowhere/vendor.pub"),
              std::string::npos)
        << output;
}

// The journal may find no unit for a datagram of a process that has ended, so the reason goes to its stream.
TEST_F(StartTest, TheLastLineOfAFailedStartIsOnTheStreamThatTheJournalReads) {
    directory_.write("mounter.toml", "colour = \"red\"\n");
    Process process{{"sh", "-c", R"(JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@")", kDaemonBinary,
                     "--config", directory_ / "mounter.toml", "--bus", bus_.address()}};
    const std::string output = process.readAll();
    EXPECT_EQ(process.wait(), 1);
    EXPECT_TRUE(output.starts_with("<2>")) << output;
    EXPECT_NE(output.find("mounter.toml:1:1: colour"), std::string::npos) << output;
}

TEST_F(StartTest, AMissingConfigurationNamesTheFile) {
    expectRefusal({kDaemonBinary, "--config", "/nowhere/mounter.toml", "--bus", bus_.address()},
                  "/nowhere/mounter.toml");
}

TEST_F(StartTest, AMissingKeyNamesTheFile) {
    configureOnly("", "[repositories.main]\ndir = \"" + directory_ / "main" + "\"\nkeys = [\"/nowhere/vendor.pub\"]\n");
    expectRefusal(program(), "/nowhere/vendor.pub");
}

TEST_F(StartTest, AMissingBusNamesTheAddress) {
    auto argv = program();
    argv.at(4) = "unix:path=" + directory_ / "no-such-socket";
    expectRefusal(argv, "no-such-socket");
}

TEST_F(StartTest, VersionIsPrinted) {
    Process process{{kDaemonBinary, "--version"}};
    EXPECT_TRUE(process.readAll().starts_with("northstar-mounterd "));
    EXPECT_EQ(process.wait(), 0);
}

TEST_F(StartTest, UnknownArgumentsAreRefused) {
    Process process{{kDaemonBinary, "--colour"}};
    EXPECT_NE(process.readAll().find("--colour"), std::string::npos);
    EXPECT_EQ(process.wait(), 2);
}

TEST_F(StartTest, LosingTheBusEndsTheDaemonWithAnError) {
    polkit_.reset();
    start();
    client_.reset();
    bus_.stop();
    EXPECT_NE(daemon_->result().find("bus"), std::string::npos);
}

TEST_F(StartTest, LosingTheBusBringsWhatIsUnderWayToItsEnd) {
    polkit_.reset();
    const auto fonts = client().mount("fonts");
    client().mount("hello-gzip");
    FakeKernel::Gate gate{*kernel_, "unmount"};
    static_cast<void>(client().begin<>(kRoot, kService, "Unmount", std::string{"hello-gzip"}, Options{}));
    client().waitUntil([] { return true; });
    ASSERT_TRUE(gate.waitFor(1));
    client_.reset();
    bus_.stop();
    kernel_->corrupt(fonts.mountPoint, 1);  // nobody can be told
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    gate.open();
    EXPECT_NE(daemon_->result().find("The bus is lost"), std::string::npos);
    EXPECT_EQ(stateFiles().size(), 1U);
}

TEST_F(StartTest, AMissingRepositoryDirectoryIsAnEmptyRepository) {
    configureOnly("", "[repositories.main]\ndir = \"/nowhere/packages\"\n");
    EXPECT_TRUE(client().listContainers().empty());
}

}  // namespace
}  // namespace northstar::test
