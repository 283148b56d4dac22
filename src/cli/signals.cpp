// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include "base/std.h"
#include "cli/output.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

// The arguments of each signal, in their order; "mount" is an object path, "block" a number.
const std::map<std::string, std::vector<const char*>>& arguments() {
    static const std::map<std::string, std::vector<const char*>> table{
        {"Mounted", {"mount", "container", "mount_point"}},
        {"Unmounted", {"mount", "container", "mount_point", "reason"}},
        {"CorruptionDetected", {"mount", "container", "block"}},
        {"Installed", {"container", "repository"}},
        {"Uninstalled", {"container", "repository"}},
    };
    return table;
}

Json valueOf(sdbus::Message& message, std::string_view name) {
    if (name == "mount") {
        sdbus::ObjectPath path;
        message >> path;
        return std::string{path};
    }
    if (name == "block") {
        std::uint64_t block = 0;
        message >> block;
        return block == UINT64_MAX ? Json{} : Json{block};  // not known
    }
    std::string text;
    message >> text;
    return text;
}

}  // namespace

Event eventOf(sdbus::Message& message) {
    Event event{std::string{message.getMemberName()}, Json::object()};
    const auto found = arguments().find(event.name);
    if (found == arguments().end()) return event;
    try {
        for (const char* name : found->second) event.values[name] = valueOf(message, name);
    } catch (const sdbus::Error& error) {
        event.values["error"] = "cannot be read: " + error.getMessage();
    }
    return event;
}

std::string lineOf(const Event& event) {
    std::string line = event.name;
    for (const auto& [name, value] : event.values.items()) {
        if (name == "mount") continue;
        if (name == "block") line += " block";
        line += ' ' + (value.is_null() ? "unknown" : textOf(value));
    }
    return plain(line);
}

}  // namespace northstar::cli
