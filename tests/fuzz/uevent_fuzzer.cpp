// SPDX-License-Identifier: Apache-2.0
// Any bytes as a uevent of the kernel: what counts as dm-verity's word names a block of a device, and saying the same
// again is understood as the same.
#include <sys/sysmacros.h>

#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "kernel/linux/uevents.h"

using namespace northstar;

namespace {

std::string messageOf(const Corruption& event) {
    std::string message{"change@/x"};
    const auto add = [&](const std::string& line) { message += '\0' + line; };
    add("SUBSYSTEM=block");
    add("MAJOR=" + std::to_string(major(event.device)));
    add("MINOR=" + std::to_string(minor(event.device)));
    add("DISKSEQ=" + std::to_string(event.diskSequence));
    add("DM_VERITY_ERR_BLOCK_NR=" + std::string{event.metadata ? "1," : "0,"} + std::to_string(event.block));
    return message + '\0';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message{reinterpret_cast<const char*>(data), size};
    const auto event = parseCorruption(message);
    if (!event) return 0;
    require(message.ends_with('\0') && message.find('@') < message.find('\0'));
    for (const char* needed : {"SUBSYSTEM=block", "MAJOR=", "MINOR=", "DM_VERITY_ERR_BLOCK_NR="}) {
        require(message.find(needed) != std::string_view::npos);
    }
    const auto again = parseCorruption(messageOf(*event));
    require(again && again->device == event->device && again->block == event->block);
    require(again->metadata == event->metadata && again->diskSequence == event->diskSequence);
    return 0;
}
