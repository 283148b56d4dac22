// SPDX-License-Identifier: Apache-2.0
// Which polkit actions a method may ask for. Every call passes here first; a method with no entry is refused.
#pragma once

#include "base/std.h"

namespace northstar {

namespace action {
inline constexpr std::string_view kMount = "org.northstar.mounter.mount";
inline constexpr std::string_view kMountUnverified = "org.northstar.mounter.mount-unverified";
inline constexpr std::string_view kMountAnywhere = "org.northstar.mounter.mount-anywhere";
inline constexpr std::string_view kMountPath = "org.northstar.mounter.mount-path";
inline constexpr std::string_view kUnmountOthers = "org.northstar.mounter.unmount-others";
inline constexpr std::string_view kManageRepository = "org.northstar.mounter.manage-repository";
inline constexpr std::string_view kVerify = "org.northstar.mounter.verify";
inline constexpr std::string_view kReload = "org.northstar.mounter.reload";
}  // namespace action

struct MethodRule {
    std::string_view interface, method;
    std::span<const std::string_view> actions;  // empty: reading, open to everyone

    [[nodiscard]] bool allows(std::string_view action) const;
};

// nullptr: no entry, to be refused.
[[nodiscard]] const MethodRule* findMethodRule(std::string_view interface, std::string_view method);

}  // namespace northstar
