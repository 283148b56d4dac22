// SPDX-License-Identifier: Apache-2.0
// The fixture's hands.
#include "engine_test.h"

#include <filesystem>

#include "repository/load.h"
#include "support/test_data.h"

namespace northstar::test {

namespace fs = std::filesystem;

void Recorder::add(const std::string& event) {
    events.push_back(event);
    if (onEvent) onEvent();
}

void Recorder::mounted(const MountRecord& record) { add("mounted " + record.container()); }

void Recorder::unmounted(const MountRecord& record, UnmountReason reason) {
    const char* why = reason == UnmountReason::Request    ? "request"
                      : reason == UnmountReason::External ? "external"
                      : reason == UnmountReason::Replaced ? "replaced"
                                                          : "corruption";
    add("unmounted " + record.container() + " " + why);
}

void Recorder::moved(const MountRecord& record) { add("moved " + record.container() + " " + record.mountPoint); }

void Recorder::unmountFailed(const MountRecord& record) { add("unmount failed " + record.container()); }

void Recorder::corrupted(const MountRecord& record, std::uint64_t block) {
    add("corrupted " + record.container() + " " + (block == UINT64_MAX ? "somewhere" : std::to_string(block)));
}

void Recorder::installed(const std::string& container, const std::string& repository) {
    add("installed " + container + " " + repository);
}

void Recorder::appeared(const std::string& container, const std::string& repository) {
    add("appeared " + container + " " + repository);
}
void Recorder::vanished(const std::string& container, const std::string& repository) {
    add("vanished " + container + " " + repository);
}
void Recorder::uninstalled(const std::string& container, const std::string& repository) {
    add("uninstalled " + container + " " + repository);
}

void Recorder::repositoriesReplaced() { add("repositories replaced"); }

void Recorder::verityAvailableChanged() { add("verity available changed"); }

EngineTest::EngineTest() {
    for (const char* name : {"main", "plain", "other", "run", "state"}) fs::create_directory(directory_ / name);
    for (const char* name : {"fonts-2.3.4", "hello-gzip-1.0.0", "hello-xz-1.0.0", "multi-0.1.0", "multi-1.2.0"}) {
        addPackage("main", std::string{"signed/"} + name + ".npk");
    }
    addPackage("plain", "unsigned/hello-unsigned-1.0.0.npk");
    configure("");
}

EngineTest::~EngineTest() {
    recorder_.onEvent = nullptr;  // what it uses is gone
    if (parts_->engine) parts_->engine->stop();
    if (waitUntil([this] { return scope_.empty(); })) return;
    ADD_FAILURE() << scope_.size() << " calls never end";
    static_cast<void>(parts_.release());
}

void EngineTest::configure(const std::string& top, const std::string& tables) const {
    configureOnly(top, repository("main", {"golden"}) + repository("plain", {}) + tables);
}

void EngineTest::configureOnly(const std::string& top, const std::string& tables) const {
    directory_.write("mounter.toml", "run_dir = \"" + runDir() + "\"\nstate_dir = \"" + directory_ / "state" +
                                         "\"\nworkers = 4\n" + top + "\n" + tables);
}

std::string EngineTest::keyList(const Texts& keys) {
    std::string list;
    for (const auto& key : keys) list += "\"" + dataPath("keys/" + key + ".pub") + "\", ";
    return "keys = [" + list + "]\n";
}

std::string EngineTest::repository(const std::string& name, const Texts& keys) const {
    return "[repositories." + name + "]\ndir = \"" + directory_ / name + "\"\n" + keyList(keys);
}

void EngineTest::addPackage(const std::string& repository, const std::string& data) const {
    fs::copy_file(dataPath(data), fs::path{directory_ / repository} / fs::path{data}.filename());
}

Engine& EngineTest::engine() {
    if (!parts_->engine) {
        const ConfigSource source{directory_ / "mounter.toml"};
        parts_->world.emplace(loadAll(source, {}), source);
        parts_->engine.emplace(parts_->loop, parts_->scope, kernel_, authority_, *parts_->world);
        parts_->world->observers.add(recorder_);
        callsAtStart_ = std::ssize(kernel_.calls());
        parts_->engine->start();
    }
    return *parts_->engine;
}

Pending<Mounted> EngineTest::mount(const TestCaller& caller, const std::string& what, const MountRequest& request) {
    return begin(methods().mounting.mount(caller.calls("Mount"), what, request));
}

Pending<std::vector<MountOutcome>> EngineTest::mountMany(const TestCaller& caller, const Texts& what) {
    return begin(methods().mounting.mountMany(caller.calls("MountMany"), what, {}));
}

Pending<void> EngineTest::unmount(const TestCaller& caller, const std::string& what, UnmountMode how) {
    return begin(methods().unmounter.unmount(caller.calls("Unmount"), MountRef::parse(what, kObjects), how));
}

Pending<std::vector<std::exception_ptr>> EngineTest::unmountMany(const TestCaller& caller, const Texts& what) {
    std::vector<MountRef> refs;
    for (const auto& one : what) refs.push_back(MountRef::parse(one, kObjects));
    return begin(methods().unmounter.unmountMany(caller.calls("UnmountMany"), std::move(refs), UnmountMode::Now));
}

Texts EngineTest::kernelCalls() const {
    Texts all = kernel_.calls();
    all.erase(all.begin(), all.begin() + callsAtStart_);
    std::erase(all, "originOf");
    return all;
}

Texts EngineTest::stateFiles() const {
    Texts names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{directory_ / "state/mounts", ignored}) {
        names.push_back(entry.path().filename());
    }
    return names;
}

testing::AssertionResult EngineTest::nothingLeft() {
    if (waitUntil([&] { return kernel_.live().empty() && stateFiles().empty(); })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "left: " << testing::PrintToString(kernel_.live())
                                       << ", state: " << testing::PrintToString(stateFiles());
}

}  // namespace northstar::test
