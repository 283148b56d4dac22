// SPDX-License-Identifier: Apache-2.0
#include "async/order.h"

#include "base/error.h"

namespace northstar {

namespace {

Order::Kind other(Order::Kind kind) { return kind == Order::Kind::Known ? Order::Kind::Unread : Order::Kind::Known; }

}  // namespace

Async<Order::Turn> Order::enter(std::string scope, Keys keys, Kind kind) {
    const auto place = places_.insert(places_.end(), Place{std::move(scope), std::move(keys), kind, ++last_, 0, {}});
    for (const auto& key : place->keys) {
        auto& queue = queues_[{place->scope, key}];
        if (!queue.empty()) ++place->behind;
        queue.push_back(&*place);
    }
    kinds_[{place->scope, kind}].emplace(place->number, &*place);
    if (const auto others = kinds_.find({place->scope, other(kind)}); others != kinds_.end()) {
        place->behind += others->second.size();
    }
    if (place->behind > 0) {
        Callback<Done> turn{[&](const Callback<Done>::Complete& complete) { place->wake = complete; }};
        co_await turn;
    }
    co_return Turn{*this, place};
}

void Order::leave(Places::iterator place) {
    std::map<std::uint64_t, std::function<void(Done)>> free;
    const auto advance = [&](Place& next) {
        if (--next.behind == 0) free[next.number] = std::move(next.wake);
    };
    for (const auto& key : place->keys) {
        const auto queue = queues_.find({place->scope, key});
        queue->second.pop_front();
        if (queue->second.empty()) {
            queues_.erase(queue);
        } else {
            advance(*queue->second.front());
        }
    }
    const auto same = kinds_.find({place->scope, place->kind});
    same->second.erase(place->number);
    if (same->second.empty()) kinds_.erase(same);
    if (const auto others = kinds_.find({place->scope, other(place->kind)}); others != kinds_.end()) {
        for (auto it = others->second.upper_bound(place->number); it != others->second.end(); ++it) {
            advance(*it->second);
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

}  // namespace northstar
