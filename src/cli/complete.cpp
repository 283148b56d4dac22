// SPDX-License-Identifier: Apache-2.0
#include "cli/complete.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/mounts.h"
#include "cli/output.h"
#include "cli/repositories.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

constexpr unsigned kSeconds = 3;  // a person is waiting with a finger on a key

class Completer {
public:
    explicit Completer(std::vector<std::string> words) : words_{std::move(words)}, word_{words_.back()} {
        words_.pop_back();
        arguments_.noAsk = arguments_.completing = true;
        at_ = commandAt(words_);
        if (at_ < words_.size()) spec_ = findCommand(words_[at_]);
        if (spec_ != nullptr) own_ = line_.app.get_subcommand(spec_->name);
        readConnection();
    }

    void run() {
        const bool onlyWords = std::ranges::count(words_, "--") > 0;
        const std::string previous = words_.empty() ? "" : words_.back();
        if (!onlyWords && takesValue(previous)) return offerValues(previous);
        if (at_ == words_.size()) return word_.starts_with('-') ? offerOptions() : offerCommands();
        if (spec_ == nullptr) return;
        if (!onlyWords && word_.starts_with('-')) return offerOptions();
        offerWords();
    }

    [[nodiscard]] const Arguments& arguments() const { return arguments_; }

private:
    const CLI::Option* find(const std::string& name) const {
        if (!name.starts_with('-')) return nullptr;
        for (const CLI::App* app : {own_, static_cast<const CLI::App*>(&line_.app)}) {
            const CLI::Option* found = app == nullptr ? nullptr : app->get_option_no_throw(name);
            if (found != nullptr) return found;
        }
        return nullptr;
    }
    bool takesValue(const std::string& name) const {
        const CLI::Option* option = find(name);
        return option != nullptr && option->get_items_expected_max() > 0;
    }

    void readConnection() {
        for (std::size_t at = 0; at < words_.size() && words_[at] != "--"; ++at) {
            const auto value = [&](const std::string& name) -> std::optional<std::string> {
                if (words_[at] == name && at + 1 < words_.size()) return words_[at + 1];
                if (words_[at].starts_with(name + "=")) return words_[at].substr(name.size() + 1);
                return std::nullopt;
            };
            if (const auto bus = value("--bus")) arguments_.bus = *bus;
            if (const auto repository = value("--repository")) arguments_.repository = *repository;
            for (const char* name : {"-H", "--host"}) {
                if (const auto host = value(name)) arguments_.host = *host;
            }
        }
    }

    // Once each, and none that stands on the line already.
    void offer(const std::string& candidate, const std::string& what) {
        if (!candidate.starts_with(word_) || std::ranges::count(words_, candidate) > 0) return;
        if (std::exchange(offered_[candidate], true)) return;
        std::cout << plain(candidate) << '\t' << plain(what) << '\n';
    }

    void offerCommands() {
        for (const auto& spec : commands()) offer(spec.name, spec.summary);
    }

    void offerOptions() {
        for (const CLI::App* app : {own_, static_cast<const CLI::App*>(&line_.app)}) {
            if (app == nullptr) continue;
            for (const CLI::Option* option : app->get_options()) {
                for (const auto& name : option->get_lnames()) offer("--" + name, option->get_description());
            }
        }
    }

    void offerValues(const std::string& option) {
        if (option == "--bus") return offerAll({"system", "session"}, "bus");
        if (option == "--verity") return offerAll({"eio", "restart", "panic"}, "mode");
        if (option == "--color") return offerAll({"auto", "always", "never"}, "when");
        if (option == "--target" || option == "--root") return static_cast<void>(std::cout << ":directories\n");
        if (option == "--file" || option == "--key") return static_cast<void>(std::cout << ":files\n");
        if (option != "--repository") return;
        for (const auto& row : repositoryRows(Client{arguments_}.state())) {
            offer(row.value("name", ""), row.value("directory", ""));
        }
    }
    void offerAll(const std::vector<std::string>& values, const std::string& what) {
        for (const auto& value : values) offer(value, what);
    }

    void offerWords() {
        switch (spec_->kind) {
            case Words::None: return;
            case Words::Commands: return offerCommands();
            case Words::Packages: std::cout << ":files\n"; return;
            case Words::Mounts: return offerMounts();
            case Words::Containers:
                std::cout << ":files\n";  // packages, if only by a path
                [[fallthrough]];
            case Words::InRepository: return offerContainers();
        }
    }
    // A container that is mounted more than once is called by its mount point.
    void offerMounts() {
        const Json rows = mountRows(Client{arguments_}.state());
        std::map<std::string, std::size_t> times;
        for (const auto& row : rows) ++times[row.value("container", "")];
        for (const auto& row : rows) {
            const std::string container = row.value("container", ""), mountPoint = row.value("mount_point", "");
            const bool once = times[container] == 1;
            if (once) offer(container, mountPoint);
            if (!once || word_.starts_with('/')) offer(mountPoint, container);
        }
    }
    void offerContainers() {
        for (const auto& row : Client{arguments_}.listContainers()) {
            const std::string repository = row["repository"];
            if (!arguments_.repository.empty() && arguments_.repository != repository) continue;
            offer(row["name"].get<std::string>() + ":" + row["version"].get<std::string>(), repository);
        }
    }

    CommandLine line_;
    Arguments arguments_;
    std::vector<std::string> words_;  // before the one to be completed
    std::string word_;
    std::size_t at_ = 0;
    const CommandSpec* spec_ = nullptr;
    const CLI::App* own_ = nullptr;  // of the command
    std::map<std::string, bool> offered_;
};

int runInTime(Completer& completer) {
    std::signal(SIGALRM, [](int) { _exit(0); });
    alarm(kSeconds);
    try {
        completer.run();
    } catch (const std::exception&) {  // nothing to offer
    }
    std::cout.flush();
    return 0;
}

}  // namespace

int complete(const std::vector<std::string>& words) {
    Completer completer{words.empty() ? std::vector<std::string>{""} : words};
    if (completer.arguments().host.empty()) return runInTime(completer);
    // ssh would ask for a password on the terminal of this process: the child has none.
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        setsid();
        unsetenv("SSH_ASKPASS");
        unsetenv("DISPLAY");
        _exit(runInTime(completer));
    }
    waitpid(child, nullptr, 0);
    return 0;
}

}  // namespace northstar::cli
