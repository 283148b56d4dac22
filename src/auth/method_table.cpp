// SPDX-License-Identifier: Apache-2.0
#include "auth/method_table.h"

namespace northstar {
namespace {

using Actions = std::span<const std::string_view>;

constexpr std::string_view kMounter = "org.northstar.Mounter";
constexpr std::string_view kMountObject = "org.northstar.Mounter.Mount";
constexpr std::string_view kRepository = "org.northstar.Mounter.Repository";

constexpr std::array kMountActions{action::kMount, action::kMountUnverified, action::kMountAnywhere};
constexpr std::array kMountFileActions{action::kMountPath, action::kMount, action::kMountUnverified,
                                       action::kMountAnywhere};
constexpr std::array kReplaceActions{action::kMount, action::kMountUnverified, action::kMountAnywhere,
                                     action::kUnmountOthers};
constexpr std::array kUnmountActions{action::kUnmountOthers};
constexpr std::array kOpenActions{action::kMount};
constexpr std::array kRepositoryActions{action::kManageRepository};
constexpr std::array kVerifyActions{action::kVerify};
constexpr std::array kReloadActions{action::kReload};

const std::array kRules{
    MethodRule{kMounter, "Mount", kMountActions},
    MethodRule{kMounter, "MountFile", kMountFileActions},
    MethodRule{kMounter, "MountFd", kMountActions},
    MethodRule{kMounter, "MountMany", kMountActions},
    MethodRule{kMounter, "Unmount", kUnmountActions},
    MethodRule{kMounter, "UnmountMany", kUnmountActions},
    MethodRule{kMounter, "Replace", kReplaceActions},
    MethodRule{kMounter, "ListMounts", Actions{}},
    MethodRule{kMounter, "ListContainers", Actions{}},
    MethodRule{kMounter, "Inspect", Actions{}},
    MethodRule{kMounter, "Verify", kVerifyActions},
    MethodRule{kMounter, "Reload", kReloadActions},
    MethodRule{kMountObject, "Unmount", kUnmountActions},
    MethodRule{kMountObject, "Open", kOpenActions},
    MethodRule{kMountObject, "Holders", kUnmountActions},
    MethodRule{kRepository, "Install", kRepositoryActions},
    MethodRule{kRepository, "Uninstall", kRepositoryActions},
};

}  // namespace

bool MethodRule::allows(std::string_view action) const { return std::ranges::find(actions, action) != actions.end(); }

const MethodRule* findMethodRule(std::string_view interface, std::string_view method) {
    const auto it = std::ranges::find_if(
        kRules, [&](const MethodRule& rule) { return rule.interface == interface && rule.method == method; });
    return it == kRules.end() ? nullptr : &*it;
}

}  // namespace northstar
