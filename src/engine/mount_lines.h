// SPDX-License-Identifier: Apache-2.0
// The two lines in which mounts and unmounts stand. From its arrival on, a call stands behind those of the same caller
// that concern the same container or mount point, so that what a client sends without waiting is done as sent. Once it
// is authorized it stands behind those of everybody, so that a question that waits for a person keeps no other caller
// waiting. A call holds a turn of its caller's line while it enters the line of all, never the other way round, and
// enters each line once: nobody waits in a circle. Bus thread only.
#pragma once

#include "async/event_loop.h"
#include "async/lanes.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/std.h"
#include "package/container_name.h"

namespace northstar {

// What one call concerns. Everything lies below "anything"; a version lies below its name.
class MountKeys {
public:
    enum class Kind { Anything, Name, Container, MountPoint };
    struct Key {
        Kind kind;
        std::string text;
        auto operator<=>(const Key&) const = default;
    };

    // A call that concerns nothing that is known still waits for packages that have not been read.
    MountKeys() : entries_{{anything(), Entry::Shared}} {}
    MountKeys(const ContainerName& container, const std::string& mountPoint) : MountKeys{} {
        add(container, mountPoint);
    }
    // A package whose container is not known before it is read may concern anything: known ones go neither with it nor
    // past it. `mountPoint`: if one was asked for.
    [[nodiscard]] static MountKeys unread(const std::string& mountPoint);

    void add(const ContainerName& container, const std::string& mountPoint) {
        addContainer(container);
        addPoint(mountPoint);
    }
    // One version, or with an empty version all of them.
    void addContainer(const ContainerName& container);
    void addPoint(const std::string& path) { entries_.insert_or_assign({Kind::MountPoint, path}, Entry::Exclusive); }
    void merge(const MountKeys& other);

    // Does whoever holds these keep others from this container?
    [[nodiscard]] bool hold(const ContainerName& container) const;

    using Entries = std::map<Key, Entry>;
    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }

private:
    static Key anything() { return {Kind::Anything, {}}; }
    Entries entries_;
};

class MountLines {
public:
    using Key = std::pair<std::string, MountKeys::Key>;  // whose line: a client's name, or "" for that of all
    using Turn = Lanes<Key>::Turn;

    explicit MountLines(EventLoop& loop) : lanes_{loop} {}

    Task<Turn> enterOwn(const Call& call, const MountKeys& keys) { return enter("from " + call.caller.name, keys); }
    Task<Turn> enterCommon(const MountKeys& keys) { return enter({}, keys); }

private:
    Task<Turn> enter(const std::string& line, const MountKeys& keys);
    Lanes<Key> lanes_;
};

}  // namespace northstar
