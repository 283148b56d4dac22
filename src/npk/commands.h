// SPDX-License-Identifier: Apache-2.0
// The commands of npk. Each is given what the command line says, and throws an Error if it fails.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "npk/progress.h"

namespace northstar::npk {

// What several commands have.
struct Common {
    std::string file;               // the package
    std::vector<std::string> keys;  // files: public ones to verify, one secret one to sign
    std::string passphraseFile;
    std::string output;
    unsigned jobs = 0;  // threads; 0: one per processor
    bool progress = false;
    bool json = false;
    std::stop_token stop;

    [[nodiscard]] Progress::Form form() const { return Progress::choose(progress); }
};

struct KeygenOptions {
    std::string name;
    bool pem = false, encrypt = false;
};

struct InitOptions {
    std::string path = "manifest.yaml";
    std::string name = "hello", version = "1.0.0";
    bool minimal = false;
};

struct PackOptions {
    std::string directory, image = {};  // one of them
    std::string manifest = {};
    std::string filesystem = "squashfs";
    std::string compression = {};  // empty: gzip, or lz4 for erofs
    std::uint64_t blockSize = 0;   // bytes; 0: as the tool likes
    std::optional<std::uint32_t> uid = {}, gid = {};
    bool allRoot = false, devNodes = true;
    std::optional<std::string> salt = {};  // hexadecimal
};

struct SignOptions {
    bool toSign = false;
    std::string signature;  // a file
};

struct UnpackOptions {
    std::string destination;
    bool image = false;
};

void keygen(const Common& common, const KeygenOptions& options);
void init(const InitOptions& options);
void pack(const Common& common, const PackOptions& options);
void sign(const Common& common, const SignOptions& options);
void verify(const Common& common);
void inspect(const Common& common);
void list(const Common& common, const std::string& path);
void unpack(const Common& common, const UnpackOptions& options);

}  // namespace northstar::npk
