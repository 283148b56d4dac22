// SPDX-License-Identifier: Apache-2.0
#include "registry/state_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "base/utf8.h"

namespace northstar {
namespace {

constexpr std::array<std::string_view, 2> kNewKeys{"disk_sequence", "replaces"};

std::string fileName(std::uint32_t id) { return std::to_string(id) + ".toml"; }

// Of a record, by the key in its file; `visit` runs for each. Strings, flags and unsigned numbers.
template <typename Record, typename Visit>
void eachField(Record& r, const Visit& visit) {
    visit("id", r.id);
    visit("name", r.name);
    visit("version", r.version);
    visit("repository", r.repository);
    visit("source", r.source);
    visit("mount_point", r.mountPoint);
    visit("device", r.device);
    visit("loop_device", r.loopDevice);
    visit("filesystem", r.filesystem);
    visit("verified", r.verified);
    visit("root_hash", r.rootHash);
    visit("corrupted", r.corrupted);
    visit("owner_uid", r.ownerUid);
    visit("mounted_at", r.mountedAt);
    visit("mount_id", r.identity.id);
    visit("unique_mount_id", r.identity.uniqueId);
    visit("device_number", r.identity.device);
    visit("verity_uuid", r.verityUuid);
    visit("disk_sequence", r.diskSequence);
    visit("backing_device", r.backing.device);
    visit("backing_inode", r.backing.inode);
    visit("backing_offset", r.backing.offset);
    visit("made_directory", r.made.path);
    visit("made_device", r.made.device);
    visit("made_inode", r.made.inode);
    visit("replaces", r.replaces);
}

// TOML is UTF-8; recovery takes the bytes of the mount point from the mount table. Its numbers are signed: the bits are
// kept both ways.
std::string serialize(const MountRecord& record) {
    toml::table table;
    eachField(record, [&](const char* key, const auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
            table.insert(key, toUtf8(value));
        } else if constexpr (std::is_same_v<Value, bool>) {
            table.insert(key, value);
        } else {
            table.insert(key, static_cast<std::int64_t>(value));
        }
    });
    std::ostringstream text;
    text << table << '\n';
    return text.str();
}

MountRecord deserialize(const toml::table& table) {
    MountRecord record;
    eachField(record, [&](const char* key, auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        const bool isNew = std::ranges::count(kNewKeys, std::string_view{key}) != 0;
        if (isNew && !table.contains(key)) return;  // written by an older version
        if constexpr (std::is_same_v<Value, std::string> || std::is_same_v<Value, bool>) {
            value = table.at(key).value_exact<Value>().value();
        } else {
            const auto number = table.at(key).value_exact<std::int64_t>().value();  // no float is cast to one
            value = static_cast<Value>(number);
            if (sizeof value < sizeof number && !std::in_range<Value>(number)) {
                throw std::runtime_error{fmt::format("{} is out of range", key)};
            }
        }
    });
    return record;
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
    throw Error{Code::Failed, fmt::format("Cannot use the state directory {}: another instance of the service uses it; "
                                          "end it, or give this one a state_dir and a run_dir of its own",
                                          path_)};
}

void StateStore::save(const MountRecord& record) const {
    const std::string name = fileName(record.id);
    const std::string temporary = "." + name + ".new";
    const std::string text = serialize(record);
    const auto fail = [&](const char* what, int error) {
        const char* why = error == ENOENT ? " (if the directory was removed, restart the service)" : "";
        throwErrno(Code::Failed, fmt::format("Cannot {} {}/{}{}", what, path_, name, why), error);
    };
    const UniqueFd file{
        openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) fail("create", errno);
    const char* failed = nullptr;
    errno = ENOSPC;  // of a write that is cut short, which sets none
    if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        failed = "write";
    } else if (renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) {
        failed = "rename";
    }
    if (failed == nullptr) return;
    const int error = errno;
    unlinkat(directory_.get(), temporary.c_str(), 0);
    fail(failed, error);
}

void StateStore::remove(std::uint32_t id) const noexcept {
    if (unlinkat(directory_.get(), fileName(id).c_str(), 0) != 0 && errno != ENOENT) {
        log::warn("Cannot remove {}/{}.toml: {}", path_, id, errnoText(errno));
    }
}

std::vector<MountRecord> StateStore::load() const {
    std::vector<MountRecord> records;
    for (const std::string& name : namesIn(directory_.get(), path_)) {
        try {
            if (!name.ends_with(".toml")) throw std::runtime_error{"left from an interrupted write"};
            MountRecord record = deserialize(toml::parse(read(name)));
            // What is done with it later is done to the file of its number.
            if (record.id == 0 || fileName(record.id) != name) throw std::runtime_error{"its id is another one"};
            records.push_back(std::move(record));
        } catch (const Error&) {  // what cannot be read now may well be right
            throw;
        } catch (const std::exception& error) {
            log::warn("Removing the state file {}/{}: {}", path_, printable(name), error.what());
            unlinkat(directory_.get(), name.c_str(), 0);
        }
    }
    return records;
}

std::string StateStore::read(const std::string& name) const {
    const UniqueFd file{openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    std::string text(64 << 10, '\0');  // more than a record has
    const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : -1;
    if (got < 0) {
        throwErrno(Code::Failed,
                   fmt::format("Cannot read the record {}/{} of a mount (if it is of no use, remove it)", path_,
                               printable(name)),
                   errno);
    }
    text.resize(static_cast<std::size_t>(got));
    return text;
}

}  // namespace northstar
