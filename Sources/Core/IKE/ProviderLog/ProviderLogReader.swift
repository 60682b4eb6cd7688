import JSONText
import NetworkPrimitives

/// Reads the provider's IKE log as Logpush writes it: JSON records, in whatever wrapping.
///
/// Newline-delimited JSON is the default; templates may put the records of a batch into an array
/// (`{"events":[{"info":{…}},…]}`), delimit them otherwise and rename their keys. A record is the
/// object that holds the dataset's fields, wherever it stands. A broken line is counted and costs the
/// records on it. Memory does not grow with the file nor with its lines.
public struct ProviderLogReader: Sendable {
    /// How many octets of a text are kept.
    public static let textLimit = 8 << 10

    private struct Member: Sendable {
        var key: Int
        var depth: Int
        var text: Range<Int>
    }

    /// The members of an object that are the dataset's fields.
    private struct Candidate: Sendable {
        /// By field, the member's place; -1 where there is none.
        var places = SIMD8<Int32>(repeating: -1)
        /// All members, unknown ones too.
        var members: Range<Int>
        var depth: Int

        func has(_ field: ProviderLogField) -> Bool { places[field.place] >= 0 }
    }

    /// An object or an array that is open.
    private struct Frame: Sendable {
        var isObject: Bool
        var firstMember: Int
        var firstOctet: Int
        var memberCount = 0
        var key: Int?
        var holdsArray = false
        /// Whether records stand in it, so that it is none.
        var isWrapper = false
        /// A record in it, unless it turns out to be one itself.
        var inner: Candidate?
        /// Objects in its arrays that are no records, unless it turns out to be one itself.
        var doubtful: UInt64 = 0
        /// The line of the first of them.
        var doubtfulLine: UInt64 = 0
    }

    private var tokenizer = JSONTokenizer(textLimit: textLimit)
    private var found = ProviderLogTally()
    private var keys = ProviderLogKeys()
    private var frames: [Frame] = []
    private var members: [Member] = []
    /// The texts of `members`, one after another.
    private var octets: [UInt8] = []
    private var ready: [ProviderLogRecord] = []
    private var byteOrderMark = 0
    private var firstLine: [UInt8]?
    private var hasJudgedFirstLine = false
    private var guesses = 0

    private static let memberLimit = 64
    private static let octetLimit = 1 << 20
    private static let firstLineLimit = 4096
    /// How many records are looked at for keys that only their values tell.
    private static let guessLimit = 10_000

    /// Makes a reader at the start of a file.
    public init() {
        octets.reserveCapacity(4096)
    }

    /// The line that is being read, from 1.
    public var line: UInt64 { tokenizer.line }

    /// What was found so far.
    public var tally: ProviderLogTally {
        var tally = found
        tally.otherKeys = keys.otherCount
        for entry in keys.entries where entry.count > 0 {
            if let field = entry.field {
                guard entry.isRenamed else { continue }
                tally.renamedKeys.append(
                    RenamedKey(key: entry.text, field: field, isByValue: entry.isByValue))
            } else {
                tally.unknownKeys.append((entry.text, entry.count))
            }
        }
        return tally
    }

    /// Takes in the next octets of the file.
    ///
    /// - Parameters:
    ///   - window: the octets after those of the last call; may end anywhere.
    ///   - isFinal: whether none follow.
    ///   - body: gets each record.
    /// - Returns: false where the file is none that can be read (`tally.refusal`).
    public mutating func receive(
        _ window: RawSpan, isFinal: Bool, _ body: (ProviderLogRecord) -> Void
    ) -> Bool {
        guard found.refusal == nil else { return false }
        tokenizer.beginWindow()
        skipByteOrderMark(window)
        if firstLine != nil { judgeFirstLine(window, from: 0, isFinal: isFinal) }
        while found.refusal == nil {
            switch tokenizer.next(in: window, isFinal: isFinal) {
            case .token(let token):
                receive(token)
                guard !ready.isEmpty else { continue }
                for record in ready { body(record) }
                ready.removeAll(keepingCapacity: true)
            case .needMore, .end: return true
            case .cut:
                found.isTruncated = true
                return true
            case .fault(let fault):
                if !hasJudgedFirstLine, fault == .noContainer, found.records == 0 {
                    hasJudgedFirstLine = true
                    firstLine = []
                    judgeFirstLine(window, from: tokenizer.position, isFinal: isFinal)
                }
                noteUnreadable(fault.rawValue)
                forget()
                tokenizer.skipLine()
            }
        }
        return false
    }

    // MARK: - The start of the file

    private mutating func skipByteOrderMark(_ window: RawSpan) {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        var position = 0
        while byteOrderMark < mark.count, position < window.byteCount {
            guard window.uint8(at: position) == mark[byteOrderMark] else {
                byteOrderMark = mark.count
                break
            }
            byteOrderMark += 1
            position += 1
        }
        tokenizer.skip(to: position)
    }

    private mutating func judgeFirstLine(_ window: RawSpan, from start: Int, isFinal: Bool) {
        guard var line = firstLine else { return }
        var end = start
        let limit = min(window.byteCount, start + Self.firstLineLimit - line.count)
        while end < limit, window.uint8(at: end) != UInt8(ascii: "\n") { end += 1 }
        line.append(window.extracting(start..<end))
        let isWhole = isFinal || end < window.byteCount || line.count >= Self.firstLineLimit
        firstLine = isWhole ? nil : line
        if isWhole { found.refusal = ProviderLogRefusal(firstLine: line) }
    }

    private mutating func noteUnreadable(_ reason: String, count: UInt64 = 1, line: UInt64? = nil) {
        guard count > 0 else { return }
        let line = line ?? tokenizer.line
        found.unreadableLines += count
        if found.firstUnreadable.map({ line < $0.line }) ?? true {
            found.firstUnreadable = ProviderLogTally.Trouble(line: line, reason: reason)
        }
    }

    private static let noField = "it has neither Timestamp nor Message"

    private mutating func forget() {
        frames.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        octets.removeAll(keepingCapacity: true)
    }

    // MARK: - Objects

    private mutating func receive(_ token: JSONToken) {
        switch token {
        case .objectStart, .arrayStart:
            if token == .arrayStart, !frames.isEmpty { frames[frames.count - 1].holdsArray = true }
            frames.append(
                Frame(
                    isObject: token == .objectStart, firstMember: members.count,
                    firstOctet: octets.count))
        case .arrayEnd:
            let frame = frames.removeLast()
            truncate(to: frame)
        case .objectEnd:
            endObject(frames.removeLast())
        case .key: receiveKey()
        case .string, .number: receiveValue()
        case .bool, .null: frames[frames.count - 1].key = nil
        }
    }

    private mutating func receiveKey() {
        let last = frames.count - 1
        frames[last].memberCount += 1
        frames[last].key =
            frames[last].memberCount > Self.memberLimit || tokenizer.isTextCut
            ? nil
            : keys.number(of: tokenizer.text, hint: frames[last].memberCount - 1)
    }

    private mutating func receiveValue() {
        let last = frames.count - 1
        guard let key = frames[last].key else { return }
        frames[last].key = nil
        let start = octets.count
        guard start + tokenizer.text.count <= Self.octetLimit else { return }
        if tokenizer.isTextCut { found.cutTexts += 1 }
        octets += tokenizer.text
        members.append(Member(key: key, depth: frames.count, text: start..<octets.count))
    }

    private mutating func truncate(to frame: Frame) {
        members.removeSubrange(frame.firstMember...)
        octets.removeSubrange(frame.firstOctet...)
    }

    private mutating func endObject(_ frame: Frame) {
        guard !frame.isWrapper else {
            noteUnreadable(Self.noField, count: frame.doubtful, line: frame.doubtfulLine)
            return truncate(to: frame)
        }
        let own = candidate(in: frame)
        let isInObject = frames.last?.isObject ?? false
        guard let candidate = own ?? frame.inner else {
            let isEmptyBatch = frame.holdsArray && members.count == frame.firstMember
            if frame.doubtful > 0, isInObject {
                let parent = frames.count - 1
                if frames[parent].doubtful == 0 { frames[parent].doubtfulLine = frame.doubtfulLine }
                frames[parent].doubtful += frame.doubtful
            } else if frame.doubtful > 0 {
                noteUnreadable(Self.noField, count: frame.doubtful, line: frame.doubtfulLine)
            } else if !isInObject, !isEmptyBatch {
                noteFieldless()
            }
            return truncate(to: frame)
        }
        guard isInObject, !frames[frames.count - 1].isWrapper else {
            markWrappers()
            finish(candidate)
            return truncate(to: frame)
        }
        let parent = frames.count - 1
        guard frames[parent].inner != nil else {
            frames[parent].inner = candidate
            return
        }
        // Two in one object: it wraps them.
        markWrappers()
        finish(candidate)
        truncate(to: frames[parent])
    }

    /// Notes an object without a field, which may be a value of a record's unknown key.
    private mutating func noteFieldless() {
        guard let holder = frames.lastIndex(where: \.isObject), !frames[holder].isWrapper else {
            return noteUnreadable(Self.noField)
        }
        if frames[holder].doubtful == 0 { frames[holder].doubtfulLine = tokenizer.line }
        frames[holder].doubtful += 1
    }

    /// What is open now holds records, so it is none.
    private mutating func markWrappers() {
        for index in frames.indices {
            frames[index].isWrapper = true
            guard let inner = frames[index].inner else { continue }
            frames[index].inner = nil
            finish(inner)
        }
    }

    // MARK: - Fields

    private mutating func candidate(in frame: Frame) -> Candidate? {
        let depth = frames.count + 1
        var candidate = Candidate(members: frame.firstMember..<members.count, depth: depth)
        var hasUndecided = false
        for place in candidate.members where members[place].depth == depth {
            let entry = keys.entries[members[place].key]
            guard let field = entry.field else {
                hasUndecided = true
                continue
            }
            // The dataset's own name comes before another that was taken for it.
            if !candidate.has(field) || !entry.isRenamed {
                candidate.places[field.place] = Int32(place)
            }
        }
        if hasUndecided, guesses < Self.guessLimit { guess(&candidate) }
        return candidate.has(.timestamp) || candidate.has(.message) ? candidate : nil
    }

    /// Takes keys for the fields that are missing where one key's value alone can be of the field.
    private mutating func guess(_ candidate: inout Candidate) {
        guesses += 1
        var guessed: [(key: Int, field: ProviderLogField, place: Int)] = []
        for field in ProviderLogField.allCases where !candidate.has(field) {
            let fitting = candidate.members.filter { place in
                let member = members[place]
                let entry = keys.entries[member.key]
                return member.depth == candidate.depth && entry.field == nil
                    && !ProviderLogValue.contradicts(entry.name, field)
                    && ProviderLogValue.fits(octets[member.text], field, named: entry.name)
            }
            guard fitting.count == 1 else { continue }
            guessed.append((members[fitting[0]].key, field, fitting[0]))
        }
        // One key for two fields is ambiguous.
        guessed = guessed.filter { one in guessed.count { $0.key == one.key } == 1 }
        func will(_ field: ProviderLogField) -> Bool {
            candidate.has(field) || guessed.contains { $0.field == field }
        }
        // Time and text are what makes a record: without them values tell too little.
        guard will(.timestamp), will(.message) else { return }
        for (key, field, place) in guessed {
            keys.take(key, as: field)
            candidate.places[field.place] = Int32(place)
        }
    }

    private mutating func finish(_ candidate: Candidate) {
        var record = ProviderLogRecord()
        for place in candidate.members where members[place].depth == candidate.depth {
            keys.count(members[place].key)
        }
        func text(_ field: ProviderLogField) -> ArraySlice<UInt8>? {
            let place = Int(candidate.places[field.place])
            return place < 0 ? nil : octets[members[place].text]
        }
        let time = text(.timestamp).flatMap { ProviderTimeText($0) }
        if let time {
            found.timeFormats[time.format, default: 0] += 1
            record.time = time.time
        } else {
            found.recordsWithoutTime += 1
        }
        record.level = text(.level).map { String(decoding: $0, as: UTF8.self) } ?? ""
        record.message = text(.message).map { String(decoding: $0, as: UTF8.self) } ?? ""
        if record.message.isEmpty { found.recordsWithoutMessage += 1 }
        record.local = text(.localIP).flatMap(ProviderLogValue.address)
        record.localPort = text(.localPort).flatMap(ProviderLogValue.port)
        record.remote = text(.remoteIP).flatMap(ProviderLogValue.address)
        record.remotePort = text(.remotePort).flatMap(ProviderLogValue.port)
        record.line = tokenizer.line
        found.records += 1
        ready.append(record)
    }
}

extension ProviderLogField {
    /// Its place in a vector of fields.
    fileprivate var place: Int {
        switch self {
        case .level: 0
        case .localIP: 1
        case .localPort: 2
        case .message: 3
        case .remoteIP: 4
        case .remotePort: 5
        case .timestamp: 6
        }
    }
}
