// SPDX-License-Identifier: Apache-2.0
// check-system: can a mount work here, and what is missing? Works without the service.
#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/system.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

const char* wordOf(Check::State state) {
    switch (state) {
        case Check::State::Ok: return "ok";
        case Check::State::Lacks: return "lacks";
        case Check::State::Unknown: return "unknown";
    }
    return "unknown";
}

bool prevents(const Check& check) { return check.required && check.state == Check::State::Lacks; }

Color colorOf(const Check& check) {
    if (check.state == Check::State::Ok) return Color::Green;
    return prevents(check) ? Color::Red : Color::Yellow;
}

void print(const std::vector<Check>& checks, const Palette& palette) {
    std::string preventing;
    for (const auto& check : checks) {
        const std::string state = palette.paint(colorOf(check), fmt::format("{:<8}", wordOf(check.state)));
        const std::string mend = check.mend.empty() ? "" : "; " + check.mend;
        std::cout << fmt::format("{}{}: {}\n", state, plain(check.name), plain(check.found + mend));
        if (prevents(check)) preventing += (preventing.empty() ? "" : ", ") + plain(check.name);
    }
    if (preventing.empty()) {
        std::cout << palette.paint(Color::Green, "A mount can work.") << '\n';
    } else {
        std::cout << palette.paint(Color::Red, "A mount cannot work: ") << preventing << '\n';
    }
}

}  // namespace

Exit checkSystem(const Arguments& arguments) {
    if (!arguments.host.empty()) throw usageError("check-system looks at this machine; run it there, by ssh");
    const System system{arguments.root};
    if (!arguments.root.empty() && !system.has("/")) throw usageError("there is no directory " + arguments.root);
    auto [installed, needsVerity] = installationChecks(system, arguments);
    auto checks = kernelChecks(system, needsVerity);
    std::ranges::move(installed, std::back_inserter(checks));
    const bool works = std::ranges::none_of(checks, prevents);
    if (arguments.json) {
        Json rows = Json::array();
        for (const auto& check : checks) {
            rows.push_back({{"check", check.name},
                            {"state", wordOf(check.state)},
                            {"required", check.required},
                            {"found", check.found},
                            {"mend", check.mend}});
        }
        printJson({{"mount_can_work", works}, {"checks", rows}});
    } else {
        print(checks, Palette{arguments.color});
    }
    return works ? Exit::Done : Exit::Unsupported;
}

}  // namespace northstar::cli
