// SPDX-License-Identifier: Apache-2.0
#include "npk/filesystem_maker.h"

#include <fmt/format.h>
#include <fts.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdlib>
#include <initializer_list>

#include "base/error.h"
#include "base/hex.h"
#include "base/std.h"
#include "npk/progress.h"
#include "npk/tool.h"
#include "package/bytes.h"

namespace northstar::npk {
namespace {

// What a program would take for an option.
std::string asPath(const std::string& path) { return path.starts_with('-') ? "./" + path : path; }

void append(std::vector<std::string>& to, std::initializer_list<std::string> more) {
    to.insert(to.end(), more.begin(), more.end());
}

bool isEpochSet() {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    return epoch != nullptr && *epoch != '\0';
}

// erofs has other names for the same methods, and neither lzo nor a gzip with a header.
std::string erofsCompressor(const std::string& compression) {
    if (compression.empty() || compression == "lz4") return "lz4hc";
    if (compression == "xz") return "lzma";
    if (compression == "gzip") return "deflate";
    if (compression == "zstd") return "zstd";
    throw Error{Code::InvalidArgs, "erofs has no compression " + compression + ": choose lz4, xz, gzip, zstd or none"};
}

std::string uuidOf(std::string_view seed) {
    const Sha256 digest = sha256(seed);
    const std::string hex = toHex(std::span{digest}.first(16));
    return fmt::format("{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                       hex.substr(20, 12));
}

std::vector<std::string> squashfsArguments(const PackOptions& options, const std::string& image, unsigned jobs) {
    std::vector<std::string> all{
        "mksquashfs", asPath(options.directory), asPath(image), "-noappend", "-no-progress", "-quiet",
        "-no-xattrs", "-exit-on-error"};
    const std::string compression = options.compression.empty() ? "gzip" : options.compression;
    if (compression == "none") {
        append(all, {"-noI", "-noD", "-noF"});
    } else {
        append(all, {"-comp", compression});
    }
    append(all, {"-b", std::to_string(options.blockSize == 0 ? 131072 : options.blockSize)});
    if (jobs != 0) append(all, {"-processors", std::to_string(jobs)});
    if (options.allRoot) append(all, {"-all-root"});
    if (options.uid) append(all, {"-force-uid", std::to_string(*options.uid)});
    if (options.gid) append(all, {"-force-gid", std::to_string(*options.gid)});
    if (!options.devNodes) append(all, {"-action", "exclude @ type(b) || type(c)"});
    return all;
}

std::vector<std::string> erofsArguments(const PackOptions& options, const std::string& image, std::string_view seed,
                                        const std::vector<std::string>& deviceNodes) {
    std::vector<std::string> all{"mkfs.erofs", "-x-1", "-U" + uuidOf(seed)};
    if (options.compression != "none") append(all, {"-z" + erofsCompressor(options.compression)});
    if (options.blockSize != 0) {
        if (options.compression == "none") {
            throw Error{Code::InvalidArgs, "--block-size of erofs is that of what is compressed: not with none"};
        }
        append(all, {"-C" + std::to_string(options.blockSize)});
    }
    if (options.allRoot) append(all, {"--all-root"});
    if (options.uid) append(all, {fmt::format("--force-uid={}", *options.uid)});
    if (options.gid) append(all, {fmt::format("--force-gid={}", *options.gid)});
    for (const std::string& node : deviceNodes) append(all, {"--exclude-path=" + node});
    append(all, {asPath(image), asPath(options.directory)});
    return all;
}

struct Facts {
    std::vector<std::string> deviceNodes;  // relative to the directory
    std::int64_t newest = 0;               // the latest time of a file, seconds since 1970
};

Facts look(const std::string& directory) {
    std::string root = directory;
    std::array<char*, 2> roots{root.data(), nullptr};
    const std::unique_ptr<FTS, decltype(&::fts_close)> tree{
        ::fts_open(roots.data(), FTS_PHYSICAL | FTS_NOCHDIR, nullptr), ::fts_close};
    if (tree == nullptr) throwErrno(Code::Failed, "Cannot read " + printable(directory), errno);
    Facts facts;
    while (const FTSENT* entry = ::fts_read(tree.get())) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            throwErrno(Code::Failed, "Cannot read " + printable(entry->fts_path), entry->fts_errno);
        }
        facts.newest = std::max<std::int64_t>(facts.newest, entry->fts_statp->st_mtime);
        if (entry->fts_info != FTS_DEFAULT) continue;
        const mode_t mode = entry->fts_statp->st_mode;
        if (!S_ISBLK(mode) && !S_ISCHR(mode)) continue;
        const std::string path = entry->fts_path;
        facts.deviceNodes.push_back(path.substr(std::min(path.find_first_not_of('/', directory.size()), path.size())));
    }
    return facts;
}

std::uint64_t sizeOf(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

std::vector<std::string> makerArguments(const PackOptions& options, const std::string& image, std::string_view seed,
                                        unsigned jobs, const std::vector<std::string>& deviceNodes) {
    if (options.filesystem == "squashfs") return squashfsArguments(options, image, jobs);
    return erofsArguments(options, image, seed, deviceNodes);
}

void makeImage(const Common& common, const PackOptions& options, const std::string& image, std::string_view seed) {
    const bool isErofs = options.filesystem == "erofs";
    const Facts facts = look(options.directory);
    const auto nodes = options.devNodes ? std::vector<std::string>{} : facts.deviceNodes;
    // Both tools take it for the time of the image, and for the latest one that a file may have.
    const auto epoch = static_cast<std::uint32_t>(std::min<std::int64_t>(facts.newest, UINT32_MAX));
    std::vector<std::string> environment;
    if (!isEpochSet()) environment.push_back("SOURCE_DATE_EPOCH=" + std::to_string(epoch));
    Progress progress{common.form(), isErofs ? "mkfs.erofs" : "mksquashfs", 0};
    const Tool tool{.arguments = makerArguments(options, image, seed, common.jobs, nodes),
                    .package = isErofs ? "erofs-utils" : "squashfs-tools",
                    .environment = environment,
                    .tick = [&] { progress.set(sizeOf(image)); },
                    .stop = common.stop};
    const ToolResult result = runTool(tool);
    if (result.status == 0) return;
    throw Error{Code::Failed,
                "Cannot make an image of " + printable(options.directory) + ": " + complaint(tool, result)};
}

}  // namespace northstar::npk
