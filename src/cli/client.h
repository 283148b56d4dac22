// SPDX-License-Identifier: Apache-2.0
// The service as northstarctl sees it: one connection to a bus, one call a function. Every call waits for its answer
// and throws sdbus::Error with the name and message that the service or the bus gave. One thread only.
#pragma once

#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::cli {

using Options = std::map<std::string, sdbus::Variant>;

struct MountRow {
    std::string object, container, mountPoint, device;
};

struct ContainerRow {
    std::string name, version, repository;
    bool mounted;
};

struct RepositoryRow {
    std::string name;
    Options properties;  // of org.northstar.Mounter.Repository, by name
};

class Client {
public:
    // bus: "system", "session" or a D-Bus address. ask: whether polkit may prompt the user.
    Client(const std::string& bus, bool ask);

    // The mount calls return the mount point.
    std::string mount(const std::string& container, const Options& options);
    std::string mountFile(const std::string& path, const Options& options);
    std::string mountFd(int npk, const Options& options);  // npk stays the caller's
    void unmount(const std::string& what, const Options& options);
    // Each of them; returns those that failed, and why.
    std::map<std::string, std::string> unmountMany(const std::vector<std::string>& what, const Options& options);

    std::vector<MountRow> listMounts();
    std::vector<ContainerRow> listContainers();
    Options inspect(const std::string& container);
    std::vector<RepositoryRow> listRepositories();

    // False: the image does not match its hash tree.
    bool verify(const std::string& container, const Options& options);
    void reload();
    std::string install(const std::string& repository, int npk);  // returns the container; npk stays the caller's
    void uninstall(const std::string& repository, const std::string& container);

    // Hands over a line per signal of the service, as it arrives; ready runs once nothing can be missed any more.
    // Returns only by an exception, when the connection is lost.
    void monitor(const std::function<void()>& ready, const std::function<void(const std::string&)>& line);

private:
    template <typename... Args>
    sdbus::MethodReply callOn(sdbus::IProxy& object, const std::string& interface, const std::string& method,
                              const Args&... args) const;
    template <typename... Args>
    sdbus::MethodReply call(const std::string& method, const Args&... args);
    template <typename... Args>
    sdbus::MethodReply callRepository(const std::string& repository, const std::string& method, const Args&... args);
    [[nodiscard]] Options withAsk(Options options) const;

    std::unique_ptr<sdbus::IConnection> bus_;
    std::unique_ptr<sdbus::IProxy> mounter_;
    bool ask_;
};

}  // namespace northstar::cli
