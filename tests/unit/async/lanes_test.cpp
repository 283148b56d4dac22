// SPDX-License-Identifier: Apache-2.0
// Who waits for whom: the three ways to enter, the order of arrival, several keys, very many places.
#include "async/lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "run.h"

namespace northstar::test {
namespace {

using Strings = Lanes<std::string>;

// A place in line: where its turn goes, and when it came.
struct Visitor {
    Strings::Turn turn;
    int arrived = 0;  // 0: not yet
};

Task<> visit(Strings& lanes, Strings::Keys keys, Visitor& visitor, int& clock) {
    visitor.turn = co_await lanes.enter(std::move(keys));
    visitor.arrived = ++clock;
}

class LanesTest : public testing::Test {
protected:
    // Ends all that wait, by leaving in turn.
    ~LanesTest() override {
        while (!scope.empty()) {
            for (auto& visitor : visitors) leave(*visitor);
        }
    }

    Visitor& enter(Strings::Keys keys) {
        visitors.push_back(std::make_unique<Visitor>());
        scope.spawn(visit(lanes, std::move(keys), *visitors.back(), clock));
        return *visitors.back();
    }
    void leave(Visitor& visitor) {
        visitor.turn = {};
        loop.post([] {});
        loop.runOnce();
    }

    EventLoop loop;
    Strings lanes{loop};
    int clock = 0;
    std::vector<std::unique_ptr<Visitor>> visitors;
    Scope scope;
};

TEST_F(LanesTest, OnlySharedWithSharedAndApartWithApartGoTogether) {
    const std::vector entries{Entry::Exclusive, Entry::Shared, Entry::Apart};
    for (const Entry first : entries) {
        for (const Entry second : entries) {
            Visitor& one = enter({{"key", first}});
            Visitor& two = enter({{"key", second}});
            EXPECT_NE(one.arrived, 0);
            const bool together = first == second && first != Entry::Exclusive;
            EXPECT_EQ(two.arrived != 0, together) << static_cast<int>(first) << " " << static_cast<int>(second);
            leave(one);
            EXPECT_NE(two.arrived, 0);
            leave(two);
            EXPECT_TRUE(lanes.empty());
        }
    }
}

TEST_F(LanesTest, OtherKeysDoNotWait) {
    const Visitor& one = enter({{"one", Entry::Exclusive}});
    const Visitor& two = enter({{"two", Entry::Exclusive}});
    EXPECT_EQ(one.arrived, 1);
    EXPECT_EQ(two.arrived, 2);
}

TEST_F(LanesTest, NoKeysWaitForNobody) {
    enter({{"key", Entry::Exclusive}});
    EXPECT_NE(enter({}).arrived, 0);
}

TEST_F(LanesTest, ComersWithOneKeyGoInTheOrderOfArrival) {
    std::vector<Visitor*> all;
    for (int i = 0; i < 10; ++i) all.push_back(&enter({{"key", Entry::Exclusive}}));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(clock, i + 1);
        EXPECT_EQ(all[static_cast<std::size_t>(i)]->arrived, i + 1);
        leave(*all[static_cast<std::size_t>(i)]);
    }
}

TEST_F(LanesTest, NobodyPassesOneWhoWaits) {
    Visitor& reader = enter({{"key", Entry::Shared}});
    Visitor& writer = enter({{"key", Entry::Exclusive}});
    const Visitor& late = enter({{"key", Entry::Shared}});  // goes with the reader, but the writer is before it
    EXPECT_EQ(late.arrived, 0);
    leave(reader);
    EXPECT_EQ(writer.arrived, 2);
    EXPECT_EQ(late.arrived, 0);
    leave(writer);
    EXPECT_EQ(late.arrived, 3);
}

TEST_F(LanesTest, SharedGoOnWhenAllApartInFrontHaveLeft) {
    Visitor& first = enter({{"root", Entry::Apart}});
    Visitor& second = enter({{"root", Entry::Apart}});
    const Visitor& known = enter({{"root", Entry::Shared}});
    const Visitor& third = enter({{"root", Entry::Apart}});
    leave(first);
    EXPECT_EQ(known.arrived, 0);
    leave(second);
    EXPECT_NE(known.arrived, 0);
    EXPECT_EQ(third.arrived, 0);
}

TEST_F(LanesTest, WhoComesAfterTheWakingDoesNotGetInBetween) {
    Visitor& first = enter({{"key", Entry::Exclusive}});
    const Visitor& second = enter({{"key", Entry::Exclusive}});
    first.turn = {};                                            // wakes the second in a later turn of the loop
    const Visitor& third = enter({{"key", Entry::Exclusive}});  // comes before that turn
    EXPECT_EQ(second.arrived, 0);
    EXPECT_EQ(third.arrived, 0);
    loop.runOnce();
    EXPECT_NE(second.arrived, 0);
    EXPECT_EQ(third.arrived, 0);
}

TEST_F(LanesTest, ThoseWokenByOneComeInTheOrderOfArrival) {
    Visitor& first = enter({{"a", Entry::Exclusive}, {"b", Entry::Exclusive}, {"c", Entry::Exclusive}});
    const Visitor& c = enter({{"c", Entry::Shared}});
    const Visitor& b = enter({{"b", Entry::Exclusive}});
    const Visitor& a = enter({{"a", Entry::Shared}});
    const Visitor& c2 = enter({{"c", Entry::Shared}});
    leave(first);
    EXPECT_EQ(c.arrived, 2);
    EXPECT_EQ(b.arrived, 3);
    EXPECT_EQ(a.arrived, 4);
    EXPECT_EQ(c2.arrived, 5);
}

TEST_F(LanesTest, APlaceWaitsForAllItsKeys) {
    Visitor& one = enter({{"one", Entry::Exclusive}});
    Visitor& two = enter({{"two", Entry::Exclusive}});
    const Visitor& both = enter({{"one", Entry::Exclusive}, {"two", Entry::Exclusive}});
    leave(one);
    EXPECT_EQ(both.arrived, 0);
    leave(two);
    EXPECT_NE(both.arrived, 0);
}

TEST_F(LanesTest, CrossingKeysDoNotMakeACircle) {
    Visitor& start = enter({{"a", Entry::Exclusive}, {"z", Entry::Exclusive}});
    Visitor& forward = enter({{"a", Entry::Exclusive}, {"m", Entry::Exclusive}});
    Visitor& backward = enter({{"m", Entry::Exclusive}, {"z", Entry::Exclusive}});
    Visitor& round = enter({{"z", Entry::Exclusive}, {"a", Entry::Exclusive}});
    leave(start);
    EXPECT_EQ(forward.arrived, 2);
    EXPECT_EQ(backward.arrived, 0);  // waits for the one in front, though z is free
    leave(forward);
    EXPECT_EQ(backward.arrived, 3);
    EXPECT_EQ(round.arrived, 0);
    leave(backward);
    EXPECT_EQ(round.arrived, 4);
}

// The example of lanes.h.
TEST_F(LanesTest, AGroupAndItsMembersGoOneAfterTheOther) {
    Visitor& book = enter({{"all", Entry::Shared}, {"shelf:7", Entry::Shared}, {"book:42", Entry::Exclusive}});
    Visitor& other = enter({{"all", Entry::Shared}, {"shelf:7", Entry::Shared}, {"book:43", Entry::Exclusive}});
    Visitor& shelf = enter({{"all", Entry::Shared}, {"shelf:7", Entry::Exclusive}});
    Visitor& elsewhere = enter({{"all", Entry::Shared}, {"shelf:8", Entry::Exclusive}});
    const Visitor& parcel = enter({{"all", Entry::Apart}});
    EXPECT_NE(other.arrived, 0);
    EXPECT_NE(elsewhere.arrived, 0);
    EXPECT_EQ(shelf.arrived, 0);
    leave(book);
    EXPECT_EQ(shelf.arrived, 0);
    leave(other);
    EXPECT_NE(shelf.arrived, 0);
    EXPECT_EQ(parcel.arrived, 0);
    leave(elsewhere);
    EXPECT_EQ(parcel.arrived, 0);
    leave(shelf);
    EXPECT_NE(parcel.arrived, 0);
}

TEST_F(LanesTest, ATaskThatWasNotAwaitedHasNoPlace) {
    Strings::Keys keys{{"key", Entry::Exclusive}};
    const auto unused = lanes.enter(keys);
    EXPECT_TRUE(lanes.empty());
    EXPECT_NE(enter(keys).arrived, 0);
}

TEST_F(LanesTest, ATurnKnowsItsKeys) {
    const Visitor& visitor = enter({{"a", Entry::Shared}, {"b", Entry::Exclusive}});
    EXPECT_TRUE(visitor.turn.holds("a"));
    EXPECT_TRUE(visitor.turn.holds("b"));
    EXPECT_FALSE(visitor.turn.holds("c"));
    EXPECT_FALSE(Strings::Turn{}.holds("a"));
}

TEST_F(LanesTest, ATurnThatWasMovedIsLeftOnce) {
    Visitor& first = enter({{"key", Entry::Exclusive}});
    const Visitor& second = enter({{"key", Entry::Exclusive}});
    {
        Strings::Turn moved{std::move(first.turn)};
        first.turn = {};  // holds nothing any more
        Strings::Turn assigned;
        assigned = std::move(moved);
        EXPECT_TRUE(assigned.holds("key"));
        loop.post([] {});
        loop.runOnce();
        EXPECT_EQ(second.arrived, 0);
    }
    loop.runOnce();
    EXPECT_NE(second.arrived, 0);
}

TEST_F(LanesTest, AssigningToATurnLeavesTheOldOne) {
    Visitor& first = enter({{"a", Entry::Exclusive}});
    Visitor& second = enter({{"b", Entry::Exclusive}});
    const Visitor& waiting = enter({{"a", Entry::Exclusive}});
    first.turn = std::move(second.turn);
    loop.runOnce();
    EXPECT_NE(waiting.arrived, 0);
    EXPECT_TRUE(first.turn.holds("b"));
    auto& itself = first.turn;
    first.turn = std::move(itself);
    EXPECT_TRUE(first.turn.holds("b"));
}

// Whoever entered before, has not left, and has a key in common that does not go together is waited for.
class Model {
public:
    using Keys = Lanes<int>::Keys;
    void enter(std::size_t place, Keys keys) { inside_.emplace(place, std::move(keys)); }
    void leave(std::size_t place) { inside_.erase(place); }
    [[nodiscard]] bool mayGo(std::size_t place) const {
        const Keys& keys = inside_.at(place);
        return std::none_of(inside_.begin(), inside_.find(place),
                            [&](const auto& before) { return conflict(before.second, keys); });
    }
    [[nodiscard]] const std::map<std::size_t, Keys>& inside() const { return inside_; }

private:
    static bool conflict(const Keys& one, const Keys& other) {
        for (const auto& [key, entry] : one) {
            const auto same = other.find(key);
            if (same == other.end()) continue;
            if (entry == Entry::Exclusive || same->second != entry) return true;
        }
        return false;
    }
    std::map<std::size_t, Keys> inside_;  // by arrival
};

Task<> hold(Lanes<int>& lanes, Lanes<int>::Keys keys, std::optional<Lanes<int>::Turn>& turn) {
    turn = co_await lanes.enter(std::move(keys));
}

class LanesModelTest : public testing::TestWithParam<unsigned> {};

TEST_P(LanesModelTest, RandomWorkGoesAsTheModelSays) {
    std::mt19937 random{GetParam()};
    const auto below = [&](unsigned limit) { return std::uniform_int_distribution<unsigned>{0, limit - 1}(random); };
    EventLoop loop;
    Lanes<int> lanes{loop};
    Model model;
    constexpr std::size_t kEnters = 2000;
    std::vector<std::optional<Lanes<int>::Turn>> turns(kEnters);
    std::size_t entered = 0;
    Scope scope;
    while (entered < kEnters || !model.inside().empty()) {
        if (entered < kEnters && model.inside().size() < 40 && below(100) < 60) {
            Lanes<int>::Keys keys;
            for (unsigned count = below(4); count > 0; --count) {
                keys[static_cast<int>(below(8))] = static_cast<Entry>(below(3));
            }
            model.enter(entered, keys);
            scope.spawn(hold(lanes, std::move(keys), turns[entered]));
            ++entered;
        } else {
            std::vector<std::size_t> free;
            for (const auto& [place, keys] : model.inside()) {
                if (turns[place]) free.push_back(place);
            }
            if (!free.empty()) {  // else all who may go are on their way
                const auto place = free[below(static_cast<unsigned>(free.size()))];
                turns[place].reset();
                model.leave(place);
                if (below(4) != 0) continue;  // several leave, and enter, before the loop turns
            }
        }
        loop.post([] {});
        loop.runOnce();
        for (const auto& [place, keys] : model.inside()) {
            ASSERT_EQ(turns[place].has_value(), model.mayGo(place)) << "place " << place;
        }
    }
    EXPECT_TRUE(scope.empty());
    EXPECT_TRUE(lanes.empty());
}

// The seed is in the name of the test.
INSTANTIATE_TEST_SUITE_P(Seed, LanesModelTest, testing::Values(1U, 2U, 3U, 4U, 5U), testing::PrintToStringParamName());

// A key that counts how often it is compared.
struct Counted {
    int value = 0;
    static inline std::size_t comparisons = 0;
    friend bool operator<(const Counted& one, const Counted& other) {
        ++comparisons;
        return one.value < other.value;
    }
};

Task<> holdCounted(Lanes<Counted>& lanes, Lanes<Counted>::Keys keys, Lanes<Counted>::Turn& turn) {
    turn = co_await lanes.enter(std::move(keys));
}

// All share a root; the unread ones wait for all of them. A map of 10,000 keys is 17 to 28 levels deep.
TEST(Lanes, TenThousandPlacesCostALogarithmEach) {
    constexpr std::size_t kPlaces = 10'000;
    EventLoop loop;
    Lanes<Counted> lanes{loop};
    std::vector<Lanes<Counted>::Turn> known(kPlaces), unread(kPlaces);
    Counted::comparisons = 0;
    Scope scope;
    for (std::size_t i = 0; i < kPlaces; ++i) {
        Lanes<Counted>::Keys keys{{Counted{0}, Entry::Shared}, {Counted{static_cast<int>(i) + 1}, Entry::Exclusive}};
        scope.spawn(holdCounted(lanes, std::move(keys), known[i]));
    }
    EXPECT_TRUE(scope.empty());
    for (auto& turn : unread) {
        Lanes<Counted>::Keys keys{{Counted{0}, Entry::Apart}};
        scope.spawn(holdCounted(lanes, std::move(keys), turn));
    }
    EXPECT_EQ(scope.size(), kPlaces);
    for (auto& turn : known) turn = {};
    loop.runOnce();
    EXPECT_TRUE(scope.empty());
    for (auto& turn : unread) turn = {};
    EXPECT_TRUE(lanes.empty());
    EXPECT_LT(Counted::comparisons, 2 * kPlaces * 3 * 28 * 2);
}

}  // namespace
}  // namespace northstar::test
