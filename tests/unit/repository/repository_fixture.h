// SPDX-License-Identifier: Apache-2.0
// A repository in a temporary directory, and one in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "repository/install.h"
#include "support/package_builder.h"
#include "support/temporary_directory.h"

namespace northstar::test {

class RepositoryFixture : public testing::Test {
protected:
    [[nodiscard]] Repository repository(RepositoryType type = RepositoryType::Directory,
                                        std::initializer_list<const char*> keys = {"golden"}) const {
        RepositoryConfig config;
        config.type = type;
        if (type == RepositoryType::Directory) config.dir = directory_.path();
        return {"test", config, keyRing(keys), {}};
    }
    [[nodiscard]] static MemoryFile package(const std::string& name = "hello", const std::string& version = "1.0.0",
                                            const char* key = "golden") {
        PackageSpec spec;
        spec.manifest = "name: " + name + "\nversion: " + version + "\nuid: 1000\ngid: 1000\n";
        spec.key = key;
        return buildPackage(spec);
    }
    static Installed install(const Repository& into, const MemoryFile& file) {
        return installPackage(into, file.fd(), identifyIncoming(into, file.fd(), "test.npk"), "test.npk", {});
    }
    static void installInto(Repository& into, const MemoryFile& file) {
        Installed installed = install(into, file);
        into.content.entries.insert_or_assign(installed.container, std::move(installed.entry));
    }
    // What a service that starts now finds.
    [[nodiscard]] RepositoryContent loaded() const {
        const Repository fresh = repository();
        removeInterruptedInstalls(fresh.config);
        return loadDirectory(fresh.name, fresh.config, fresh.keys, {});
    }
    [[nodiscard]] static std::vector<std::string> names(const RepositoryContent& content) {
        std::vector<std::string> all;
        for (const auto& [container, entry] : content.entries) all.push_back(container);
        return all;
    }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> all;
        for (const auto& file : std::filesystem::directory_iterator{directory_.path()}) {
            all.push_back(file.path().filename());
        }
        std::ranges::sort(all);
        return all;
    }

    TemporaryDirectory directory_;
};

}  // namespace northstar::test
