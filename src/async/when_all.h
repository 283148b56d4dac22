// SPDX-License-Identifier: Apache-2.0
// Runs tasks side by side and waits for all of them.
//
//     std::vector<Task<Manifest>> reads;
//     for (const auto& path : paths) reads.push_back(readManifest(path));
//     const std::vector<Manifest> manifests = co_await whenAll(std::move(reads));
//
// They start in order. If some fail the others still run to their end; then the first error by position is thrown.
// It owns the tasks, and frees each when it has ended. Loop's thread only.
#pragma once

#include <type_traits>

#include "async/scope.h"
#include "async/task.h"
#include "base/std.h"

namespace northstar {

namespace detail {

inline Task<> settle(Task<> task, std::exception_ptr& error) {
    try {
        co_await task;
    } catch (...) {
        error = std::current_exception();
    }
}

template <typename T>
Task<> store(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await task);
}

}  // namespace detail

inline Task<> whenAll(std::vector<Task<>> tasks) {
    std::vector<std::exception_ptr> errors(tasks.size());
    Scope scope;
    for (std::size_t i = 0; i < tasks.size(); ++i) scope.spawn(detail::settle(std::move(tasks[i]), errors[i]));
    Task<> joined = scope.joined();
    co_await joined;
    for (const auto& error : errors) {
        if (error) std::rethrow_exception(error);
    }
}

template <typename T>
    requires(!std::is_void_v<T>)
Task<std::vector<T>> whenAll(std::vector<Task<T>> tasks) {
    std::vector<std::optional<T>> values(tasks.size());
    std::vector<Task<>> stores;
    stores.reserve(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) stores.push_back(detail::store(std::move(tasks[i]), values[i]));
    Task<> all = whenAll(std::move(stores));
    co_await all;
    std::vector<T> results;
    results.reserve(values.size());
    for (auto& value : values) results.push_back(std::move(*value));
    co_return results;
}

}  // namespace northstar
