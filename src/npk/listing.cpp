// SPDX-License-Identifier: Apache-2.0
#include "npk/listing.h"

#include <fmt/format.h>
#include <fts.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <ostream>

#include "base/error.h"
#include "base/utf8.h"
#include "npk/shown.h"

namespace northstar::npk {
namespace {

constexpr std::size_t kMaxLine = 65536;  // ours: names have 255 bytes, paths 4096, links 65535 at most

// Cuts the next word off; what is left begins behind one blank.
std::string takeWord(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::size_t end = std::min(line.find(' '), line.size());
    std::string word{line.substr(0, end)};
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool isDate(std::string_view word) {
    constexpr std::string_view kForm = "0000-00-00";
    if (word.size() != kForm.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (kForm[i] == '0' ? !isAsciiDigit(word[i]) : word[i] != kForm[i]) return false;
    }
    return true;
}

std::string modeText(mode_t mode) {
    const auto bit = [mode](mode_t which, char letter) { return (mode & which) != 0 ? letter : '-'; };
    const char type = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISFIFO(mode) ? 'p' : S_ISSOCK(mode) ? 's' : '-';
    return {type,
            bit(S_IRUSR, 'r'),
            bit(S_IWUSR, 'w'),
            bit(S_IXUSR, 'x'),
            bit(S_IRGRP, 'r'),
            bit(S_IWGRP, 'w'),
            bit(S_IXGRP, 'x'),
            bit(S_IROTH, 'r'),
            bit(S_IWOTH, 'w'),
            (mode & S_ISVTX) != 0 ? 't' : bit(S_IXOTH, 'x')};
}

std::string targetOf(const char* link) {
    std::string target(4096, '\0');
    const ssize_t size = ::readlink(link, target.data(), target.size());
    target.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return target;
}

}  // namespace

std::optional<ListedFile> parseSquashfsLine(const std::string& line) {
    constexpr std::string_view kRoot = "squashfs-root";  // the default destination
    std::string_view rest = line;
    ListedFile file;
    file.mode = takeWord(rest);
    if (file.mode.size() != 10 || std::string_view{"-dlbcps"}.find(file.mode.front()) == std::string_view::npos) {
        return std::nullopt;
    }
    static_cast<void>(takeWord(rest));  // owner and group
    file.size = takeWord(rest);
    std::string word = takeWord(rest);
    if (file.size.ends_with(',')) {
        file.size += word;
        word = takeWord(rest);
    }
    static_cast<void>(takeWord(rest));  // the time
    if (!isDate(word) || !rest.starts_with(kRoot)) return std::nullopt;
    file.path = rest.substr(kRoot.size());
    if (file.path.empty()) file.path = "/";
    if (file.path.front() != '/') return std::nullopt;
    return file;
}

void Listing::add(ListedFile file) {
    const std::string_view path = std::string_view{file.path}.substr(1);
    const bool inside = path_.empty() || (path.starts_with(path_) &&
                                          (path.size() == path_.size() || path.substr(path_.size()).starts_with('/') ||
                                           path.substr(path_.size()).starts_with(" -> ")));
    if (inside) files_.push_back(std::move(file));
}

void Listing::addLines(std::string_view piece) {
    rest_ += piece;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = rest_.find('\n', at)) != std::string::npos; at = end + 1) {
        if (auto file = parseSquashfsLine(rest_.substr(at, end - at))) add(*std::move(file));
    }
    rest_.erase(0, at);
    if (rest_.size() > kMaxLine) throw Error{Code::Failed, "Cannot list the image: it has a name without end"};
}

void Listing::addTree(const std::string& root) {
    std::string path = root;
    std::array<char*, 2> roots{path.data(), nullptr};
    const std::unique_ptr<FTS, decltype(&::fts_close)> tree{::fts_open(roots.data(), FTS_PHYSICAL, nullptr),
                                                            ::fts_close};
    if (tree == nullptr) throwErrno(Code::Failed, "Cannot read what was unpacked", errno);
    while (const FTSENT* entry = ::fts_read(tree.get())) {
        if (entry->fts_info == FTS_DP) continue;
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            throwErrno(Code::Failed, "Cannot read what was unpacked", entry->fts_errno);
        }
        ListedFile file{modeText(entry->fts_statp->st_mode), std::to_string(entry->fts_statp->st_size),
                        std::string{entry->fts_path}.substr(root.size())};
        if (file.path.empty()) file.path = "/";
        if (S_ISLNK(entry->fts_statp->st_mode)) file.path += " -> " + targetOf(entry->fts_accpath);
        add(std::move(file));
    }
}

bool Listing::print(std::ostream& out) {
    std::ranges::sort(files_, {}, &ListedFile::path);
    for (const ListedFile& file : files_)
        out << shown(fmt::format("{} {:>12} {}", file.mode, file.size, file.path)) << '\n';
    return !files_.empty();
}

}  // namespace northstar::npk
