// SPDX-License-Identifier: Apache-2.0
// While the repositories are read at start, questions for what they hold wait: reads of their properties, and of all
// objects at once. sd-bus asks for properties at once and cannot wait, so such a message is kept as it arrived, and
// when the time has come the service asks itself the same and hands the answer on. Bus thread only.
#pragma once

#include <systemd/sd-bus.h>

#include <list>

#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

class HeldReads {
public:
    // From now on they wait. The connection must outlive it. Throws sdbus::Error.
    explicit HeldReads(sdbus::IConnection& bus);
    HeldReads(const HeldReads&) = delete;
    HeldReads& operator=(const HeldReads&) = delete;

    // Answers those that have waited; others are answered at once from now on.
    void release();

private:
    template <auto Unref>
    struct Release {
        template <typename T>
        void operator()(T* value) const {
            Unref(value);
        }
    };
    using Message = std::unique_ptr<sd_bus_message, Release<sd_bus_message_unref>>;
    using Slot = std::unique_ptr<sd_bus_slot, Release<sd_bus_slot_unref>>;
    struct Held {
        Message question;
        Slot asking{};
    };

    // 1: kept. 0: not for us.
    int take(sd_bus_message* message);
    static void ask(Held& held);
    static int answer(sd_bus_message* reply, void* held, sd_bus_error*);

    std::list<Held> held_;
    Slot filter_;
};

}  // namespace northstar::bus
