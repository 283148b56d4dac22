// SPDX-License-Identifier: Apache-2.0
// Each table is decoded by a reader that remembers which keys it was asked for: what is left over is unknown.
#include "config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/types.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <limits>
#include <ranges>
#include <set>

#include "base/error.h"
#include "base/own_file.h"
#include "base/path.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "config/units.h"
#include "config/value.h"

namespace northstar {
namespace {

// Where something is in a file; toml++ has no line for a file that cannot be opened.
std::string placeOf(const std::string& file, const toml::source_region& where) {
    return where.begin.line == 0 ? file : fmt::format("{}:{}", file, where.begin.line);
}

class TableReader {
public:
    TableReader(const std::string& file, const toml::table& table, std::string prefix)
        : file_{file}, table_{table}, prefix_{std::move(prefix)} {}

    [[noreturn]] void fail(const toml::source_region& where, const std::string& key, const std::string& problem) const {
        throw Error{Code::Failed, fmt::format("{}: {}{}: {}", placeOf(file_, where), prefix_, key, problem)};
    }

    const toml::node* find(const std::string& key) {
        known_.insert(key);
        return table_.get(key);
    }

    void string(const std::string& key, std::string& value) {
        if (const auto* node = find(key)) value = text(key, *node);
    }

    void path(const std::string& key, std::string& value) {
        string(key, value);
        if (table_.contains(key) && (value.empty() || value.front() != '/')) {
            fail(table_.get(key)->source(), key, "must be an absolute path");
        }
        if (hasControls(value)) fail(table_.get(key)->source(), key, "must not contain control characters");
        while (value.size() > 1 && value.back() == '/') value.pop_back();
    }

    // One that the service makes and compares with others; the default is resolved, too.
    void ownDirectory(const std::string& key, std::string& value) {
        string(key, value);
        try {
            value = resolveDirectory(value);
        } catch (const Error& error) {
            fail(table_.contains(key) ? table_.get(key)->source() : table_.source(), key, error.what());
        }
    }

    void boolean(const std::string& key, bool& value) {
        read(key, value, "must be true or false", [](const toml::node& node) { return node.value_exact<bool>(); });
    }

    void count(const std::string& key, std::uint32_t& value) {
        read(key, value, "must be a whole number from 0 to 2147483647", [](const toml::node& node) {
            const auto number = node.value_exact<std::int64_t>();
            const bool fits = number && *number >= 0 && *number <= std::numeric_limits<std::int32_t>::max();
            return fits ? number : std::nullopt;
        });
    }

    void duration(const std::string& key, std::chrono::milliseconds& value) {
        read(key, value, "must be a time like \"5s\" or \"200ms\", at most a day",
             [&](const toml::node& node) { return parseDuration(text(key, node)); });
    }

    void size(const std::string& key, std::uint64_t& value) {
        read(key, value, "must be a size like \"100MB\" or \"1GiB\"", [&](const toml::node& node) {
            if (node.is_string()) return parseSize(text(key, node));
            const auto number = node.value_exact<std::int64_t>();
            return number && *number >= 0 ? std::optional<std::uint64_t>{*number} : std::nullopt;
        });
    }

    void paths(const std::string& key, std::vector<std::string>& value) {
        const auto* node = find(key);
        if (node == nullptr) return;
        if (!node->is_array()) fail(node->source(), key, "must be a list of absolute paths");
        value.clear();
        for (const auto& item : *node->as_array()) {
            const auto file = item.value<std::string>();
            if (!file || !file->starts_with('/')) fail(item.source(), key, "must be a list of absolute paths");
            if (hasControls(*file)) fail(item.source(), key, "must not contain control characters");
            value.push_back(*file);
        }
    }

    template <typename Enum>
    void choice(const std::string& key, Enum& value, const std::map<std::string, Enum>& choices) {
        const std::string names = fmt::format("{}", fmt::join(std::views::keys(choices), "\" or \""));
        read(key, value, "must be \"" + names + "\"", [&](const toml::node& node) {
            const auto chosen = choices.find(text(key, node));
            return chosen != choices.end() ? std::optional{chosen->second} : std::nullopt;
        });
    }

    const toml::table* table(const std::string& key) {
        const auto* node = find(key);
        if (node == nullptr) return nullptr;
        if (!node->is_table()) fail(node->source(), key, "must be a table");
        return node->as_table();
    }

    // Call last: everything that was not asked for is a mistake.
    void refuseUnknown() const {
        for (const auto& [key, node] : table_) {
            const std::string name{key.str()};
            if (!known_.contains(name)) fail(node.source(), printable(name), "unknown key");
        }
    }

private:
    // Takes over what `parse` makes of the value, if the key is there.
    template <typename T, typename Parse>
    void read(const std::string& key, T& value, const std::string& problem, const Parse& parse) {
        const auto* node = find(key);
        if (node == nullptr) return;
        const auto parsed = parse(*node);
        if (!parsed) fail(node->source(), key, problem);
        value = static_cast<T>(*parsed);
    }

    std::string text(const std::string& key, const toml::node& node) const {
        if (!node.is_string()) fail(node.source(), key, "must be a string");
        return node.as_string()->get();
    }

    const std::string& file_;
    const toml::table& table_;
    std::string prefix_;
    std::set<std::string> known_;
};

const std::map<std::string, Verification> kVerifications{{"dm-verity", Verification::DmVerity},
                                                         {"sealed", Verification::Sealed}};

RepositoryConfig decodeRepository(const std::string& file, const std::string& name, const toml::table& table) {
    RepositoryConfig repository;
    repository.dir = "/var/lib/northstar/" + name;
    TableReader reader{file, table, "repositories." + name + "."};
    reader.choice<RepositoryType>("type", repository.type,
                                  {{"directory", RepositoryType::Directory}, {"memory", RepositoryType::Memory}});
    reader.path("dir", repository.dir);
    reader.paths("keys", repository.keys);
    reader.choice("verification", repository.verification, kVerifications);
    reader.boolean("mount_on_start", repository.mountOnStart);
    reader.size("capacity", repository.capacity);
    reader.count("max_containers", repository.maxContainers);
    reader.refuseUnknown();
    if (repository.type == RepositoryType::Memory) {
        if (const auto* dir = table.get("dir"))
            reader.fail(dir->source(), "dir", "a memory repository has no directory");
        repository.dir.clear();
        repository.verification = Verification::Sealed;
    }
    return repository;
}

// As text: a look at the directory itself could wait for its filesystem for ever.
std::string spelledOut(const std::string& path) {
    std::string text;
    for (const std::string& part : pathComponents(path)) {
        if (part != ".") text += "/" + part;
    }
    return text;
}

// Of two repositories of one directory, neither would know what the other installs and removes; in run_dir, callers
// choose names.
void refuseSharedDirectory(const TableReader& reader, const Config& config, const std::string& name,
                           const toml::node& table) {
    const std::string dir = spelledOut(config.repositories.at(name).dir);
    if (dir.empty()) return;  // in memory
    const auto fail = [&](const std::string& problem) {
        const toml::node* node = table.as_table()->get("dir");
        reader.fail((node != nullptr ? *node : table).source(), "repositories." + name + ".dir", problem);
    };
    if (isWithin(dir, config.runDir)) fail("must not lie in run_dir, " + config.runDir);
    if (isWithin(dir, config.stateDir)) fail("must not lie in state_dir, " + config.stateDir);
    for (const auto& [other, repository] : config.repositories) {
        if (other != name && spelledOut(repository.dir) == dir) {
            fail("is the directory of repository " + other + ", too; give each one its own");
        }
    }
}

Config decode(const std::string& file, const toml::table& table) {
    Config config;
    TableReader reader{file, table, ""};
    reader.ownDirectory("run_dir", config.runDir);
    reader.ownDirectory("state_dir", config.stateDir);
    if (isWithin(config.stateDir, config.runDir) || isWithin(config.runDir, config.stateDir)) {
        // Callers choose names in run_dir.
        const auto* node = table.contains("state_dir") ? table.get("state_dir") : table.get("run_dir");
        reader.fail(node->source(), "state_dir", "must not lie in run_dir, nor run_dir in it");
    }
    reader.duration("loop_device_timeout", config.loopDeviceTimeout);
    reader.count("workers", config.workers);
    if (config.workers > 256) reader.fail(table.get("workers")->source(), "workers", "must be at most 256");
    reader.choice<Authorization>("authorization", config.authorization,
                                 {{"polkit", Authorization::Polkit}, {"root-only", Authorization::RootOnly}});
    if (const auto* limits = reader.table("limits")) {
        TableReader inner{file, *limits, "limits."};
        inner.count("mounts", config.limits.mounts);
        inner.count("mounts_per_uid", config.limits.mountsPerUid);
        inner.count("pending_calls_per_client", config.limits.pendingCallsPerClient);
        inner.refuseUnknown();
    }
    if (const auto* files = reader.table("files")) {
        TableReader inner{file, *files, "files."};
        inner.paths("keys", config.fileKeys);
        inner.choice("verification", config.fileVerification, kVerifications);
        inner.refuseUnknown();
    }
    if (const auto* repositories = reader.table("repositories")) {
        std::map<std::string, std::string> labels;  // of object paths: the name
        for (const auto& [key, node] : *repositories) {
            const std::string name{key.str()};
            if (!isRepositoryName(name)) {
                reader.fail(node.source(), "repositories." + printable(name),
                            "a name is letters, digits, _, - and . only, and does not begin with - or .");
            }
            const auto [other, added] = labels.emplace(repositoryLabel(name), name);
            if (!added) {
                reader.fail(node.source(), "repositories." + name,
                            "has the object path of " + other->second + "; rename one of them");
            }
            if (!node.is_table()) reader.fail(node.source(), "repositories." + name, "must be a table");
            config.repositories.emplace(name, decodeRepository(file, name, *node.as_table()));
            refuseSharedDirectory(reader, config, name, node);
        }
    }
    reader.refuseUnknown();
    return config;
}

std::string readConfig(const std::string& path) {
    const std::string what = path + ": cannot read the configuration";
    // O_NONBLOCK: a FIFO in its place must not hold the service up.
    const UniqueFd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) throwErrno(Code::Failed, what, errno);
    requireOwnFile(fd.get(), what, path);
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throwErrno(Code::Failed, what, errno);
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

Config loadConfig(const std::string& path) {
    const std::string text = readConfig(path);
    try {
        return decode(path, toml::parse(std::string_view{text}, std::string_view{path}));
    } catch (const toml::parse_error& error) {
        // The description quotes what is there, line ends and all.
        throw Error{Code::Failed, fmt::format("{}: cannot read the configuration: {}", placeOf(path, error.source()),
                                              printable(std::string{error.description()}))};
    }
}

}  // namespace northstar
