// SPDX-License-Identifier: Apache-2.0
#include "config/consistency.h"

#include "base/error.h"
#include "base/path.h"
#include "base/std.h"
#include "config/value.h"

namespace northstar {
namespace {

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
void checkDirectories(ConfigReport& report) {
    const Config& config = report.config;
    std::map<std::string, std::string> owners;  // of directories: the repository
    for (const auto& [name, repository] : config.repositories) {
        if (repository.type == RepositoryType::Memory) continue;
        const std::string dir = spelledOut(repository.dir);
        const std::string key = keyOf(name, "dir");
        const auto fail = [&report, &key](const std::string& problem) { report.problem(key, problem); };
        if (isWithin(dir, config.runDir)) fail("must not lie in run_dir, " + config.runDir);
        if (isWithin(dir, config.stateDir)) fail("must not lie in state_dir, " + config.stateDir);
        const auto [owner, first] = owners.emplace(dir, name);
        if (!first) fail("is the directory of repository " + owner->second + ", too; give each one its own");
    }
}

void checkObjectPaths(ConfigReport& report) {
    std::map<std::string, std::string> labels;  // of object paths: the repository
    for (const auto& [name, repository] : report.config.repositories) {
        const auto [other, added] = labels.emplace(repositoryLabel(name), name);
        if (!added) report.problem(keyOf(name), "has the object path of " + other->second + "; rename one of them");
    }
}

void finishMemory(ConfigReport& report) {
    for (auto& [name, repository] : report.config.repositories) {
        if (repository.type != RepositoryType::Memory) continue;
        const std::string dir = keyOf(name, "dir");
        if (report.places.contains(dir)) report.problem(dir, "a memory repository has no directory");
        const std::string watch = keyOf(name, "watch");
        if (report.places.contains(watch)) report.problem(watch, "a memory repository has no directory to watch");
        repository.watch = false;
        repository.dir.clear();
        repository.verification = Verification::Sealed;
    }
}

// A default has symlinks, too.
void resolveDefault(ConfigReport& report, const std::string& key, std::string& directory) {
    if (report.places.contains(key)) return;
    try {
        directory = resolveDirectory(directory);
    } catch (const Error& error) {
        report.problem(key, error.what());
    }
}

}  // namespace

void checkTogether(ConfigReport& report) {
    Config& config = report.config;
    resolveDefault(report, "run_dir", config.runDir);
    resolveDefault(report, "state_dir", config.stateDir);
    if (isWithin(config.stateDir, config.runDir) || isWithin(config.runDir, config.stateDir)) {
        // Callers choose names in run_dir.
        const bool given = report.places.contains("state_dir");
        report.problem(given ? "state_dir" : "run_dir",
                       given ? "must not lie in run_dir, nor run_dir in it"
                             : "must not lie in state_dir, " + config.stateDir + ", nor that in it");
    }
    finishMemory(report);
    checkDirectories(report);
    checkObjectPaths(report);
}

}  // namespace northstar
