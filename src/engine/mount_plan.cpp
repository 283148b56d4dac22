// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_plan.h"

#include "base/utf8.h"

namespace northstar {
namespace {

const char* yesOrNo(bool value) { return value ? "true" : "false"; }

void addHow(Details& details, const MountRequest& how, const std::string& target) {
    details["target"] = target;
    details["noexec"] = yesOrNo(how.noexec);
    details["verity"] = toString(how.verity);
}

}  // namespace

const char* toString(VerityMode mode) {
    switch (mode) {
        case VerityMode::Eio: return "eio";
        case VerityMode::Restart: return "restart";
        case VerityMode::Panic: return "panic";
    }
    return "";
}

Details containerDetails(const ContainerName& container, const std::string& repository, bool verified) {
    return {{"container", container.text()},
            {"name", container.name},
            {"version", container.version},
            {"repository", repository},
            {"verified", yesOrNo(verified)}};
}

Details mountedDetails(const MountRecord& record) {
    Details details = containerDetails(record.containerName(), record.repository, record.verified);
    details["target"] = toUtf8(record.mountPoint);
    return details;
}

Details planDetails(const MountPlan& plan) {
    Details details = containerDetails(plan.container, plan.repository, plan.verified);
    addHow(details, plan.how, plan.mountPoint);
    return details;
}

Details unreadDetails(const MountPlan& plan, const std::string& place) {
    const bool anybody = plan.how.allowUnverified;
    const char* what = anybody ? "$(source), whoever signed it" : "the package $(source)";
    Details details{{"source", plan.source},
                    {"verified", yesOrNo(!anybody)},
                    {"polkit.message", askToMount(what, plan.how.verity)}};
    addHow(details, plan.how, place);
    return details;
}

std::string askToMount(const std::string& what, VerityMode mode) {
    const std::string question = "Authentication is required to mount " + what;
    switch (mode) {
        case VerityMode::Eio: break;
        case VerityMode::Restart: return question + "; the system restarts as soon as it reads a damaged block of it";
        case VerityMode::Panic: return question + "; the kernel panics as soon as it reads a damaged block of it";
    }
    return question;
}

}  // namespace northstar
