// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_error.h"

#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

namespace northstar {
namespace {

std::string kernelOption(const std::string& filesystem) {
    std::string name = filesystem;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return name == "EROFS" ? "CONFIG_EROFS_FS" : "CONFIG_" + name;
}

}  // namespace

std::string filesystemLog(int context) {
    std::string all;
    std::array<char, 1024> message{};
    for (int i = 0; i < 16; ++i) {  // the kernel keeps 8 (fs/fs_context.c)
        const ssize_t length = ::read(context, message.data(), message.size());
        if (length <= 0) break;  // ENODATA at the end
        std::string text{message.data(), static_cast<std::size_t>(length)};
        if (text.size() > 2 && text[1] == ' ') text.erase(0, 2);  // "e ", "w ", "i "
        while (text.ends_with('\n')) text.pop_back();
        all += (all.empty() ? "" : "; ") + printable(text);
    }
    return all;
}

std::string missingDecompressor(const std::string& log) {
    // fs/squashfs/super.c: Filesystem uses "xz" compression. This is not supported
    const std::string before = "uses \"", after = "\" compression";
    const std::size_t start = log.find(before);
    const std::size_t end = start == std::string::npos ? start : log.find(after, start + before.size());
    if (end == std::string::npos) return "";
    const std::string name = log.substr(start + before.size(), end - start - before.size());
    for (const char* known : {"zlib", "lz4", "lzo", "xz", "zstd"}) {
        if (name == known) return kernelOption("squashfs_" + name);
    }
    return "a squashfs decompressor for \"" + name + "\"";
}

void throwMountError(const std::string& source, const MountOptions& options, int error, const std::string& log) {
    const std::string what = "mounting " + source + " as " + options.filesystem;
    const std::string because = ": " + (log.empty() ? errnoText(error) : log + ", " + errnoText(error));
    if (error == ENODEV) {
        throw Error{Code::Unsupported, what + " needs " + kernelOption(options.filesystem) +
                                           ", which this kernel does not have; load the module " + options.filesystem};
    }
    const std::string decompressor = options.filesystem == "squashfs" ? missingDecompressor(log) : "";
    if (error == EINVAL && !decompressor.empty()) {
        throw Error{Code::Unsupported, what + " needs " + decompressor + ", which this kernel does not have" + because};
    }
    if (error == EIO || error == EUCLEAN || error == EBADMSG) {
        throw Error{Code::Corrupted, what + because + "; the package is damaged"};
    }
    throw Error{Code::Failed, what + because};
}

}  // namespace northstar
