// SPDX-License-Identifier: Apache-2.0
// The three interfaces, as dbus/org.northstar.Mounter.xml describes them: methods, signals and properties by name.
#include "base/utf8.h"
#include "base/version.h"
#include "bus/objects.h"
#include "config/repository_name.h"

namespace northstar::bus {
namespace {

using Flags = sdbus::Flags;

constexpr const char* kMountInterface = "org.northstar.Mounter.Mount";
constexpr const char* kRepositoryInterface = "org.northstar.Mounter.Repository";

}  // namespace

sdbus::ObjectPath repositoryPath(const std::string& name) {
    return sdbus::ObjectPath{kRepositoriesPath + repositoryLabel(name)};
}

void Objects::exportService() {
    service_ = sdbus::createObject(core_.bus, sdbus::ObjectPath{kRootPath});
    Calls* calls = &calls_;
    const auto handler = [this](const char* name, auto start) {
        return dispatcher_.method(kServiceName, name, std::function{std::move(start)});
    };
    InterfaceBuilder builder{*service_, kServiceName};
    builder
        .method("Mount", {"container", "options"}, {"mount", "mount_point"},
                handler("Mount", [calls](CallPtr c, std::string what, Options o) { return calls->mount(c, what, o); }))
        .method("MountFile", {"path", "options"}, {"mount", "mount_point"},
                handler("MountFile",
                        [calls](CallPtr c, std::string path, Options o) { return calls->mountFile(c, path, o); }))
        .method("MountFd", {"npk", "options"}, {"mount", "mount_point"},
                handler("MountFd",
                        [calls](CallPtr c, UniqueFd npk, Options o) { return calls->mountFd(c, std::move(npk), o); }))
        .method("MountMany", {"containers", "options"}, {"results"},
                handler("MountMany", [calls](CallPtr c, std::vector<std::string> what,
                                             Options o) { return calls->mountMany(c, what, o); }))
        .method(
            "Unmount", {"what", "options"}, {},
            handler("Unmount", [calls](CallPtr c, std::string what, Options o) { return calls->unmount(c, what, o); }))
        .method("UnmountMany", {"what", "options"}, {"results"},
                handler("UnmountMany", [calls](CallPtr c, std::vector<std::string> what,
                                               Options o) { return calls->unmountMany(c, what, o); }))
        .method("ListMounts", {}, {"mounts"},
                handler("ListMounts", [calls](CallPtr c) { return calls->listMounts(c); }))
        .method("ListContainers", {}, {"containers"},
                handler("ListContainers", [calls](CallPtr c) { return calls->listContainers(c); }))
        .method("Inspect", {"container"}, {"facts"},
                handler("Inspect", [calls](CallPtr c, std::string what) { return calls->inspect(c, what); }))
        .method(
            "Verify", {"container", "options"}, {"intact"},
            handler("Verify", [calls](CallPtr c, std::string what, Options o) { return calls->verify(c, what, o); }))
        .method("Reload", {"options"}, {},
                handler("Reload", [calls](CallPtr c, Options o) { return calls->reload(c, o); }))
        .signal<sdbus::ObjectPath, std::string, std::string>("Mounted", {"mount", "container", "mount_point"})
        .signal<sdbus::ObjectPath, std::string, std::string, std::string>(
            "Unmounted", {"mount", "container", "mount_point", "reason"})
        .signal<sdbus::ObjectPath, std::string, std::uint64_t>("CorruptionDetected", {"mount", "container", "block"})
        .signal<std::string, std::string>("Installed", {"container", "repository"})
        .signal<std::string, std::string>("Uninstalled", {"container", "repository"})
        .property("Version", Flags::CONST_PROPERTY_VALUE, [] { return std::string{kVersion}; })
        .property("RunDirectory", Flags::CONST_PROPERTY_VALUE, [this] { return core_.config.runDir; })
        .property("VerityAvailable", Flags::EMITS_CHANGE_SIGNAL, [this] { return core_.verityAvailable; })
        .property("MountCount", Flags::EMITS_CHANGE_SIGNAL,
                  [this] { return static_cast<std::uint32_t>(core_.registry.mounts().size()); })
        .publish();
    service_->addObjectManager();
}

std::unique_ptr<sdbus::IObject> Objects::exportMount(std::uint32_t id) {
    auto object = sdbus::createObject(core_.bus, mountPath(id));
    Calls* calls = &calls_;
    // The object goes before its record is forgotten, but a property may be asked for in between.
    const auto field = [this, id](auto get) {
        return [this, id, get] {
            const MountRecord* record = core_.registry.find(id);
            return record != nullptr ? get(*record) : get(MountRecord{});
        };
    };
    const auto text = [&](std::string MountRecord::* member) {
        return field([member](const MountRecord& record) { return toUtf8(record.*member); });
    };
    InterfaceBuilder{*object, kMountInterface}
        .method("Unmount", {"options"}, {},
                dispatcher_.method(kMountInterface, "Unmount", std::function{[calls, id](CallPtr c, Options o) {
                                       return calls->unmountById(c, id, o);
                                   }}))
        .method("Open", {"options"}, {"mount"},
                dispatcher_.method(kMountInterface, "Open", std::function{[calls, id](CallPtr c, Options o) {
                                       return calls->openMount(c, id, o);
                                   }}))
        .property("Container", Flags::CONST_PROPERTY_VALUE, field([](const MountRecord& r) { return r.container(); }))
        .property("Name", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::name))
        .property("Version", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::version))
        .property("Repository", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::repository))
        .property("MountPoint", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::mountPoint))
        .property("Source", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::source))
        .property("Device", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::device))
        .property("LoopDevice", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::loopDevice))
        .property("Filesystem", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::filesystem))
        .property("Verified", Flags::CONST_PROPERTY_VALUE, field([](const MountRecord& r) { return r.verified; }))
        .property("RootHash", Flags::CONST_PROPERTY_VALUE, text(&MountRecord::rootHash))
        .property("Corrupted", Flags::EMITS_CHANGE_SIGNAL, field([](const MountRecord& r) { return r.corrupted; }))
        .property("OwnerUid", Flags::CONST_PROPERTY_VALUE,
                  field([](const MountRecord& r) { return std::uint32_t{r.ownerUid}; }))
        .property("MountedAt", Flags::CONST_PROPERTY_VALUE, field([](const MountRecord& r) { return r.mountedAt; }))
        .publish();
    return object;
}

std::unique_ptr<sdbus::IObject> Objects::exportRepository(const std::string& name) {
    auto object = sdbus::createObject(core_.bus, repositoryPath(name));
    Calls* calls = &calls_;
    const auto field = [this, name](auto get) {  // the repository may be gone before its object
        return [this, name, get] {
            const auto& all = core_.catalog.repositories();
            const auto it = all.find(name);
            return it != all.end() ? get(*it->second) : get(Repository{});
        };
    };
    InterfaceBuilder{*object, kRepositoryInterface}
        .method("Install", {"npk", "options"}, {"container"},
                dispatcher_.method(kRepositoryInterface, "Install",
                                   std::function{[calls, name](CallPtr c, UniqueFd npk, Options o) {
                                       return calls->install(c, name, std::move(npk), o);
                                   }}))
        .method("Uninstall", {"container", "options"}, {},
                dispatcher_.method(kRepositoryInterface, "Uninstall",
                                   std::function{[calls, name](CallPtr c, std::string what, Options o) {
                                       return calls->uninstall(c, name, what, o);
                                   }}))
        .property("Name", Flags::CONST_PROPERTY_VALUE, [name] { return name; })
        .property("Type", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) {
                      return std::string{r.config.type == RepositoryType::Memory ? "memory" : "directory"};
                  }))
        .property("Directory", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) { return r.config.dir; }))
        .property("Verified", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) { return r.verified(); }))
        .property("Keys", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) { return r.keys.fingerprints(); }))
        .property("Containers", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) {
                      std::vector<std::string> containers;
                      for (const auto& [container, entry] : r.content.entries) containers.push_back(container);
                      return containers;
                  }))
        .property("Capacity", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) { return r.config.capacity; }))
        .property("Used", Flags::EMITS_CHANGE_SIGNAL, field([](const Repository& r) { return r.content.used(); }))
        .property("MaxContainers", Flags::EMITS_CHANGE_SIGNAL,
                  field([](const Repository& r) { return r.config.maxContainers; }))
        .publish();
    return object;
}

}  // namespace northstar::bus
