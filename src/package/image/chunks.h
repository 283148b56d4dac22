// SPDX-License-Identifier: Apache-2.0
// The work on an image, cut into chunks that several threads take. Internal to src/package.
#pragma once

#include "base/checked.h"
#include "base/std.h"
#include "package/bytes.h"

namespace northstar {

// 1 MiB in blocks of 4096 bytes: fits a processor's cache, and pays for a system call.
inline constexpr std::uint64_t kChunkBlocks = 256;

// Does something with the chunk of this number.
using ChunkWork = std::function<void(std::uint64_t chunk)>;

// Hands out the numbers 0 to chunks-1 in ascending order to `threads` threads (0: one per processor; 64 at most), the
// calling one among them, and returns when all are done. `makeWork` is called once in each thread, so what it makes
// needs no lock of its own. The first exception that a chunk throws ends the run and is thrown here.
void forEachChunk(std::uint64_t chunks, unsigned threads, const std::function<ChunkWork()>& makeWork);

// Reads the data by such chunks and hands each, with its offset in the data, to what `makeSink` made for the thread.
// The last one is filled up with zeros to whole blocks. Throws Failed on a read error or if the file is shorter than
// that, and what a sink throws.
using ChunkSink = std::function<void(std::uint64_t offset, Bytes data)>;
void readChunks(int fd, Extent data, unsigned threads, const std::function<ChunkSink()>& makeSink);

}  // namespace northstar
