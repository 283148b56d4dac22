// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <sstream>

#include "base/error.h"
#include "base/std.h"
#include "cli/arguments.h"
#include "cli/checks.h"
#include "cli/connection.h"
#include "cli/system.h"
#include "config/config.h"
#include "config/problems.h"
#include "package/keys.h"

namespace northstar::cli {
namespace {

constexpr const char* kConfig = "/etc/northstar/mounter.toml";
constexpr const char* kInstall = "meson install -C BUILD, with --prefix=/usr; or install the package";
constexpr const char* kActivation = "/usr/share/dbus-1/system-services/org.northstar.Mounter.service";

// One of these files has to be there.
Check fileCheck(const System& system, const char* name, bool required, const std::vector<std::string>& paths,
                const char* mend) {
    const std::string found = system.firstOf(paths);
    if (!found.empty()) return {name, Check::State::Ok, required, found, ""};
    return {name, Check::State::Lacks, required, "there is no " + paths.front(), mend};
}

// The bus starts the program that its file names.
Check activationCheck(const System& system) {
    Check check = fileCheck(system, "activation", true,
                            {kActivation, "/etc/dbus-1/system-services/org.northstar.Mounter.service"}, kInstall);
    if (check.state != Check::State::Ok) return check;
    std::istringstream lines{system.read(check.found)};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("Exec=")) continue;
        const std::string program = line.substr(5, line.find(' ') - 5);
        if (system.has(program)) return check;
        return {check.name, Check::State::Lacks, true,
                fmt::format("{} names {}, which is missing", check.found, program), kInstall};
    }
    return {check.name, Check::State::Lacks, true, check.found + " names no program", kInstall};
}

// Is there a bus, and is the service on it, or to be started by it?
Check busCheck(const Arguments& arguments) {
    Check check{"bus", Check::State::Ok, true, "", ""};
    try {
        Connection connection{arguments};
        const auto bus = sdbus::createProxy(connection.bus(), bus::ServiceName{"org.freedesktop.DBus"},
                                            sdbus::ObjectPath{"/org/freedesktop/DBus"});
        const auto has = [&](const char* method) {
            const auto call =
                bus->createMethodCall(bus::InterfaceName{"org.freedesktop.DBus"}, bus::MethodName{method});
            auto reply = connection.answerTo(*bus, call, Connection::Patience::Short);
            std::vector<std::string> names;
            reply >> names;
            return std::ranges::count(names, kService) > 0;
        };
        if (has("ListNames")) {
            check.found = "the service runs";
        } else if (has("ListActivatableNames")) {
            check.found = "the service is started when it is called";
        } else {
            check.state = Check::State::Lacks;
            check.found = "the bus does not know the service";
            check.mend = "install it, then systemctl reload dbus";
        }
    } catch (const sdbus::Error& error) {
        check.state = Check::State::Lacks;
        check.found = error.getMessage();
        check.mend = "apt install dbus; systemctl start dbus";
    }
    return check;
}

Check directoryCheck(const System& system, const std::string& name, const std::string& directory) {
    Check check{"repository " + name, Check::State::Ok, false, directory, ""};
    if (system.has(directory)) return check;
    check.state = Check::State::Lacks;
    check.found = "there is no directory " + directory;
    check.mend = "install -d " + directory;
    return check;
}

void addKeys(const System& system, const std::string& what, const std::vector<std::string>& keys,
             std::vector<Check>& checks) {
    for (const auto& path : keys) {
        Check check{"key of " + what, Check::State::Ok, true, path, ""};
        try {
            check.found = fmt::format("{} ({})", path, loadPublicKey(system.at(path)).fingerprint().substr(0, 16));
        } catch (const Error& error) {
            check.state = Check::State::Lacks;
            check.found = error.what();
            check.mend = "put the public key there; the service does not start without it";
        }
        checks.push_back(std::move(check));
    }
}

// The configuration and what it names. Returns whether anything has to be checked by dm-verity.
bool addConfiguration(const System& system, std::vector<Check>& checks) {
    const ConfigReport report = readConfig({std::nullopt, system.at("")});
    if (!report.problems.empty()) {
        const ConfigError error{report.problems.lines()};
        checks.push_back({"configuration", Check::State::Lacks, true, error.what(), "correct it: man mounter.toml"});
        return true;
    }
    const Config& config = report.config;
    checks.push_back({"configuration", Check::State::Ok, true, nameFiles(report.files), ""});
    bool needsVerity = !config.fileKeys.empty() && config.fileVerification == Verification::DmVerity;
    addKeys(system, "files", config.fileKeys, checks);
    for (const auto& [name, repository] : config.repositories) {
        if (repository.type == RepositoryType::Directory) {
            checks.push_back(directoryCheck(system, name, repository.dir));
            needsVerity |= !repository.keys.empty() && repository.verification == Verification::DmVerity;
        }
        addKeys(system, "repository " + name, repository.keys, checks);
    }
    if (config.repositories.empty()) {
        checks.push_back({"repositories", Check::State::Lacks, false, "none is configured",
                          std::string{"add [repositories.NAME] to "} + kConfig});
    }
    return needsVerity;
}

}  // namespace

Installation installationChecks(const System& system, const Arguments& arguments) {
    Installation result;
    auto& checks = result.checks;
    if (system.isThis()) checks.push_back(busCheck(arguments));
    checks.push_back(fileCheck(
        system, "bus policy", true,
        {"/usr/share/dbus-1/system.d/org.northstar.Mounter.conf", "/etc/dbus-1/system.d/org.northstar.Mounter.conf"},
        kInstall));
    checks.push_back(activationCheck(system));
    checks.push_back(
        fileCheck(system, "unit", false,
                  {"/usr/lib/systemd/system/northstar-mounter.service", "/lib/systemd/system/northstar-mounter.service",
                   "/etc/systemd/system/northstar-mounter.service"},
                  kInstall));
    checks.push_back(fileCheck(system, "polkit", false,
                               {"/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"},
                               "apt install polkitd; without it only root may do anything"));
    checks.push_back(fileCheck(system, "polkit actions", false,
                               {"/usr/share/polkit-1/actions/org.northstar.mounter.policy"}, kInstall));
    checks.push_back(
        fileCheck(system, "udev rules", false,
                  {"/usr/lib/udev/rules.d/09-northstar-mounter.rules", "/lib/udev/rules.d/09-northstar-mounter.rules",
                   "/etc/udev/rules.d/09-northstar-mounter.rules"},
                  kInstall));
    result.needsVerity = addConfiguration(system, checks);
    return result;
}

}  // namespace northstar::cli
