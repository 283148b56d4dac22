// SPDX-License-Identifier: Apache-2.0
// Any bytes as the record of a mount: it is read or removed, and what was read can be saved and is then the same.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/log.h"
#include "fuzz/require.h"
#include "registry/state_store.h"
#include "support/temporary_directory.h"

using namespace northstar;

namespace {

std::string textOf(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool quiet = (setUpLogging("fuzz", "off"), true);
    static const test::TemporaryDirectory directory;
    static const StateStore state{directory.path()};
    static const std::string path = directory / "mounts/7.toml";
    require(quiet);
    directory.write("mounts/7.toml", std::string{data, data + size});
    const auto records = state.load();
    require(records.size() <= 1 && records.empty() != std::filesystem::exists(path));
    if (records.empty()) return 0;
    require(records[0].id == 7);
    state.save(records[0]);
    const std::string saved = textOf(path);
    const auto again = state.load();
    require(again.size() == 1);
    state.save(again[0]);
    require(textOf(path) == saved);
    return 0;
}
