// SPDX-License-Identifier: Apache-2.0
// Completion: what is offered, and that each shell offers it.
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "cli_test.h"
#include "support/terminal.h"

namespace northstar::test {
namespace {

class CliCompleteTest : public CliTest {
protected:
    CliCompleteTest() {
        client().mount("fonts");
        addPackage("other", "signed/fonts-2.3.4.npk");  // which has it, too
        client().reload();
        // A command of this name, as a shell looks it up, that calls the one which was built.
        directory_.write("northstarctl", "#!/bin/sh\ncase $1 in __complete) exec '" + std::string{kCtlBinary} +
                                             "' \"$@\" ;; esac\necho \"RAN[$*]\"\n");
        std::filesystem::permissions(directory_ / "northstarctl", std::filesystem::perms::owner_all);
    }

    // What is offered for the last of these words, without its explanation.
    std::vector<std::string> offered(std::vector<std::string> words) {
        words.insert(words.begin(), {kCtlBinary, "__complete", "--bus", bus_.address()});
        EXPECT_EQ(runAny(words), kDone);
        std::vector<std::string> candidates;
        std::istringstream lines{text_};
        for (std::string line; std::getline(lines, line);) candidates.push_back(line.substr(0, line.find('\t')));
        return candidates;
    }
    using Offers = std::vector<std::string>;

    // What a shell runs when this was typed: a tab stands for itself.
    std::string typed(const std::vector<std::string>& shell, const std::string& setUp, const std::string& line) {
        Terminal terminal{shell, [&] {
                              setenv("PATH", (directory_.path() + ":" + getenv("PATH")).c_str(), 1);
                              setenv("HOME", directory_.path().c_str(), 1);
                              setenv("XDG_CONFIG_HOME", directory_.path().c_str(), 1);
                              setenv("XDG_DATA_HOME", directory_.path().c_str(), 1);
                              setenv("LC_ALL", "C.UTF-8", 1);
                              unsetenv("BASH_ENV");
                          }};
        terminal.type(setUp + "\recho REA''DY\r");
        terminal.waitFor("READY\r\n");
        std::size_t from = 0;
        for (std::size_t at = line.find('\t'); at != std::string::npos; at = line.find('\t', from)) {
            terminal.type(line.substr(from, at + 1 - from));
            std::this_thread::sleep_for(std::chrono::milliseconds{300});  // as a person types
            from = at + 1;
        }
        terminal.type(line.substr(from) + "\r");
        const std::string& shown = terminal.waitFor("]\r\n");
        const auto ran = shown.find("RAN[");
        if (ran == std::string::npos) return shown;
        return shown.substr(ran, shown.find(']', ran) + 1 - ran);
    }
};

TEST_F(CliCompleteTest, CommandsOptionsAndTheirValuesAreOfferedOnce) {
    EXPECT_EQ(offered({"un"}), (Offers{"unmount", "uninstall"}));
    EXPECT_EQ(offered({"help", "mon"}), Offers{"monitor"});
    EXPECT_EQ(offered({"mount", "--re"}), Offers{"--repository"});
    EXPECT_EQ(offered({"mount", "--ensure", "--e"}), Offers{});  // it is there
    EXPECT_EQ(offered({"list", "--js"}), Offers{"--json"});
    EXPECT_EQ(offered({"mount", "fonts", "--verity", "r"}), Offers{"restart"});
    EXPECT_EQ(offered({"--color", "a"}), (Offers{"auto", "always"}));
    EXPECT_EQ(offered({"mount", "--target", ""}), Offers{":directories"});
    EXPECT_EQ(offered({"install", ""}), Offers{":files"});
    EXPECT_EQ(offered({"lst", ""}), Offers{});
}

TEST_F(CliCompleteTest, WhatTheServiceHasIsOfferedOnce) {
    EXPECT_EQ(offered({"mount", "fon"}), (Offers{":files", "fonts:2.3.4"}));
    EXPECT_EQ(offered({"mount", "--", "fon"}), (Offers{":files", "fonts:2.3.4"}));
    EXPECT_EQ(offered({"mount", "fonts:2.3.4", "fon"}), Offers{":files"});
    EXPECT_EQ(offered({"unmount", "fon"}), Offers{"fonts:2.3.4"});
    EXPECT_EQ(offered({"unmount", runDir()}), Offers{runDir() + "/fonts:2.3.4"});
    EXPECT_EQ(offered({"show", ""}), Offers{"fonts:2.3.4"});
    EXPECT_EQ(offered({"uninstall", "--repository", "other", ""}), Offers{"fonts:2.3.4"});
    EXPECT_EQ(offered({"uninstall", "fonts:2.3.4", "--repository", "ot"}), Offers{"other"});
    client().mount("fonts", {{"target", sdbus::Variant{std::string{"/srv/fonts"}}}});
    EXPECT_EQ(offered({"unmount", ""}), (Offers{runDir() + "/fonts:2.3.4", "/srv/fonts"}));
}

TEST_F(CliCompleteTest, AServiceThatIsNotThereOffersNothingAndSaysNothing) {
    EXPECT_EQ(runAny({kCtlBinary, "__complete", "--bus", "unix:path=/none", "unmount", ""}), kDone);
    EXPECT_EQ(text_, "");
}

TEST_F(CliCompleteTest, BashCompletes) {
    const std::vector<std::string> shell{"bash", "--norc", "--noprofile", "-i"};
    const std::string setUp = ". '" + std::string{kSourceDir} + "/completions/northstarctl.bash'";
    EXPECT_EQ(typed(shell, setUp, "northstarctl stat\t--js\t"), "RAN[status --json]");
    EXPECT_EQ(typed(shell, setUp, "northstarctl --bus " + bus_.address() + " unmount fon\t"),
              "RAN[--bus " + bus_.address() + " unmount fonts:2.3.4]");
    EXPECT_EQ(typed(shell, setUp, "northstarctl --bus " + bus_.address() + " unmount fonts:2\t--laz\t"),
              "RAN[--bus " + bus_.address() + " unmount fonts:2.3.4 --lazy]");
    directory_.write("some.npk", "");
    EXPECT_EQ(typed(shell, setUp, "northstarctl install " + directory_.path() + "/som\t"),
              "RAN[install " + directory_.path() + "/some.npk]");
}

TEST_F(CliCompleteTest, ZshCompletes) {
    const std::vector<std::string> shell{"zsh", "-f", "-i"};
    const std::string setUp =
        "PS1='> '; fpath=('" + std::string{kSourceDir} + "/completions' $fpath); autoload -Uz compinit; compinit -u -D";
    EXPECT_EQ(typed(shell, setUp, "northstarctl stat\t--js\t"), "RAN[status --json]");
    EXPECT_EQ(typed(shell, setUp, "northstarctl --bus " + bus_.address() + " unmount fon\t--laz\t"),
              "RAN[--bus " + bus_.address() + " unmount fonts:2.3.4 --lazy]");
    directory_.write("some.npk", "");
    EXPECT_EQ(typed(shell, setUp, "northstarctl install " + directory_.path() + "/som\t"),
              "RAN[install " + directory_.path() + "/some.npk]");
}

TEST_F(CliCompleteTest, FishCompletes) {
    const auto complete = [&](const std::string& line) {
        Process fish{
            {"env", "HOME=" + directory_.path(), "XDG_CONFIG_HOME=" + directory_.path(),
             "PATH=" + directory_.path() + ":" + getenv("PATH"), "fish", "--no-config", "-c",
             "source '" + std::string{kSourceDir} + "/completions/northstarctl.fish'; complete -C '" + line + "'"}};
        return fish.readAll();
    };
    EXPECT_EQ(complete("northstarctl stat"), "status\tShow the service and what needs attention, at a glance\n");
    EXPECT_EQ(complete("northstarctl --bus " + bus_.address() + " unmount fon"),
              "fonts:2.3.4\t" + runDir() + "/fonts:2.3.4\n");
    directory_.write("some.npk", "");
    EXPECT_EQ(complete("northstarctl install " + directory_.path() + "/som"), directory_.path() + "/some.npk\n");
}

}  // namespace
}  // namespace northstar::test
