// SPDX-License-Identifier: Apache-2.0
#include "cli/failure.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

constexpr const char* kOwn = "org.northstar.Mounter.Error.";
constexpr const char* kBus = "org.freedesktop.DBus.Error.";
constexpr const char* kUsage = "org.northstar.Mounter.Error.Usage";  // of this program only

std::string nameOf(Code code) {
    switch (code) {
        case Code::NoSuchContainer: return "NoSuchContainer";
        case Code::NoSuchRepository: return "NoSuchRepository";
        case Code::NotMounted: return "NotMounted";
        case Code::AlreadyMounted: return "AlreadyMounted";
        case Code::AlreadyInstalled: return "AlreadyInstalled";
        case Code::Busy: return "Busy";
        case Code::InvalidPackage: return "InvalidPackage";
        case Code::InvalidSignature: return "InvalidSignature";
        case Code::Unsupported: return "Unsupported";
        case Code::Corrupted: return "Corrupted";
        case Code::DeviceUnavailable: return "DeviceUnavailable";
        case Code::Timeout: return "Timeout";
        case Code::CapacityExceeded: return "CapacityExceeded";
        case Code::Failed: return "Failed";
        case Code::InvalidArgs: return "InvalidArgs";
        case Code::AccessDenied: return "AccessDenied";
        case Code::InteractiveAuthorizationRequired: return "InteractiveAuthorizationRequired";
        case Code::LimitsExceeded: return "LimitsExceeded";
    }
    return "Failed";
}

// What is not here is Failed.
const std::map<std::string, Exit, std::less<>>& statuses() {
    static const std::map<std::string, Exit, std::less<>> table{
        {"Usage", Exit::Usage},
        {"InvalidArgs", Exit::Usage},
        {"NoSuchContainer", Exit::NotFound},
        {"NoSuchRepository", Exit::NotFound},
        {"NotMounted", Exit::NotFound},
        {"FileNotFound", Exit::NotFound},
        {"AccessDenied", Exit::Denied},
        {"InteractiveAuthorizationRequired", Exit::Denied},
        {"Busy", Exit::Busy},
        {"InvalidPackage", Exit::Invalid},
        {"InvalidSignature", Exit::Invalid},
        {"Corrupted", Exit::Invalid},
        {"Unsupported", Exit::Unsupported},
        {"UnknownMethod", Exit::Unsupported},  // the service is older than this program
        {"UnknownInterface", Exit::Unsupported},
        {"ServiceUnknown", Exit::Unreachable},
        {"NameHasNoOwner", Exit::Unreachable},
        {"NoServer", Exit::Unreachable},
        {"NoReply", Exit::Unreachable},
        {"Disconnected", Exit::Unreachable},
        {"TimedOut", Exit::Unreachable},
    };
    return table;
}

Exit statusOf(const std::string& name) {
    if (name.starts_with("Spawn.")) return Exit::Unreachable;  // the bus could not start the service
    const auto found = statuses().find(name);
    return found == statuses().end() ? Exit::Failed : found->second;
}

// The service speaks to programs; here its words are those of the command line.
std::string inCommands(std::string message) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kWords{{
        {"ListMounts shows", "`northstarctl list` shows"},
        {"ListContainers shows", "`northstarctl containers` shows"},
        {"ask for a Reload", "run `northstarctl reload`"},
        {"by a Reload", "by a reload"},
        {"ask for a lazy unmount", "unmount with --lazy"},
        {"allow_unverified", "--allow-unverified"},
        {"The option verity", "--verity"},
        {"The option target", "--target"},
    }};
    for (const auto& [method, command] : kWords) {
        for (auto at = message.find(method); at != std::string::npos; at = message.find(method, at + command.size())) {
            message.replace(at, method.size(), command);
        }
    }
    return message;
}

}  // namespace

Failure failureOf(const std::string& errorName, const std::string& message) {
    std::string name = errorName;
    for (const std::string_view common : {kOwn, kBus}) {
        if (name.starts_with(common)) name.erase(0, common.size());
    }
    std::string text = message.empty() ? "no reason was given" : inCommands(message);
    if (name == "ServiceUnknown" || name == "NameHasNoOwner") {
        text += "; `northstarctl check-system` says what is missing";
    }
    return {name, text, statusOf(name)};
}

Failure failureOf(const std::exception& error) {
    if (const auto* bus = dynamic_cast<const sdbus::Error*>(&error)) {
        return failureOf(std::string{bus->getName()}, bus->getMessage());
    }
    const auto* own = dynamic_cast<const Error*>(&error);
    return failureOf(own != nullptr ? nameOf(own->code()) : "Failed", error.what());
}

nlohmann::ordered_json toJson(const Failure& failure) {
    return {{"name", failure.name}, {"message", failure.message}, {"status", static_cast<int>(failure.status)}};
}

sdbus::Error usageError(const std::string& message) { return bus::makeError(kUsage, message); }

sdbus::Error fileError(const std::string& what, int error) {
    const char* name = error == ENOENT || error == ENOTDIR ? "FileNotFound"
                       : error == EACCES || error == EPERM ? "AccessDenied"
                                                           : "Failed";
    return bus::makeError(std::string{kBus} + name, what + ": " + errnoText(error));
}

std::string Reporter::lineOf(const Failure& failure, bool json) {
    if (json) return dump({{"error", toJson(failure)}}) + '\n';
    return fmt::format("northstarctl: {}: {}\n", plain(failure.name), plain(failure.message));
}

void Reporter::tell(const Failure& failure) {
    if (status_ == Exit::Done) status_ = failure.status;
    std::cerr << lineOf(failure, json_) << std::flush;
}

}  // namespace northstar::cli
