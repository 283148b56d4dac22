// SPDX-License-Identifier: Apache-2.0
// Finding a container by what a caller calls it.
#include "repository/catalog.h"

#include "support/expect_error.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

using CatalogTest = RepositoryFixture;

TEST_F(CatalogTest, FindsTheHighestVersionOfANameAndNoOtherName) {
    Repository some = repository(RepositoryType::Memory);
    for (const char* version : {"1.9.0", "1.10.0", "1.2.0"}) installInto(some, package("hello", version));
    installInto(some, package("hello-world", "9.0.0"));
    installInto(some, package("hell", "9.0.0"));
    Catalog catalog;
    catalog.set(std::make_shared<const Repository>(std::move(some)));
    EXPECT_EQ(catalog.find("hello", "").container, "hello:1.10.0");
    EXPECT_EQ(catalog.find("hello:1.2.0", "").container, "hello:1.2.0");
    EXPECT_EQ(catalog.find("hello:1", "").container, "hello:1.10.0");
    EXPECT_EQ(catalog.find("hello:1.2", "").container, "hello:1.2.0");
    for (const char* missing : {"hel", "hello:", "hello:1.1", "hello:2", "hello:1.2.1", "", ":", "hello;"}) {
        expectError(Code::NoSuchContainer, "There is no container",
                    [&] { static_cast<void>(catalog.find(missing, "")); });
    }
}

TEST_F(CatalogTest, FindsWhatIsSignedBeforeAHigherVersionThatIsNot) {
    Repository keyed = repository(RepositoryType::Memory), keyless = repository(RepositoryType::Memory, {});
    keyless.name = "a";  // before the other in every order but that of trust
    installInto(keyed, package("hello", "1.0.0"));
    installInto(keyless, package("hello", "9.0.0"));
    installInto(keyless, package("hello", "8.0.0"));
    Catalog catalog;
    catalog.set(std::make_shared<const Repository>(std::move(keyless)));
    catalog.set(std::make_shared<const Repository>(std::move(keyed)));
    EXPECT_EQ(catalog.find("hello", "").container, "hello:1.0.0");
    EXPECT_EQ(catalog.find("hello", "a").container, "hello:9.0.0");
    EXPECT_EQ(catalog.find("hello:8.0.0", "").container, "hello:8.0.0");
    EXPECT_EQ(catalog.find("a/hello", "").container, "hello:9.0.0");
    EXPECT_EQ(catalog.find("a/hello:8", "a").container, "hello:8.0.0");
    EXPECT_EQ(catalog.find("hello:1", "").container, "hello:1.0.0");
    expectError(Code::InvalidArgs, "name one repository", [&] { static_cast<void>(catalog.find("a/hello", "b")); });
    expectError(Code::NoSuchRepository, "b", [&] { static_cast<void>(catalog.find("b/hello", "")); });
}

TEST_F(CatalogTest, SaysWhyAFileOfThatNameWasRefused) {
    Repository some = repository(RepositoryType::Directory);
    some.content.refused.insert({"hello-1.0.0.npk", {{}, Error{Code::InvalidSignature, "why a"}}});
    some.content.refused.insert({"hello:2.0.0.npk", {{}, Error{Code::Corrupted, "why b"}}});
    some.content.refused.insert({"torn.npk", {{}, Error{Code::InvalidPackage, "why torn"}}});
    some.content.refused.insert({"a-b-1.0.0-rc-1.npk", {{}, Error{Code::InvalidPackage, "why a-b"}}});
    const std::string name = some.name;
    Catalog catalog;
    catalog.replace({{name, std::make_shared<const Repository>(std::move(some))}});
    const auto asked = [&](const std::string& what) {
        return [&catalog, what] { static_cast<void>(catalog.find(what, "")); };
    };
    expectError(Code::InvalidSignature, "why a", asked("hello:1.0.0"));
    expectError(Code::Corrupted, "why b", asked("hello:2.0.0"));
    expectError(Code::InvalidSignature, "why a", asked("hello"));
    expectError(Code::InvalidPackage, "why torn", asked("torn"));
    expectError(Code::InvalidPackage, "why a-b", asked("a-b:1.0.0-rc-1"));
    expectError(Code::InvalidPackage, "why a-b", asked("a-b"));
    for (const char* other : {"hello:3.0.0", "hell", "torn:1.0.0"}) {
        expectError(Code::NoSuchContainer, "There is no container", asked(other));
    }
}

}  // namespace
}  // namespace northstar::test
