// SPDX-License-Identifier: Apache-2.0
// What is mounted, and what is about to be. Bus thread only, no locks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>

#include "base/std.h"
#include "package/container_name.h"
#include "registry/mount_record.h"

namespace northstar {

struct MountLimits {
    std::uint32_t mounts = 0, mountsPerUid = 0;
};

class Registry {
public:
    explicit Registry(MountLimits limits) : limits_{limits} {}
    void setLimits(MountLimits limits) { limits_ = limits; }

    // The entry of a number, which goes when this does.
    template <typename Entries>
    class Claim {
    public:
        Claim(Entries& entries, std::uint32_t id) : entries_{&entries}, id_{id} {}
        Claim(Claim&& other) noexcept : entries_{std::exchange(other.entries_, nullptr)}, id_{other.id_} {}
        Claim& operator=(Claim&&) = delete;
        ~Claim() {
            if (entries_ != nullptr) entries_->erase(id_);
        }
        [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

    private:
        Entries* entries_;
        std::uint32_t id_;
    };

    struct Reserved {
        std::string mountPoint;
        uid_t owner;
        std::string container, repository;
    };

    // A number and a mount point for a mount that is being made, so that no other call takes them meanwhile; given back
    // when it is destroyed, unless add() has made a mount of it.
    using Reservation = Claim<std::map<std::uint32_t, Reserved>>;
    // Throws AlreadyMounted, or LimitsExceeded naming the limit.
    // `container`, `repository`: what is being mounted, as isReserved() is asked for it.
    [[nodiscard]] Reservation reserve(const std::string& mountPoint, uid_t owner, const std::string& container = {},
                                      const std::string& repository = {});
    // The same in place of a mount that is there, which counts towards no limit any more.
    [[nodiscard]] Reservation reserveInPlaceOf(const MountRecord& there, uid_t owner, const std::string& container,
                                               const std::string& repository);

    // The reservation of that number becomes a mount; without one (recovery) the number is taken. Name and version stay
    // as they are from then on, and the mount point until relocate().
    void add(MountRecord record);
    // Its mount point is another one now. Nothing happens if there is no mount of that number.
    void relocate(std::uint32_t id, const std::string& mountPoint);
    void remove(std::uint32_t id);

    // An unmount of ours is under way while it lives: nobody else need look whether the mount is still there.
    using Leaving = Claim<std::set<std::uint32_t>>;
    [[nodiscard]] Leaving beginUnmount(std::uint32_t id);
    [[nodiscard]] bool isLeaving(std::uint32_t id) const { return leaving_.contains(id); }

    [[nodiscard]] const MountRecord* find(std::uint32_t id) const;
    [[nodiscard]] MountRecord* find(std::uint32_t id);
    [[nodiscard]] const MountRecord* findByMountPoint(const std::string& mountPoint) const {
        return first(byMountPoint_, mountPoint);
    }
    // Of a mount point that is not UTF-8, by what toUtf8() makes of it.
    [[nodiscard]] const MountRecord* findShownAs(const std::string& mountPoint) const {
        return first(byShownMountPoint_, mountPoint);
    }
    // Numbers of the mounts of a container, or of all versions of a name.
    [[nodiscard]] const std::set<std::uint32_t>& findByContainer(const ContainerName& what) const;
    [[nodiscard]] std::vector<const MountRecord*> findByDevice(dev_t device) const;
    [[nodiscard]] bool isMounted(const std::string& container, const std::string& repository) const;
    // Is a mount of it under way?
    [[nodiscard]] bool isReserved(const std::string& container, const std::string& repository) const;

    // Repository and container of all mounts, for many questions at once.
    [[nodiscard]] std::set<std::pair<std::string, std::string>> mountedContainers() const;

    // Unmounted, but somebody keeps its devices (a lazy unmount, a descriptor, another mount namespace), until letGo().
    // A mount on the same loop device shows that it was free. Anybody can keep anybody's, so they count for nobody but
    // who had mounted them, apart from mounts and not for long (letGoBefore()). Without a limit a user could have any
    // number at once by mounting, keeping and unmounting; without an end others could use up a user's. A user has as
    // many as mountsPerUid at most when mounting; those of uid 0, who is exempt, are not remembered.
    using Time = std::chrono::steady_clock::time_point;
    void hold(MountRecord record, Time since);
    // Those that were held then already count no longer.
    void letGoBefore(Time time);
    // Does another mount use the loop device of this one by now? Then it was free meanwhile.
    [[nodiscard]] bool isReused(const MountRecord& gone) const;
    void letGo(std::uint32_t id) { held_.erase(id); }
    struct Held {
        MountRecord record;
        Time since;
    };
    [[nodiscard]] const std::map<std::uint32_t, Held>& held() const noexcept { return held_; }
    // Would reserve() throw LimitsExceeded?
    [[nodiscard]] bool isFull(uid_t owner) const { return allFull() || isFullOf(owner) || holdsTooMany(owner); }

    // By number. Mounts only, no reservations.
    [[nodiscard]] const std::map<std::uint32_t, MountRecord>& mounts() const noexcept { return mounts_; }

private:
    using Index = std::map<std::string, std::set<std::uint32_t>>;
    Reservation reserveFor(uid_t owner, Reserved reserved, bool full);
    void indexMountPoint(const MountRecord& record);
    void forgetMountPoint(const MountRecord& record);
    [[nodiscard]] std::size_t countOf(uid_t owner) const;
    [[nodiscard]] std::size_t heldOf(uid_t owner) const;
    [[nodiscard]] bool allFull() const;
    [[nodiscard]] bool isFullOf(uid_t owner) const;
    [[nodiscard]] bool holdsTooMany(uid_t owner) const;
    [[nodiscard]] const MountRecord* first(const Index& index, const std::string& key) const;

    MountLimits limits_;
    std::uint32_t last_ = 0;
    std::map<std::uint32_t, MountRecord> mounts_;
    std::map<std::uint32_t, Held> held_;
    std::map<std::uint32_t, Reserved> reservations_;
    std::set<std::uint32_t> leaving_;
    std::map<ContainerName, std::set<std::uint32_t>> byContainer_;  // with and without version
    Index byMountPoint_, byShownMountPoint_;
};

}  // namespace northstar
