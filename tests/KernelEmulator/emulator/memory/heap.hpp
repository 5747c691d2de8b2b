#pragma once
#include <string>
#include <vector>
#include "../machine/types.hpp"

namespace emulator {

// All memory that kernels get from outside: arenas, the host's words, users' buffers. Between the pieces lie guard bytes.
class Heap {
  public:
    Heap();
    // Of the case before, everything.
    void reset();
    // offset: of the first byte from a multiple of 256.
    void *allocate(const std::string &name, u64 bytes, u32 offset = 0);
    // Ends the program unless all of it belongs to one piece and is aligned as its size asks.
    void check(const void *address, u32 bytes, u32 alignment);
    u32 word_of(const void *address) const { return (u32)(((const u8 *)address - base) / 4); }
    u32 *at(u32 word) const { return (u32 *)base + word; }
    u32 words() const { return BYTES / 4; }
    // A piece's name and the offset in it.
    std::string name_of(const void *address) const;
    // Ends the program if someone wrote between the pieces.
    void check_guards() const;

  private:
    struct Piece {
        std::string name;
        u64 begin, end;
    };
    static const u64 BYTES = 32 << 20;
    u8 *base;
    u64 used = 0;
    std::vector<Piece> pieces;
    std::vector<u16> piece_of;  // by 256 bytes
};

extern Heap heap;

}  // namespace emulator
