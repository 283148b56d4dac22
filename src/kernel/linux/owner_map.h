// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts: files that belong to the users of a user namespace (mount_setattr(2), user_namespaces(7)).
#pragma once

#include <sys/types.h>

namespace northstar {

// See Kernel::mapOwners.
void mapCloneOwners(int clone, int userNamespace, uid_t asking);

}  // namespace northstar
