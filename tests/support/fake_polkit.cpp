// SPDX-License-Identifier: Apache-2.0
// The fake polkit; its own connection and event loop thread.
#include "support/fake_polkit.h"

namespace northstar::test {
namespace {

template <typename Predicate>
bool eventually(Predicate&& predicate) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!predicate()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
}

}  // namespace

FakePolkit::FakePolkit(const PrivateBus& bus)
    : bus_{bus.connect()},
      object_{sdbus::createObject(*bus_, sdbus::ObjectPath{"/org/freedesktop/PolicyKit1/Authority"})} {
    bus::InterfaceBuilder builder{*object_, "org.freedesktop.PolicyKit1.Authority"};
    bus::Method check{"(sa{sv})sa{ss}us", "(bba{ss})", [this](sdbus::MethodCall call) {
                          Subject subject;
                          Question question;
                          std::uint32_t flags = 0;
                          call >> subject >> question.action >> question.details >> flags >> question.cancellation;
                          question.kind = subject.get<0>();
                          question.subject = subject.get<1>().at("name").get<std::string>();
                          question.interactive = (flags & 1U) != 0;
                          this->check(sdbus::Result<Answer>{std::move(call)}, question);
                      }};
    builder.method("CheckAuthorization", {}, {}, std::move(check));
    bus::Method cancel{"s", "", [this](sdbus::MethodCall call) {
                           std::string cancellation;
                           call >> cancellation;
                           {
                               const std::lock_guard lock{mutex_};
                               cancelled_.push_back(cancellation);
                           }
                           sdbus::Result<>{std::move(call)}.returnResults();
                       }};
    builder.method("CancelCheckAuthorization", {}, {}, std::move(cancel));
    builder.publish();
    bus_->requestName(bus::ServiceName{"org.freedesktop.PolicyKit1"});
    bus_->enterEventLoopAsync();
}

FakePolkit::~FakePolkit() { bus_->leaveEventLoop(); }

void FakePolkit::check(sdbus::Result<Answer>&& result, const Question& question) {
    Policy policy{};
    {
        const std::lock_guard lock{mutex_};
        const auto special = policies_.find(question.action);
        policy = special == policies_.end() ? policy_ : special->second;
        if (policy == Policy::Hang) hanging_.push_back(std::move(result));
        asked_.push_back(question);
    }
    if (policy != Policy::Hang) result.returnResults(Answer{policy == Policy::Yes, policy == Policy::Challenge, {}});
}

void FakePolkit::answer(Policy policy) {
    const std::lock_guard lock{mutex_};
    policy_ = policy;
}

void FakePolkit::answer(const std::string& action, Policy policy) {
    const std::lock_guard lock{mutex_};
    policies_[action] = policy;
}

void FakePolkit::release(bool yes) {
    decltype(hanging_) hanging;
    {
        const std::lock_guard lock{mutex_};
        hanging.swap(hanging_);
    }
    for (auto& result : hanging) result.returnResults(Answer{yes, false, {}});  // sdbus-c++ takes a lock of its own
}

std::vector<FakePolkit::Question> FakePolkit::asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
}

std::vector<std::string> FakePolkit::actions() const {
    std::vector<std::string> names;
    for (const auto& question : asked()) names.push_back(question.action);
    return names;
}

std::vector<std::string> FakePolkit::cancelled() const {
    const std::lock_guard lock{mutex_};
    return cancelled_;
}

bool FakePolkit::waitForQuestions(std::size_t count) const {
    return eventually([&] { return asked().size() >= count; });
}

bool FakePolkit::waitForCancellations(std::size_t count) const {
    return eventually([&] { return cancelled().size() >= count; });
}

}  // namespace northstar::test
