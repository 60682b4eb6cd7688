/// Where a frame, or the packet inside it, ends: in the capture, and on the wire.
struct FrameBounds {
    /// Captured octets of what is being read end here; never after `wire`.
    var captured: Int
    /// It ended here on the wire.
    var wire: Int

    /// Cuts both ends to a length that a header states.
    func ending(at end: Int) -> FrameBounds {
        FrameBounds(captured: min(captured, end), wire: min(wire, end))
    }

    /// The fault of a frame in which the octets up to `end` are needed and not captured.
    func short(_ end: Int, _ truncated: FrameFault, _ malformed: FrameFault) -> DecodedFrame {
        .unreadable(end <= wire ? truncated : malformed)
    }

    /// The fault of a frame in which octets of the link header are needed and not captured.
    func shortLink(_ end: Int) -> LinkLayer {
        .unreadable(end <= wire ? .truncatedLink : .malformedLink)
    }
}
