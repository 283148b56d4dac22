// SPDX-License-Identifier: Apache-2.0
// northstarctl on a terminal: colours, widths, and polkit's agent.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli_test.h"
#include "support/terminal.h"

namespace northstar::test {
namespace {

class CliTerminalTest : public CliTest {
protected:
    std::string shown(std::vector<std::string> arguments, const std::function<void()>& prepare = {}) {
        client();
        arguments.insert(arguments.begin(), {kCtlBinary, "--bus", bus_.address()});
        Terminal terminal{arguments, prepare};
        auto text = terminal.readAll();
        EXPECT_EQ(terminal.wait(), kDone) << text;
        return text;
    }
};

TEST_F(CliTerminalTest, CorruptedIsRedAndUnverifiedYellowOnATerminal) {
    run({"mount", "fonts"});
    run({"mount", "multi:1.0.0"});
    run({"mount", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--allow-unverified"});
    kernel_->corrupt(runDir() + "/fonts:2.3.4", 3);
    ASSERT_TRUE(client().waitForSignal("CorruptionDetected"));
    const std::string list = shown({"list"});
    EXPECT_TRUE(list.starts_with("CONTAINER")) << list;
    EXPECT_NE(list.find("\n\x1b[31mfonts:2.3.4 "), std::string::npos) << list;
    EXPECT_NE(list.find("\nmulti:1.0.0 "), std::string::npos) << list;
    EXPECT_NE(list.find("\n\x1b[33mhello-unsigned:1.0.0 "), std::string::npos) << list;
    EXPECT_EQ(shown({"list"}, [] { setenv("NO_COLOR", "1", 1); }).find('\x1b'), std::string::npos);
    EXPECT_EQ(shown({"list"}, [] { setenv("TERM", "dumb", 1); }).find('\x1b'), std::string::npos);
    EXPECT_EQ(shown({"list", "--color", "never"}).find('\x1b'), std::string::npos);
    EXPECT_NE(shown({"status"}).find("\x1b[31m1 corrupted\x1b[0m"), std::string::npos);
    run({"list"});
    EXPECT_EQ(text_.find('\x1b'), std::string::npos);  // no terminal
    run({"list", "--color=always"});
    EXPECT_NE(text_.find('\x1b'), std::string::npos);
}

TEST_F(CliTerminalTest, ColumnsAreAsWideAsTheirCharacters) {
    for (const char* place : {"/srv/a", "/srv/äöü", "/srv/漢字", "/srv/e\xcc\x81"}) {
        client().mount("fonts", {{"target", sdbus::Variant{std::string{place}}}});
    }
    run({"list", "--no-legend", "--columns", "mount_point,name"});
    EXPECT_EQ(text_, "/srv/a     fonts\n/srv/äöü   fonts\n/srv/漢字  fonts\n/srv/e\xcc\x81     fonts\n");
}

// What systemctl does, too: pkttyagent asks where nobody else does.
class CliAgentTest : public CliTest {
protected:
    CliAgentTest() {
        client();
        callAs(1000);
        namespace fs = std::filesystem;
        chmod(directory_.path().c_str(), 0755);
        const std::string socket = bus_.address().substr(bus_.address().find('=') + 1);
        chmod(fs::path{socket.substr(0, socket.find(','))}.parent_path().c_str(), 0711);
        fs::create_directory(directory_ / "bin");
        fs::copy_file(kCtlBinary, directory_ / "bin/northstarctl");
        fs::create_directory(directory_ / "agent");
        chmod((directory_ / "agent").c_str(), 0777);
        directory_.write("bin/pkttyagent",
                         "#!/bin/sh\ncd '" + directory_ / "agent" +
                             "'\necho \"$* of $PPID\" >>started\ntrap 'echo ended >>started; exit' TERM\n"
                             "echo 'asking a person'\neval \"exec $2>&-\"\n"
                             "while :; do sleep 0.05; done\n");
        for (const char* name : {"bin", "bin/northstarctl", "bin/pkttyagent"}) chmod((directory_ / name).c_str(), 0755);
    }

    // Runs it as another user on the bus as the system bus; what the agent wrote is in agent_.
    std::string shown(std::vector<std::string> arguments, bool root = false) {
        std::filesystem::remove(directory_ / "agent/started");
        arguments.insert(arguments.begin(), directory_ / "bin/northstarctl");
        Terminal terminal{arguments, [&] {
                              setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
                              setenv("PATH", (directory_ / "bin:" + getenv("PATH")).c_str(), 1);
                              for (const char* name : {"LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
                                  unsetenv(name);  // of a build with sanitizers: files that not everybody can read
                              }
                              setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
                              constexpr uid_t kNobody = 65534;
                              if (!root && geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) _exit(99);
                          }};
        auto text = terminal.readAll();
        status_ = terminal.wait().value_or(-1);
        std::ifstream file{directory_ / "agent/started"};
        agent_.assign(std::istreambuf_iterator<char>{file}, {});
        return text;
    }

    std::string agent_;
    int status_ = -1;
};

TEST_F(CliAgentTest, IsThereWhileACallMayAskAndIsTakenAway) {
    const std::string text = shown({"reload"});
    EXPECT_EQ(status_, kDone) << text;
    EXPECT_TRUE(std::regex_match(agent_, std::regex{"--notify-fd \\d+( --fallback)? of \\d+\nended\n"})) << agent_;
    EXPECT_NE(text.find("asking a person"), std::string::npos) << text;
    ASSERT_EQ(polkit_->asked().size(), 1U);
    EXPECT_TRUE(polkit_->asked().back().interactive);
    EXPECT_NE(shown({"mount", "fonts"}).find(runDir() + "/fonts:2.3.4\r\n"), std::string::npos);
    EXPECT_EQ(std::ranges::count(agent_, '\n'), 2) << agent_;
}

TEST_F(CliAgentTest, IsNotStartedWhereNobodyIsAsked) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"list"}, {"--no-ask", "reload"}, {"--bus", bus_.address(), "reload"}}) {
        shown(command);
        EXPECT_EQ(status_, kDone);
        EXPECT_EQ(agent_, "") << command.front();
    }
    if (geteuid() == 0) {
        shown({"reload"}, true);
        EXPECT_EQ(agent_, "");
    }
}

TEST_F(CliAgentTest, WithoutOneTheCallIsMadeAllTheSame) {
    std::filesystem::remove(directory_ / "bin/pkttyagent");
    directory_.write("bin/pkttyagent", "");  // nothing to run: it is found first, and cannot be
    const std::string text = shown({"reload"});
    EXPECT_EQ(status_, kDone) << text;
    EXPECT_EQ(agent_, "");
}

}  // namespace
}  // namespace northstar::test
