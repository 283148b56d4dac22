// SPDX-License-Identifier: Apache-2.0
// northstarctl: the service's calls from a command line. Exit status: 0 done, 1 refused or failed, 2 wrong usage.
#include <iostream>

#include "base/std.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace {

int fail(const std::string& message) {
    std::cerr << "northstarctl: " << northstar::cli::plain(message) << std::endl;
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Mount signed Northstar packages through the Northstar Mounter service"};
    northstar::cli::Session session;
    app.set_version_flag("--version", std::string{"northstarctl "} + northstar::kVersion);
    app.add_option("--bus", session.bus, "system, session or a D-Bus address")->capture_default_str();
    app.add_flag("--no-ask", session.noAsk, "Fail rather than prompt for a password");
    app.fallthrough();
    northstar::cli::addCommands(app, session);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        session.command();
        return std::cout.flush() ? 0 : fail("cannot write the result");
    } catch (const sdbus::Error& error) {
        return fail(error.getMessage().empty() ? std::string{error.getName()} : error.getMessage());
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}
