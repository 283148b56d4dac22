// SPDX-License-Identifier: Apache-2.0
// mount, unmount, replace and upgrade.
#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/std.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/ensure.h"
#include "cli/failure.h"
#include "cli/mounts.h"
#include "cli/output.h"
#include "cli/package_file.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

constexpr const char* kAlreadyMounted = "org.northstar.Mounter.Error.AlreadyMounted";

void refuseOnHost(const std::string& path, const Arguments& arguments) {
    if (arguments.host.empty()) return;
    throw usageError(
        fmt::format("{} is a file of this machine, and no file can be handed to another one: copy it there "
                    "(scp {} {}:) and use `mount --file PATH`, or run northstarctl there",
                    printable(path), printable(path), printable(arguments.host)));
}

Options mountOptions(const Arguments& arguments, bool file) {
    Options options;
    if (!arguments.target.empty()) options["target"] = sdbus::Variant{absolutePath(arguments.target)};
    if (!arguments.verity.empty()) options["verity"] = sdbus::Variant{arguments.verity};
    if (arguments.noexec) options["noexec"] = sdbus::Variant{true};
    if (file) {
        if (arguments.allowUnverified) options["allow_unverified"] = sdbus::Variant{true};
    } else if (!arguments.repository.empty()) {
        options["repository"] = sdbus::Variant{arguments.repository};
    }
    return options;
}

void checkMount(const Arguments& arguments) {
    const std::size_t count = arguments.what.size() + (arguments.file.empty() ? 0 : 1);
    if (count == 0) throw usageError("name what to mount: containers, packages, or --file PATH");
    if (count > 1 && !arguments.file.empty()) throw usageError("--file mounts one package alone");
    if (count > 1 && !arguments.target.empty()) throw usageError("--target is the place of one mount: name one thing");
    const bool files = !arguments.file.empty() || std::ranges::all_of(arguments.what, isPackagePath);
    if (files && !arguments.repository.empty()) throw usageError("--repository is for containers, not for packages");
    if (arguments.allowUnverified && !files) {
        throw usageError("--allow-unverified is for packages; a container of a repository without a key needs none");
    }
    for (const auto& what : arguments.what) {
        if (isPackagePath(what)) refuseOnHost(what, arguments);
    }
}

Outcome outcomeOf(const std::string& what, const std::function<Mounted()>& mount) {
    try {
        return {what, mount(), {}};
    } catch (const std::exception& error) {
        const Failure failure = failureOf(error);
        if (failure.status == Exit::Unreachable) throw;  // the next one would fare no better
        return {what, {}, failure};
    }
}

Mounted mountOne(Client& client, const std::string& what, const Arguments& arguments) {
    if (!isPackagePath(what)) return client.mount(what, mountOptions(arguments, false));
    return client.mountFd(openFile(what).get(), mountOptions(arguments, true));
}

Mounted ensure(Client& client, const std::string& what, const Arguments& arguments) {
    if (const auto there = mountedSo(client, what, arguments)) return *there;
    try {
        return mountOne(client, what, arguments);
    } catch (const sdbus::Error& error) {
        if (std::string{error.getName()} != kAlreadyMounted) throw;
        if (const auto there = mountedSo(client, what, arguments)) return *there;  // by somebody else, a moment ago
        throw;
    }
}

// Containers go in one call, which mounts them in parallel; packages one by one.
std::vector<Outcome> mountAll(Client& client, const Arguments& arguments) {
    const auto& words = arguments.what;
    std::vector<std::string> names;
    if (words.size() > 1 && !arguments.ensure) {
        std::ranges::copy_if(words, std::back_inserter(names), [](const auto& word) { return !isPackagePath(word); });
    }
    const auto ofNames =
        names.empty() ? std::vector<Outcome>{} : client.mountMany(names, mountOptions(arguments, false));
    std::vector<Outcome> outcomes;
    std::size_t next = 0;
    for (const auto& word : words) {
        if (next < ofNames.size() && !isPackagePath(word)) {
            outcomes.push_back(ofNames[next++]);
        } else {
            outcomes.push_back(outcomeOf(word, [&] {
                return arguments.ensure ? ensure(client, word, arguments) : mountOne(client, word, arguments);
            }));
        }
    }
    return outcomes;
}

// Prints what was done, and tells of what was not.
Exit report(const std::vector<Outcome>& outcomes, const Arguments& arguments, bool mounts) {
    Reporter reporter{arguments.json};
    Json rows = Json::array();
    for (const auto& outcome : outcomes) {
        Json row{{"what", outcome.what}, {"ok", !outcome.failure}};
        if (outcome.failure) {
            row["error"] = toJson(*outcome.failure);
            reporter.tell(*outcome.failure);
        } else if (mounts) {
            row["mount"] = outcome.mounted.object;
            row["mount_point"] = outcome.mounted.mountPoint;
            if (!arguments.json) std::cout << plain(outcome.mounted.mountPoint) << std::endl;
        }
        rows.push_back(std::move(row));
    }
    if (arguments.json) printJson(rows);
    return reporter.status();
}

// What is not there any more went by another hand, which is as good.
Exit unmountAll(Client& client, const Arguments& arguments, const Options& options) {
    std::vector<std::string> objects;
    std::map<std::string, std::string> containers;
    for (const auto& row : client.listMounts()) {
        objects.push_back(row["object"]);
        containers[objects.back()] = row["container"];
    }
    auto outcomes = client.unmountMany(objects, options);
    const auto hasFailed = [](const Outcome& outcome) { return outcome.failure.has_value(); };
    if (std::ranges::any_of(outcomes, hasFailed)) {
        std::vector<std::string> left;
        for (const auto& row : client.listMounts()) left.push_back(row["object"]);
        for (auto& outcome : outcomes) {
            if (std::ranges::count(left, outcome.what) == 0) outcome.failure.reset();
        }
    }
    const auto failed = std::ranges::count_if(outcomes, hasFailed);
    for (auto& outcome : outcomes) outcome.what = containers[outcome.what];
    const Exit status = report(outcomes, arguments, false);
    if (failed == 0 || arguments.json) return status;
    std::cerr << fmt::format("northstarctl: {} of {} mounts could not be unmounted", failed, outcomes.size())
              << std::endl;
    return status;
}

// As the service takes it: a package is called by its container, a path is absolute.
std::string unmountName(const std::string& word, const Arguments& arguments) {
    if (!isPackagePath(word)) return word;
    return word.ends_with(".npk") && arguments.host.empty() ? containerOf(word, arguments) : absolutePath(word);
}

// Each mount of that name by the highest version that its own repository has; of a file, by the highest of all.
std::vector<Outcome> upgradeAll(Client& client, const Json& mounts, const std::string& name) {
    std::vector<Outcome> outcomes;
    for (const auto& row : mounts) {
        if (row["name"] != name) continue;
        outcomes.push_back(outcomeOf(name, [&] {
            const std::string repository = row["repository"];
            const std::string wanted = repository.empty() ? name : repository + "/" + name;
            const auto highest = client.inspect(wanted).at("version").get<std::string>();
            return row["version"] == highest ? Mounted{row["object"], row["mount_point"]}
                                             : client.replace(row["object"], wanted, {});
        }));
    }
    if (outcomes.empty()) outcomes.push_back(outcomeOf(name, [&] { return client.replace(name, name, {}); }));
    return outcomes;
}

}  // namespace

Exit mount(const Arguments& arguments) {
    checkMount(arguments);
    Client client{arguments};
    if (!arguments.file.empty()) {
        const std::string path = arguments.host.empty() ? absolutePath(arguments.file) : arguments.file;
        return report({outcomeOf(path, [&] { return client.mountFile(path, mountOptions(arguments, true)); })},
                      arguments, true);
    }
    return report(mountAll(client, arguments), arguments, true);
}

Exit replace(const Arguments& arguments) {
    if (arguments.what.size() != 2) throw usageError("name what is mounted, and the container to put in its place");
    const std::string& container = arguments.what.back();
    if (isPackagePath(container))
        throw usageError("only a container of a repository can take a place; install it first");
    Client client{arguments};
    const std::string there = unmountName(arguments.what.front(), arguments);
    return report({outcomeOf(there, [&] { return client.replace(there, container, mountOptions(arguments, false)); })},
                  arguments, true);
}

Exit upgrade(const Arguments& arguments) {
    if (arguments.what.empty()) throw usageError("name what to upgrade");
    for (const auto& name : arguments.what) {
        if (name.find_first_of(":/") == std::string::npos) continue;
        throw usageError(fmt::format("{} is no name without a version; `replace` takes a version", printable(name)));
    }
    Client client{arguments};
    const Json mounts = mountRows(client.state());
    std::vector<Outcome> outcomes;
    for (const auto& name : arguments.what) {
        for (auto& outcome : upgradeAll(client, mounts, name)) outcomes.push_back(std::move(outcome));
    }
    return report(outcomes, arguments, true);
}

Exit unmount(const Arguments& arguments) {
    if (arguments.what.empty() != arguments.all) throw usageError("name what to unmount, or --all");
    Options options;
    if (arguments.lazy) options["lazy"] = sdbus::Variant{true};
    Client client{arguments};
    if (arguments.all) return unmountAll(client, arguments, options);
    std::vector<std::string> names;
    for (const auto& word : arguments.what) names.push_back(unmountName(word, arguments));
    if (names.size() > 1) return report(client.unmountMany(names, options), arguments, false);
    return report({outcomeOf(names.front(),
                             [&] {
                                 client.unmount(names.front(), options);
                                 return Mounted{};
                             })},
                  arguments, false);
}

}  // namespace northstar::cli
