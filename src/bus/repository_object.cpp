// SPDX-License-Identifier: Apache-2.0
#include "bus/repository_object.h"

#include <ranges>

#include "auth/call.h"
#include "base/slow_close.h"
#include "base/utf8.h"
#include "bus/arguments.h"
#include "bus/names.h"
#include "bus/options.h"
#include "config/config.h"
#include "repository/repository.h"
#include "sdbus/compat.h"

namespace northstar::bus {
namespace {

constexpr std::size_t kMostRefused = 1000;  // told of: whoever writes to the directory may put any number there

}  // namespace

RepositoryObject::RepositoryObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine,
                                   const Catalog& catalog, std::string name)
    : catalog_{catalog}, name_{std::move(name)}, object_{sdbus::createObject(bus, repositoryPath(name_))} {
    publish(dispatcher, engine);
    object_->emitInterfacesAddedSignal();
}

RepositoryObject::~RepositoryObject() { removeObject(object_); }

void RepositoryObject::publish(Dispatcher& dispatcher, Engine& engine) {
    InterfaceBuilder builder{*object_, kRepositoryInterface};
    const auto add = [&](const char* name, std::vector<std::string> in, std::vector<std::string> out, auto start) {
        builder.method(name, std::move(in), std::move(out), dispatcher.method(kRepositoryInterface, name, start));
    };
    add("Install", {"npk", "options"}, {"container"},
        [&engine, name = name_](CallPtr call, CallerFd npk, Options options) {
            refuseOptions(options);
            return engine.methods().repositories.install(std::move(call), name, std::move(npk));
        });
    add("Uninstall", {"container", "options"}, {},
        [&engine, name = name_](CallPtr call, std::string container, Options options) {
            refuseOptions(options);
            return engine.methods().repositories.uninstall(std::move(call), name, std::move(container));
        });

    const auto changing = [&](const char* name, auto get) {
        builder.property(name, sdbus::Flags::EMITS_CHANGE_SIGNAL, [this, get] {
            const auto& all = catalog_.repositories();
            const auto it = all.find(name_);  // it may be gone before its object
            return it != all.end() ? get(*it->second) : get(Repository{});
        });
    };
    builder.property("Name", sdbus::Flags::CONST_PROPERTY_VALUE, [this] { return name_; });
    changing("Type", [](const Repository& r) {
        return std::string{r.config.type == RepositoryType::Memory ? "memory" : "directory"};
    });
    changing("Directory", [](const Repository& r) { return r.config.dir; });
    changing("Verified", [](const Repository& r) { return r.verified(); });
    changing("Keys", [](const Repository& r) { return r.keys.fingerprints(); });
    changing("Containers", [](const Repository& r) {
        const auto names = std::views::keys(r.content.entries);
        return std::vector<std::string>(names.begin(), names.end());
    });
    changing("Capacity", [](const Repository& r) { return r.config.capacity; });
    changing("Used", [](const Repository& r) { return r.content.used(); });
    changing("MaxContainers", [](const Repository& r) { return r.config.maxContainers; });
    changing("Refused", [](const Repository& r) {
        std::vector<sdbus::Struct<std::string, std::string, std::string>> refused;
        for (const auto& [file, refusal] : r.content.refused | std::views::take(kMostRefused)) {
            refused.emplace_back(toUtf8(file), errorName(refusal.error.code()), toUtf8(refusal.error.what()));
        }
        return refused;
    });
    builder.signal<std::uint64_t, std::uint64_t>("InstallProgress", {"done", "total"}).publish();
}

void RepositoryObject::contentChanged() {
    object_->emitPropertiesChangedSignal(kRepositoryInterface,
                                         {PropertyName{"Containers"}, PropertyName{"Used"}, PropertyName{"Refused"}});
}

void RepositoryObject::allChanged() { object_->emitPropertiesChangedSignal(kRepositoryInterface); }

void RepositoryObject::installProgress(const InstallProgress& progress) {
    auto signal = object_->createSignal(InterfaceName{kRepositoryInterface}, SignalName{"InstallProgress"});
    signal << progress.done << progress.total;
    signal.setDestination(progress.client);
    object_->emitSignal(signal);
}

}  // namespace northstar::bus
