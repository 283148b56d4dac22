// SPDX-License-Identifier: Apache-2.0
#include "bus/order.h"

#include "base/error.h"

namespace northstar::bus {

Async<Order::Turn> Order::enter(std::string scope, Keys keys) {
    const auto place =
        places_.insert(places_.end(), Place{std::move(scope), std::move(keys), ++last_, 0, {}});
    for (const auto& key : place->keys) {
        auto& queue = queues_[{place->scope, key}];
        if (!queue.empty()) ++place->behind;
        queue.push_back(&*place);
    }
    if (place->behind > 0) {
        Callback<Done> turn{[&](const Callback<Done>::Complete& complete) { place->wake = complete; }};
        co_await turn;
    }
    co_return Turn{*this, place};
}

void Order::leave(Places::iterator place) {
    std::map<std::uint64_t, std::function<void(Done)>> free;
    for (const auto& key : place->keys) {
        const auto queue = queues_.find({place->scope, key});
        queue->second.pop_front();
        if (queue->second.empty()) {
            queues_.erase(queue);
        } else if (Place& next = *queue->second.front(); --next.behind == 0) {
            free[next.number] = std::move(next.wake);
        }
    }
    places_.erase(place);
    // Posted: the one who leaves is in the middle of its destruction. Their places are kept, so nobody can
    // push in.
    for (auto& [number, wake] : free) loop_.post([wake = std::move(wake)] { wake(Done{}); });
}

Order::Keys Order::taken(const std::string& scope, const std::string& first, const std::string& last,
                         Budget& budget) const {
    Keys keys;
    const auto end = queues_.lower_bound({scope, last});
    for (auto queue = queues_.lower_bound({scope, first}); queue != end; ++queue) {
        budget.spend();
        keys.insert(queue->first.second);
    }
    return keys;
}

void Order::Budget::spend(std::size_t keys) {
    if (keys > left_) {
        left_ = 0;
        throw Error{Code::LimitsExceeded, "The call concerns more than " + std::to_string(kMost) +
                                              " mounts, and calls that wait for them; split it, or name mount points"};
    }
    left_ -= keys;
}

}  // namespace northstar::bus
