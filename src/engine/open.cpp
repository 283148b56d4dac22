// SPDX-License-Identifier: Apache-2.0
#include "engine/open.h"

#include "auth/call.h"
#include "auth/method_table.h"
#include "base/error.h"
#include "engine/details.h"
#include "registry/mount_record.h"

namespace northstar {

Task<UniqueFd> Opener::open(CallPtr call, MountRef what) {
    const MountRecord* found = findMounted(registry_, what);
    if (found == nullptr) throwNotMounted(what.text);
    const MountRecord record = *found;
    // In a user namespace of its own anybody can take nodev from a clone (mount_setattr(2)), and use the device nodes
    // of the image.
    if (!record.verified && call->caller.euid != 0) {
        throw Error{Code::AccessDenied, "Cannot open " + record.container() +
                                            ": it is not verified, and only root may have a clone of what nobody "
                                            "vouches for"};
    }
    if (record.ownerUid != call->caller.euid) {  // who may mount it may also have it
        co_await authorizer_.require(call, action::kMount, mountedDetails(record), record.id);
        if (registry_.find(record.id) == nullptr) throwNotMounted(what.text);
    }
    co_return co_await pool_.run([&] { return kernel_.cloneMount(record.identity, record.mountPoint); });
}

}  // namespace northstar
