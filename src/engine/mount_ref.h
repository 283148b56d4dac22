// SPDX-License-Identifier: Apache-2.0
// Which mount a caller means, taken apart once.
#pragma once

#include <sys/types.h>

#include <variant>

#include "async/pool.h"
#include "async/task.h"
#include "base/error.h"
#include "base/std.h"
#include "engine/mount_lines.h"
#include "package/container_name.h"
#include "registry/mount_record.h"
#include "registry/registry.h"

namespace northstar {

struct MountRef {
    struct Id {
        std::uint32_t number;
    };
    struct Point {
        std::string path;  // absolute and normal
    };
    std::string text;                                       // as it was written, for messages
    std::variant<Error, Id, Point, ContainerPattern> what;  // Error: why it can be none

    // An object (`objects` and the mount's number), a mount point ("/..."), or a container. Never throws: what can be
    // none of them has InvalidArgs or NotMounted.
    [[nodiscard]] static MountRef parse(const std::string& text, std::string_view objects);
};

[[noreturn]] void throwNotMounted(const std::string& what);

// nullptr: not mounted. Throws InvalidArgs if the container is mounted several times, or the reference's own error.
[[nodiscard]] const MountRecord* findMounted(const Registry& registry, const MountRef& ref);

// The same, with a mount point that nothing is known of as the path that it leads to, as a mount's target is taken.
[[nodiscard]] Task<MountRef> resolved(Pool& workers, const Registry& registry, MountRef ref, uid_t user);

// What an unmount concerns, be it mounted or about to be. Throws the reference's own error.
[[nodiscard]] MountKeys keysOf(const Registry& registry, const MountRef& ref);

}  // namespace northstar
