// SPDX-License-Identifier: Apache-2.0
#include "system/test_package.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/hex.h"
#include "package/package.h"
#include "system/sandbox.h"

namespace northstar {
namespace {

std::filesystem::path dataDirectory() {
    const char* directory = std::getenv("NORTHSTAR_TEST_DATA");
    if (directory == nullptr) throw std::runtime_error{"NORTHSTAR_TEST_DATA does not say where tests/data is"};
    return directory;
}

}  // namespace

TestPackage copyPackage(const std::string& name) {
    static int copies = 0;
    TestPackage copy;
    copy.file = sandbox() + "/package-" + std::to_string(++copies) + ".npk";
    std::filesystem::copy_file(dataDirectory() / name, copy.file);
    KeyRing keys;
    const std::string key = sandbox() + "/golden.pub";  // ours alone, whoever owns the source tree
    std::filesystem::copy_file(dataDirectory() / "keys/golden.pub", key,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::permissions(key, std::filesystem::perms{0644});
    keys.add(loadPublicKey(key));
    const Package package = openPackage(UniqueFd{::open(copy.file.c_str(), O_RDONLY | O_CLOEXEC)}, keys,
                                        SignaturePolicy::Optional, copy.file);
    copy.fd = duplicateFd(package.fd.get());
    copy.image = package.image;
    if (package.verity) {
        copy.dataBlocks = package.verity->dataBlocks;
        copy.hashStartBlock = package.verity->hashStartBlock();
        copy.rootHash = toHex(package.verity->rootHash);
        copy.salt = toHex(package.verity->salt);
    }
    return copy;
}

void TestPackage::damageBlock(std::uint64_t block) const {
    const UniqueFd writable{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
    const auto at = static_cast<off_t>(image.offset + block * 4096 + 100);
    char byte = 0;
    if (::pread(writable.get(), &byte, 1, at) != 1) throw std::runtime_error{"cannot read " + file};
    byte = static_cast<char>(byte ^ 0x55);
    if (::pwrite(writable.get(), &byte, 1, at) != 1) throw std::runtime_error{"cannot change " + file};
}

std::vector<std::string> signedPackages() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{dataDirectory() / "signed"}) {
        names.push_back("signed/" + entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace northstar
