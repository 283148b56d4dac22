// SPDX-License-Identifier: Apache-2.0
// northstarctl: the service from a command line.
#include <iostream>

#include "base/std.h"
#include "cli/command_line.h"
#include "cli/complete.h"
#include "cli/failure.h"

namespace northstar::cli {
namespace {

// Even if the command line as a whole cannot be understood.
bool wantsJson(const std::vector<std::string>& words) {
    const auto end = std::ranges::find(words, "--");
    return std::find(words.begin(), end, "--json") != end;
}

Exit run(const std::vector<std::string>& words) {
    CommandLine line;
    try {
        line.parse(words);
    } catch (const CLI::ParseError& help) {
        line.app.exit(help, std::cout, std::cerr);
        return Exit::Done;
    }
    if (line.command != nullptr) return line.command(line.arguments);
    const auto& about = line.arguments.what;
    if (about.size() > 1) throw usageError("help is about one command, or about all");
    std::cout << helpAbout(about.empty() ? "" : about.front(), line.app);
    return Exit::Done;
}

}  // namespace
}  // namespace northstar::cli

int main(int argc, char** argv) {
    using namespace northstar::cli;
    const std::vector<std::string> words{argv + std::min(argc, 1), argv + argc};
    if (!words.empty() && words.front() == kComplete) return complete({words.begin() + 1, words.end()});
    Reporter reporter{wantsJson(words)};
    try {
        const Exit status = run(words);
        if (std::cout.flush()) return static_cast<int>(status);
        reporter.tell({"Failed", "cannot write the result", Exit::Failed});
    } catch (const std::exception& error) {
        reporter.tell(failureOf(error));
    }
    return static_cast<int>(reporter.status());
}
