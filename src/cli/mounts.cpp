// SPDX-License-Identifier: Apache-2.0
#include "cli/mounts.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/std.h"
#include "cli/output.h"
#include "cli/package_file.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

constexpr const char* kMounts = "/org/northstar/Mounter/mounts/";

// Numbers in paths grow with time, their digits don't sort.
bool isOlder(const Object& one, const Object& other) {
    return std::pair{one.path.size(), one.path} < std::pair{other.path.size(), other.path};
}

bool isCalled(const Json& row, const std::string& what) {
    const auto is = [&](const char* key, const std::string& name) { return row.value(key, "") == name; };
    return is("container", what) || is("name", what) || is("object", what) || is("object", kMounts + what) ||
           (what.find('/') != std::string::npos && is("mount_point", absolutePath(what)));
}

}  // namespace

Json mountRows(const State& state) {
    auto mounts = state.mounts;
    std::ranges::sort(mounts, isOlder);
    Json rows = Json::array();
    for (const auto& mount : mounts) {
        const Json told = toJson(mount.properties);
        Json row = Json::object();
        for (const char* key :
             {"container", "mount_point", "device", "object", "verified", "corrupted", "owner_uid", "mounted_at"}) {
            if (told.contains(key)) row[key] = told[key];
        }
        row["object"] = mount.path;
        row.update(told);
        rows.push_back(std::move(row));
    }
    return rows;
}

Json findMounts(const Json& rows, const std::string& what) {
    Json found = Json::array();
    for (const auto& row : rows) {
        if (isCalled(row, what)) found.push_back(row);
    }
    if (found.empty()) {
        throw Error{Code::NotMounted,
                    fmt::format("{} is not mounted; `northstarctl list` shows what is", printable(what))};
    }
    return found;
}

Color colorOf(const Json& row) {
    if (row.value("corrupted", false)) return Color::Red;
    return row.value("verified", true) ? Color::None : Color::Yellow;
}

}  // namespace northstar::cli
