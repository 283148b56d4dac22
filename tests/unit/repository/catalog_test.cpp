// SPDX-License-Identifier: Apache-2.0
// Finding a container by what a caller calls it.
#include "repository/catalog.h"

#include <chrono>

#include "support/expect_error.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

class CatalogTest : public RepositoryFixture {
protected:
    // Many names that are not asked for.
    [[nodiscard]] Catalog catalogOf(std::size_t containers) {
        Repository many = repository(RepositoryType::Memory);
        installInto(many, package());
        const RepositoryEntry entry = many.content.entries.begin()->second;
        for (std::size_t i = 0; i < containers; ++i) {
            many.content.entries.emplace("x" + std::to_string(i) + ":1.0.0", entry);
        }
        Catalog catalog;
        catalog.set(std::make_shared<const Repository>(std::move(many)));
        return catalog;
    }
    // The shortest time of some attempts to find what is not there, by name and by name and version.
    static std::chrono::nanoseconds timeToMiss(const Catalog& catalog) {
        auto shortest = std::chrono::nanoseconds::max();
        for (int attempt = 0; attempt < 5; ++attempt) {
            const auto begun = std::chrono::steady_clock::now();
            for (int i = 0; i < 100; ++i) {
                EXPECT_THROW(static_cast<void>(catalog.find("missing", "")), Error);
                EXPECT_THROW(static_cast<void>(catalog.find("missing:1.0.0", "")), Error);
            }
            shortest = std::min<std::chrono::nanoseconds>(shortest, std::chrono::steady_clock::now() - begun);
        }
        return shortest;
    }
};

TEST_F(CatalogTest, FindsTheHighestVersionOfANameAndNoOtherName) {
    Repository some = repository(RepositoryType::Memory);
    for (const char* version : {"1.9.0", "1.10.0", "1.2.0"}) installInto(some, package("hello", version));
    installInto(some, package("hello-world", "9.0.0"));
    installInto(some, package("hell", "9.0.0"));
    Catalog catalog;
    catalog.set(std::make_shared<const Repository>(std::move(some)));
    EXPECT_EQ(catalog.find("hello", "").container, "hello:1.10.0");
    EXPECT_EQ(catalog.find("hello:1.2.0", "").container, "hello:1.2.0");
    for (const char* missing : {"hel", "hello:", "hello:1.2", "hello:1.2.1", "", ":", "hello;"}) {
        expectError(Code::NoSuchContainer, "There is no container",
                    [&] { static_cast<void>(catalog.find(missing, "")); });
    }
}

TEST_F(CatalogTest, TakesNoLongerInLargeRepositories) {
    EXPECT_LT(timeToMiss(catalogOf(50'000)), 20 * timeToMiss(catalogOf(50)));  // 1000 times as many
}

}  // namespace
}  // namespace northstar::test
