// SPDX-License-Identifier: Apache-2.0
// What northstarctl prints: tables, JSON, errors, help.
#include <filesystem>
#include <iterator>
#include <sstream>

#include "cli_test.h"

namespace northstar::test {
namespace {

class CliOutputTest : public CliTest {};

TEST_F(CliOutputTest, ListShowsTheMountsInTheColumnsThatWereChosen) {
    run({"mount", "fonts"});
    run({"mount", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--allow-unverified"});
    EXPECT_EQ(run({"list"}), kDone);
    EXPECT_TRUE(shows("^CONTAINER +MOUNT POINT +VERIFIED +CORRUPTED +OWNER +SINCE\n")) << text_;
    EXPECT_TRUE(
        shows("\nfonts:2.3.4 +\\S+/run/fonts:2.3.4 +yes +no +root +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\n"))
        << text_;
    EXPECT_TRUE(shows("\nhello-unsigned:1.0.0 +\\S+ +no +no ")) << text_;
    EXPECT_EQ(run({"list", "--no-legend", "--columns", "device,container"}), kDone);
    EXPECT_TRUE(shows("^/dev/dm-0 +fonts:2.3.4\n/dev/\\S+ +hello-unsigned:1.0.0\n$")) << text_;
    EXPECT_TRUE(fails(kUsage, "no column attic; there are container, mount_point", {"list", "--columns", "attic"}));
    EXPECT_EQ(runJson({"list"}), kDone);
    ASSERT_EQ(json_.size(), 2U);
    EXPECT_EQ(json_[0]["container"], "fonts:2.3.4");
    EXPECT_EQ(json_[0]["object"], "/org/northstar/Mounter/mounts/1");
    EXPECT_EQ(json_[0]["owner_uid"], 0);
    EXPECT_EQ(json_[1]["verified"], false);
    EXPECT_EQ(json_[1]["container"], "hello-unsigned:1.0.0");
}

TEST_F(CliOutputTest, ShowTellsAllAboutAMountByAnyOfItsNames) {
    run({"mount", "fonts"});
    for (const auto& name : std::vector<std::string>{"fonts:2.3.4", "fonts", "1", "/org/northstar/Mounter/mounts/1",
                                                     runDir() + "/fonts:2.3.4"}) {
        EXPECT_EQ(run({"show", name}), kDone) << name;
        EXPECT_TRUE(shows("^container: fonts:2.3.4\nmount_point: ")) << text_;
        EXPECT_TRUE(shows("\nowner_uid: root\n")) << text_;
        EXPECT_TRUE(shows("\nroot_hash: [0-9a-f]{64}\n")) << text_;
    }
    EXPECT_EQ(runJson({"show", "fonts"}), kDone);
    EXPECT_EQ(json_[0]["filesystem"], "squashfs");
    EXPECT_TRUE(fails(kNotFound, "NotMounted: attic is not mounted", {"show", "attic"}));
}

TEST_F(CliOutputTest, StatusShowsWhatThereIsAndWhatNeedsAttention) {
    run({"mount", "fonts"});
    run({"mount", dataPath("unsigned/hello-unsigned-1.0.0.npk"), "--allow-unverified"});
    EXPECT_EQ(run({"status"}), kDone);
    EXPECT_TRUE(shows("^Northstar Mounter \\d+\\.\\d+\\.\\d+\n")) << text_;
    EXPECT_TRUE(shows(" dm-verity: available\n")) << text_;
    EXPECT_TRUE(shows(" mounts: 2, 1 not verified\n")) << text_;
    EXPECT_TRUE(shows("other +directory +verified +0 B of 1\\.0 MB, 0 containers ")) << text_;
    EXPECT_FALSE(shows("corrupted")) << text_;
    kernel_->corrupt(runDir() + "/fonts:2.3.4", 3);
    for (int tries = 0; tries < 100 && !shows("1 corrupted"); ++tries) run({"status"});
    EXPECT_TRUE(shows(" mounts: 2, 1 not verified, 1 corrupted\n")) << text_;
    EXPECT_TRUE(shows(" corrupted: fonts:2.3.4 \\S+/run/fonts:2.3.4\n")) << text_;
    EXPECT_EQ(runJson({"status"}), kDone);
    EXPECT_EQ(json_["mounts"], 2);
    EXPECT_EQ(json_["corrupted"][0]["container"], "fonts:2.3.4");
    EXPECT_EQ(json_["verity_available"], true);
    EXPECT_EQ(json_["repositories"].size(), 3U);
    EXPECT_EQ(json_["refused"].size(), 0U);
}

TEST_F(CliOutputTest, RepositoriesAreListedAsTableAndAsJson) {
    run({"install", dataPath("signed/fonts-2.3.4.npk"), "--repository", "other"});
    EXPECT_EQ(run({"repositories"}), 0);
    EXPECT_TRUE(shows("^NAME +TYPE +VERIFIED +USED +CAPACITY +MAX +DIRECTORY\n")) << text_;
    EXPECT_TRUE(shows("other +directory +yes +44713 +1000000 +2 +" + directory_ / "other")) << text_;
    EXPECT_TRUE(shows("plain +directory +no +\\d+ +0 +0 +")) << text_;
    EXPECT_EQ(runJson({"repositories"}), 0);
    const auto other = std::ranges::find(json_, "other", [](const Json& row) { return row["name"]; });
    ASSERT_NE(other, json_.end());
    EXPECT_EQ((*other)["containers"], Json{"fonts:2.3.4"});
    EXPECT_EQ((*other)["max_containers"], 2);
    EXPECT_EQ((*other)["keys"].size(), 1U);
}

TEST_F(CliOutputTest, ContainersAreListedWithTheirRepositories) {
    EXPECT_EQ(run({"containers"}), kDone);
    EXPECT_TRUE(shows("^NAME +VERSION +REPOSITORY +MOUNTED\n")) << text_;
    EXPECT_TRUE(shows("\nfonts +2.3.4 +main +no\n")) << text_;
    EXPECT_EQ(runJson({"containers"}), kDone);
    EXPECT_GT(json_["containers"].size(), 1U);
    EXPECT_EQ(json_["containers"][0]["mounted"], false);
    EXPECT_EQ(json_["refused"].size(), 0U);
}

TEST_F(CliOutputTest, EveryCommandThatDoesSomethingTellsItInJson) {
    const std::string fonts = dataPath("signed/fonts-2.3.4.npk");
    EXPECT_EQ(runJson({"install", fonts, "/srv/none.npk", "--repository", "other"}), kNotFound);
    ASSERT_EQ(json_.size(), 2U);
    EXPECT_EQ(json_[0], Json::parse(R"({"what": ")" + fonts +
                                    R"(", "ok": true, "container": "fonts:2.3.4", "repository": "other"})"));
    EXPECT_EQ(json_[1]["error"]["name"], "FileNotFound");
    EXPECT_EQ(Json::parse(text_)["error"], json_[1]["error"]);
    EXPECT_EQ(runJson({"verify", "fonts"}), kDone);
    EXPECT_EQ(json_[0]["intact"], true);
    EXPECT_EQ(runJson({"inspect", "fonts"}), kDone);
    EXPECT_EQ(json_[0]["uid"], 1000);
    EXPECT_EQ(runJson({"mount", "fonts"}), kDone);
    EXPECT_EQ(json_[0]["mount"], "/org/northstar/Mounter/mounts/1");
    EXPECT_EQ(json_[0]["mount_point"], runDir() + "/fonts:2.3.4");
    EXPECT_EQ(runJson({"unmount", "fonts"}), kDone);
    EXPECT_EQ(json_[0]["ok"], true);
    EXPECT_EQ(runJson({"uninstall", "fonts:2.3.4", "--repository", "other"}), kDone);
    EXPECT_EQ(json_[0]["container"], "fonts:2.3.4");
}

TEST_F(CliOutputTest, ErrorsHaveNameMessageAndStatusInJsonToo) {
    EXPECT_EQ(runJson({"unmount", "attic"}), kNotFound);
    const Json error = Json::parse(text_)["error"];
    EXPECT_EQ(error["name"], "NotMounted");
    EXPECT_EQ(error["status"], kNotFound);
    EXPECT_NE(error["message"].get<std::string>().find("`northstarctl list` shows"), std::string::npos) << error;
    EXPECT_EQ(runJson({"no-such-command"}), kUsage);
    EXPECT_EQ(Json::parse(text_)["error"]["name"], "Usage");
    EXPECT_EQ(runAny({kCtlBinary, "--bus", "unix:path=" + directory_ / "none", "--json", "list"}), kUnreachable);
    EXPECT_EQ(Json::parse(text_)["error"]["name"], "NoServer");
}

TEST_F(CliOutputTest, TheExitStatusSaysWhatKindOfErrorItWas) {
    run({"mount", "fonts"});
    EXPECT_TRUE(fails(kNotFound, "NoSuchContainer: ", {"mount", "attic"}));
    EXPECT_TRUE(fails(kFailed, "AlreadyMounted: ", {"mount", "fonts"}));
    EXPECT_TRUE(fails(kInvalid, "InvalidSignature: ", {"mount", dataPath("unsigned/hello-unsigned-1.0.0.npk")}));
    const std::string text = directory_.write("text.npk", "no package");
    EXPECT_TRUE(fails(kInvalid, "InvalidPackage: ", {"mount", text}));
    EXPECT_TRUE(fails(kInvalid, "InvalidPackage: ", {"inspect", text}));
    run({"mount", "fonts", "--target", "/srv/fonts"});
    EXPECT_TRUE(fails(kUsage, "InvalidArgs: ", {"unmount", "fonts"}));
    run({"unmount", "/srv/fonts"});
    kernel_->keepBusy(runDir() + "/fonts:2.3.4", {{42, "cat", "/file"}});
    EXPECT_TRUE(fails(kBusy, "Busy: Cannot unmount", {"unmount", "fonts"}));
    EXPECT_TRUE(shows("unmount with --lazy")) << text_;
    callAs(1000);
    polkit_->answer(FakePolkit::Policy::No);
    EXPECT_TRUE(fails(kDenied, "AccessDenied: ", {"reload"}));
    callAs(0);
    kernel_->setVerityAvailable(false);
    EXPECT_TRUE(fails(kUnsupported, "Unsupported: ", {"mount", "multi:1.0.0"}));
    stop();
    EXPECT_EQ(runAny({kCtlBinary, "--bus", bus_.address(), "list"}), kUnreachable);
    EXPECT_TRUE(shows("ServiceUnknown: .*check-system")) << text_;
}

TEST_F(CliOutputTest, NothingOfAMessageMovesTheCursor) {
    EXPECT_TRUE(fails(kNotFound, "a?b",
                      {"unmount",
                       "a\x1b"
                       "b"}));
    EXPECT_TRUE(fails(kUsage, "a???b",
                      {"a\xe2\x80\xae"
                       "b"}));  // right-to-left override
}

TEST_F(CliOutputTest, MonitorPrintsEventsWithTheirTime) {
    client();
    const std::vector<std::string> base{kCtlBinary, "--bus", bus_.address(), "monitor"};
    Process plain{base};
    auto once = base;
    once.insert(once.end(), {"--json", "--once"});
    Process json{once};
    for (auto* process : {&plain, &json}) EXPECT_EQ(process->readLine(), "northstarctl: waiting for events");
    client().mount("fonts");
    const std::string line = plain.readLine();
    EXPECT_TRUE(std::regex_match(line, std::regex{R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Mounted fonts:2\.3\.4 \S+)"}))
        << line;
    const Json event = Json::parse(json.readLine());
    EXPECT_EQ(event["event"], "Mounted");
    EXPECT_EQ(event["container"], "fonts:2.3.4");
    EXPECT_GT(event["time"], 1'700'000'000'000'000U);
    EXPECT_EQ(json.wait(), kDone);
    kernel_->corrupt(runDir() + "/fonts:2.3.4", 3);
    EXPECT_NE(plain.readLine().find("CorruptionDetected fonts:2.3.4 block 3"), std::string::npos);
    plain.signal(SIGINT);
    EXPECT_EQ(plain.wait(), 128 + SIGINT);
}

TEST_F(CliOutputTest, HelpOfEachCommandFitsOnAScreenAndHasExamples) {
    EXPECT_EQ(runAny({kCtlBinary, "--help"}), kDone);
    EXPECT_LE(std::ranges::count(text_, '\n'), 25);
    std::vector<std::string> names;
    const std::string all = text_;
    const std::regex row{"\n  ([a-z][a-z-]+) "};
    for (std::sregex_iterator it{all.begin(), all.end(), row}, end; it != end; ++it) names.push_back((*it)[1]);
    ASSERT_EQ(names.size(), 17U) << all;
    for (const auto& name : names) {
        EXPECT_EQ(runAny({kCtlBinary, "help", name}), kDone);
        const std::string help = text_;
        EXPECT_LE(std::ranges::count(help, '\n'), 24) << help;
        EXPECT_TRUE(shows("Examples:\n  northstarctl (\\S+ \\S+ )?" + name)) << help;
        EXPECT_FALSE(shows("(^|\n)[^\n]{81}")) << help;
        EXPECT_EQ(runAny({kCtlBinary, name, "--help"}), kDone);
        EXPECT_EQ(text_, help);
    }
    EXPECT_TRUE(fails(kUsage, "did you mean unmount?", {"umount"}));
    EXPECT_TRUE(fails(kUsage, "did you mean status?", {"help", "state"}));
    EXPECT_TRUE(fails(kUsage, "northstarctl help list", {"list", "--jsno"}));
}

// Whatever they find, they are no wrong usage. Those that wait, or look at other places, are left out.
TEST_F(CliOutputTest, TheExamplesOfTheHelpAreUnderstood) {
    std::size_t count = 0;
    for (const char* name : {"status", "list", "show", "mount", "unmount", "containers", "inspect", "verify",
                             "repositories", "install", "uninstall", "reload", "help"}) {
        runAny({kCtlBinary, "help", name});
        std::istringstream lines{text_.substr(text_.find("Examples:\n"))};
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with("  northstarctl ") || line.find(" -H ") != std::string::npos) continue;
            std::istringstream words{line.substr(15)};
            const std::vector<std::string> arguments{std::istream_iterator<std::string>{words}, {}};
            const int status = run(arguments);
            EXPECT_TRUE(status == kDone || status == kNotFound) << line << ": " << status << ": " << text_;
            ++count;
        }
    }
    EXPECT_GT(count, 20U);
}

}  // namespace
}  // namespace northstar::test
