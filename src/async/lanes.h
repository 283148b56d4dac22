// SPDX-License-Identifier: Apache-2.0
// The order of work that concerns the same things: whoever comes first on a key goes first, all others go in parallel.
//
// Example: work on a library. Keys are "all", "shelf:7" and "book:42".
// - To mend a book:    all Shared, shelf:7 Shared, book:42 Exclusive. Other books may be mended meanwhile.
// - To move a shelf:   all Shared, shelf:7 Exclusive. Waits for the books of it that are being mended; those who want
//                      to mend one from now on wait for the move. Other shelves go on.
// - To bring a parcel that nobody has opened: all Apart. Any book may be in it, so it goes neither beside nor past work
//                      on known ones, nor that past it. But two parcels have nothing to do with each other, and come in
//                      together. With only Shared and Exclusive they would go past known work, or one by one.
//
//     const auto turn = co_await lanes.enter(std::move(keys));
//     ...                                             // the turn is left when it is destroyed
//
// A place is put into the queues of all its keys at once, when the task of enter() starts. So of two places one is in
// front of the other in every queue that they share: nobody waits in a circle, and nobody overtakes. Whoever holds a
// turn must not enter again before he has left: that could be a circle.
//
// Loop's thread only. The turns, and the tasks that enter, end before the lanes do.
#pragma once

#include <cassert>
#include <list>

#include "async/callback.h"
#include "async/event_loop.h"
#include "async/task.h"
#include "base/std.h"

namespace northstar {

// Shared goes together with Shared, Apart with Apart, and nothing else with anything.
enum class Entry { Exclusive, Shared, Apart };

// Key: a value with an order. A place costs O(log n) a key, however many have entered with it.
template <typename Key>
class Lanes {
public:
    using Keys = std::map<Key, Entry>;
    class Turn;

    explicit Lanes(EventLoop& loop) : loop_{loop} {}
    ~Lanes() { assert(empty()); }
    Lanes(const Lanes&) = delete;
    Lanes& operator=(const Lanes&) = delete;

    // Returns when all who entered before with one of these keys, and do not go together with this entry of it, have
    // left. At once if there are none.
    Task<Turn> enter(Keys keys);

    // Nobody holds, or waits for, any key.
    [[nodiscard]] bool empty() const { return queues_.empty(); }

private:
    struct Place {
        Keys keys;
        std::uint64_t number = 0;  // in the order of arrival
        std::size_t behind = 0;    // of its keys: those where its batch is not the first
        Callback<void>::Complete wake;
    };
    // Neighbours in a queue that go together. The first batch of a queue has that key.
    struct Batch {
        Entry entry;
        std::size_t size = 0;  // those who have not left
        std::vector<Place*> waiting{};
    };
    void queue(Place& place);
    void leave(const Place& place);

    EventLoop& loop_;
    std::uint64_t last_ = 0;
    std::map<Key, std::list<Batch>> queues_;  // without empty ones
};

// A place at the head of all its queues. One made by default, or moved from, holds nothing.
template <typename Key>
class Lanes<Key>::Turn {
public:
    Turn() noexcept = default;
    // Was it entered with this key, in whatever way?
    [[nodiscard]] bool holds(const Key& key) const { return place_ && place_->keys.contains(key); }

private:
    friend Lanes;
    struct Leave {
        Lanes* lanes = nullptr;
        void operator()(const Place* place) const {
            lanes->leave(*place);
            delete place;
        }
    };
    Turn(Lanes& lanes, std::unique_ptr<Place> place) noexcept : place_{place.release(), Leave{&lanes}} {}
    std::unique_ptr<Place, Leave> place_;
};

template <typename Key>
Task<typename Lanes<Key>::Turn> Lanes<Key>::enter(Keys keys) {
    auto place = std::make_unique<Place>();
    place->keys = std::move(keys);
    place->number = ++last_;
    queue(*place);
    if (place->behind > 0) {
        Callback<void> first{[&](const Callback<void>::Complete& complete) { place->wake = complete; }};
        co_await first;
    }
    co_return Turn{*this, std::move(place)};
}

template <typename Key>
void Lanes<Key>::queue(Place& place) {
    for (const auto& [key, entry] : place.keys) {
        auto& batches = queues_[key];
        if (batches.empty() || batches.back().entry != entry || entry == Entry::Exclusive) batches.push_back({entry});
        ++batches.back().size;
        if (batches.size() == 1) continue;
        batches.back().waiting.push_back(&place);
        ++place.behind;
    }
}

// Those behind are woken in the order of arrival, and by the loop: whoever leaves is in the middle of his destruction.
// They have their places already, so nobody gets in between.
template <typename Key>
void Lanes<Key>::leave(const Place& place) {
    std::vector<Place*> free;
    for (const auto& [key, entry] : place.keys) {
        const auto queue = queues_.find(key);
        auto& batches = queue->second;
        if (--batches.front().size > 0) continue;
        batches.pop_front();
        if (batches.empty()) {
            queues_.erase(queue);
            continue;
        }
        for (Place* next : std::exchange(batches.front().waiting, {})) {
            if (--next->behind == 0) free.push_back(next);
        }
    }
    std::ranges::sort(free, {}, &Place::number);
    for (Place* next : free) loop_.post(std::move(next->wake));
}

}  // namespace northstar
