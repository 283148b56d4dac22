// SPDX-License-Identifier: Apache-2.0
#include "registry/state_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"

namespace northstar {
namespace {

std::string fileName(std::uint32_t id) { return std::to_string(id) + ".toml"; }

std::int64_t toInt(std::uint64_t value) { return static_cast<std::int64_t>(value); }  // bits kept both ways

// TOML is UTF-8; recovery takes the bytes of the mount point from the mount table.
std::string serialize(const MountRecord& r) {
    const toml::table table{{"id", toInt(r.id)},
                            {"name", r.name},
                            {"version", r.version},
                            {"repository", r.repository},
                            {"source", r.source},
                            {"mount_point", toUtf8(r.mountPoint)},
                            {"device", r.device},
                            {"loop_device", r.loopDevice},
                            {"filesystem", r.filesystem},
                            {"verified", r.verified},
                            {"root_hash", r.rootHash},
                            {"corrupted", r.corrupted},
                            {"owner_uid", toInt(r.ownerUid)},
                            {"mounted_at", toInt(r.mountedAt)},
                            {"mount_id", toInt(r.identity.id)},
                            {"unique_mount_id", toInt(r.identity.uniqueId)},
                            {"device_number", toInt(r.identity.device)},
                            {"verity_uuid", r.verityUuid},
                            {"disk_sequence", toInt(r.diskSequence)},
                            {"backing_device", toInt(r.backing.device)},
                            {"backing_inode", toInt(r.backing.inode)},
                            {"backing_offset", toInt(r.backing.offset)},
                            {"mount_point_created", r.mountPointCreated}};
    std::ostringstream text;
    text << table << '\n';
    return text.str();
}

MountRecord deserialize(const toml::table& table) {
    const auto text = [&](const char* key) { return table.at(key).value<std::string>().value(); };
    const auto number = [&](const char* key) {
        return static_cast<std::uint64_t>(table.at(key).value<std::int64_t>().value());
    };
    const auto flag = [&](const char* key) { return table.at(key).value<bool>().value(); };
    MountRecord r;
    r.id = static_cast<std::uint32_t>(number("id"));
    r.name = text("name");
    r.version = text("version");
    r.repository = text("repository");
    r.source = text("source");
    r.mountPoint = text("mount_point");
    r.device = text("device");
    r.loopDevice = text("loop_device");
    r.filesystem = text("filesystem");
    r.verified = flag("verified");
    r.rootHash = text("root_hash");
    r.corrupted = flag("corrupted");
    r.ownerUid = static_cast<uid_t>(number("owner_uid"));
    r.mountedAt = number("mounted_at");
    r.identity = {number("mount_id"), number("unique_mount_id"), number("device_number")};
    r.verityUuid = text("verity_uuid");
    r.diskSequence = table.contains("disk_sequence") ? number("disk_sequence") : 0;  // 0: written by an older version
    r.backing = {number("backing_device"), number("backing_inode"), number("backing_offset")};
    r.mountPointCreated = flag("mount_point_created");
    return r;
}

}  // namespace

StateStore::StateStore(const std::string& directory) : path_{directory + "/mounts"} {
    std::error_code failure;
    std::filesystem::create_directories(path_, failure);
    directory_ = UniqueFd{open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
    if (!directory_) throwErrno(Code::Failed, "Cannot open the state directory " + path_, errno);
    if (fchmod(directory_.get(), 0700) != 0) throwErrno(Code::Failed, "Cannot protect " + path_, errno);
}

void StateStore::lock() const {
    if (flock(directory_.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno != EWOULDBLOCK) throwErrno(Code::Failed, "Cannot lock the state directory " + path_, errno);
    throw Error{Code::Failed, "Cannot use the state directory " + path_ +
                                  ": another instance of the service uses it; end it, or give this one a state_dir "
                                  "and a run_dir of its own"};
}

void StateStore::save(const MountRecord& record) const {
    const std::string name = fileName(record.id);
    const std::string temporary = "." + name + ".new";
    const std::string text = serialize(record);
    const auto fail = [&](const char* what) {
        throwErrno(Code::Failed, std::string{"Cannot "} + what + " " + path_ + "/" + name, errno);
    };
    const UniqueFd file{
        openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) fail("create");
    if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("write");
    if (renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) fail("rename");
}

void StateStore::remove(std::uint32_t id) const noexcept {
    if (unlinkat(directory_.get(), fileName(id).c_str(), 0) != 0 && errno != ENOENT) {
        log::warn("Cannot remove {}/{}.toml: {}", path_, id, errnoText(errno));
    }
}

std::vector<MountRecord> StateStore::load() const {
    std::vector<MountRecord> records;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator{path_, failure}) {
        try {
            if (entry.path().extension() != ".toml") throw std::runtime_error{"left from an interrupted write"};
            records.push_back(deserialize(toml::parse_file(entry.path().string())));
        } catch (const std::exception& error) {
            log::warn("Removing the state file {}: {}", entry.path().string(), error.what());
            std::filesystem::remove(entry.path(), failure);
        }
    }
    return records;
}

}  // namespace northstar
