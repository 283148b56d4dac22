// SPDX-License-Identifier: Apache-2.0
// /org/northstar/Mounter: the service itself. Bus thread only.
#pragma once

#include <tuple>

#include "async/task.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "bus/arguments.h"
#include "bus/dispatcher.h"
#include "engine/engine.h"
#include "engine/observer.h"
#include "engine/world.h"
#include "registry/mount_record.h"

namespace northstar::bus {

class MounterObject : public Observer {
public:
    // Exported until destroyed; outlives all calls.
    MounterObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, World& world);

    // Signals, and changes of properties.
    void mounted(const MountRecord& record) override;
    void unmounted(const MountRecord& record, UnmountReason reason) override;
    void corrupted(const MountRecord& record, std::uint64_t block) override;
    void installed(const std::string& container, const std::string& repository) override;
    void uninstalled(const std::string& container, const std::string& repository) override;
    void appeared(const std::string& container, const std::string& repository) override {
        installed(container, repository);
    }
    void vanished(const std::string& container, const std::string& repository) override {
        uninstalled(container, repository);
    }
    void verityAvailableChanged() override;

private:
    using MountReply = std::tuple<sdbus::ObjectPath, std::string>;
    using MountResult = sdbus::Struct<std::string, bool, sdbus::ObjectPath, std::string, std::string>;
    using UnmountResult = sdbus::Struct<std::string, bool, std::string, std::string>;
    using ListedMount = sdbus::Struct<sdbus::ObjectPath, std::string, std::string, std::string>;
    using Listed = sdbus::Struct<std::string, std::string, std::string, bool>;

    void publish(Dispatcher& dispatcher);
    Task<MountReply> mount(CallPtr call, std::string container, Options options);
    Task<MountReply> mountFile(CallPtr call, std::string path, Options options);
    Task<MountReply> mountFd(CallPtr call, CallerFd npk, Options options);
    Task<std::vector<MountResult>> mountMany(CallPtr call, std::vector<std::string> containers, Options options);
    Task<> unmount(CallPtr call, std::string what, Options options);
    Task<std::vector<UnmountResult>> unmountMany(CallPtr call, std::vector<std::string> what, Options options);
    Task<MountReply> replace(CallPtr call, std::string what, std::string container, Options options);
    Task<std::vector<ListedMount>> listMounts(CallPtr call);
    Task<std::vector<Listed>> listContainers(CallPtr call);
    Task<std::map<std::string, sdbus::Variant>> inspect(CallPtr call, std::string container);
    Task<bool> verify(CallPtr call, std::string container, Options options);
    Task<> reload(CallPtr call, Options options);
    template <typename... T>
    void emit(const char* signal, const T&... values);

    Engine& engine_;
    World& world_;
    std::unique_ptr<sdbus::IObject> object_;
};

}  // namespace northstar::bus
