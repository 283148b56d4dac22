// SPDX-License-Identifier: Apache-2.0
// inspect, verify, install, uninstall, reload: containers and packages that are not mounted.
#include <fmt/format.h>

#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/package_file.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

// Runs it for each word; what fails is told, and the others are done.
template <typename Each>
Exit forEach(const Arguments& arguments, const Each& each) {
    Reporter reporter{arguments.json};
    Json rows = Json::array();
    for (const auto& word : arguments.what) {
        Json row{{"what", word}, {"ok", true}};
        try {
            each(word, row);
        } catch (const std::exception& error) {
            const Failure failure = failureOf(error);
            if (failure.status == Exit::Unreachable) throw;  // the next one would fare no better
            row["ok"] = false;
            row["error"] = toJson(failure);
            reporter.tell(failure);
        }
        rows.push_back(std::move(row));
    }
    if (arguments.json) printJson(rows);
    return reporter.status();
}

// Connects when the first word needs it: files are read without the service.
class LazyClient {
public:
    explicit LazyClient(const Arguments& arguments) : arguments_{arguments} {}
    Client* operator->() {
        if (!client_) client_.emplace(arguments_);
        return &*client_;
    }

private:
    const Arguments& arguments_;
    std::optional<Client> client_;
};

bool isIntact(LazyClient& client, const std::string& word, const Options& options, const Arguments& arguments) {
    if (!isPackagePath(word)) return client->verify(word, options);
    verifyPackage(readPackage(word, arguments), word);
    return true;
}

}  // namespace

Exit inspect(const Arguments& arguments) {
    LazyClient client{arguments};
    Reporter reporter{arguments.json};
    Json all = Json::array();
    for (const auto& word : arguments.what) {
        try {
            all.push_back(isPackagePath(word) ? factsOf(readPackage(word, arguments), word)
                                              : toJson(client->inspect(word)));
        } catch (const std::exception& error) {
            if (arguments.what.size() == 1) throw;
            reporter.tell(failureOf(error));
        }
    }
    if (arguments.json) {
        printJson(all);
        return reporter.status();
    }
    for (std::size_t at = 0; at < all.size(); ++at) {
        if (at > 0) std::cout << '\n';
        printFields(all[at]);
    }
    return reporter.status();
}

Exit verify(const Arguments& arguments) {
    Options options;
    if (!arguments.repository.empty()) options["repository"] = sdbus::Variant{arguments.repository};
    LazyClient client{arguments};
    return forEach(arguments, [&](const std::string& word, Json& row) {
        row["intact"] = false;
        if (!isIntact(client, word, options, arguments)) {
            throw Error{Code::Corrupted,
                        fmt::format("{} is corrupted: its image does not match its hash tree; install it anew",
                                    printable(word))};
        }
        row["intact"] = true;
        if (arguments.json) return;
        std::cout << (arguments.what.size() > 1 ? plain(word) + ": intact" : "intact") << std::endl;
    });
}

Exit install(const Arguments& arguments) {
    if (!arguments.host.empty()) {
        throw usageError(
            fmt::format("a package of this machine cannot be handed to another one: copy it there (scp {} "
                        "{}:) and run northstarctl install there",
                        printable(arguments.what.front()), printable(arguments.host)));
    }
    LazyClient client{arguments};
    return forEach(arguments, [&](const std::string& word, Json& row) {
        const UniqueFd npk = openFile(word);
        std::string container;
        {
            Progress progress{word};
            container = client->install(arguments.repository, npk.get(),
                                        [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); });
        }
        row["container"] = container;
        row["repository"] = arguments.repository;
        if (!arguments.json) std::cout << plain(container) << std::endl;
    });
}

Exit uninstall(const Arguments& arguments) {
    LazyClient client{arguments};
    return forEach(arguments, [&](const std::string& word, Json& row) {
        const std::string container = containerOf(word, arguments);
        // Without a version the service would take the highest, which may be another one tomorrow.
        if (container.find(':') == std::string::npos) {
            throw usageError(fmt::format("give the version of {}, too: NAME:VERSION", printable(container)));
        }
        client->uninstall(arguments.repository, container);
        row["container"] = container;
        row["repository"] = arguments.repository;
    });
}

Exit reload(const Arguments& arguments) {
    Client{arguments}.reload();
    return Exit::Done;
}

}  // namespace northstar::cli
