import NetworkPrimitives

/// When messages were lost last that may have been answers: what is unanswered about then proves nothing.
struct LossSpan: Sendable {
    private var span: (start: MonotonicInstant, end: MonotonicInstant)?

    /// Messages were lost about `instant`; losses that come soon after each other are one.
    mutating func note(_ instant: MonotonicInstant) {
        if let span, instant - span.end <= CheckMatching.patience * 2, span.start <= instant {
            self.span = (span.start, max(span.end, instant))
        } else {
            span = (instant, instant)
        }
    }

    /// Whether an answer to a message that arrived at `instant` may have been lost.
    func covers(_ instant: MonotonicInstant) -> Bool {
        guard let span else { return false }
        return instant >= span.start - CheckMatching.patience
            && instant <= span.end + CheckMatching.patience
    }
}
