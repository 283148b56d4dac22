// SPDX-License-Identifier: Apache-2.0
// The service as northstarctl sees it: one connection to a bus, one call a function. Every call waits for its answer
// and throws sdbus::Error with the name and message that the service or the bus gave. One thread only.
#pragma once

#include "base/std.h"
#include "cli/agent.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "sdbus/compat.h"

namespace northstar::cli {

struct Mounted {
    std::string object, mountPoint;
};

// What became of one of several.
struct Outcome {
    std::string what;
    Mounted mounted;                 // of a mount
    std::optional<Failure> failure;  // nullopt: it was done
};

// An object of the service with its properties, by their D-Bus names.
struct Object {
    std::string path;
    Options properties;
};

// Everything that the service tells of itself.
struct State {
    Options service;
    std::vector<Object> mounts, repositories;
};

// A signal: its name, and the values by the names of northstarctl(1).
struct Event {
    std::string name;
    Json values;
};

class Client {
public:
    // Connects. Whether polkit may prompt, which bus and which host: as the arguments say. Throws NoServer.
    explicit Client(const Arguments& arguments);

    Mounted mount(const std::string& container, const Options& options);
    Mounted mountFile(const std::string& path, const Options& options);
    Mounted mountFd(int npk, const Options& options);  // npk stays the caller's
    // Both: each of them, however many, in the order given.
    std::vector<Outcome> mountMany(const std::vector<std::string>& containers, const Options& options);
    std::vector<Outcome> unmountMany(const std::vector<std::string>& what, const Options& options);
    void unmount(const std::string& what, const Options& options);

    Mounted replace(const std::string& what, const std::string& container, const Options& options);

    State state();
    Json listMounts();      // rows: object, container, mount_point, device
    Json listContainers();  // rows: name, version, repository, mounted
    Options inspect(const std::string& container);

    // False: the image does not match its hash tree.
    bool verify(const std::string& container, const Options& options);
    void reload();

    using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;  // bytes
    // Returns the container; npk stays the caller's. Progress is told where the service reports it.
    std::string install(const std::string& repository, int npk, const Progress& progress);
    void uninstall(const std::string& repository, const std::string& container);

    // Hands over each signal of the service as it arrives, until `event` says false; ready runs once nothing can be
    // missed any more. Throws Disconnected when the connection is lost.
    void monitor(const std::function<void()>& ready, const std::function<bool(const Event&)>& event);

private:
    enum class Asks { Nobody, Polkit };  // whether answering may need a person, or much work

    template <typename... Args>
    sdbus::MethodReply callOn(sdbus::IProxy& object, Asks asks, const std::string& interface, const std::string& method,
                              const Args&... args);
    template <typename... Args>
    sdbus::MethodReply call(Asks asks, const std::string& method, const Args&... args);
    template <typename... Args>
    sdbus::MethodReply callRepository(const std::string& repository, const std::string& method, const Args&... args);
    [[nodiscard]] Options withAsk(Options options) const;

    Connection connection_;
    std::unique_ptr<sdbus::IProxy> mounter_;
    bool ask_, mayStartAgent_;
    std::unique_ptr<Agent> agent_;  // once a call needs it
};

}  // namespace northstar::cli
