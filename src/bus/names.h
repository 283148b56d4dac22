// SPDX-License-Identifier: Apache-2.0
// Names and paths of the bus interface; dbus/org.northstar.Mounter.xml describes it. The one place where error codes
// become D-Bus error names.
#pragma once

#include "base/error.h"
#include "base/std.h"
#include "config/value.h"
#include "sdbus/compat.h"

namespace northstar::bus {

inline constexpr const char* kServiceName = "org.northstar.Mounter";  // and the interface of the root object
inline constexpr const char* kMountInterface = "org.northstar.Mounter.Mount";
inline constexpr const char* kRepositoryInterface = "org.northstar.Mounter.Repository";

inline constexpr const char* kRootPath = "/org/northstar/Mounter";
inline constexpr const char* kMountsPath = "/org/northstar/Mounter/mounts/";
inline constexpr const char* kRepositoriesPath = "/org/northstar/Mounter/repositories/";

[[nodiscard]] inline sdbus::ObjectPath mountPath(std::uint32_t id) {
    return sdbus::ObjectPath{kMountsPath + std::to_string(id)};
}
// The last component is the repository's label, see config/value.h.
[[nodiscard]] inline sdbus::ObjectPath repositoryPath(const std::string& name) {
    return sdbus::ObjectPath{kRepositoriesPath + repositoryLabel(name)};
}

[[nodiscard]] std::string errorName(Code code);

// What is answered for an exception: northstar::Error by its code, anything else as Failed.
[[nodiscard]] sdbus::Error toBusError(const std::exception_ptr& error);

}  // namespace northstar::bus
