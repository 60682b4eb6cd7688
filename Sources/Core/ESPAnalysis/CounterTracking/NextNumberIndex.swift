/// Which tracks stand at which number: what finds the candidates of a packet.
///
/// A packet asks for the tracks that stand just below its number, class by class, and then one
/// track moves on, by 1 nearly always. So numbers are cut into pages of 64. A page belongs to one
/// class of hop limits and has a cell for each number, which heads the ring of the tracks standing
/// there, and a mask of the cells in use; the pages of all classes at the same place share a
/// shelf, and a seeded hash finds shelves. The tracks expecting a number and its neighbours as far
/// as 64 below are then two look-ups and some bit counting, and a move by 1 writes two adjacent
/// cells. No cost depends on the number of tracks.
///
/// Nothing further than 64 below is wanted here: a jump that large has no weight, unless its track
/// is overdue, and those are in `OverdueIndex`.
///
/// Bounds: every page and every shelf has a track, so there are at most as many as tracks.
struct NextNumberIndex: Sendable {
    /// Numbers below a packet's that are looked at.
    static let reach = 64

    private struct Page {
        /// Cells that have tracks.
        var occupied: UInt64 = 0
        /// Cells that have, or lately had, overdue tracks.
        var overdue: UInt64 = 0
        var shelf: UInt16
        var hopClass: UInt8
    }

    private struct Shelf {
        var number: UInt32
        /// Bit c: class c has a page here.
        var classes: UInt32 = 0
    }

    private var pages: ContiguousArray<Page> = []
    private var freePages: ContiguousArray<UInt16> = []
    /// 64 cells for each page, the slot of a ring's head or `none`.
    private var cells: ContiguousArray<UInt16> = []
    private var shelves: ContiguousArray<Shelf> = []
    private var freeShelves: ContiguousArray<UInt16> = []
    /// 32 page numbers for each shelf, one for each class.
    private var places: ContiguousArray<UInt16> = []
    private var table: SequenceTable
    private var overdue: OverdueIndex

    /// The most tracks there are.
    private let capacity: Int

    init(seed: UInt64, capacity: Int) {
        table = SequenceTable(seed: seed)
        overdue = OverdueIndex(seed: seed &+ 1)
        self.capacity = capacity
    }

    /// The bytes it occupies.
    var stateBytes: Int {
        pages.capacity * MemoryLayout<Page>.stride + cells.capacity * 2 + places.capacity * 2
            + shelves.capacity * MemoryLayout<Shelf>.stride
            + (freePages.capacity + freeShelves.capacity) * 2
            + table.stateBytes + overdue.stateBytes
    }

    // MARK: Looking

    /// The two shelves that hold the 64 numbers below one.
    struct Neighbourhood {
        /// The highest number of the range, one below the packet's.
        let top: UInt32
        let near: Int
        let far: Int
        /// Bit c: class c may have tracks in the range.
        let classes: UInt32
    }

    @inline(__always)
    func neighbourhood(below number: UInt32) -> Neighbourhood {
        let top = number &- 1
        let near = table.find(top >> 6)
        // The number space is a ring: below page 0 is the last page.
        let far = top & 63 == 63 ? -1 : table.find(((top >> 6) &- 1) & 0x3ff_ffff)
        let classes = (near < 0 ? 0 : shelves[near].classes) | (far < 0 ? 0 : shelves[far].classes)
        return Neighbourhood(top: top, near: near, far: far, classes: classes)
    }

    /// The numbers of the range that tracks of a class stand at: the highest bit is the highest
    /// number.
    @inline(__always)
    func standing(in area: Neighbourhood, class hopClass: Int) -> UInt64 {
        let offset = UInt64(area.top & 63)
        var standing: UInt64 = 0
        if area.near >= 0 {
            let page = places[area.near &<< 5 | hopClass]
            if page != CounterTrack.none {
                standing = pages[Int(page)].occupied &<< (63 &- offset)
            }
        }
        if area.far >= 0 {
            let page = places[area.far &<< 5 | hopClass]
            if page != CounterTrack.none {
                standing |= pages[Int(page)].occupied &>> (offset &+ 1)
            }
        }
        return standing
    }

    /// The head of the ring of the tracks that stand `gap` below the packet; there must be one.
    @inline(__always)
    func head(in area: Neighbourhood, class hopClass: Int, gap: Int) -> UInt16 {
        let number = area.top &- UInt32(truncatingIfNeeded: gap &- 1)
        let isNear = number >> 6 == area.top >> 6
        let page = places[(isNear ? area.near : area.far) &<< 5 | hopClass]
        return cells[Int(page) &<< 6 | Int(number & 63)]
    }

    /// The cell just below the packet, if it alone of its class has tracks within reach, the
    /// packet's own cell is on the same page, and empty; otherwise -1.
    @inline(__always)
    func lonelyCell(in area: Neighbourhood, class hopClass: Int) -> Int {
        let offset = area.top & 63
        guard area.near >= 0, offset < 63,
            standing(in: area, class: hopClass) & ~0x1f == 0x8000_0000_0000_0000
        else { return -1 }
        let page = Int(places[area.near &<< 5 | hopClass])
        return page &<< 6 | Int(offset)
    }

    @inline(__always)
    func head(inCell cell: Int) -> UInt16 { cells[cell] }

    /// Moves the only track of a cell to the next cell of its page; false if that has tracks.
    @inline(__always)
    mutating func advance(_ cell: Int) -> Bool {
        let page = cell &>> 6
        let bit = UInt64(1) &<< UInt64(cell & 63)
        let occupied = pages[page].occupied
        guard occupied & (bit &<< 1) == 0 else { return false }
        pages[page].occupied = occupied ^ (bit | bit &<< 1)
        cells[cell &+ 1] = cells[cell]
        cells[cell] = CounterTrack.none
        return true
    }

    /// The head of the ring of the tracks that stand at `number`, or `none`.
    func head(class hopClass: Int, at number: UInt32) -> UInt16 {
        let page = page(class: hopClass, at: number)
        return page < 0 ? CounterTrack.none : cells[page << 6 | Int(number & 63)]
    }

    /// How many tracks stand where a track stands, itself included.
    @inline(__always)
    func peers(of slot: Int, _ tracks: ContiguousArray<CounterTrack>) -> Int {
        let track = tracks[slot]
        return Int(tracks[Int(cells[Int(track.page) &<< 6 | Int(track.last & 63)])].peers)
    }

    private func page(class hopClass: Int, at number: UInt32) -> Int {
        let shelf = table.find(number >> 6)
        guard shelf >= 0 else { return -1 }
        let page = places[shelf << 5 | hopClass]
        return page == CounterTrack.none ? -1 : Int(page)
    }

    /// Calls `body` with the cells of a class that may have overdue tracks, from just below
    /// `number` down to 4 096 below, until it returns false.
    @inline(__always)
    func forEachOverdueCell(
        class hopClass: Int, below number: UInt32,
        _ body: (_ number: UInt32, _ head: UInt16) -> Bool
    ) {
        var top = number &- 1
        var left: UInt32 = 4096
        while left > 0 {
            // One block of 64 pages at a time, at most two.
            let offset = UInt64(top >> 6) & 63
            var blocks = overdue.pages(class: hopClass, block: top >> 12) &<< (63 &- offset)
            let span = min(left, (top & 4095) &+ 1)
            while blocks != 0 {
                let skip = UInt32(truncatingIfNeeded: blocks.leadingZeroBitCount)
                blocks &= ~(0x8000_0000_0000_0000 &>> UInt64(skip))
                let base = ((top >> 6) &- skip) &<< 6
                let page = page(class: hopClass, at: base)
                guard page >= 0 else { continue }
                var marked = pages[page].overdue
                if skip == 0, top & 63 != 63 { marked &= (1 &<< UInt64((top & 63) &+ 1)) &- 1 }
                while marked != 0 {
                    let bit = 63 &- marked.leadingZeroBitCount
                    marked &= ~(1 &<< UInt64(bit))
                    let cell = base | UInt32(truncatingIfNeeded: bit)
                    guard number &- cell <= 4096, body(cell, cells[page &<< 6 | bit]) else {
                        return
                    }
                }
            }
            left &-= span
            top &-= span
        }
    }

    // MARK: Changing

    /// Puts a track where its class and `last` say.
    mutating func insert(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        let page = pageForTracks(class: Int(tracks[slot].hopClass), at: tracks[slot].last)
        link(slot, page, tracks[slot].last, &tracks)
    }

    /// Takes a track out; it is no longer marked overdue.
    mutating func remove(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        let page = Int(tracks[slot].page)
        unlink(slot, page, &tracks)
        if pages[page].occupied == 0 { release(page) }
    }

    /// Moves a track up to `number`; it is no longer marked overdue.
    @inline(__always)
    mutating func move(
        _ slot: Int, to number: UInt32, _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        let page = Int(tracks[slot].page)
        let isSamePage = tracks[slot].last >> 6 == number >> 6
        unlink(slot, page, &tracks)
        tracks[slot].last = number
        if isSamePage {
            link(slot, page, number, &tracks)
        } else {
            turnPage(slot, page, &tracks)
        }
    }

    @inline(never)
    private mutating func turnPage(
        _ slot: Int, _ page: Int, _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        if pages[page].occupied == 0 { release(page) }
        insert(slot, &tracks)
    }

    /// Marks a track as silent for too long.
    mutating func markOverdue(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        guard !tracks[slot].isOverdue else { return }
        tracks[slot].isOverdue = true
        let page = Int(tracks[slot].page)
        if pages[page].overdue == 0 {
            overdue.set(class: Int(pages[page].hopClass), number: tracks[slot].last)
        }
        pages[page].overdue |= 1 &<< UInt64(tracks[slot].last & 63)
    }

    @inline(__always)
    private mutating func link(
        _ slot: Int, _ page: Int, _ number: UInt32,
        _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        let at = page &<< 6 | Int(number & 63)
        let head = cells[at]
        let own = UInt16(truncatingIfNeeded: slot)
        tracks[slot].page = UInt16(truncatingIfNeeded: page)
        if head == CounterTrack.none {
            cells[at] = own
            tracks[slot].next = own
            tracks[slot].previous = own
            tracks[slot].peers = 1
            pages[page].occupied |= 1 &<< UInt64(number & 63)
        } else {
            let tail = tracks[Int(head)].previous
            tracks[Int(tail)].next = own
            tracks[slot].previous = tail
            tracks[slot].next = head
            tracks[Int(head)].previous = own
            tracks[Int(head)].peers &+= 1
        }
    }

    @inline(__always)
    private mutating func unlink(
        _ slot: Int, _ page: Int, _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        let number = tracks[slot].last
        let at = page &<< 6 | Int(number & 63)
        let next = tracks[slot].next
        if Int(next) == slot {
            cells[at] = CounterTrack.none
            pages[page].occupied &= ~(1 &<< UInt64(number & 63))
        } else {
            let previous = tracks[slot].previous
            tracks[Int(previous)].next = next
            tracks[Int(next)].previous = previous
            let head = Int(cells[at])
            if head == slot {
                cells[at] = next
                tracks[Int(next)].peers = tracks[slot].peers &- 1
            } else {
                tracks[head].peers &-= 1
            }
        }
        if tracks[slot].isOverdue { unmarkOverdue(slot, page, &tracks) }
    }

    /// Clears a cell's mark when the track that left was its last overdue one.
    ///
    /// Only the oldest 32 of the ring are asked, so that no ring is too long; a mark that stays
    /// without reason costs a search a look.
    private mutating func unmarkOverdue(
        _ slot: Int, _ page: Int, _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        tracks[slot].isOverdue = false
        let number = tracks[slot].last
        let head = cells[page << 6 | Int(number & 63)]
        if head != CounterTrack.none {
            var at = head
            for _ in 0..<32 {
                if tracks[Int(at)].isOverdue { return }
                at = tracks[Int(at)].next
                if at == head { break }
            }
            if at != head { return }
        }
        pages[page].overdue &= ~(1 &<< UInt64(number & 63))
        if pages[page].overdue == 0 {
            overdue.clear(class: Int(pages[page].hopClass), number: number)
        }
    }

    private mutating func pageForTracks(class hopClass: Int, at number: UInt32) -> Int {
        var shelf = table.find(number >> 6)
        if shelf < 0 {
            if let free = freeShelves.popLast() {
                shelf = Int(free)
                shelves[shelf] = Shelf(number: number >> 6)
            } else {
                shelf = shelves.count
                if shelf == shelves.capacity {
                    let room = min(max(16, 2 * shelf), capacity)
                    shelves.reserveCapacity(room)
                    places.reserveCapacity(32 * room)
                }
                shelves.append(Shelf(number: number >> 6))
                for _ in 0..<32 { places.append(CounterTrack.none) }
            }
            table.insert(number >> 6, shelf)
        }
        let place = shelf << 5 | hopClass
        if places[place] != CounterTrack.none { return Int(places[place]) }
        let new = Page(shelf: UInt16(shelf), hopClass: UInt8(hopClass))
        let page: Int
        if let free = freePages.popLast() {
            page = Int(free)
            pages[page] = new
        } else {
            page = pages.count
            if page == pages.capacity {
                // Doubled by hand, so that a full index has room for its limit and no more.
                let room = min(max(16, 2 * page), capacity)
                pages.reserveCapacity(room)
                cells.reserveCapacity(64 * room)
            }
            pages.append(new)
            for _ in 0..<64 { cells.append(CounterTrack.none) }
        }
        places[place] = UInt16(page)
        shelves[shelf].classes |= 1 << UInt32(hopClass)
        return page
    }

    private mutating func release(_ page: Int) {
        let shelf = Int(pages[page].shelf)
        let hopClass = Int(pages[page].hopClass)
        if pages[page].overdue != 0 {
            pages[page].overdue = 0
            overdue.clear(class: hopClass, number: shelves[shelf].number << 6)
        }
        places[shelf << 5 | hopClass] = CounterTrack.none
        freePages.append(UInt16(page))
        shelves[shelf].classes &= ~(1 << UInt32(hopClass))
        if shelves[shelf].classes == 0 {
            table.remove(shelves[shelf].number)
            freeShelves.append(UInt16(shelf))
        }
    }
}

/// Which pages have overdue tracks, 64 pages to a block, so that a search over 4 096 numbers reads
/// two masks.
private struct OverdueIndex: Sendable {
    private var table: SequenceTable
    private var masks: ContiguousArray<UInt64> = []
    private var free: ContiguousArray<UInt16> = []

    init(seed: UInt64) {
        table = SequenceTable(seed: seed)
    }

    var stateBytes: Int { table.stateBytes + masks.capacity * 8 + free.capacity * 2 }

    @inline(__always)
    func pages(class hopClass: Int, block: UInt32) -> UInt64 {
        let at = table.find(UInt32(hopClass) &<< 20 | block)
        return at < 0 ? 0 : masks[at]
    }

    mutating func set(class hopClass: Int, number: UInt32) {
        let key = UInt32(hopClass) << 20 | number >> 12
        var at = table.find(key)
        if at < 0 {
            if let reused = free.popLast() {
                at = Int(reused)
            } else {
                at = masks.count
                masks.append(0)
            }
            masks[at] = 0
            table.insert(key, at)
        }
        masks[at] |= 1 << UInt64((number >> 6) & 63)
    }

    mutating func clear(class hopClass: Int, number: UInt32) {
        let key = UInt32(hopClass) << 20 | number >> 12
        let at = table.find(key)
        guard at >= 0 else { return }
        masks[at] &= ~(1 << UInt64((number >> 6) & 63))
        if masks[at] == 0 {
            table.remove(key)
            free.append(UInt16(at))
        }
    }
}
