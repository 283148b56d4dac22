// SPDX-License-Identifier: Apache-2.0
#include "bus/polkit.h"

#include "base/log.h"

namespace northstar::bus {
namespace {

constexpr const char* kName = "org.freedesktop.PolicyKit1";
constexpr const char* kPath = "/org/freedesktop/PolicyKit1/Authority";
constexpr const char* kInterface = "org.freedesktop.PolicyKit1.Authority";
constexpr const char* kNoReply = "org.freedesktop.DBus.Error.NoReply";  // what a call that timed out ends with
constexpr const char* kTimeout = "org.freedesktop.DBus.Error.Timeout";
constexpr std::uint32_t kAllowUserInteraction = 1;  // CheckAuthorizationFlags, polkit's D-Bus API reference

using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;
using Reply = sdbus::Struct<bool, bool, Details>;  // is_authorized, is_challenge, details

}  // namespace

Polkit::Polkit(sdbus::IConnection& bus, std::chrono::microseconds timeout)
    : proxy_{sdbus::createProxy(bus, ServiceName{kName}, sdbus::ObjectPath{kPath})}, timeout_{timeout} {}

std::string Polkit::ask(const Question& question, std::function<void(Answer)> done) {
    const std::string id = "northstar-" + std::to_string(++next_);
    const Subject who{std::string{"system-bus-name"},
                      std::map<std::string, sdbus::Variant>{{"name", sdbus::Variant{question.subject}}}};
    auto onReply = [this, id, done = std::move(done)](CallError error, const Reply& answer) {
        // The pending call owns this handler: it must outlive what `done` does.
        const auto call = pending_.extract(id);
        if (error) {
            const std::string& name = error->getName();
            if (name == kNoReply || name == kTimeout) sendCancel(id);  // its dialog would stay open
            return done({Verdict::Failed, name + ": " + error->getMessage()});
        }
        if (answer.get<0>()) return done({Verdict::Granted});
        done({answer.get<1>() ? Verdict::NeedsInteraction : Verdict::Denied});
    };
    pending_[id] = proxy_->callMethodAsync("CheckAuthorization")
                       .onInterface(kInterface)
                       .withTimeout(timeout_)
                       .withArguments(who, question.action, question.details,
                                      question.interactive ? kAllowUserInteraction : 0U, id)
                       .uponReplyInvoke(std::move(onReply));
    return id;
}

void Polkit::cancel(const std::string& id) noexcept {
    const auto call = pending_.extract(id);
    if (call.empty()) return;
    call.mapped().cancel();
    sendCancel(id);
}

// Without an answer: the bus allows a connection a number of those, and the questions may have used them up.
void Polkit::sendCancel(const std::string& id) noexcept {
    try {
        auto message = proxy_->createMethodCall(InterfaceName{kInterface}, MethodName{"CancelCheckAuthorization"});
        message << id;
        message.dontExpectReply();
        proxy_->callMethod(message);
    } catch (const sdbus::Error& error) {
        log::warn("Cannot tell polkit that question {} is withdrawn: {}", id, error.getMessage());
    }
}

}  // namespace northstar::bus
