// SPDX-License-Identifier: Apache-2.0
#include "npk/image_tree.h"

#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <sstream>

#include "base/checked.h"
#include "base/error.h"
#include "base/std.h"
#include "base/unique_fd.h"
#include "npk/confinement.h"
#include "npk/keys.h"
#include "npk/progress.h"
#include "npk/verified.h"
#include "package/bytes.h"
#include "package/image/chunks.h"
#include "package/inspection.h"
#include "package/package.h"

namespace northstar::npk {
namespace {

constexpr const char* kCannotCopy = "Cannot copy the image";
constexpr const char* kImage = "image";
constexpr const char* kFiles = "files";

void resize(int fd, std::uint64_t size) {
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0) throwErrno(codeForWrite(errno), kCannotCopy, errno);
}

// Zeros stay a hole.
void put(int fd, std::uint64_t offset, Bytes data) {
    if (!isZero(data)) writeAt(fd, offset, data, kCannotCopy);
}

Filesystem copyUnverified(const Common& common, int out) {
    const UniqueFd package = openPackageFile(common.file);
    const Inspection found = about(common.file, "unpack", [&] {
        auto inspection = inspectPackage(package.get(), {});
        if (!inspection.filesystem) throw Error{Code::InvalidPackage, inspection.problems.back()};
        return inspection;
    });
    Extent data = found.image;
    if (found.verity) data.size = found.verity->superblockOffset;
    resize(out, data.size);
    Progress progress{common.form(), "copying", data.size};
    readChunks(package.get(), data, common.jobs, [&]() -> ChunkSink {
        return [&](std::uint64_t offset, Bytes piece) {
            if (common.stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
            put(out, offset, piece.first(std::min<std::uint64_t>(piece.size(), data.size - offset)));
            progress.add(piece.size());
        };
    });
    return found.filesystem->type;
}

mode_t currentUmask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

// One file of the tree, held: whatever a tool that is still running puts in its place, this is what is changed.
class Held {
public:
    explicit Held(const char* path) : fd_{::open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)} {
        if (!fd_ || ::fstat(fd_.get(), &status_) != 0) throwErrno(Code::Failed, "Cannot read what was unpacked", errno);
    }

    void giveTo(uid_t user, gid_t group) const {
        if (::fchownat(fd_.get(), "", user, group, AT_EMPTY_PATH) == 0) return;
        throwErrno(Code::Failed, "Cannot own what was unpacked", errno);
    }

    // Only what of its mode is in `kept`, and `added`.
    void restrict(mode_t kept, mode_t added = 0) const {
        if (S_ISLNK(status_.st_mode)) return;
        // The kernel's own link leads to the very file; fchmod(2) does not take such a descriptor.
        const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
        if (::chmod(self.c_str(), (status_.st_mode & kept) | added) == 0) return;
        throwErrno(Code::Failed, "Cannot set the mode of what was unpacked", errno);
    }

private:
    UniqueFd fd_;
    struct stat status_{};
};

// Has what the tools made be the caller's own (root's belongs to nobody yet), with modes as if the caller had made it.
void own(const std::string& path) {
    std::string root = path;
    std::array<char*, 2> roots{root.data(), nullptr};
    const std::unique_ptr<FTS, decltype(&::fts_close)> tree{::fts_open(roots.data(), FTS_PHYSICAL, nullptr),
                                                            ::fts_close};
    if (tree == nullptr) throwErrno(Code::Failed, "Cannot read what was unpacked", errno);
    const bool isRoot = ::geteuid() == 0;
    const mode_t kept = 01777U & ~currentUmask();  // without set-user-ID and set-group-ID
    while (const FTSENT* entry = ::fts_read(tree.get())) {
        if (entry->fts_info == FTS_D) {
            // Some are not for reading; each gets its own mode again when it is left.
            if (::access(entry->fts_accpath, R_OK | X_OK) != 0) Held{entry->fts_accpath}.restrict(07777U, S_IRWXU);
            continue;
        }
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            throwErrno(Code::Failed, "Cannot read what was unpacked", entry->fts_errno);
        }
        const Held file{entry->fts_accpath};
        if (isRoot) file.giveTo(0, 0);
        // What it was before it was opened for reading.
        const mode_t mode = entry->fts_statp->st_mode & kept;
        file.restrict(mode);
    }
}

// unsquashfs ends with 2 if it went on behind an error: whatever could not be read, and device nodes.
bool lacksOnlyDeviceNodes(const ToolResult& result) {
    if (result.status != 2) return false;
    std::istringstream lines{result.errors};
    for (std::string line; std::getline(lines, line) && !lines.eof();) {  // the last one may be cut off
        if (!line.empty() && line.find(", because you're not superuser!") == std::string::npos) return false;
    }
    return true;
}

}  // namespace

Filesystem copyImage(const Common& common, int out) {
    if (common.keys.empty()) return copyUnverified(common, out);
    const Package package = openVerified(common);
    resize(out, package.dataSize());
    about(common.file, "unpack",
          [&] { checkImage(common, package, [out](std::uint64_t offset, Bytes data) { put(out, offset, data); }); });
    return package.filesystem;
}

ImageTree::ImageTree(const Common& common, const Staging& staging) : common_{common}, root_{staging / "tree"} {
    if (::mkdirat(staging.fd(), "tree", S_IRWXU) != 0) throwErrno(Code::Failed, "Cannot make a directory", errno);
    directory_.reset(::openat(staging.fd(), "tree", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory_) throwErrno(Code::Failed, "Cannot open a directory", errno);
    confinement_.emplace(directory_.get());  // before anything large is done
    const UniqueFd image{::openat(directory_.get(), kImage, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!image) throwErrno(Code::Failed, kCannotCopy, errno);
    filesystem_ = copyImage(common, image.get());
    if (::geteuid() != 0) return;
    if (::fchmod(image.get(), S_IRUSR | S_IRGRP | S_IROTH) != 0 ||
        ::fchownat(directory_.get(), "", kNobody, kNobody, AT_EMPTY_PATH) != 0) {
        throwErrno(Code::Failed, "Cannot hand the image over", errno);
    }
}

Tool ImageTree::tool(std::vector<std::string> arguments) const {
    return {.arguments = std::move(arguments),
            .package = filesystem_ == Filesystem::Squashfs ? "squashfs-tools" : "erofs-utils",
            .directory = directory_.get(),
            .confinement = &confinement_.value(),
            .stop = common_.stop};
}

void ImageTree::listSquashfs(const std::function<void(std::string_view piece)>& output) const {
    Tool lister = tool({"unsquashfs", "-no-progress", "-UTC", "-lln", kImage});
    lister.output = output;
    const ToolResult result = runTool(lister);
    if (result.status != 0) throw Error{Code::Failed, "Cannot list the image: " + complaint(lister, result)};
}

void ImageTree::extract() {
    std::vector<std::string> arguments;
    if (filesystem_ == Filesystem::Squashfs) {
        arguments = {"unsquashfs", "-no-progress", "-quiet", "-no-xattrs", "-dest", kFiles};
        if (common_.jobs != 0) arguments.insert(arguments.end(), {"-processors", std::to_string(common_.jobs)});
        arguments.emplace_back(kImage);
    } else {
        arguments = {"fsck.erofs", std::string{"--extract="} + kFiles, "--no-preserve-owner", "--preserve-perms",
                     kImage};
    }
    Progress progress{common_.form(), "unpacking", 0};
    Tool extractor = tool(std::move(arguments));
    extractor.tick = [&progress] { progress.add(0); };
    const ToolResult result = runTool(extractor);
    missing_ = filesystem_ == Filesystem::Squashfs && lacksOnlyDeviceNodes(result);
    if (result.status != 0 && !missing_) {
        throw Error{Code::Failed, "Cannot unpack the image: " + complaint(extractor, result)};
    }
    own(root_ + "/" + kFiles);
}

}  // namespace northstar::npk
