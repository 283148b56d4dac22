// SPDX-License-Identifier: Apache-2.0
#include "bus/mounter_object.h"

#include <variant>

#include "base/hex.h"
#include "base/path.h"
#include "base/utf8.h"
#include "base/version.h"
#include "bus/names.h"
#include "bus/options.h"
#include "engine/mount.h"
#include "engine/mount_plan.h"
#include "engine/mount_ref.h"
#include "engine/query.h"
#include "kernel/mount.h"
#include "package/image/superblock.h"
#include "package/manifest.h"
#include "package/package.h"

namespace northstar::bus {
namespace {

using Flags = sdbus::Flags;

constexpr std::array kReasons{"request", "external", "corruption", "replaced"};  // by UnmountReason

std::tuple<sdbus::ObjectPath, std::string> replyOf(const Mounted& at) {
    return {mountPath(at.id), toUtf8(at.mountPoint)};
}

}  // namespace

MounterObject::MounterObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, World& world)
    : engine_{engine}, world_{world}, object_{sdbus::createObject(bus, sdbus::ObjectPath{kRootPath})} {
    publish(dispatcher);
    object_->addObjectManager();
}

void MounterObject::publish(Dispatcher& dispatcher) {
    InterfaceBuilder builder{*object_, kServiceName};
    const auto add = [&](const char* name, std::vector<std::string> in, std::vector<std::string> out, auto start) {
        builder.method(name, std::move(in), std::move(out), dispatcher.method(kServiceName, name, this, start));
    };
    using This = MounterObject;
    add("Mount", {"container", "options"}, {"mount", "mount_point"}, &This::mount);
    add("MountFile", {"path", "options"}, {"mount", "mount_point"}, &This::mountFile);
    add("MountFd", {"npk", "options"}, {"mount", "mount_point"}, &This::mountFd);
    add("MountMany", {"containers", "options"}, {"results"}, &This::mountMany);
    add("Unmount", {"what", "options"}, {}, &This::unmount);
    add("UnmountMany", {"what", "options"}, {"results"}, &This::unmountMany);
    add("Replace", {"what", "container", "options"}, {"mount", "mount_point"}, &This::replace);
    add("ListMounts", {}, {"mounts"}, &This::listMounts);
    add("ListContainers", {}, {"containers"}, &This::listContainers);
    add("Inspect", {"container"}, {"facts"}, &This::inspect);
    add("Verify", {"container", "options"}, {"intact"}, &This::verify);
    add("Reload", {"options"}, {}, &This::reload);
    using Path = sdbus::ObjectPath;
    using Text = std::string;
    builder.signal<Path, Text, Text>("Mounted", {"mount", "container", "mount_point"})
        .signal<Path, Text, Text, Text>("Unmounted", {"mount", "container", "mount_point", "reason"})
        .signal<Path, Text, std::uint64_t>("CorruptionDetected", {"mount", "container", "block"})
        .signal<Text, Text>("Installed", {"container", "repository"})
        .signal<Text, Text>("Uninstalled", {"container", "repository"})
        .property("Version", Flags::CONST_PROPERTY_VALUE, [] { return Text{kVersion}; })
        .property("RunDirectory", Flags::CONST_PROPERTY_VALUE, [this] { return world_.settings.config.runDir; })
        .property("VerityAvailable", Flags::EMITS_CHANGE_SIGNAL, [this] { return engine_.verityAvailable(); })
        .property("MountCount", Flags::EMITS_CHANGE_SIGNAL,
                  [this] { return static_cast<std::uint32_t>(world_.registry.mounts().size()); })
        .publish();
}

Task<MounterObject::MountReply> MounterObject::mount(CallPtr call, std::string container, Options options) {
    MountRequest request = decodeMountOptions(options, MountKind::Container);
    co_await world_.repositoriesRead.pass(call->caller.name);
    co_return replyOf(co_await engine_.methods().mounting.mount(call, container, request));
}

Task<MounterObject::MountReply> MounterObject::mountFile(CallPtr call, std::string path, Options options) {
    const MountRequest request = decodeMountOptions(options, MountKind::File);
    const std::string file = normalPath(path, "The package");
    co_await world_.repositoriesRead.pass(call->caller.name);  // some may hold a container of that name
    co_return replyOf(co_await engine_.methods().files.mountFile(call, file, request));
}

Task<MounterObject::MountReply> MounterObject::mountFd(CallPtr call, CallerFd npk, Options options) {
    const MountRequest request = decodeMountOptions(options, MountKind::File);
    co_await world_.repositoriesRead.pass(call->caller.name);
    co_return replyOf(co_await engine_.methods().files.mountFd(call, std::move(npk), request));
}

Task<std::vector<MounterObject::MountResult>> MounterObject::mountMany(CallPtr call,
                                                                       std::vector<std::string> containers,
                                                                       Options options) {
    const MountRequest request = decodeMountOptions(options, MountKind::Many);
    co_await world_.repositoriesRead.pass(call->caller.name);
    const auto outcomes = co_await engine_.methods().mounting.mountMany(call, containers, request);
    std::vector<MountResult> results;
    for (std::size_t at = 0; at < outcomes.size(); ++at) {
        if (const Mounted* mounted = std::get_if<Mounted>(&outcomes[at])) {
            results.emplace_back(containers[at], true, mountPath(mounted->id), mounted->mountPoint, std::string{});
        } else {
            const sdbus::Error error = toBusError(std::get<std::exception_ptr>(outcomes[at]));
            results.emplace_back(containers[at], false, sdbus::ObjectPath{"/"}, std::string{error.getName()},
                                 error.getMessage());
        }
    }
    co_return results;
}

Task<> MounterObject::unmount(CallPtr call, std::string what, Options options) {
    const UnmountMode how = decodeUnmountOptions(options);  // bad options are refused before anything is looked up
    co_await world_.repositoriesRead.passBehind(call->caller.name);
    MountRef ref = MountRef::parse(what, kMountsPath);
    co_await engine_.methods().unmounter.unmount(call, std::move(ref), how);
}

Task<std::vector<MounterObject::UnmountResult>> MounterObject::unmountMany(CallPtr call, std::vector<std::string> what,
                                                                           Options options) {
    const UnmountMode how = decodeUnmountOptions(options);
    std::vector<MountRef> refs;
    for (const std::string& one : what) refs.push_back(MountRef::parse(one, kMountsPath));
    co_await world_.repositoriesRead.passBehind(call->caller.name);
    const auto failures = co_await engine_.methods().unmounter.unmountMany(call, std::move(refs), how);
    std::vector<UnmountResult> results;
    for (std::size_t at = 0; at < failures.size(); ++at) {
        if (!failures[at]) {
            results.emplace_back(what[at], true, std::string{}, std::string{});
        } else {
            const sdbus::Error error = toBusError(failures[at]);
            results.emplace_back(what[at], false, std::string{error.getName()}, error.getMessage());
        }
    }
    co_return results;
}

Task<MounterObject::MountReply> MounterObject::replace(CallPtr call, std::string what, std::string container,
                                                       Options options) {
    MountRequest request = decodeMountOptions(options, MountKind::Replacement);
    MountRef ref = MountRef::parse(what, kMountsPath);
    co_await world_.repositoriesRead.pass(call->caller.name);
    auto& replacing = engine_.methods().replacing;
    co_return replyOf(co_await replacing.replace(call, std::move(ref), std::move(container), std::move(request)));
}

Task<std::vector<MounterObject::ListedMount>> MounterObject::listMounts(CallPtr) {
    std::vector<ListedMount> list;
    for (const auto& [id, record] : world_.registry.mounts()) {
        list.emplace_back(mountPath(id), record.container(), toUtf8(record.mountPoint), record.device);
    }
    co_return list;
}

Task<std::vector<MounterObject::Listed>> MounterObject::listContainers(CallPtr call) {
    co_await world_.repositoriesRead.pass(call->caller.name);
    std::vector<Listed> list;
    for (const auto& [name, version, repository, mounted] : engine_.methods().queries.containers()) {
        list.emplace_back(name, version, repository, mounted);
    }
    co_return list;
}

Task<std::map<std::string, sdbus::Variant>> MounterObject::inspect(CallPtr call, std::string container) {
    co_await world_.repositoriesRead.pass(call->caller.name);
    const Inspected inspected = co_await engine_.methods().queries.inspect(call, container);
    const Package& package = *inspected.found.entry.package;
    const Manifest& manifest = package.manifest;
    std::map<std::string, sdbus::Variant> facts;
    const auto set = [&](const char* key, const auto& value) { facts.emplace(key, sdbus::Variant{value}); };
    set("name", manifest.name);
    set("version", manifest.version.text());
    set("repository", inspected.found.repository->name);
    if (manifest.init) set("init", *manifest.init);
    set("uid", std::uint32_t{manifest.uid});
    set("gid", std::uint32_t{manifest.gid});
    if (manifest.mountContext) set("selinux_mount_context", *manifest.mountContext);
    if (manifest.execContext) set("selinux_exec", *manifest.execContext);
    set("format", package.format);
    set("image_offset", package.image.offset);
    set("image_size", package.image.size);
    set("filesystem", std::string{northstar::toString(package.filesystem)});
    set("signed", package.isSigned);
    set("verified", package.verified());
    set("root_hash", package.verity ? toHex(package.verity->rootHash) : std::string{});
    set("signer", package.signer);
    set("mounted", inspected.mounted);
    co_return facts;
}

Task<bool> MounterObject::verify(CallPtr call, std::string container, Options options) {
    std::string repository = decodeRepository(options);
    co_await world_.repositoriesRead.pass(call->caller.name);
    co_return co_await engine_.methods().queries.verify(call, std::move(container), std::move(repository));
}

Task<> MounterObject::reload(CallPtr call, Options options) {
    refuseOptions(options);
    return engine_.methods().repositories.reload(std::move(call));
}

template <typename... T>
void MounterObject::emit(const char* signal, const T&... values) {
    object_->emitSignal(signal).onInterface(kServiceName).withArguments(values...);
}

void MounterObject::mounted(const MountRecord& record) {
    object_->emitPropertiesChangedSignal(kServiceName, {PropertyName{"MountCount"}});
    emit("Mounted", mountPath(record.id), record.container(), toUtf8(record.mountPoint));
}

void MounterObject::unmounted(const MountRecord& record, UnmountReason reason) {
    object_->emitPropertiesChangedSignal(kServiceName, {PropertyName{"MountCount"}});
    emit("Unmounted", mountPath(record.id), record.container(), toUtf8(record.mountPoint),
         std::string{kReasons.at(static_cast<std::size_t>(reason))});
}

void MounterObject::corrupted(const MountRecord& record, std::uint64_t block) {
    emit("CorruptionDetected", mountPath(record.id), record.container(), block);
}

void MounterObject::installed(const std::string& container, const std::string& repository) {
    emit("Installed", container, repository);
}

void MounterObject::uninstalled(const std::string& container, const std::string& repository) {
    emit("Uninstalled", container, repository);
}

void MounterObject::verityAvailableChanged() {
    object_->emitPropertiesChangedSignal(kServiceName, {PropertyName{"VerityAvailable"}});
}

}  // namespace northstar::bus
