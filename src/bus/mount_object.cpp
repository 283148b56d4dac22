// SPDX-License-Identifier: Apache-2.0
#include "bus/mount_object.h"

#include "async/task.h"
#include "auth/call.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "bus/arguments.h"
#include "bus/names.h"
#include "bus/options.h"
#include "engine/mount_ref.h"
#include "kernel/mount.h"
#include "registry/mount_record.h"
#include "sdbus/compat.h"

namespace northstar::bus {
namespace {

using Flags = sdbus::Flags;

Task<sdbus::UnixFd> toUnixFd(Task<UniqueFd> opening) {
    UniqueFd fd = co_await opening;
    co_return sdbus::UnixFd{fd.release(), sdbus::adopt_fd};
}

using ListedHolder = sdbus::Struct<std::uint32_t, std::string, std::string>;

Task<std::vector<ListedHolder>> listed(Task<std::vector<Holder>> search) {
    const std::vector<Holder> holders = co_await search;
    std::vector<ListedHolder> list;
    for (const auto& [pid, name, path] : holders) {
        list.emplace_back(static_cast<std::uint32_t>(pid), toUtf8(name), toUtf8(path));
    }
    co_return list;
}

}  // namespace

MountObject::MountObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, const Registry& registry,
                         std::uint32_t id)
    : registry_{registry}, id_{id}, object_{sdbus::createObject(bus, mountPath(id))} {
    publish(dispatcher, engine);
    object_->emitInterfacesAddedSignal();
}

MountObject::~MountObject() { removeObject(object_); }

void MountObject::publish(Dispatcher& dispatcher, Engine& engine) {
    const MountRef ref{mountPath(id_), MountRef::Id{id_}};
    InterfaceBuilder builder{*object_, kMountInterface};
    const auto add = [&](const char* name, std::vector<std::string> out, auto start) {
        builder.method(name, {"options"}, std::move(out), dispatcher.method(kMountInterface, name, start));
    };
    add("Unmount", {}, [&engine, ref](CallPtr call, Options options) {
        const UnmountMode how = decodeUnmountOptions(options);
        return engine.methods().unmounter.unmount(std::move(call), ref, how);
    });
    add("Open", {"mount"}, [&engine, ref](CallPtr call, Options options) {
        return toUnixFd(engine.methods().opener.open(std::move(call), ref, decodeOpenOptions(options)));
    });
    add("Holders", {"holders"}, [&engine, ref](CallPtr call, Options options) {
        refuseOptions(options);
        return listed(engine.methods().unmounter.holders(std::move(call), ref));
    });

    // The object goes before its record is forgotten, but a property may be asked for in between.
    const auto field = [this](auto get) {
        return [this, get] {
            const MountRecord* record = registry_.find(id_);
            return record != nullptr ? get(*record) : get(MountRecord{});
        };
    };
    const auto constant = [&](const char* name, auto get) {
        builder.property(name, Flags::CONST_PROPERTY_VALUE, field(get));
    };
    const auto text = [&](const char* name, std::string MountRecord::* member) {
        constant(name, [member](const MountRecord& record) { return toUtf8(record.*member); });
    };
    constant("Container", [](const MountRecord& record) { return record.container(); });
    text("Name", &MountRecord::name);
    text("Version", &MountRecord::version);
    text("Repository", &MountRecord::repository);
    builder.property("MountPoint", Flags::EMITS_CHANGE_SIGNAL,
                     field([](const MountRecord& record) { return toUtf8(record.mountPoint); }));
    text("Source", &MountRecord::source);
    text("Device", &MountRecord::device);
    text("LoopDevice", &MountRecord::loopDevice);
    text("Filesystem", &MountRecord::filesystem);
    constant("Verified", [](const MountRecord& record) { return record.verified; });
    text("RootHash", &MountRecord::rootHash);
    builder.property("Corrupted", Flags::EMITS_CHANGE_SIGNAL,
                     field([](const MountRecord& record) { return record.corrupted; }));
    constant("OwnerUid", [](const MountRecord& record) { return std::uint32_t{record.ownerUid}; });
    constant("MountedAt", [](const MountRecord& record) { return record.mountedAt; });
    builder.publish();
}

void MountObject::sayChanged(const char* property) {
    object_->emitPropertiesChangedSignal(kMountInterface, {PropertyName{property}});
}

}  // namespace northstar::bus
