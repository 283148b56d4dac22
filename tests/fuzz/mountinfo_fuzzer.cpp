// SPDX-License-Identifier: Apache-2.0
// Any bytes as the mount table: it is read, or refused with Failed, and what is found is on a device that was asked
// for, once for each line at most.
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/error.h"
#include "fuzz/memory.h"
#include "fuzz/require.h"
#include "kernel/linux/mount_table.h"

using namespace northstar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const UniqueFd file = test::memoryWith({data, size});
    const std::vector<dev_t> devices{makedev(7, 1), makedev(254, 3), makedev(0, 42)};
    try {
        const auto found = readMountTable(devices, test::pathOf(file));
        require(found.size() <= static_cast<std::size_t>(std::count(data, data + size, '\n')) + 1);
        for (const auto& entry : found) {
            require(std::ranges::find(devices, entry.identity.device) != devices.end());
            require(entry.mountPoint.find('\0') == std::string::npos);
        }
    } catch (const Error& error) {
        require(error.code() == Code::Failed && test::isOneLine(error.what()));
    }
    return 0;
}
