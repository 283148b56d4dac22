// SPDX-License-Identifier: Apache-2.0
// The order of calls that concern the same container or mount point: whoever comes first is done first, all
// others go in parallel. Bus thread only.
//
// A place is kept in the queues of all its keys at once, so that of any two places one is in front of the
// other in every queue that they share: nobody can wait in a circle.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>

#include "async/legacy.h"

namespace northstar {

class Order {
public:
    // What a call concerns: containers ("name:version"), mount points ("/..."). Keys of different scopes have
    // nothing to do with each other.
    using Keys = std::set<std::string>;

    // Lets those behind go on when it is destroyed.
    class Turn;

    // How many keys the look-ups of one call may come by: a call that concerns very many would keep the thread, and
    // that much memory, for itself.
    class Budget {
    public:
        // Throws LimitsExceeded.
        void spend(std::size_t keys = 1);

    private:
        static constexpr std::size_t kMost = 65536;  // 4096 items with 16 each
        std::size_t left_ = kMost;
    };

    explicit Order(EventLoop& loop) : loop_{loop} {}
    Order(const Order&) = delete;
    Order& operator=(const Order&) = delete;

    // A package whose container is not known before it is read may concern anything: such places have all known ones
    // of their scope before and behind them, and nothing to do with each other.
    enum class Kind { Known, Unread };

    // Returns when all who entered before with one of these keys, or in this scope as the other kind, have left.
    // Nobody may enter while holding a turn of the same scope.
    Async<Turn> enter(std::string scope, Keys keys, Kind kind = Kind::Known);

    // The keys from `first` up to, not including, `last` that somebody has entered with and not left.
    [[nodiscard]] Keys taken(const std::string& scope, const std::string& first, const std::string& last,
                             Budget& budget) const;

private:
    using Key = std::pair<std::string, std::string>;  // scope, key
    struct Place {
        std::string scope;
        Keys keys;
        Kind kind = Kind::Known;
        std::uint64_t number = 0;  // in the order of arrival
        std::size_t behind = 0;    // queues in which somebody is in front, and places in front of the other kind
        std::function<void(Done)> wake;
    };
    using Places = std::list<Place>;
    void leave(Places::iterator place);

    EventLoop& loop_;
    std::uint64_t last_ = 0;
    Places places_;
    std::map<Key, std::list<Place*>> queues_;
    std::map<std::pair<std::string, Kind>, std::map<std::uint64_t, Place*>> kinds_;  // of a scope, by number
};

class Order::Turn {
public:
    Turn(Order& order, Places::iterator place) : order_{&order}, place_{place} {}
    Turn(Turn&& other) noexcept : order_{std::exchange(other.order_, nullptr)}, place_{other.place_} {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
        if (order_ != nullptr) order_->leave(place_);
    }
    [[nodiscard]] bool holds(const std::string& key) const { return place_->keys.contains(key); }

private:
    Order* order_;
    Places::iterator place_;
};

}  // namespace northstar
