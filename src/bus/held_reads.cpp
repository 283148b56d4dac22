// SPDX-License-Identifier: Apache-2.0
#include "bus/held_reads.h"

#include "base/error.h"
#include "base/log.h"
#include "bus/names.h"

namespace northstar::bus {
namespace {

// That wait.
constexpr std::size_t kMost = 256;

// The reads are of what we have said ourselves.
constexpr std::uint64_t kTimeoutUs = 30'000'000;

std::string_view text(const char* value) { return value != nullptr ? value : ""; }

bool concernsRepositories(sd_bus_message* message) {
    const std::string_view interface = text(sd_bus_message_get_interface(message));
    const std::string_view path = text(sd_bus_message_get_path(message));
    if (interface == "org.freedesktop.DBus.ObjectManager") return path == kRootPath;
    return interface == "org.freedesktop.DBus.Properties" && path.starts_with(kRepositoriesPath);
}

void expect(int result, const char* what) {
    if (result < 0) throw sdbus::createError(-result, what);
}

}  // namespace

HeldReads::HeldReads(sdbus::IConnection& bus) {
    const auto onMessage = [](sd_bus_message* message, void* self, sd_bus_error*) {
        return static_cast<HeldReads*>(self)->take(message);
    };
    sd_bus_slot* slot = nullptr;
    expect(sd_bus_add_filter(rawBus(bus), &slot, onMessage, this), "Cannot look at messages before they are handled");
    filter_.reset(slot);
}

int HeldReads::take(sd_bus_message* message) {
    if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0 || !concernsRepositories(message)) return 0;
    if (held_.size() >= kMost) {
        sd_bus_reply_method_errorf(message, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                   "The repositories are being read, and too many calls wait for that");
        return 1;
    }
    held_.push_back({.question = Message{sd_bus_message_ref(message)}});
    return 1;
}

void HeldReads::release() {
    filter_.reset();
    for (Held& held : held_) {
        try {
            ask(held);
        } catch (const sdbus::Error& error) {
            sd_bus_reply_method_errorf(held.question.get(), SD_BUS_ERROR_FAILED, "%s", error.getMessage().c_str());
        }
    }
}

void HeldReads::ask(Held& held) {
    sd_bus_message* question = held.question.get();
    sd_bus* bus = sd_bus_message_get_bus(question);
    const char* self = nullptr;
    expect(sd_bus_get_unique_name(bus, &self), "Cannot ask for what is read");
    sd_bus_message* made = nullptr;
    expect(sd_bus_message_new_method_call(bus, &made, self, sd_bus_message_get_path(question),
                                          sd_bus_message_get_interface(question), sd_bus_message_get_member(question)),
           "Cannot ask for what is read");
    const Message copy{made};
    expect(sd_bus_message_rewind(question, 1), "Cannot read a question again");
    expect(sd_bus_message_copy(made, question, 1), "Cannot copy a question");
    sd_bus_slot* slot = nullptr;
    expect(sd_bus_call_async(bus, &slot, made, answer, &held, kTimeoutUs), "Cannot ask for what is read");
    held.asking.reset(slot);
}

// The slot stays until we go: it is the one that this runs in.
int HeldReads::answer(sd_bus_message* reply, void* held, sd_bus_error*) {
    auto& kept = *static_cast<Held*>(held);
    const Message question = std::move(kept.question);
    if (sd_bus_message_is_method_error(reply, nullptr) > 0) {
        return sd_bus_reply_method_error(question.get(), sd_bus_message_get_error(reply));
    }
    sd_bus_message* made = nullptr;
    int result = sd_bus_message_new_method_return(question.get(), &made);
    const Message copy{made};
    if (result >= 0) result = sd_bus_message_copy(made, reply, 1);
    if (result >= 0) result = sd_bus_send(nullptr, made, nullptr);
    if (result < 0) log::warn("Cannot answer a call: {}", errnoText(-result));
    return 1;
}

}  // namespace northstar::bus
