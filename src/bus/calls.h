// SPDX-License-Identifier: Apache-2.0
// What the methods do. Each is a coroutine on the bus thread: decode, authorize, check the state again, let a worker
// do it, tell the objects, return the results. Errors are thrown.
//
// Mounts and unmounts stand in line twice. From its arrival on behind those of the same caller that concern the same
// container or mount point, so that what a client sends without waiting is done as sent; once it is authorized behind
// those of everybody, so that a question that waits for a person keeps no other caller waiting.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bus/core.h"
#include "bus/options.h"

namespace northstar::bus {

[[nodiscard]] sdbus::ObjectPath mountPath(std::uint32_t id);

using MountReply = std::tuple<sdbus::ObjectPath, std::string>;
using MountManyItem = sdbus::Struct<std::string, bool, sdbus::ObjectPath, std::string, std::string>;
using UnmountManyItem = sdbus::Struct<std::string, bool, std::string, std::string>;
using MountListItem = sdbus::Struct<sdbus::ObjectPath, std::string, std::string, std::string>;
using ContainerListItem = sdbus::Struct<std::string, std::string, std::string, bool>;

class Calls {
public:
    explicit Calls(Core& core) : core_{core} {}

    // calls_file.cpp
    Async<MountReply> mountFile(CallPtr call, std::string path, Options options);
    Async<MountReply> mountFd(CallPtr call, UniqueFd npk, Options options);

    // calls_mount.cpp
    Async<MountReply> mount(CallPtr call, std::string what, Options options);
    Async<std::tuple<std::vector<MountManyItem>>> mountMany(CallPtr call, std::vector<std::string> what,
                                                            Options options);
    // Mounts every container of the repositories with mount_on_start that is not mounted yet; failures are logged.
    Detached mountOnStart();
    [[nodiscard]] bool starting() const noexcept { return starting_; }

    // calls_unmount.cpp
    Async<std::tuple<>> unmount(CallPtr call, std::string what, Options options);
    Async<std::tuple<>> unmountById(CallPtr call, std::uint32_t id, Options options);
    Async<std::tuple<std::vector<UnmountManyItem>>> unmountMany(CallPtr call, std::vector<std::string> what,
                                                                Options options);
    Async<std::tuple<sdbus::UnixFd>> openMount(CallPtr call, std::uint32_t id, Options options);

    // calls_query.cpp
    Async<std::tuple<std::vector<MountListItem>>> listMounts(CallPtr call);
    Async<std::tuple<std::vector<ContainerListItem>>> listContainers(CallPtr call);
    Async<std::tuple<std::map<std::string, sdbus::Variant>>> inspect(CallPtr call, std::string what);
    Async<std::tuple<bool>> verify(CallPtr call, std::string what, Options options);

    // calls_repository.cpp
    Async<std::tuple<std::string>> install(CallPtr call, std::string repository, UniqueFd npk, Options options);
    Async<std::tuple<>> uninstall(CallPtr call, std::string repository, std::string what, Options options);
    Async<std::tuple<>> reload(CallPtr call, Options options);

private:
    struct Prepared {
        std::shared_ptr<const Package> package;
        std::shared_ptr<const SealedImage> sealed;
        std::string repository, source;
        Verification verification{};
    };
    // calls_file.cpp
    [[nodiscard]] Details fileDetails(const std::string& source, const MountCallOptions& options) const;
    Async<Order::Turn> enterUnread(CallPtr call, MountCallOptions options);
    Async<Done> authorizeUnverified(CallPtr call, std::string source, MountCallOptions options);

    Async<Found> findCurrent(std::string what, std::string repository);
    Async<Done> authorizeMount(CallPtr call, std::string container, std::string repository, bool verified,
                               MountCallOptions options);
    // `verified`: what the caller was authorized for.
    Async<MountReply> mountFound(CallPtr call, std::string container, bool verified, MountCallOptions options);
    Async<MountReply> mountPrepared(CallPtr call, Prepared prepared, MountCallOptions options);
    Async<MountReply> mountOpened(CallPtr call, UniqueFd fd, std::string source, MountCallOptions options);
    // For calls that ask polkit again and again: while this lives, they stop asking once the caller has left.
    [[nodiscard]] ClientWatch::Ticket watchCaller(const CallPtr& call);
    void setVerityAvailable(bool available);
    Async<Done> refreshVerity();
    struct Item {
        std::string container;
        bool verified;  // what was authorized
        MountCallOptions options;
        std::size_t at;  // place in the results
    };
    Detached mountItem(CallPtr call, Item item, MountManyItem& result, std::function<void(Done)> done);
    [[nodiscard]] std::string targetOf(const std::string& container, const MountCallOptions& options) const;

    // calls_find.cpp
    // An object path of ours, a mount point, "name:version", or "name". nullptr: not mounted. Throws InvalidArgs if it
    // is mounted several times, or is no path.
    [[nodiscard]] const MountRecord* findMounted(const std::string& what) const;
    // What an unmount concerns, be it mounted or about to be: keys of core.order. Throws NotMounted if it cannot be
    // mounted, InvalidArgs, LimitsExceeded.
    [[nodiscard]] Order::Keys concerned(const std::string& scope, const std::string& what, Order::Budget& budget) const;

    // `granted`: the mount that the caller was authorized for already. `budget`: of the call, which outlives this.
    Async<std::tuple<>> unmountInTurn(CallPtr call, std::string what, bool lazy, std::optional<std::uint32_t> granted,
                                      Order::Budget& budget);
    Async<Done> explainBusy(CallPtr call, MountRecord record);
    struct UnmountOutcome {
        MountRecord record;
        bool busy = false;      // it is still mounted
        bool released = false;  // its devices are gone
    };
    Async<UnmountOutcome> unmountNow(std::uint32_t id, bool lazy);
    struct UnmountItem {
        std::string what;
        std::optional<std::uint32_t> granted;
        std::size_t at;  // place in the results
    };
    Detached unmountItem(CallPtr call, UnmountItem item, bool lazy, Order::Budget& budget, UnmountManyItem& result,
                         std::function<void(Done)> done);

    Core& core_;
    bool starting_ = false;  // mountOnStart is at work
};

// The call with what its options say about asking a person.
[[nodiscard]] CallPtr withOptions(const CallPtr& call, const Options& options);

// A caller's own line in core.order.
[[nodiscard]] std::string lineOf(const CallPtr& call);

// What polkit's rules see of a container ("name:version"); an empty repository: a file or descriptor.
[[nodiscard]] Details containerDetails(const std::string& container, const std::string& repository, bool verified);

// Of a mount, beside what its container is.
void addMountDetails(Details& details, const std::string& target, const MountCallOptions& options);

// What a person is asked, with what the kernel will do about damage if that is more than to fail a read.
[[nodiscard]] std::string askToMount(const std::string& what, VerityMode mode);

[[noreturn]] void throwNotMounted(const std::string& what);

// A caller can make reads of its own FUSE file wait for ever, and would take a worker with it. Throws InvalidArgs.
void refuseStallingFile(Kernel& kernel, int fd);

}  // namespace northstar::bus
