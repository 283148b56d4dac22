// SPDX-License-Identifier: Apache-2.0
// Reading the directory of a repository. Whoever may write there must not make that slow: what was refused is known by
// its file's name alone, and no inode is read twice.
#include <fmt/format.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "package/keys.h"
#include "package/package.h"
#include "repository/directory.h"
#include "repository/repository.h"
#include "repository/watch.h"

namespace northstar {
namespace {

constexpr std::size_t kMostRefused = 4'000;  // that are kept, as a caller may ask for each
constexpr std::size_t kMostLogged = 100;     // of one load; the journal is everybody's

class DirectoryLoad {
public:
    DirectoryLoad(const std::string& repository, const KeyRing& keys, const RepositoryContent& previous,
                  DirectoryWatch* watch)
        : repository_{repository}, keys_{keys}, previous_{previous}, watch_{watch} {
        for (const auto& [container, entry] : previous.entries) known_.emplace(entry.file, &entry);
    }

    RepositoryContent run(const RepositoryConfig& config, const std::function<void()>& step) {
        const UniqueFd directory = openRepositoryDirectory(config.dir);
        for (const auto& file : listPackages(directory, config.dir)) {
            if (step) step();
            FileIdentity identity;
            try {
                if (watch_ != nullptr && watch_->isUnfinished(file)) {
                    keep(file);
                    continue;
                }
                UniqueFd fd = openPackageIn(directory, file);
                identity = identify(fd.get());
                load(std::move(fd), file, identity);
            } catch (const Error& error) {
                if (watch_ != nullptr && watch_->isChanging(file)) {
                    keep(file);  // somebody has just begun to write it
                } else if (error.code() == Code::Failed && known_.contains(file)) {
                    keep(file);  // a shortage of the service's own says nothing of the package
                    content_.problem =
                        fmt::format("Repository {}: {} is as it was: {}", repository_, printable(file), error.what());
                    log::warn("{}", content_.problem);
                } else {
                    refuse(file, identity, error);
                }
            }
        }
        if (logged_ > kMostLogged) {
            log::warn("Repository {}: {} more files were refused", repository_, logged_ - kMostLogged);
        }
        return std::move(content_);
    }

private:
    void keep(const std::string& file) {
        const auto known = known_.find(file);
        if (known != known_.end() && content_.entries.size() < RepositoryContent::kMost) {
            content_.entries.emplace(known->second->package->manifest.container(), *known->second);
        }
        const auto refused = previous_.refused.find(file);
        if (refused != previous_.refused.end()) content_.refused.insert(*refused);
    }

    void load(UniqueFd fd, const std::string& file, FileIdentity& identity) {
        const auto [first, fresh] = files_.emplace(std::pair{identity.device, identity.inode}, file);
        if (!fresh) {
            throw Error{Code::InvalidPackage, fmt::format("Cannot open the package {}: it is the same file as {}",
                                                          printable(file), printable(first->second))};
        }
        const auto refused = previous_.refused.find(file);
        if (refused != previous_.refused.end() && refused->second.identity == identity) {
            content_.refused.insert(*refused);
            return;
        }
        const auto known = known_.find(file);
        const bool same = known != known_.end() && known->second->package->identity == identity;
        RepositoryEntry entry;
        if (same) {
            entry = *known->second;
        } else {
            const auto package = openAccepted(std::move(fd), keys_, repository_ + "/" + file);
            entry = {file, withDescriptor(*package, {}), nullptr};
        }
        identity = {};  // from here on it depends on other files, so the next load looks again
        add(std::move(entry));
    }

    void add(RepositoryEntry entry) {
        const std::string container = entry.package->manifest.container();
        const auto other = content_.entries.find(container);
        if (other != content_.entries.end()) {
            throw Error{Code::InvalidPackage,
                        fmt::format("Cannot use the package {}: {} is already there as {}", printable(entry.file),
                                    container, printable(other->second.file))};
        }
        if (content_.entries.size() >= RepositoryContent::kMost) {
            throw Error{Code::CapacityExceeded,
                        fmt::format("Cannot use the package {}: repository {} holds as many as it can, {}; divide it",
                                    printable(entry.file), repository_, RepositoryContent::kMost)};
        }
        content_.entries.emplace(container, std::move(entry));
    }

    void refuse(const std::string& file, const FileIdentity& identity, const Error& error) {
        const auto before = previous_.refused.find(file);
        const bool said =
            before != previous_.refused.end() && std::string_view{before->second.error.what()} == error.what();
        if (!said && ++logged_ <= kMostLogged)
            log::warn("Refused {}/{}: {}", repository_, printable(file), error.what());
        if (content_.refused.size() < kMostRefused) content_.refused.insert({file, {identity, error}});
    }

    const std::string& repository_;
    const KeyRing& keys_;
    const RepositoryContent& previous_;
    DirectoryWatch* watch_;
    std::map<std::string, const RepositoryEntry*> known_;  // by file
    std::map<std::pair<dev_t, ino_t>, std::string> files_;
    std::size_t logged_ = 0;
    RepositoryContent content_;
};

}  // namespace

RepositoryContent loadDirectory(const std::string& name, const RepositoryConfig& config, const KeyRing& keys,
                                const RepositoryContent& previous, const std::function<void()>& step,
                                DirectoryWatch* watch) {
    try {
        return DirectoryLoad{name, keys, previous, watch}.run(config, step);
    } catch (const Error& error) {
        if (error.code() == Code::NoSuchRepository) {
            log::warn("Repository {} is empty: {}", name, error.what());
            return {};
        }
        RepositoryContent content = previous;
        content.problem = fmt::format("Repository {} keeps the {} containers that it had: {}", name,
                                      previous.entries.size(), error.what());
        log::warn("{}", content.problem);
        return content;
    }
}

}  // namespace northstar
