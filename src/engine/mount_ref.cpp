// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_ref.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <system_error>

#include "base/path.h"
#include "registry/mount_record.h"

namespace northstar {
namespace {

template <typename... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

const MountRecord* findByMountPoint(const Registry& registry, const std::string& path) {
    const MountRecord* record = registry.findByMountPoint(path);
    return record != nullptr ? record : registry.findShownAs(path);
}

std::set<std::uint32_t> findByPattern(const Registry& registry, const ContainerPattern& pattern) {
    std::set<std::uint32_t> ids = registry.findByContainer(pattern.container);
    std::erase_if(ids, [&](std::uint32_t id) {
        const MountRecord& record = *registry.find(id);
        const bool there = pattern.repository.empty() || pattern.repository == record.repository;
        return !there || !pattern.matches(record.containerName());
    });
    return ids;
}

[[noreturn]] void throwSeveral(const Registry& registry, const std::string& what, const std::set<std::uint32_t>& ids) {
    constexpr std::size_t kMostNamed = 5;
    std::string places;
    std::size_t named = 0;
    for (const std::uint32_t id : ids) {
        if (named++ == kMostNamed) break;
        places += (places.empty() ? "" : ", ") + printable(registry.find(id)->mountPoint);
    }
    if (ids.size() > kMostNamed) places += fmt::format(" and {} more", ids.size() - kMostNamed);
    throw Error{Code::InvalidArgs,
                fmt::format("{} is mounted several times ({}); name one of the mount points", printable(what), places)};
}

Error notMounted(const std::string& what) {
    return {Code::NotMounted, printable(what) + " is not mounted by this service; ListMounts shows what is"};
}

}  // namespace

void throwNotMounted(const std::string& what) { throw notMounted(what); }

MountRef MountRef::parse(const std::string& text, std::string_view objects) {
    try {
        if (text.starts_with(objects)) {
            const char* end = text.data() + text.size();
            Id id{};
            const auto [read, failure] = std::from_chars(text.data() + objects.size(), end, id.number);
            if (failure == std::errc{} && read == end) return {text, id};
        } else if (text.starts_with('/')) {
            return {text, Point{normalPath(text, "The mount point")}};
        } else if (auto pattern = ContainerPattern::parse(text)) {
            return {text, std::move(*pattern)};
        }
        return {text, notMounted(text)};
    } catch (const Error& error) {
        return {text, error};
    }
}

const MountRecord* findMounted(const Registry& registry, const MountRef& ref) {
    return std::visit(Overloaded{[](const Error& error) -> const MountRecord* { throw error; },
                                 [&](MountRef::Id id) { return registry.find(id.number); },
                                 [&](const MountRef::Point& point) { return findByMountPoint(registry, point.path); },
                                 [&](const ContainerPattern& pattern) -> const MountRecord* {
                                     const auto ids = findByPattern(registry, pattern);
                                     if (ids.size() > 1) throwSeveral(registry, ref.text, ids);
                                     return ids.empty() ? nullptr : registry.find(*ids.begin());
                                 }},
                      ref.what);
}

Task<MountRef> resolved(Pool& workers, const Registry& registry, MountRef ref, uid_t user) {
    auto* const point = std::get_if<MountRef::Point>(&ref.what);
    if (point != nullptr && findByMountPoint(registry, point->path) == nullptr) {
        point->path = co_await workers.run([point] { return resolvedParent(point->path); }, user);
    }
    co_return ref;
}

MountKeys keysOf(const Registry& registry, const MountRef& ref) {
    MountKeys keys;
    const auto add = [&](const MountRecord* record) {
        if (record != nullptr) keys.add(record->containerName(), record->mountPoint);
    };
    std::visit(
        Overloaded{[](const Error& error) { throw error; }, [&](MountRef::Id id) { add(registry.find(id.number)); },
                   [&](const MountRef::Point& point) {
                       keys.addPoint(point.path);
                       add(findByMountPoint(registry, point.path));
                   },
                   [&](const ContainerPattern& pattern) {
                       keys.addContainer(pattern.container);
                       for (const std::uint32_t id : findByPattern(registry, pattern)) add(registry.find(id));
                   }},
        ref.what);
    return keys;
}

}  // namespace northstar
