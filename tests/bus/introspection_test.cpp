// SPDX-License-Identifier: Apache-2.0
// What the objects say of themselves is what the installed description says, and every method has a rule.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "auth/method_table.h"
#include "bus_test.h"
#include "support/paths.h"

namespace northstar::test {
namespace {

std::string attribute(const std::string& tag, const std::string& name) {
    std::smatch found;
    return std::regex_search(tag, found, std::regex{"\\b" + name + "=\"([^\"]*)\""}) ? found[1].str() : std::string{};
}

// One line for each interface, member, argument and annotation of ours, whatever the order of members.
std::set<std::string> describe(const std::string& xml) {
    const std::string text = std::regex_replace(xml, std::regex{"<!--[^]*?-->"}, "");
    static const std::regex kTag{"<(interface|method|signal|property|arg|annotation)\\b[^>]*>"};
    std::set<std::string> lines;
    std::string interface, member, kind;
    int args = 0;
    for (auto it = std::sregex_iterator{text.begin(), text.end(), kTag}; it != std::sregex_iterator{}; ++it) {
        const std::string tag = it->str(), what = (*it)[1].str(), name = attribute(tag, "name");
        if (what == "interface") {
            interface = name;
            lines.insert(interface);
        } else if (what == "arg") {
            const std::string direction = kind == "signal" ? "" : attribute(tag, "direction");
            lines.insert(member + " " + std::to_string(args++) + " " + direction + " " + attribute(tag, "type") + " " +
                         name);
        } else if (what == "annotation") {
            const std::string value = attribute(tag, "value");
            if (name == "org.freedesktop.DBus.Property.EmitsChangedSignal" && value != "true")
                lines.insert(member + " " + value);
        } else {
            kind = what;
            args = 0;
            member = interface + " " + what + " " + name + " " + attribute(tag, "type") + attribute(tag, "access");
            lines.insert(member);
        }
    }
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("org.northstar."); });
    return lines;
}

std::set<std::string> ofInterface(const std::set<std::string>& all, const std::string& interface) {
    std::set<std::string> some;
    std::ranges::copy_if(all, std::inserter(some, some.end()),
                         [&](const auto& line) { return line == interface || line.starts_with(interface + " "); });
    return some;
}

std::string joined(const std::set<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

class IntrospectionTest : public BusTest {
protected:
    std::set<std::string> shown(const std::string& path) { return describe(client().introspect(path)); }
    std::set<std::string> installed(const std::string& interface) {
        std::ifstream file{std::string{kSourceDir} + "/dbus/org.northstar.Mounter.xml"};
        const std::string xml{std::istreambuf_iterator<char>{file}, {}};
        return ofInterface(describe(xml), interface);
    }
};

TEST_F(IntrospectionTest, EveryObjectIsAsTheInstalledDescriptionSays) {
    const auto mounted = client().mount("fonts");
    EXPECT_GT(installed(kService).size(), 40U);
    EXPECT_EQ(joined(shown(kRoot)), joined(installed(kService)));
    EXPECT_EQ(joined(shown(mounted.object)), joined(installed(kMountInterface)));
    EXPECT_EQ(joined(shown(std::string{kRoot} + "/repositories/main")), joined(installed(kRepositoryInterface)));
}

TEST_F(IntrospectionTest, EveryMethodOfEveryObjectHasARule) {
    const auto mounted = client().mount("fonts");
    std::set<std::string> methods;
    for (const auto& path : {std::string{kRoot}, mounted.object, std::string{kRoot} + "/repositories/main"}) {
        for (const auto& line : shown(path)) {
            std::smatch found;
            if (std::regex_match(line, found, std::regex{"(\\S+) method (\\S+) "})) {
                methods.insert(line);
                EXPECT_NE(findMethodRule(found[1].str(), found[2].str()), nullptr) << line;
            }
        }
    }
    EXPECT_EQ(methods.size(), 17U);
}

TEST_F(IntrospectionTest, MountsAndRepositoriesAreFoundAsChildren) {
    client().mount("fonts");
    EXPECT_NE(client().introspect(std::string{kRoot} + "/mounts").find("node name=\"1\""), std::string::npos);
    EXPECT_NE(client().introspect(std::string{kRoot} + "/repositories").find("node name=\"main\""), std::string::npos);
    EXPECT_NE(client().introspect(kRoot).find("org.freedesktop.DBus.ObjectManager"), std::string::npos);
}

}  // namespace
}  // namespace northstar::test
